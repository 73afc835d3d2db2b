/* MEAN, SUM, REDUCE_MAX, REDUCE_MIN, ARG_MAX and ARG_MIN of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/reduce.h (QuantizedMeanOrSum).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

typedef int32_t (*fold_function)(int32_t so_far, int32_t value);

static int32_t plus(int32_t so_far, int32_t value) { return so_far + value; }
static int32_t larger(int32_t so_far, int32_t value) { return value > so_far ? value : so_far; }
static int32_t smaller(int32_t so_far, int32_t value) { return value < so_far ? value : so_far; }

static int32_t fold(const mltk_reduction *p, const int8_t *in, int32_t start, fold_function function) {
    const int32_t *const n = p->summed, *const step = p->summed_step;
    for (int32_t a = 0; a < n[0]; ++a) {
        for (int32_t b = 0; b < n[1]; ++b) {
            for (int32_t c = 0; c < n[2]; ++c) {
                const int8_t *x = in + a * step[0] + b * step[1] + c * step[2];
                for (int32_t d = 0; d < n[3]; ++d, x += step[3]) start = function(start, *x);
            }
        }
    }
    return start;
}

static void reduce(const mltk_reduction *p, const int8_t *in, int8_t *out, int32_t start, fold_function function) {
    const int32_t *const n = p->kept, *const step = p->kept_step;
    for (int32_t a = 0; a < n[0]; ++a) {
        for (int32_t b = 0; b < n[1]; ++b) {
            for (int32_t c = 0; c < n[2]; ++c) {
                for (int32_t d = 0; d < n[3]; ++d) {
                    const int8_t *const x = in + a * step[0] + b * step[1] + c * step[2] + d * step[3];
                    int32_t y = fold(p, x, start, function);
                    if (p->multiplier != 0) y = mltk_scale(y, p->multiplier, p->shift) + p->zero_point;
                    *out++ = mltk_clip_s8(y, -128, 127);
                }
            }
        }
    }
}

void mltk_mean_s16(const mltk_reduction *p, const int16_t *in, int16_t *out) {
    const int32_t *const n = p->kept, *const step = p->kept_step, *const m = p->summed, *const inner = p->summed_step;
    for (int32_t i = 0; i < n[0] * n[1] * n[2] * n[3]; ++i) {
        const int32_t a = i / (n[1] * n[2] * n[3]), b = i / (n[2] * n[3]) % n[1], c = i / n[3] % n[2], d = i % n[3];
        const int16_t *const x = in + a * step[0] + b * step[1] + c * step[2] + d * step[3];
        int32_t sum = 0;
        for (int32_t j = 0; j < m[0] * m[1] * m[2] * m[3]; ++j) {
            const int32_t e = j / (m[1] * m[2] * m[3]), f = j / (m[2] * m[3]) % m[1], g = j / m[3] % m[2];
            sum += x[e * inner[0] + f * inner[1] + g * inner[2] + j % m[3] * inner[3]];
        }
        out[i] = (int16_t)mltk_clip(mltk_scale(sum, p->multiplier, p->shift), -32768, 32767);
    }
}

void mltk_mean_s8(const mltk_reduction *p, const int8_t *in, int8_t *out) { reduce(p, in, out, p->offset, plus); }
void mltk_reduce_max_s8(const mltk_reduction *p, const int8_t *in, int8_t *out) { reduce(p, in, out, -128, larger); }
void mltk_reduce_min_s8(const mltk_reduction *p, const int8_t *in, int8_t *out) { reduce(p, in, out, 127, smaller); }

static inline void find(const int8_t *in, int32_t *out, int32_t rows, int32_t n, int32_t sign) {
    for (int32_t row = 0; row < rows; ++row, in += n) {
        int32_t found = 0;
        for (int32_t i = 1; i < n; ++i) {
            if (sign * in[i] > sign * in[found]) found = i;
        }
        out[row] = found;
    }
}

void mltk_arg_max_s8(const int8_t *in, int32_t *out, int32_t rows, int32_t n) { find(in, out, rows, n, 1); }
void mltk_arg_min_s8(const int8_t *in, int32_t *out, int32_t rows, int32_t n) { find(in, out, rows, n, -1); }
