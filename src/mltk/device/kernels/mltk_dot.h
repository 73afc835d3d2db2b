/* Products of rows of int8, and sums that become int8: what convolutions and dense layers share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_DOT_H
#define MLTK_DOT_H

#include <stdint.h>
#include <string.h>

#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1) && !defined(MLTK_PORTABLE)
#define MLTK_HELIUM 1
#include <arm_mve.h>
#elif defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__GNUC__) && defined(__thumb2__) &&                   \
    !defined(MLTK_PORTABLE)
#define MLTK_DSP 1
#endif

/* Processors that compute several int32 at a time: see mltk_vectors.h. */
#if (defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__)) && defined(__GNUC__) &&                    \
    !defined(MLTK_HELIUM) && !defined(MLTK_PORTABLE)
#define MLTK_VECTORS 1
#endif

#if defined(MLTK_DSP)
/* A function whose body is assembler, by the calling convention of Arm. "used": the compiler sees no use of the
 * parameters and must not drop them. */
#define MLTK_ASSEMBLER __attribute__((naked, noinline, used)) static
#define MLTK_UNUSED __attribute__((unused))

/* Single instructions. A value of type uint32_t is two int16. */

/* Four int8 as they lie in memory. Cores with these instructions load words from any address. */
static inline uint32_t mltk_load_4(const int8_t *p) {
    uint32_t word;
    __builtin_memcpy(&word, p, sizeof word);
    return word;
}

/* Bytes 0 and 2 (even) or 1 and 3 (odd) of a word, sign-extended. */
static inline uint32_t mltk_even(uint32_t word) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
    return pair;
}

static inline uint32_t mltk_odd(uint32_t word) {
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
    return pair;
}

/* Both products added to a sum. */
static inline int32_t mltk_add_products(uint32_t a, uint32_t b, int32_t sum) {
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* a * b / 2^32, rounded to nearest, halves up, plus c: mltk_high_mul(a / 2, b) + c. */
static inline int32_t mltk_higher_mul_add(int32_t a, int32_t b, int32_t c) {
    int32_t sum;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
    return sum;
}

/* a * b / 2^32, rounded to nearest, halves up: mltk_high_mul(a / 2, b). */
static inline int32_t mltk_higher_mul(int32_t a, int32_t b) {
    int32_t product;
    __asm__("smmulr %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
    return product;
}
#endif

/* A function that is called seldom: small code matters more. */
#if defined(__GNUC__)
#define MLTK_SELDOM __attribute__((noinline, unused)) static
#else
#define MLTK_SELDOM static inline
#endif

/* The constants of one output channel. */
typedef struct {
    int32_t bias, multiplier, shift, half, zero_point;
} mltk_channel;

static inline mltk_channel mltk_channel_of(const mltk_requantization *p, int32_t channel) {
    mltk_channel c;
    c.bias = p->bias[channel];
    c.multiplier = p->multiplier[channel];
    c.shift = p->shift[channel];
    c.half = c.shift < 0 ? (int32_t)1 << (-c.shift - 1) : 0;
    c.zero_point = p->zero_point;
    return c;
}

static inline int32_t mltk_saturate(int32_t x) {
#if defined(MLTK_DSP)
    __asm__("ssat %0, #8, %0" : "+r"(x));
    return x;
#else
    return mltk_clip(x, -128, 127);
#endif
}

/* The sum of an output channel as int8, for a shift below 0, the usual case. As mltk_scale(), but without its care for
 * sums near 2^31: the generator proves that twice the sum fits int32. */
static inline int32_t mltk_requantize_right(const mltk_channel *c, int32_t sum) {
#if defined(MLTK_DSP)
    /* A product has the sign of the sum, or is 0, and then the sign does not matter. */
    sum = (int32_t)(((uint32_t)c->bias << 1) + ((uint32_t)sum << 1));
    sum = (mltk_higher_mul_add(sum, c->multiplier, c->half) + (sum >> 31)) >> -c->shift; /* halves away from zero */
#else
    sum = mltk_high_mul(sum + c->bias, c->multiplier);
    sum = (sum + c->half + (sum >> 31)) >> -c->shift; /* halves away from zero */
#endif
    return mltk_saturate(sum + c->zero_point);
}

/* The same for other shifts, and for channels whose sums need all 32 bits: 64 is added to their shift. */
MLTK_SELDOM int32_t mltk_requantize_other(const mltk_channel *c, int32_t sum) {
    sum = mltk_scale(sum + c->bias, c->multiplier, c->shift > 31 ? c->shift - 64 : c->shift);
    return mltk_saturate(sum + c->zero_point);
}

static inline int32_t mltk_requantize(const mltk_channel *c, int32_t sum) {
    return c->shift < 0 ? mltk_requantize_right(c, sum) : mltk_requantize_other(c, sum);
}

/* The range of a fused activation. Most are the whole range of int8, by their choice of scale and zero point. */
static inline void mltk_limit(int32_t lowest, int32_t highest, int8_t *out, int32_t n) {
    const int8_t low = (int8_t)lowest, high = (int8_t)highest;
    if (low == -128 && high == 127) return;
    for (int32_t i = 0; i < n; ++i) {
        const int8_t x = out[i] < low ? low : out[i];
        out[i] = x > high ? high : x;
    }
}

#if defined(MLTK_VECTORS)
#include "mltk_vectors.h"
#endif

#endif /* MLTK_DOT_H */
