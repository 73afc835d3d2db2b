/* SOFTMAX of int16, with tables.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/softmax.h (SoftmaxInt16) and the table look-up
 * of kernels/internal/common.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

/* A table of 513 values for -32768, -32640, …, 32768, interpolated. */
static inline int32_t looked_up(const int16_t *table, int32_t x) {
    x = mltk_clip(x, -32768, 32767);
    const int16_t *const base = table + 256 + (x >> 7);
    const int32_t slope = (int16_t)(base[1] - base[0]);
    return (int16_t)(base[0] + ((slope * (x & 127) + 64) >> 7));
}

/* Number of zeros above the highest bit of x, which is not 0. */
static inline int32_t leading_zeros(uint32_t x) {
    int32_t n = 0;
    for (; (x & 0x80000000u) == 0; x <<= 1) ++n;
    return n;
}

void mltk_softmax_s16(const mltk_softmax_16 *p, const int16_t *in, int16_t *out) {
    for (int32_t row = 0; row < p->rows; ++row, in += p->size, out += p->size) {
        int32_t largest = in[0];
        for (int32_t i = 1; i < p->size; ++i) largest = in[i] > largest ? in[i] : largest;
        int32_t sum = 0;
        for (int32_t i = 0; i < p->size; ++i) {
            const int32_t below = mltk_scale(in[i] - largest, p->multiplier, p->shift);
            out[i] = (int16_t)looked_up(p->exponential, below + 32767);
            sum += out[i];
        }
        /* 1 / sum: the sum is scaled to [1, 2), and the table has 1 / (1 + x). */
        const int32_t zeros = leading_zeros((uint32_t)sum);
        const int32_t scaled = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14);
        const int32_t reciprocal = looked_up(p->reciprocal, scaled - (1 << 15) - (1 << 16));
        const int32_t right = 31 - zeros;
        for (int32_t i = 0; i < p->size; ++i) {
            const int64_t product = (int64_t)out[i] * reciprocal;
            out[i] = (int16_t)mltk_clip((int32_t)((product + ((int64_t)1 << (right - 1))) >> right), 0, 32767);
        }
    }
}
