/* SQUARED_DIFFERENCE of int8.
 *
 * Source of the arithmetic: TensorFlow Lite Micro, micro/kernels/squared_difference.cc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

/* Both inputs are scaled to twice the larger scale, with 7 more bits. So `a` is just multiplied by 2^6. */
static inline int32_t squared_difference(const mltk_binary *p, int32_t a, int32_t b) {
    const int32_t wide_b = mltk_scale((b - p->zero_b) * 128, p->multiplier_b, p->shift_b);
    const int32_t difference = (a - p->zero_a) * 64 - wide_b;
    const int32_t scaled = mltk_scale(difference * difference, p->multiplier_out, p->shift_out);
    return mltk_clip(scaled + p->zero_out, p->low, p->high);
}

void mltk_squared_difference_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    for (int32_t i = 0; i < p->size[0]; ++i)
        for (int32_t j = 0; j < p->size[1]; ++j)
            for (int32_t k = 0; k < p->size[2]; ++k) {
                const int8_t *x = a + i * p->step_a[0] + j * p->step_a[1] + k * p->step_a[2];
                const int8_t *y = b + i * p->step_b[0] + j * p->step_b[1] + k * p->step_b[2];
                for (int32_t l = 0; l < p->size[3]; ++l, x += p->step_a[3], y += p->step_b[3])
                    *out++ = (int8_t)squared_difference(p, *x, *y);
            }
}
