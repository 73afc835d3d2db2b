/* DEPTHWISE_CONV_2D of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/depthwise_conv.h
 * (DepthwiseConvPerChannel). One channel at a time is copied into a plane of int16 with its border, the zero point
 * subtracted. So the border needs no care, a row of the kernel is a dot product of neighbors, and the output may take
 * the place of the input.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

/* Copy one channel into the plane. */
static void copy_channel(const mltk_conv *p, const int8_t *in, int32_t width, int16_t *plane) {
    int16_t *to = plane + p->pad_top * width + p->pad_left;
    for (int32_t y = 0; y < p->in_height; ++y, to += width) {
        for (int32_t x = 0; x < p->in_width; ++x, in += p->in_channels) to[x] = (int16_t)(*in - p->in_zero_point);
    }
}

/* Copy the weights of one channel: rows of int16, filled up with a zero to an even length. */
static void copy_weights(const mltk_conv *p, int32_t channel, int16_t *weights) {
    const int8_t *from = p->weights + channel;
    for (int32_t i = 0; i < p->kernel_height; ++i) {
        for (int32_t j = 0; j < p->kernel_width; ++j, from += p->out_channels) *weights++ = *from;
        if (p->kernel_width % 2 != 0) *weights++ = 0;
    }
}

#if defined(MLTK_DSP)
static inline uint32_t load_2(const int16_t *p) {
    uint32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return pair;
}

/* 3 x 3, the usual one: all weights stay in registers. */
static void row_of_3x3(const mltk_channel *c, const int16_t *x, int32_t width, int32_t stride, const int16_t *weights,
                       int32_t n, int8_t *out, int32_t out_step) {
    const uint32_t w0 = load_2(weights), w1 = load_2(weights + 2), w2 = load_2(weights + 4);
    const uint32_t w3 = load_2(weights + 6), w4 = load_2(weights + 8), w5 = load_2(weights + 10);
    for (; n > 0; --n, x += stride, out += out_step) {
        int32_t sum = mltk_add_products(load_2(x), w0, 0);
        sum = mltk_add_products(load_2(x + 2), w1, sum);
        const int16_t *const second = x + width, *const third = second + width;
        sum = mltk_add_products(load_2(second), w2, sum);
        sum = mltk_add_products(load_2(second + 2), w3, sum);
        sum = mltk_add_products(load_2(third), w4, sum);
        sum = mltk_add_products(load_2(third + 2), w5, sum);
        *out = (int8_t)mltk_requantize(c, sum);
    }
}
#endif

/* One output. The plane is read in pairs, so up to one value behind the window. */
static inline int32_t sum_of(const mltk_conv *p, const int16_t *x, int32_t width, const int16_t *weights) {
    const int32_t row = (p->kernel_width + 1) & ~1, down = p->dilation_height * width, right = p->dilation_width;
    int32_t sum = 0;
    for (int32_t i = 0; i < p->kernel_height; ++i, x += down, weights += row) {
#if defined(MLTK_DSP)
        if (right == 1) {
            for (int32_t j = 0; j < row; j += 2) sum = mltk_add_products(load_2(x + j), load_2(weights + j), sum);
            continue;
        }
#endif
        for (int32_t j = 0; j < p->kernel_width; ++j) sum += x[j * right] * weights[j];
    }
    return sum;
}

static void channel_out(const mltk_conv *p, const int16_t *plane, int32_t width, const int16_t *weights,
                        int32_t channel, int8_t *out) {
    const mltk_channel c = mltk_channel_of(&p->out, channel);
#if defined(MLTK_DSP)
    const int is_3x3 =
        p->kernel_height == 3 && p->kernel_width == 3 && p->dilation_height == 1 && p->dilation_width == 1;
#endif
    for (int32_t y = 0; y < p->out_height; ++y) {
        const int16_t *x = plane + y * p->stride_height * width;
#if defined(MLTK_DSP)
        if (is_3x3) {
            row_of_3x3(&c, x, width, p->stride_width, weights, p->out_width, out, p->out_channels);
            out += p->out_width * p->out_channels;
            continue;
        }
#endif
        for (int32_t i = 0; i < p->out_width; ++i, x += p->stride_width, out += p->out_channels) {
            *out = (int8_t)mltk_requantize(&c, sum_of(p, x, width, weights));
        }
    }
}

void mltk_depthwise_conv_2d_s8(const mltk_conv *p, const int8_t *in, int8_t *out, int16_t *scratch) {
    const int32_t depth = p->out_channels / p->in_channels; /* outputs for each input channel */
    const int32_t width = p->row;                           /* of the plane */
    const int32_t row = (p->kernel_width + 1) & ~1;
    int16_t *const weights = scratch, *const plane = scratch + p->kernel_height * row;
    for (int32_t n = 0; n < p->batch; ++n) {
        memset(plane, 0, (size_t)(p->plane_height * width + 2) * sizeof *plane);
        for (int32_t i = 0, channel = 0; i < p->in_channels; ++i) {
            copy_channel(p, in + i, width, plane);
            for (int32_t k = 0; k < depth; ++k, ++channel) {
                copy_weights(p, channel, weights);
                channel_out(p, plane, width, weights, channel, out + channel);
            }
        }
        in += p->in_height * p->in_width * p->in_channels;
        out += p->out_height * p->out_width * p->out_channels;
    }
}
