/* Products of rows of int8: the inner loops of convolutions and dense layers, in three forms.
 *
 * Two rows of weights are multiplied with two rows of inputs, so that each value that is loaded is used twice. Rows lie
 * behind each other, `step` bytes apart.
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
#elif defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__GNUC__) && !defined(MLTK_PORTABLE)
#define MLTK_DSP 1
#endif

#if defined(MLTK_DSP)
/* Instructions that the compilers' intrinsics do not give as single ones. A value of type uint32_t is two int16. */

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

/* The same, plus two int16. */
static inline uint32_t mltk_even_plus(uint32_t offset, uint32_t word) {
    uint32_t pair;
    __asm__("sxtab16 %0, %1, %2" : "=r"(pair) : "r"(offset), "r"(word));
    return pair;
}

static inline uint32_t mltk_odd_plus(uint32_t offset, uint32_t word) {
    uint32_t pair;
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(pair) : "r"(offset), "r"(word));
    return pair;
}

/* Both products, the product of the low halves, the product of the high halves, each added to a sum. */
static inline int32_t mltk_add_products(uint32_t a, uint32_t b, int32_t sum) {
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

static inline int32_t mltk_add_low_product(uint32_t a, uint32_t b, int32_t sum) {
    __asm__("smlabb %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}

static inline int32_t mltk_add_high_product(uint32_t a, uint32_t b, int32_t sum) {
    __asm__("smlatt %0, %1, %2, %0" : "+r"(sum) : "r"(a), "r"(b));
    return sum;
}
#endif

/* Two rows of weights with two rows of inputs. sum: w0 x0, w0 x1, w1 x0, w1 x1. */
static inline void mltk_dot_2x2(const int8_t *w, const int8_t *x, int32_t step, int32_t n, int32_t sum[4]) {
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
#if defined(MLTK_HELIUM)
    for (int32_t left = n; left > 0; left -= 16, w += 16, x += 16) {
        const mve_pred16_t some = vctp8q((uint32_t)left);
        const int8x16_t a = vldrbq_z_s8(w, some), b = vldrbq_z_s8(w + step, some);
        const int8x16_t c = vldrbq_z_s8(x, some), d = vldrbq_z_s8(x + step, some);
        s00 = vmladavaq_s8(s00, a, c);
        s01 = vmladavaq_s8(s01, a, d);
        s10 = vmladavaq_s8(s10, b, c);
        s11 = vmladavaq_s8(s11, b, d);
    }
#else
#if defined(MLTK_DSP)
    for (const int8_t *const end = w + (n & ~3); w != end; w += 4, x += 4) {
        uint32_t a = mltk_load_4(w), b = mltk_load_4(w + step), c = mltk_load_4(x);
        const uint32_t a_even = mltk_even(a), b_even = mltk_even(b);
        a = mltk_odd(a), b = mltk_odd(b);
        uint32_t even = mltk_even(c);
        s00 = mltk_add_products(a_even, even, s00);
        s10 = mltk_add_products(b_even, even, s10);
        c = mltk_odd(c);
        s00 = mltk_add_products(a, c, s00);
        s10 = mltk_add_products(b, c, s10);
        c = mltk_load_4(x + step);
        even = mltk_even(c);
        s01 = mltk_add_products(a_even, even, s01);
        s11 = mltk_add_products(b_even, even, s11);
        c = mltk_odd(c);
        s01 = mltk_add_products(a, c, s01);
        s11 = mltk_add_products(b, c, s11);
    }
    n &= 3;
#endif
    for (int32_t k = 0; k < n; ++k) {
        s00 += w[k] * x[k];
        s01 += w[k] * x[step + k];
        s10 += w[step + k] * x[k];
        s11 += w[step + k] * x[step + k];
    }
#endif
    sum[0] = s00, sum[1] = s01, sum[2] = s10, sum[3] = s11;
}

/* Two rows of weights with one row of inputs. */
static inline void mltk_dot_2x1(const int8_t *w, const int8_t *x, int32_t step, int32_t n, int32_t sum[4]) {
    int32_t s0 = 0, s1 = 0;
#if defined(MLTK_HELIUM)
    for (int32_t left = n; left > 0; left -= 16, w += 16, x += 16) {
        const mve_pred16_t some = vctp8q((uint32_t)left);
        const int8x16_t c = vldrbq_z_s8(x, some);
        s0 = vmladavaq_s8(s0, vldrbq_z_s8(w, some), c);
        s1 = vmladavaq_s8(s1, vldrbq_z_s8(w + step, some), c);
    }
#else
#if defined(MLTK_DSP)
    for (const int8_t *const end = w + (n & ~3); w != end; w += 4, x += 4) {
        const uint32_t a = mltk_load_4(w), b = mltk_load_4(w + step), c = mltk_load_4(x);
        const uint32_t even = mltk_even(c), odd = mltk_odd(c);
        s0 = mltk_add_products(mltk_odd(a), odd, mltk_add_products(mltk_even(a), even, s0));
        s1 = mltk_add_products(mltk_odd(b), odd, mltk_add_products(mltk_even(b), even, s1));
    }
    n &= 3;
#endif
    for (int32_t k = 0; k < n; ++k) {
        s0 += w[k] * x[k];
        s1 += w[step + k] * x[k];
    }
#endif
    sum[0] = s0, sum[2] = s1;
}

/* The constants of one output channel. */
typedef struct {
    int32_t bias, multiplier, shift, half, zero_point, low, high;
} mltk_channel;

static inline mltk_channel mltk_channel_of(const mltk_requantization *p, int32_t channel) {
    mltk_channel c;
    c.bias = p->bias[channel];
    c.multiplier = p->multiplier[channel];
    c.shift = p->shift[channel];
    c.half = c.shift < 0 ? (int32_t)1 << (-c.shift - 1) : 0;
    c.zero_point = p->zero_point;
    c.low = p->low;
    c.high = p->high;
    return c;
}

/* The sum of an output channel as int8. As mltk_scale(), but without its care for sums near 2^31, which the generator
 * excludes. */
static inline int32_t mltk_requantize(const mltk_channel *c, int32_t sum) {
    sum += c->bias;
    if (c->shift < 0) {
        sum = mltk_high_mul(sum, c->multiplier);
        sum = (sum + c->half + (sum >> 31)) >> -c->shift; /* halves away from zero */
    } else {
        sum = mltk_high_mul(mltk_shift_left(sum, c->shift), c->multiplier);
    }
    return mltk_clip(sum + c->zero_point, c->low, c->high);
}

/* Multiply one or two rows of inputs with the rows of weights of some channels. `weights` has an even number of rows:
 * behind an odd last one are zeros. The results of the second row begin `out_step` behind those of the first. */
static inline void mltk_multiply_rows(const mltk_requantization *p, const int8_t *weights, const int8_t *x, int32_t row,
                                      int32_t n_rows, int32_t channel, int32_t end, int8_t *out, int32_t out_step) {
    int32_t sum[4];
    weights += channel * row;
    if (n_rows < 2) {
        for (; channel < end; weights += 2 * row) {
            mltk_dot_2x1(weights, x, row, row, sum);
            for (int32_t i = 0; i < 4 && channel < end; i += 2, ++channel) {
                const mltk_channel c = mltk_channel_of(p, channel);
                out[channel] = (int8_t)mltk_requantize(&c, sum[i]);
            }
        }
        return;
    }
    for (; channel < end; weights += 2 * row) {
        mltk_dot_2x2(weights, x, row, row, sum);
        for (int32_t i = 0; i < 4 && channel < end; i += 2, ++channel) {
            const mltk_channel c = mltk_channel_of(p, channel);
            const int32_t first = mltk_requantize(&c, sum[i]), second = mltk_requantize(&c, sum[i + 1]);
            out[channel] = (int8_t)first;
            out[out_step + channel] = (int8_t)second;
        }
    }
}

#endif /* MLTK_DOT_H */
