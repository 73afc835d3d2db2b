/* BATCH_MATMUL of int8 and int16.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/batch_matmul.h, and
 * MultiplyByQuantizedMultiplier of int32 and int64 (kernels/internal/common.cc).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

/* Set *out to `result` for each pair of a row x and a column y. */
#define FOR_EACH(type, result)                                                                                         \
    for (int32_t i = 0; i < p->batch[0]; ++i)                                                                          \
        for (int32_t j = 0; j < p->batch[1]; ++j)                                                                      \
            for (int32_t k = 0; k < p->batch[2]; ++k)                                                                  \
                for (int32_t row = 0; row < p->rows; ++row)                                                            \
                    for (int32_t column = 0; column < p->columns; ++column) {                                          \
                        const type *const x =                                                                          \
                            a + i * p->step_a[0] + j * p->step_a[1] + k * p->step_a[2] + row * p->a_row;               \
                        const type *const y =                                                                          \
                            b + i * p->step_b[0] + j * p->step_b[1] + k * p->step_b[2] + column * p->b_column;         \
                        *out++ = (type)(result);                                                                       \
                    }

static inline int32_t dot_8(const mltk_batch_matmul *p, const int8_t *x, const int8_t *y) {
    int32_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i, x += p->a_column, y += p->b_row) sum += (*x - p->zero_a) * (*y - p->zero_b);
    return mltk_clip(mltk_scale(sum, p->multiplier, p->shift) + p->zero_out, -128, 127);
}

static inline int32_t dot_16(const mltk_batch_matmul *p, const int16_t *x, const int16_t *y) {
    int64_t sum = 0;
    for (int32_t i = 0; i < p->depth; ++i, x += p->a_column, y += p->b_row) sum += (int64_t)*x * *y;
    const int32_t right = 15 - p->shift;
    const int64_t scaled = (sum * p->multiplier + ((int64_t)1 << (right - 1))) >> right;
    return mltk_clip((int32_t)scaled, -32768, 32767);
}

void mltk_batch_matmul_s8(const mltk_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out) {
    FOR_EACH(int8_t, dot_8(p, x, y))
}

void mltk_batch_matmul_s16(const mltk_batch_matmul *p, const int16_t *a, const int16_t *b, int16_t *out) {
    FOR_EACH(int16_t, dot_16(p, x, y))
}
