/* L2_NORMALIZATION of int8: each row is divided by its length.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/l2normalization.h, and
 * GetInvSqrtQuantizedMultiplierExp (kernels/internal/common.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

/* 1 / sqrt(x) as multiplier * 2^(shift - 31), for x >= 0; 0 counts as 1. */
static int32_t inverse_square_root(int32_t x, int32_t *shift) {
    int32_t right = 11;
    if (x <= 1) {
        *shift = 0;
        return INT32_MAX;
    }
    for (; x >= (1 << 29); x /= 4) ++right;
    for (; x < (1 << 27); x *= 4) --right;
    /* Newton's method, with 28 bits after the point. x is in [0.5, 2). */
    const int32_t half = mltk_rounding_shift(x >> 1, 1), half_three = (1 << 28) + (1 << 27);
    int32_t y = 1 << 28;
    for (int32_t i = 0; i < 5; ++i) {
        const int32_t cube = mltk_saturating_shift_left(mltk_high_mul(mltk_high_mul(y, y), y), 6);
        y = mltk_saturating_shift_left(mltk_high_mul(half_three, y) - mltk_high_mul(half, cube), 3);
    }
    y = mltk_high_mul(y, 1518500250); /* sqrt(0.5) */
    if (right < 0) {
        y = mltk_shift_left(y, -right);
        right = 0;
    }
    *shift = -right;
    return y;
}

void mltk_l2_normalization_s8(int32_t zero_point, const int8_t *in, int8_t *out, int32_t rows, int32_t size) {
    for (int32_t row = 0; row < rows; ++row, in += size, out += size) {
        int32_t sum = 0, shift;
        for (int32_t i = 0; i < size; ++i) sum += (in[i] - zero_point) * (in[i] - zero_point);
        const int32_t multiplier = inverse_square_root(sum, &shift);
        for (int32_t i = 0; i < size; ++i) {
            out[i] = mltk_clip_s8(mltk_scale(in[i] - zero_point, multiplier, shift + 7), -128, 127);
        }
    }
}
