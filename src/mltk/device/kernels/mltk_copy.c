/* Moving values: TRANSPOSE, STRIDED_SLICE, SLICE, CONCATENATION, PACK, SPLIT, UNPACK, PAD and others.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "mltk_kernels.h"

/* One place for each combination of the first four indices, then a row of the last one. */
#define FOR_EACH_ROW(p, in, out, body)                                                                                 \
    for (int32_t a = 0; a < (p)->size[0]; ++a)                                                                         \
        for (int32_t b = 0; b < (p)->size[1]; ++b)                                                                     \
            for (int32_t c = 0; c < (p)->size[2]; ++c)                                                                 \
                for (int32_t d = 0; d < (p)->size[3]; ++d) {                                                           \
                    const int32_t i =                                                                                  \
                        a * (p)->in_step[0] + b * (p)->in_step[1] + c * (p)->in_step[2] + d * (p)->in_step[3];         \
                    const int32_t o =                                                                                  \
                        a * (p)->out_step[0] + b * (p)->out_step[1] + c * (p)->out_step[2] + d * (p)->out_step[3];     \
                    body                                                                                               \
                }

void mltk_copy_8(const mltk_box *p, const void *in, void *out) {
    const int8_t *const from = in;
    int8_t *const to = out;
    FOR_EACH_ROW(p, in, out, {
        if (p->in_step[4] == 1 && p->out_step[4] == 1) {
            memcpy(to + o, from + i, (size_t)p->size[4]);
        } else {
            for (int32_t e = 0; e < p->size[4]; ++e) to[o + e * p->out_step[4]] = from[i + e * p->in_step[4]];
        }
    })
}

void mltk_copy_16(const mltk_box *p, const void *in, void *out) {
    const int16_t *const from = in;
    int16_t *const to = out;
    FOR_EACH_ROW(p, in, out, {
        for (int32_t e = 0; e < p->size[4]; ++e) to[o + e * p->out_step[4]] = from[i + e * p->in_step[4]];
    })
}

void mltk_copy_32(const mltk_box *p, const void *in, void *out) {
    const int32_t *const from = in;
    int32_t *const to = out;
    FOR_EACH_ROW(p, in, out, {
        for (int32_t e = 0; e < p->size[4]; ++e) to[o + e * p->out_step[4]] = from[i + e * p->in_step[4]];
    })
}

void mltk_fill_8(int8_t *out, int8_t value, int32_t n) { memset(out, value, (size_t)n); }

void mltk_fill_16(int16_t *out, int16_t value, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = value;
}
