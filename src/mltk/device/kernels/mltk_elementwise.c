/* ADD, SUB, MUL, MAXIMUM and MINIMUM of int8, and functions of one value as tables.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/add.h and mul.h, and
 * kernels/internal/reference/sub.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

#define INPUT_SHIFT 20 /* bits that ADD and SUB add to their inputs */

/* mltk_scale() for a shift below 0. */
static inline int32_t scale_down(int32_t x, int32_t multiplier, int32_t right, int32_t half) {
#if defined(MLTK_DSP)
    x = mltk_higher_mul(mltk_shift_left(x, 1), multiplier);
#else
    x = mltk_high_mul(x, multiplier);
#endif
    return (x + half + (x >> 31)) >> right; /* halves away from zero */
}

/* Call `row` for each row of both inputs. */
#define FOR_EACH_ROW(p, a, b, row)                                                                                     \
    for (int32_t i = 0; i < (p)->size[0]; ++i)                                                                         \
        for (int32_t j = 0; j < (p)->size[1]; ++j)                                                                     \
            for (int32_t k = 0; k < (p)->size[2]; ++k, out += (p)->size[3]) {                                          \
                const int8_t *x = (a) + i * (p)->step_a[0] + j * (p)->step_a[1] + k * (p)->step_a[2];                  \
                const int8_t *y = (b) + i * (p)->step_b[0] + j * (p)->step_b[1] + k * (p)->step_b[2];                  \
                row                                                                                                    \
            }

/* TFLM scales both inputs to twice the larger scale, with 20 more bits. So the input with the larger scale, `a`, is
 * just multiplied by 2^19. For `b` with the same scale, the multiplier is 2^30 and the shift 0; one bit more and a
 * right shift by one are the same, and leave one case only. */
static inline void add_or_subtract(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    const int32_t n = p->size[3], step_a = p->step_a[3], step_b = p->step_b[3];
    const int32_t factor_a = p->sign_a * ((int32_t)1 << (INPUT_SHIFT - 1)), start_a = -p->zero_a * factor_a;
    const int32_t factor_b = (int32_t)1 << (p->shift_b == 0 ? INPUT_SHIFT + 1 : INPUT_SHIFT);
    const int32_t start_b = -p->zero_b * factor_b, sign_b = p->sign_b, multiplier_b = p->multiplier_b;
    const int32_t right_b = p->shift_b == 0 ? 1 : -p->shift_b, half_b = (int32_t)1 << (right_b - 1);
    const int32_t multiplier = p->multiplier_out, right = -p->shift_out, half = (int32_t)1 << (right - 1);
    const int32_t zero = p->zero_out;
    int8_t *const first = out;
    FOR_EACH_ROW(p, a, b, {
        for (int32_t l = 0; l < n; ++l, x += step_a, y += step_b) {
            const int32_t wide_b = scale_down(*y * factor_b + start_b, multiplier_b, right_b, half_b);
            const int32_t sum = *x * factor_a + start_a + wide_b * sign_b;
            out[l] = (int8_t)mltk_saturate(scale_down(sum, multiplier, right, half) + zero);
        }
    })
    mltk_limit(p->low, p->high, first, (int32_t)(out - first));
}

void mltk_add_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) { add_or_subtract(p, a, b, out); }

void mltk_mul_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    FOR_EACH_ROW(p, a, b, {
        for (int32_t l = 0; l < p->size[3]; ++l, x += p->step_a[3], y += p->step_b[3]) {
            const int32_t product = (*x - p->zero_a) * (*y - p->zero_b);
            const int32_t scaled = mltk_scale(product, p->multiplier_out, p->shift_out) + p->zero_out;
            out[l] = mltk_clip_s8(scaled, p->low, p->high);
        }
    })
}

void mltk_maximum_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    FOR_EACH_ROW(p, a, b, {
        for (int32_t l = 0; l < p->size[3]; ++l, x += p->step_a[3], y += p->step_b[3]) out[l] = *x > *y ? *x : *y;
    })
}

void mltk_minimum_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    FOR_EACH_ROW(p, a, b, {
        for (int32_t l = 0; l < p->size[3]; ++l, x += p->step_a[3], y += p->step_b[3]) out[l] = *x < *y ? *x : *y;
    })
}

void mltk_lookup_s8(const int8_t *table, const int8_t *in, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = table[in[i] + 128];
}
