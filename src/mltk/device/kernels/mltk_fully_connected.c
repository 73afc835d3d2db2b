/* FULLY_CONNECTED of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/fully_connected.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

/* Two rows of weights, n bytes apart, with one row of inputs. */
static inline void dot_2x1(const int8_t *w, const int8_t *x, int32_t n, int32_t sum[2]) {
    int32_t s0 = 0, s1 = 0, k = 0;
#if defined(MLTK_HELIUM)
    for (; k < n; k += 16) {
        const mve_pred16_t some = vctp8q((uint32_t)(n - k));
        const int8x16_t c = vldrbq_z_s8(x + k, some);
        s0 = vmladavaq_s8(s0, vldrbq_z_s8(w + k, some), c);
        s1 = vmladavaq_s8(s1, vldrbq_z_s8(w + n + k, some), c);
    }
#else
#if defined(MLTK_DSP)
    const int8_t *other = w + n;
    for (const int8_t *const end = w + (n & ~3); w != end;) {
        const uint32_t a = mltk_load_4(w), b = mltk_load_4(other), c = mltk_load_4(x);
        const uint32_t even = mltk_even(c), odd = mltk_odd(c);
        w += 4, other += 4, x += 4;
        s0 = mltk_add_products(mltk_odd(a), odd, mltk_add_products(mltk_even(a), even, s0));
        s1 = mltk_add_products(mltk_odd(b), odd, mltk_add_products(mltk_even(b), even, s1));
    }
    for (k = 0; k < (n & 3); ++k) {
        s0 += w[k] * x[k];
        s1 += other[k] * x[k];
    }
#else
    for (; k < n; ++k) {
        s0 += w[k] * x[k];
        s1 += w[n + k] * x[k];
    }
#endif
#endif
    sum[0] = s0, sum[1] = s1;
}

#if defined(MLTK_VECTORS)
/* The same with vectors: the sums of several outputs become int8 at a time. */
static void with_vectors(const mltk_fully_connected *p, const int8_t *in, int8_t *out) {
    int16_t x[MLTK_LONGEST_ROW];
    const int8_t *const end = p->weights + p->out_size * p->in_size;
    for (int32_t i = 0; i < p->rows; ++i, in += p->in_size, out += p->out_size) {
        mltk_widen(in, p->in_size, x);
        mltk_dense(&p->out, p->weights, end, p->in_size, x, 0, p->out_size, out);
    }
}
#endif

void mltk_fully_connected_s8(const mltk_fully_connected *p, const int8_t *in, int8_t *out) {
    const int32_t size = p->rows * p->out_size;
#if defined(MLTK_VECTORS)
    if (p->in_size <= MLTK_LONGEST_ROW) {
        with_vectors(p, in, out);
        mltk_limit(p->out.low, p->out.high, out, size);
        return;
    }
#endif
    int32_t sum[2];
    for (int32_t i = 0; i < p->rows; ++i, in += p->in_size) {
        const int8_t *weights = p->weights;
        for (int32_t channel = 0; channel < p->out_size; channel += 2, weights += 2 * p->in_size) {
            dot_2x1(weights, in, p->in_size, sum);
            for (int32_t k = 0; k < 2 && channel + k < p->out_size; ++k) {
                const mltk_channel c = mltk_channel_of(&p->out, channel + k);
                *out++ = (int8_t)mltk_requantize(&c, sum[k]);
            }
        }
    }
    mltk_limit(p->out.low, p->out.high, out - size, size);
}
