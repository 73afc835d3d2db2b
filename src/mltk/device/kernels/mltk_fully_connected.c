/* FULLY_CONNECTED of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/fully_connected.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

void mltk_fully_connected_s8(const mltk_fully_connected *p, const int8_t *in, int8_t *out) {
    for (int32_t i = 0; i < p->rows; i += 2, in += 2 * p->in_size, out += 2 * p->out_size) {
        mltk_multiply_rows(&p->out, p->weights, in, p->in_size, p->rows - i, 0, p->out_size, out, p->out_size);
    }
}
