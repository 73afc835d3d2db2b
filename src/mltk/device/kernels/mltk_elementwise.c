/* ADD, SUB, MUL, MAXIMUM and MINIMUM of int8, and functions of one value as tables.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/add.h and mul.h, and
 * kernels/internal/reference/sub.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

#define INPUT_SHIFT 20 /* bits that ADD and SUB add to their inputs */

typedef int32_t (*binary_function)(const mltk_binary *p, int32_t a, int32_t b);

static int32_t add(const mltk_binary *p, int32_t a, int32_t b) {
    const int32_t wide_a = mltk_scale(mltk_shift_left(a - p->zero_a, INPUT_SHIFT), p->multiplier_a, p->shift_a);
    const int32_t wide_b = mltk_scale(mltk_shift_left(b - p->zero_b, INPUT_SHIFT), p->multiplier_b, p->shift_b);
    return mltk_scale(wide_a + wide_b, p->multiplier_out, p->shift_out) + p->zero_out;
}

static int32_t subtract(const mltk_binary *p, int32_t a, int32_t b) {
    const int32_t wide_a = mltk_scale(mltk_shift_left(a - p->zero_a, INPUT_SHIFT), p->multiplier_a, p->shift_a);
    const int32_t wide_b = mltk_scale(mltk_shift_left(b - p->zero_b, INPUT_SHIFT), p->multiplier_b, p->shift_b);
    return mltk_scale(wide_a - wide_b, p->multiplier_out, p->shift_out) + p->zero_out;
}

static int32_t multiply(const mltk_binary *p, int32_t a, int32_t b) {
    return mltk_scale((a - p->zero_a) * (b - p->zero_b), p->multiplier_out, p->shift_out) + p->zero_out;
}

static int32_t larger(const mltk_binary *p, int32_t a, int32_t b) {
    (void)p;
    return a > b ? a : b;
}

static int32_t smaller(const mltk_binary *p, int32_t a, int32_t b) {
    (void)p;
    return a < b ? a : b;
}

static void for_each(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out, binary_function function) {
    const int32_t *const n = p->size, *const sa = p->step_a, *const sb = p->step_b;
    for (int32_t i = 0; i < n[0]; ++i) {
        for (int32_t j = 0; j < n[1]; ++j) {
            for (int32_t k = 0; k < n[2]; ++k) {
                const int8_t *x = a + i * sa[0] + j * sa[1] + k * sa[2];
                const int8_t *y = b + i * sb[0] + j * sb[1] + k * sb[2];
                for (int32_t l = 0; l < n[3]; ++l, x += sa[3], y += sb[3]) {
                    *out++ = mltk_clip_s8(function(p, *x, *y), p->low, p->high);
                }
            }
        }
    }
}

void mltk_add_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) { for_each(p, a, b, out, add); }

void mltk_sub_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    for_each(p, a, b, out, subtract);
}

void mltk_mul_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    for_each(p, a, b, out, multiply);
}

void mltk_maximum_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    for_each(p, a, b, out, larger);
}

void mltk_minimum_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out) {
    for_each(p, a, b, out, smaller);
}

void mltk_lookup_s8(const int8_t *table, const int8_t *in, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = table[in[i] + 128];
}
