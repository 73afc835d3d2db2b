/* PRELU of int8 and int16: a slope of its own for each channel or each value.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/prelu.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

static inline int32_t prelu(const mltk_prelu *p, int32_t x, int32_t slope) {
    x -= p->zero_in;
    const int32_t y = x >= 0 ? mltk_scale(x, p->multiplier, p->shift)
                             : mltk_scale(x * (slope - p->zero_slope), p->multiplier_below, p->shift_below);
    return y + p->zero_out;
}

/* Set *out to the result for each value x and slope s. */
#define FOR_EACH(type, low, high)                                                                                      \
    for (int32_t i = 0; i < p->size[0]; ++i)                                                                           \
        for (int32_t j = 0; j < p->size[1]; ++j)                                                                       \
            for (int32_t k = 0; k < p->size[2]; ++k) {                                                                 \
                const type *x = in + i * p->step_in[0] + j * p->step_in[1] + k * p->step_in[2];                        \
                const int8_t *s = slope + i * p->step_slope[0] + j * p->step_slope[1] + k * p->step_slope[2];          \
                for (int32_t l = 0; l < p->size[3]; ++l, x += p->step_in[3], s += p->step_slope[3])                    \
                    *out++ = (type)mltk_clip(prelu(p, *x, *s), low, high);                                             \
            }

void mltk_prelu_s8(const mltk_prelu *p, const int8_t *in, const int8_t *slope, int8_t *out) {
    FOR_EACH(int8_t, -128, 127)
}

void mltk_prelu_s16(const mltk_prelu *p, const int16_t *in, const int8_t *slope, int16_t *out) {
    FOR_EACH(int16_t, -32768, 32767)
}
