/* CONV_2D of int8, also grouped and dilated.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/conv.h (ConvPerChannel). Two output
 * pixels are computed at a time: the input of each is gathered into a row, the border filled with the zero point.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

/* Write the inputs of one output pixel, for one group, as a row in the order of the weights. */
static void gather(const mltk_conv *p, const int8_t *image, int32_t y, int32_t x, int32_t group_size, int8_t *row) {
    const int32_t in_row = p->in_width * p->in_channels;
    const int32_t top = y * p->stride_height - p->pad_top, left = x * p->stride_width - p->pad_left;
    const int32_t whole = p->kernel_width * group_size;
    /* Whether the pixels of a row of the kernel are side by side, and inside the image. */
    const int is_run =
        group_size == p->in_channels && p->dilation_width == 1 && left >= 0 && left + p->kernel_width <= p->in_width;
    for (int32_t i = 0; i < p->kernel_height; ++i) {
        const int32_t in_y = top + i * p->dilation_height;
        if (in_y < 0 || in_y >= p->in_height) {
            memset(row, p->in_zero_point, (size_t)whole);
            row += whole;
            continue;
        }
        const int8_t *const from = image + in_y * in_row;
        if (is_run) {
            memcpy(row, from + left * p->in_channels, (size_t)whole);
            row += whole;
            continue;
        }
        for (int32_t j = 0, in_x = left; j < p->kernel_width; ++j, in_x += p->dilation_width, row += group_size) {
            if (in_x < 0 || in_x >= p->in_width) {
                memset(row, p->in_zero_point, (size_t)group_size);
            } else {
                memcpy(row, from + in_x * p->in_channels, (size_t)group_size);
            }
        }
    }
}

void mltk_conv_2d_s8(const mltk_conv *p, const int8_t *in, int8_t *out, int8_t *scratch) {
    const int32_t group_in = p->in_channels / p->groups, group_out = p->out_channels / p->groups;
    const int32_t image = p->in_height * p->in_width * p->in_channels;
    const int32_t pixels = p->out_height * p->out_width;
    memset(scratch, 0, (size_t)(2 * p->row));
    for (int32_t n = 0; n < p->batch; ++n, in += image) {
        for (int32_t i = 0; i < pixels; i += 2, out += 2 * p->out_channels) {
            const int32_t rows = pixels - i < 2 ? 1 : 2;
            for (int32_t g = 0; g < p->groups; ++g) {
                for (int32_t k = 0; k < rows; ++k) {
                    const int32_t y = (i + k) / p->out_width;
                    gather(p, in + g * group_in, y, i + k - y * p->out_width, group_in, scratch + k * p->row);
                }
                mltk_multiply_rows(&p->out, p->weights, scratch, p->row, rows, g * group_out, (g + 1) * group_out, out,
                                   p->out_channels);
            }
        }
        if (pixels % 2 != 0) out -= p->out_channels;
    }
}

void mltk_pointwise_conv_2d_s8(const mltk_conv *p, const int8_t *in, int8_t *out) {
    const int32_t pixels = p->batch * p->out_height * p->out_width;
    for (int32_t i = 0; i < pixels; i += 2, in += 2 * p->row, out += 2 * p->out_channels) {
        mltk_multiply_rows(&p->out, p->weights, in, p->row, pixels - i, 0, p->out_channels, out, p->out_channels);
    }
}
