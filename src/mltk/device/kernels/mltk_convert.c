/* QUANTIZE from float and DEQUANTIZE to float.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/quantize.h and dequantize.h: one division or
 * product of IEEE 754 floats, rounded to nearest, then rounding to a whole number, halves away from zero. Many devices
 * have no floating point, so that it is computed with integers. The bits are the same. The generator checks that the
 * scale is far from the smallest and largest floats.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

#define FRACTION_BITS 23
#define HIDDEN_BIT ((uint32_t)1 << FRACTION_BITS)
#define SIGN_BIT ((uint32_t)1 << 31)
#define BEYOND 256 /* further from zero than any int8 from any zero point */

#if !defined(MLTK_VECTORS)
static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static int32_t exponent_of(uint32_t bits) { return (int32_t)(bits >> FRACTION_BITS & 0xff); }

static uint32_t significand_of(uint32_t bits) { return (bits & (HIDDEN_BIT - 1)) | HIDDEN_BIT; }

#endif

#if defined(MLTK_VECTORS)
void mltk_quantize_f32(float scale, int32_t zero_point, const float *in, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i += MLTK_LANES) {
        const int32_t many = n - i < MLTK_LANES ? n - i : MLTK_LANES;
        const mltk_vector low = (mltk_vector){0} - BEYOND;
        mltk_reals x = {0};
        memcpy(&x, in + i, many == MLTK_LANES ? sizeof x : (size_t)many * sizeof *in);
        x /= scale;
        const mltk_vector is_inside = (x > -(float)BEYOND) & (x < (float)BEYOND), is_high = x >= (float)BEYOND;
        x = (mltk_reals)((mltk_vector)x & is_inside);
        mltk_vector whole = __builtin_convertvector(x, mltk_vector);
        const mltk_reals rest = x - __builtin_convertvector(whole, mltk_reals); /* exact */
        whole += (rest <= -0.5f) - (rest >= 0.5f);
        /* not a number is the smallest value */
        whole = (whole & is_inside) | (~is_inside & ((is_high & -low) | (~is_high & low)));
        whole += zero_point;
        mltk_store_lanes(&whole, -128, 127, many, out + i);
    }
}
#else
/* The quotient of both, rounded to float and then to a whole number, up to BEYOND. It is not negative.
 *
 * `exponent` is the difference of the exponents. The quotient of the significands is between 1/2 and 2. */
static int32_t rounded_quotient(uint32_t significand, uint32_t divisor, int32_t exponent) {
    if (exponent < -1) return 0;
    if (exponent > 8) return BEYOND;
    int32_t halves = 0; /* of the quotient: whole ones */
    if (significand >= divisor) halves = 1, significand -= divisor;
    for (int32_t i = -1; i < exponent; ++i) {
        halves <<= 1, significand <<= 1;
        if (significand >= divisor) ++halves, significand -= divisor;
    }
    /* If less than half of the last bit of a float is missing to an odd number of halves, the float has this number. */
    const uint32_t missing = divisor - significand;
    if ((halves & 1) == 0 && missing < BEYOND) {
        int32_t shift = FRACTION_BITS + 1;
        for (int32_t left = halves >> 1; left != 0; left >>= 1) --shift;
        if (missing <= divisor >> shift) ++halves;
    }
    return (halves + 1) >> 1;
}

void mltk_quantize_f32(float scale, int32_t zero_point, const float *in, int8_t *out, int32_t n) {
    const uint32_t scale_bits = bits_of(scale), divisor = significand_of(scale_bits);
    const int32_t scale_exponent = exponent_of(scale_bits);
    for (int32_t i = 0; i < n; ++i) {
        const uint32_t bits = bits_of(in[i]);
        int32_t whole = rounded_quotient(significand_of(bits), divisor, exponent_of(bits) - scale_exponent);
        const int is_number = (bits & ~SIGN_BIT) <= (uint32_t)0xff << FRACTION_BITS;
        if (bits >= SIGN_BIT || !is_number) whole = -whole; /* not a number is the smallest value */
        out[i] = mltk_clip_s8(whole + zero_point, -128, 127);
    }
}

#endif

/* TFLM multiplies in double and rounds to float. The product of a float and a whole number of 9 bits is exact in
 * double, so rounding once is the same. */
void mltk_dequantize_f32(float scale, int32_t zero_point, const int8_t *in, float *out, int32_t n) {
#if defined(MLTK_VECTORS)
    for (int32_t i = 0; i < n; ++i) out[i] = scale * (float)(in[i] - zero_point);
#else
    const uint32_t scale_bits = bits_of(scale);
    for (int32_t i = 0; i < n; ++i) {
        const int32_t factor = in[i] - zero_point;
        uint32_t product = significand_of(scale_bits) * (uint32_t)(factor < 0 ? -factor : factor);
        uint32_t bits = 0;
        if (product != 0) {
            int32_t shift = 0;
            while (product >> shift >= 2 * HIDDEN_BIT) ++shift;
            bits = (scale_bits & ~(HIDDEN_BIT - 1)) + ((uint32_t)shift << FRACTION_BITS) - HIDDEN_BIT;
            /* to nearest, halves to even; a carry goes into the exponent */
            const uint32_t half = (uint32_t)1 << shift >> 1, is_odd = product >> shift & 1;
            bits += (product + half - (half != 0 && !is_odd ? 1 : 0)) >> shift;
            if (factor < 0) bits |= SIGN_BIT;
        }
        memcpy(out + i, &bits, sizeof bits);
    }
#endif
}
