/* SOFTMAX of int8, in fixed point.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/softmax.h, with gemmlowp's exponential and
 * reciprocal (fixedpoint/fixedpoint.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

#define INPUT_BITS 5 /* integer bits of the scaled difference */
#define SUM_BITS 12  /* integer bits of the sum of exponentials */
#define STEPS 7

/* exp(-2^k) for k = -2 ... 4, without integer bits. */
static const int32_t factors[STEPS] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

/* exp(a) for a in [-1/4, 0), both without integer bits: a Taylor series around -1/8. */
static int32_t exp_of_quarter(int32_t a) {
    const int32_t constant_term = 1895147668, one_third = 715827883;
    const int32_t x = a + (1 << 28);
    const int32_t x2 = mltk_high_mul(x, x);
    const int32_t x3 = mltk_high_mul(x2, x), x4 = mltk_high_mul(x2, x2);
    const int32_t tail = mltk_rounding_shift(mltk_high_mul(mltk_rounding_shift(x4, 2) + x3, one_third) + x2, 1);
    return constant_term + mltk_high_mul(x + tail, constant_term);
}

/* exp(a) for a <= 0 with INPUT_BITS integer bits; the result has none. */
static int32_t exp_of_negative(int32_t a) {
    const int32_t fraction_bits = 31 - INPUT_BITS, quarter = 1 << (fraction_bits - 2);
    const int32_t a_mod = (a & (quarter - 1)) - quarter;
    const int32_t remainder = a_mod - a;
    int32_t result = exp_of_quarter(mltk_shift_left(a_mod, INPUT_BITS));
    if (a == 0) return INT32_MAX;
    for (int32_t i = 0; i < STEPS; ++i) {
        if (((remainder >> (fraction_bits - 2 + i)) & 1) != 0) result = mltk_high_mul(result, factors[i]);
    }
    return result;
}

/* 1 / (1 + a) for a in [0, 1), without integer bits: Newton and Raphson's method. */
static int32_t one_over_one_plus(int32_t a) {
    const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + mltk_high_mul(half, -1010580540);
    for (int32_t i = 0; i < 3; ++i) {
        x += mltk_saturating_shift_left(mltk_high_mul(x, (1 << 29) - mltk_high_mul(half, x)), 2);
    }
    return mltk_saturating_shift_left(x, 1);
}

static int32_t bit_width(uint32_t x) {
    int32_t width = 0;
    for (; x != 0; x >>= 1) ++width;
    return width;
}

void mltk_softmax_s8(const mltk_softmax *p, const int8_t *in, int8_t *out) {
    for (int32_t row = 0; row < p->rows; ++row, in += p->size, out += p->size) {
        int32_t largest = -128, sum = 0;
        for (int32_t i = 0; i < p->size; ++i) largest = in[i] > largest ? in[i] : largest;
        for (int32_t i = 0; i < p->size; ++i) {
            const int32_t difference = in[i] - largest;
            if (difference < p->smallest_difference) continue;
            sum += mltk_rounding_shift(exp_of_negative(mltk_scale(difference, p->multiplier, p->shift)), SUM_BITS);
        }
        const int32_t headroom = 32 - bit_width((uint32_t)sum);
        const int32_t inverse = one_over_one_plus((int32_t)(((uint32_t)sum << headroom) - ((uint32_t)1 << 31)));
        const int32_t exponent = SUM_BITS - headroom + 23; /* beyond 31, everything rounds to zero */
        for (int32_t i = 0; i < p->size; ++i) {
            const int32_t difference = in[i] - largest;
            int32_t y = -128;
            if (difference >= p->smallest_difference && exponent < 32) {
                const int32_t e = exp_of_negative(mltk_scale(difference, p->multiplier, p->shift));
                y = mltk_rounding_shift(mltk_high_mul(e, inverse), exponent) - 128;
            }
            out[i] = mltk_clip_s8(y, -128, 127);
        }
    }
}
