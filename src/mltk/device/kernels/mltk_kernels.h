/* Kernels of quantized neural networks in C99: int8 activations, the integers of TensorFlow Lite Micro (TFLM).
 *
 * Each kernel computes bit for bit what TFLM's reference kernel of the same name computes. The code that `mltk compile`
 * generates calls them with constant parameters; they check nothing. There is no heap, no floating point (but for the
 * float conversions in mltk_convert.c) and no state. Images are stored as (height, width, channels).
 *
 * Three forms of the inner loops give the same bits: portable C, Arm's DSP instructions (Cortex-M4, M7, M33 with DSP)
 * and Helium (Cortex-M55, M85). The compiler's own macros choose, see mltk_dot.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_KERNELS_H
#define MLTK_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How an output channel's sum becomes int8: (sum + bias) * multiplier * 2^(shift - 31) + zero point, clipped. */
typedef struct {
    const int32_t *bias;       /* one for each channel; the input's zero point is folded in where that is said */
    const int32_t *multiplier; /* one for each channel */
    const int8_t *shift;       /* one for each channel; plus 64 if sums may be 2^30 or more */
    int16_t zero_point;        /* of the output */
    int16_t low, high;         /* range of the output with the fused activation */
} mltk_requantization;

/* ---- Convolutions (mltk_conv.c, mltk_depthwise_conv.c, mltk_transpose_conv.c) ----------------------------------- */

typedef struct {
    int16_t batch;
    int16_t in_height, in_width, in_channels;
    int16_t out_height, out_width, out_channels;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t dilation_height, dilation_width;
    int16_t pad_top, pad_left;
    int16_t groups;        /* CONV_2D: in_channels / groups inputs for each output */
    int16_t in_zero_point; /* of the input */
    int32_t row;           /* CONV_2D: bytes of one filter in `weights`, a multiple of 4, filled up with zeros */
    const int8_t *weights;
    mltk_requantization out;
} mltk_conv;

/* CONV_2D. weights: (out_channels, row), and zeros behind an odd number of rows for a group. The bias has the input's
 * zero point folded in. scratch: 5 * row bytes. */
void mltk_conv_2d_s8(const mltk_conv *p, const int8_t *in, int8_t *out, int16_t *scratch);

/* CONV_2D with a 1 x 1 kernel and stride 1 on in_channels = row, a multiple of 4. scratch: 4 * row
 * bytes. */
void mltk_pointwise_conv_2d_s8(const mltk_conv *p, const int8_t *in, int8_t *out, int16_t *scratch);

/* Rows and columns may be swapped, so that rows are long: the steps tell where the neighbors of a value are. */
typedef struct {
    int16_t batch;
    int16_t in_height, in_width, in_channels;
    int16_t out_height, out_width, out_channels;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t dilation_height, dilation_width;
    int16_t pad_top, pad_left;
    int16_t plane_height, plane_width; /* of a channel with its border */
    int16_t in_zero_point;
    int16_t is_simple_3x3; /* whether the kernel is 3 x 3, with stride_width 1 and no dilation */
    int32_t in_step_y, in_step_x, out_step_y, out_step_x;
    const int8_t *weights;
    mltk_requantization out;
} mltk_depthwise_conv;

/* DEPTHWISE_CONV_2D. weights: (kernel_height, kernel_width, out_channels). The bias has the input's zero point folded
 * in. scratch: the kernel with an even width, and plane_height * plane_width + 2 values. `in` may be `out` if both have
 * the same shape. */
void mltk_depthwise_conv_2d_s8(const mltk_depthwise_conv *p, const int8_t *in, int8_t *out, int16_t *scratch);

/* TRANSPOSE_CONV. weights: (out_channels, kernel_height, kernel_width, in_channels). The bias is the model's.
 * pad_* is what is cut off at the top left. */
void mltk_transpose_conv_s8(const mltk_conv *p, const int8_t *in, int8_t *out);

/* ---- FULLY_CONNECTED (mltk_fully_connected.c) -------------------------------------------------------------------- */

