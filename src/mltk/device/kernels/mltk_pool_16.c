/* AVERAGE_POOL_2D and MAX_POOL_2D of int16.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/pooling.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

/* One output: the average or the largest value of the part of the window inside the image. */
static inline int32_t pooled(const mltk_pool_16 *p, const int16_t *in, int32_t start_y, int32_t start_x,
                             int32_t averages) {
    const int32_t top = start_y < 0 ? 0 : start_y, bottom = mltk_clip(start_y + p->kernel_height, 0, p->in_height);
    const int32_t left = start_x < 0 ? 0 : start_x, right = mltk_clip(start_x + p->kernel_width, 0, p->in_width);
    int32_t sum = 0, largest = -32768;
    for (int32_t y = top; y < bottom; ++y) {
        for (int32_t x = left; x < right; ++x) {
            const int32_t value = in[(y * p->in_width + x) * p->channels];
            sum += value;
            largest = value > largest ? value : largest;
        }
    }
    if (!averages) return largest;
    const int32_t n = (bottom - top) * (right - left);
    return sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n; /* halves away from zero */
}

static inline void pool(const mltk_pool_16 *p, const int16_t *in, int16_t *out, int32_t averages) {
    for (int32_t n = 0; n < p->batch; ++n, in += p->in_height * p->in_width * p->channels) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            for (int32_t x = 0; x < p->out_width; ++x) {
                const int32_t start_y = y * p->stride_height - p->pad_top, start_x = x * p->stride_width - p->pad_left;
                for (int32_t c = 0; c < p->channels; ++c) {
                    *out++ = (int16_t)mltk_clip(pooled(p, in + c, start_y, start_x, averages), p->low, p->high);
                }
            }
        }
    }
}

void mltk_average_pool_2d_s16(const mltk_pool_16 *p, const int16_t *in, int16_t *out) { pool(p, in, out, 1); }
void mltk_max_pool_2d_s16(const mltk_pool_16 *p, const int16_t *in, int16_t *out) { pool(p, in, out, 0); }
