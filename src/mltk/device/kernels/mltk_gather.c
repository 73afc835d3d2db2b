/* GATHER: parts of a tensor at given positions along an axis.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

void mltk_gather(const mltk_gather_sizes *p, const void *in, const int32_t *positions, void *out) {
    const int8_t *from = in;
    int8_t *to = out;
    for (int32_t batch = 0; batch < p->batch; ++batch, positions += p->positions) {
        for (int32_t outer = 0; outer < p->outer; ++outer, from += p->axis * p->bytes) {
            for (int32_t i = 0; i < p->positions; ++i, to += p->bytes) {
                memcpy(to, from + mltk_clip(positions[i], 0, p->axis - 1) * p->bytes, (size_t)p->bytes);
            }
        }
    }
}