typedef struct {
    int32_t rows, in_size, out_size;
    const int8_t *weights;   /* (out_size, in_size), and zeros behind an odd number of rows */
    mltk_requantization out; /* the bias has the input's zero point folded in */
} mltk_fully_connected;

void mltk_fully_connected_s8(const mltk_fully_connected *p, const int8_t *in, int8_t *out);

/* ---- Pooling and reductions (mltk_pool.c, mltk_reduce.c) --------------------------------------------------------- */

typedef struct {
    int16_t batch;
    int16_t in_height, in_width, channels;
    int16_t out_height, out_width;
    int16_t kernel_height, kernel_width;
    int16_t stride_height, stride_width;
    int16_t pad_top, pad_left;
    int16_t low, high;
} mltk_pool;

/* `out` may be `in` if no window begins before the place of its output. */
void mltk_average_pool_2d_s8(const mltk_pool *p, const int8_t *in, int8_t *out);
void mltk_max_pool_2d_s8(const mltk_pool *p, const int8_t *in, int8_t *out);

/* A reduction of up to four axes that stay and up to four that are summed, each with its step in the input. */
typedef struct {
    int32_t kept[4], kept_step[4];
    int32_t summed[4], summed_step[4];
    int32_t offset; /* is added to the sum: minus the input's zero point for each element */
    int32_t multiplier, shift;
    int32_t zero_point; /* of the output */
} mltk_reduction;

void mltk_mean_s8(const mltk_reduction *p, const int8_t *in, int8_t *out); /* MEAN and SUM */
void mltk_mean_s16(const mltk_reduction *p, const int16_t *in, int16_t *out);
/* The position of the largest or smallest value of each row of n; the first of equal ones. */
void mltk_arg_max_s8(const int8_t *in, int32_t *out, int32_t rows, int32_t n);
void mltk_arg_min_s8(const int8_t *in, int32_t *out, int32_t rows, int32_t n);

void mltk_reduce_max_s8(const mltk_reduction *p, const int8_t *in, int8_t *out);
void mltk_reduce_min_s8(const mltk_reduction *p, const int8_t *in, int8_t *out);

/* ---- Element by element (mltk_elementwise.c) ----------------------------------------------------------------------
 */

/* Two inputs with broadcasting: a step of 0 repeats a value. */
typedef struct {
    int32_t size[4];
    int32_t step_a[4], step_b[4];
    int32_t zero_a, zero_b, zero_out;
    int32_t sign_a, sign_b;        /* ADD and SUB: 1 or -1 */
    int32_t multiplier_b, shift_b; /* ADD and SUB: of the input with the smaller scale */
    int32_t multiplier_out, shift_out;
    int32_t low, high;
} mltk_binary;

/* ADD and SUB: the scale of `a` is not smaller than that of `b`. */
void mltk_add_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out);
void mltk_mul_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out);
/* SQUARED_DIFFERENCE: the scale of `a` is not smaller than that of `b` (mltk_squared_difference.c). */
void mltk_squared_difference_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out);
void mltk_maximum_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out);
void mltk_minimum_s8(const mltk_binary *p, const int8_t *a, const int8_t *b, int8_t *out);

/* Any function of one int8 value, as a table of its 256 results from -128 to 127. `in` may be `out`. */
void mltk_lookup_s8(const int8_t *table, const int8_t *in, int8_t *out, int32_t n);

/* ---- SOFTMAX (mltk_softmax.c)
 * ---------------------------------------------------------------------------------------- */

typedef struct {
    int32_t rows, size;
    int32_t multiplier, shift;
    int32_t smallest_difference; /* values that are further below the largest one count as zero */
} mltk_softmax;

void mltk_softmax_s8(const mltk_softmax *p, const int8_t *in, int8_t *out);

/* Each row is divided by its length; the scale of `out` is 1/128 (mltk_l2_normalization.c). `in` may be `out`. */
void mltk_l2_normalization_s8(int32_t zero_point, const int8_t *in, int8_t *out, int32_t rows, int32_t size);

