/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED with int16 activations and int8 weights.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/conv.h, depthwise_conv.h and
 * fully_connected.h, and MultiplyByQuantizedMultiplier of int64 (kernels/internal/common.cc).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

/* The part of the kernel that is inside the image: [first, last) along one axis. */
static inline void inside(int32_t start, int32_t kernel, int32_t dilation, int32_t size, int32_t *first,
                          int32_t *last) {
    *first = start < 0 ? (-start + dilation - 1) / dilation : 0;
    const int32_t end = size - start;
    const int32_t n = end <= 0 ? 0 : (end + dilation - 1) / dilation;
    *last = n < kernel ? n : kernel;
}

static int16_t requantized(const mltk_conv_16 *p, int32_t channel, int64_t sum) {
    int32_t scaled;
    if (p->rounds_twice) {
        scaled = mltk_scale((int32_t)sum, p->multiplier[channel], p->shift[channel]);
    } else {
        const int32_t right = 15 - p->shift[channel];
        scaled = (int32_t)((sum * p->multiplier[channel] + ((int64_t)1 << (right - 1))) >> right);
    }
    return (int16_t)mltk_clip(scaled, p->low, p->high);
}

/* The sum of one output. */
static inline int64_t sum_of(const mltk_conv_16 *p, const int16_t *in, int32_t start_y, int32_t start_x,
                             int32_t channel) {
    const int32_t depth = p->in_channels / p->groups, group = channel / (p->out_channels / p->groups);
    const int8_t *const weights = p->weights + channel * p->kernel_height * p->kernel_width * depth;
    int32_t top, bottom, left, right;
    inside(start_y, p->kernel_height, p->dilation_height, p->in_height, &top, &bottom);
    inside(start_x, p->kernel_width, p->dilation_width, p->in_width, &left, &right);
    int64_t wide = p->bias[channel];
    int32_t narrow = 0;
    for (int32_t y = top; y < bottom; ++y) {
        for (int32_t x = left; x < right; ++x) {
            const int32_t row = start_y + y * p->dilation_height, column = start_x + x * p->dilation_width;
            const int16_t *const values = in + (row * p->in_width + column) * p->in_channels + group * depth;
            const int8_t *const w = weights + (y * p->kernel_width + x) * depth;
            if (p->is_wide) {
                for (int32_t c = 0; c < depth; ++c) wide += values[c] * w[c];
            } else {
                for (int32_t c = 0; c < depth; ++c) narrow += values[c] * w[c];
            }
        }
    }
    return wide + narrow;
}

void mltk_conv_2d_s16(const mltk_conv_16 *p, const int16_t *in, int16_t *out) {
    for (int32_t n = 0; n < p->batch; ++n, in += p->in_height * p->in_width * p->in_channels) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            for (int32_t x = 0; x < p->out_width; ++x) {
                const int32_t start_y = y * p->stride_height - p->pad_top, start_x = x * p->stride_width - p->pad_left;
                for (int32_t channel = 0; channel < p->out_channels; ++channel) {
                    *out++ = requantized(p, channel, sum_of(p, in, start_y, start_x, channel));
                }
            }
        }
    }
}
