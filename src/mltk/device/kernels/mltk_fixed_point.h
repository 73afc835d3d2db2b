/* The fixed-point arithmetic of TensorFlow Lite Micro's integer kernels.
 *
 * The definitions follow gemmlowp (https://github.com/google/gemmlowp, fixedpoint/fixedpoint.h) and TensorFlow Lite's
 * MultiplyByQuantizedMultiplier in the build with double rounding (kernels/internal/common.cc). Written from scratch.
 *
 * The code assumes that right shifts of negative values are arithmetic. C99 leaves this to the compiler; all compilers
 * for microcontrollers and hosts do it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_FIXED_POINT_H
#define MLTK_FIXED_POINT_H

#include <stdint.h>

/* a * b / 2^31, rounded to nearest, halves up (SaturatingRoundingDoublingHighMul; b is not INT32_MIN). */
static inline int32_t mltk_high_mul(int32_t a, int32_t b) {
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

/* a / 2^exponent, rounded to nearest, halves away from zero (RoundingDivideByPOT). 0 <= exponent <= 31. */
static inline int32_t mltk_rounding_shift(int32_t a, int32_t exponent) {
    const int32_t mask = (int32_t)((((uint32_t)1) << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (a < 0 ? 1 : 0);
    return (a >> exponent) + ((a & mask) > threshold ? 1 : 0);
}

/* a * 2^exponent without overflow checks; the generator proves that the result fits. */
static inline int32_t mltk_shift_left(int32_t a, int32_t exponent) { return (int32_t)((uint32_t)a << exponent); }

/* a * 2^exponent, clipped to int32. */
static inline int32_t mltk_saturating_shift_left(int32_t a, int32_t exponent) {
    const int64_t wide = (int64_t)a * ((int64_t)1 << exponent);
    if (wide > INT32_MAX) return INT32_MAX;
    if (wide < INT32_MIN) return INT32_MIN;
    return (int32_t)wide;
}

/* x * multiplier * 2^(shift - 31), rounded twice. */
static inline int32_t mltk_scale(int32_t x, int32_t multiplier, int32_t shift) {
    if (shift > 0) return mltk_high_mul(mltk_shift_left(x, shift), multiplier);
    return mltk_rounding_shift(mltk_high_mul(x, multiplier), -shift);
}

static inline int32_t mltk_clip(int32_t x, int32_t low, int32_t high) {
    if (x < low) x = low;
    if (x > high) x = high;
    return x;
}

static inline int8_t mltk_clip_s8(int32_t x, int32_t low, int32_t high) { return (int8_t)mltk_clip(x, low, high); }

#endif /* MLTK_FIXED_POINT_H */