/* ---- Moving values (mltk_copy.c) --------------------------------------------------------------------------------- */

/* Copies a box of elements: transposes, slices, joins, splits, pads. Steps are in elements. */
typedef struct {
    int32_t size[5];
    int32_t in_step[5], out_step[5];
} mltk_box;

void mltk_copy_8(const mltk_box *p, const void *in, void *out);
void mltk_copy_16(const mltk_box *p, const void *in, void *out);
void mltk_copy_32(const mltk_box *p, const void *in, void *out);
void mltk_fill_8(int8_t *out, int8_t value, int32_t n);
void mltk_fill_16(int16_t *out, int16_t value, int32_t n);

/* Parts of a tensor at given positions along an axis. A position outside is moved to the nearest one inside: TFLM ends
 * the inference with an error there. */
typedef struct {
    int32_t batch, outer; /* parts of the tensor before the axis: those with positions of their own, and others */
    int32_t axis;         /* size of the axis */
    int32_t positions;    /* for each part of the batch */
    int32_t bytes;        /* behind the axis */
} mltk_gather_sizes;

void mltk_gather(const mltk_gather_sizes *p, const void *in, const int32_t *positions, void *out); /* mltk_gather.c */

/* ---- PRELU and BATCH_MATMUL (mltk_prelu.c, mltk_batch_matmul.c) -------------------------------------------------- */

typedef struct {
    int32_t size[4];
    int32_t step_in[4], step_slope[4]; /* a step of 0 repeats a value */
    int32_t zero_in, zero_slope, zero_out;
    int32_t multiplier, shift;             /* of values that are not below zero */
    int32_t multiplier_below, shift_below; /* of products with the slope */
} mltk_prelu;

void mltk_prelu_s8(const mltk_prelu *p, const int8_t *in, const int8_t *slope, int8_t *out);
void mltk_prelu_s16(const mltk_prelu *p, const int16_t *in, const int8_t *slope, int16_t *out);

/* Products of matrices (rows, depth) and (depth, columns), stored in any order. */
typedef struct {
    int32_t batch[3], step_a[3], step_b[3]; /* a step of 0 repeats a matrix */
    int32_t rows, depth, columns;
    int32_t a_row, a_column, b_row, b_column; /* distance of neighbors */
    int32_t zero_a, zero_b, zero_out;
    int32_t multiplier, shift; /* int16: the multiplier has 15 bits */
} mltk_batch_matmul;

void mltk_batch_matmul_s8(const mltk_batch_matmul *p, const int8_t *a, const int8_t *b, int8_t *out);
void mltk_batch_matmul_s16(const mltk_batch_matmul *p, const int16_t *a, const int16_t *b, int16_t *out);

/* ---- Resizing images (mltk_resize.c) ------------------------------------------------------------------------------
 */

typedef struct {
    int16_t batch;
    int16_t in_height, in_width, channels;
    int16_t out_height, out_width;
    int32_t step_y, step_x; /* input pixels for an output pixel, in 1/1024 (bilinear) */
    int16_t half_pixel_centers;
    const int16_t *rows, *columns; /* nearest neighbor: the input's row and column for each of the output's */
} mltk_resize;

void mltk_resize_nearest_neighbor_s8(const mltk_resize *p, const int8_t *in, int8_t *out);
void mltk_resize_bilinear_s8(const mltk_resize *p, const int8_t *in, int8_t *out);

/* ---- Conversions (mltk_convert.c) ---------------------------------------------------------------------------------
 */

void mltk_quantize_f32(float scale, int32_t zero_point, const float *in, int8_t *out, int32_t n);
void mltk_neg_f32(const float *in, float *out, int32_t n);    /* mltk_float.c; `in` may be `out` */
void mltk_square_f32(const float *in, float *out, int32_t n); /* mltk_float.c; `in` may be `out` */
void mltk_dequantize_f32(float scale, int32_t zero_point, const int8_t *in, float *out, int32_t n);

#ifdef __cplusplus
}
#endif

#include "mltk_kernels_16.h"

#endif /* MLTK_KERNELS_H */
