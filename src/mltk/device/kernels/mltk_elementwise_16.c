/* ADD, SUB, MUL, MAXIMUM, MINIMUM, LEAKY_RELU, QUANTIZE and DEQUANTIZE of int16.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/add.h, sub.h, leaky_relu.h, requantize.h,
 * quantize.h and dequantize.h, and kernels/internal/reference/integer_ops/mul.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

#define INPUT_SHIFT 15 /* bits that ADD and SUB add to their inputs */

/* Set *out to `value` for each pair of elements x and y. */
#define FOR_EACH(value)                                                                                                \
    for (int32_t i = 0; i < p->size[0]; ++i)                                                                           \
        for (int32_t j = 0; j < p->size[1]; ++j)                                                                       \
            for (int32_t k = 0; k < p->size[2]; ++k) {                                                                 \
                const int16_t *x = a + i * p->step_a[0] + j * p->step_a[1] + k * p->step_a[2];                         \
                const int16_t *y = b + i * p->step_b[0] + j * p->step_b[1] + k * p->step_b[2];                         \
                for (int32_t l = 0; l < p->size[3]; ++l, x += p->step_a[3], y += p->step_b[3])                         \
                    *out++ = (int16_t)mltk_clip(value, p->low, p->high);                                               \
            }

static inline int32_t widened(int32_t x, int32_t multiplier, int32_t shift) {
    return mltk_scale(mltk_shift_left(x, INPUT_SHIFT), multiplier, shift);
}

static inline int32_t sum(const mltk_binary_16 *p, int32_t x, int32_t y) {
    const int32_t wide_y = widened(y, p->multiplier_b, p->shift_b);
    const int32_t total = widened(x, p->multiplier_a, p->shift_a) + p->sign_b * wide_y;
    return mltk_scale(total, p->multiplier_out, p->shift_out);
}

void mltk_add_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out) {
    FOR_EACH(sum(p, *x, *y))
}

void mltk_mul_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out) {
    FOR_EACH(mltk_scale(*x * *y, p->multiplier_out, p->shift_out))
}

void mltk_maximum_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out) {
    FOR_EACH(*x > *y ? *x : *y)
}

void mltk_minimum_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out) {
    FOR_EACH(*x < *y ? *x : *y)
}

static inline int32_t rescaled(const mltk_rescale *p, int32_t x) {
    x -= p->zero_in;
    x = x >= 0 ? mltk_scale(x, p->multiplier, p->shift) : mltk_scale(x, p->multiplier_below, p->shift_below);
    return x + p->zero_out;
}

void mltk_rescale_s8_s16(const mltk_rescale *p, const int8_t *in, int16_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = (int16_t)mltk_clip(rescaled(p, in[i]), -32768, 32767);
}

void mltk_rescale_s16_s8(const mltk_rescale *p, const int16_t *in, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = mltk_clip_s8(rescaled(p, in[i]), -128, 127);
}

void mltk_rescale_s16_s16(const mltk_rescale *p, const int16_t *in, int16_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = (int16_t)mltk_clip(rescaled(p, in[i]), -32768, 32767);
}

void mltk_quantize_f32_s16(float scale, const float *in, int16_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        const float x = in[i] / scale;
        /* Halves are rounded away from zero. Beyond the range, the conversion to an integer would not be defined. */
        out[i] = (int16_t)(x >= 32767.0f ? 32767 : x <= -32768.0f ? -32768 : (int32_t)(x < 0 ? x - 0.5f : x + 0.5f));
    }
}

void mltk_dequantize_s16_f32(float scale, const int16_t *in, float *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = scale * (float)in[i];
}
