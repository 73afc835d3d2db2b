/* TRANSPOSE_CONV of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/transpose_conv.h. Each output pixel
 * sums the inputs that reach it, so no sums have to be stored. Sums of integers do not depend on the order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

static int32_t sum_of(const mltk_conv *p, const int8_t *image, int32_t y, int32_t x, int32_t channel) {
    int32_t sum = 0;
    for (int32_t i = 0; i < p->kernel_height; ++i) {
        const int32_t from_y = y + p->pad_top - i;
        if (from_y < 0 || from_y % p->stride_height != 0 || from_y / p->stride_height >= p->in_height) continue;
        for (int32_t j = 0; j < p->kernel_width; ++j) {
            const int32_t from_x = x + p->pad_left - j;
            if (from_x < 0 || from_x % p->stride_width != 0 || from_x / p->stride_width >= p->in_width) continue;
            const int8_t *const w =
                p->weights + ((channel * p->kernel_height + i) * p->kernel_width + j) * p->in_channels;
            const int8_t *const v =
                image + (from_y / p->stride_height * p->in_width + from_x / p->stride_width) * p->in_channels;
            for (int32_t k = 0; k < p->in_channels; ++k) sum += w[k] * (v[k] - p->in_zero_point);
        }
    }
    return sum;
}

void mltk_transpose_conv_s8(const mltk_conv *p, const int8_t *in, int8_t *out) {
    const int32_t size = p->batch * p->out_height * p->out_width * p->out_channels;
    for (int32_t n = 0; n < p->batch; ++n, in += p->in_height * p->in_width * p->in_channels) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            for (int32_t x = 0; x < p->out_width; ++x) {
                for (int32_t channel = 0; channel < p->out_channels; ++channel) {
                    const mltk_channel c = mltk_channel_of(&p->out, channel);
                    *out++ = (int8_t)mltk_requantize(&c, sum_of(p, in, y, x, channel));
                }
            }
        }
    }
    mltk_limit(p->out.low, p->out.high, out - size, size);
}
