/* Kernels with int16 activations, and layers with state. mltk_kernels.h includes this file.
 *
 * int16 tensors have the zero point 0. The kernels are portable C: there is no form with DSP or vector instructions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_KERNELS_16_H
#define MLTK_KERNELS_16_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED (mltk_conv_16.c) ----------------------------------------------
 */

/* FULLY_CONNECTED is a convolution of an image of one row. DEPTHWISE_CONV_2D has as many groups as channels. */
typedef struct {
    int32_t batch;
    int32_t in_height, in_width, in_channels;
    int32_t out_height, out_width, out_channels;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t dilation_height, dilation_width;
    int32_t pad_top, pad_left;
    int32_t groups;
    int32_t is_wide;           /* sums need more than 32 bits */
    int32_t rounds_twice;      /* sums are scaled as int8 ones are: TFLM does it for an int32 bias of CONV_2D */
    const int8_t *weights;     /* (out_channels, kernel_height, kernel_width, in_channels / groups) */
    const int64_t *bias;       /* one for each channel */
    const int32_t *multiplier; /* one for each channel: 31 bits if rounds_twice, otherwise 15 */
    const int8_t *shift;       /* one for each channel */
    int32_t low, high;
} mltk_conv_16;

void mltk_conv_2d_s16(const mltk_conv_16 *p, const int16_t *in, int16_t *out);

/* ---- Element by element (mltk_elementwise_16.c) -------------------------------------------------------------------
 */

/* Two inputs with broadcasting: a step of 0 repeats a value. */
typedef struct {
    int32_t size[4];
    int32_t step_a[4], step_b[4];
    int32_t sign_b;                                       /* ADD and SUB: 1 or -1 */
    int32_t multiplier_a, shift_a, multiplier_b, shift_b; /* ADD and SUB */
    int32_t multiplier_out, shift_out;
    int32_t low, high;
} mltk_binary_16;

void mltk_add_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out); /* ADD and SUB */
void mltk_mul_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out);
void mltk_maximum_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out);
void mltk_minimum_s16(const mltk_binary_16 *p, const int16_t *a, const int16_t *b, int16_t *out);

/* LEAKY_RELU and QUANTIZE: another multiplier for values above and below the zero point. `in` may be `out` if both have
 * the same type. */
typedef struct {
    int32_t zero_in, zero_out;
    int32_t multiplier, shift;             /* of values that are not below zero */
    int32_t multiplier_below, shift_below; /* of values below zero */
} mltk_rescale;

void mltk_rescale_s8_s16(const mltk_rescale *p, const int8_t *in, int16_t *out, int32_t n);
void mltk_rescale_s16_s8(const mltk_rescale *p, const int16_t *in, int8_t *out, int32_t n);
void mltk_rescale_s16_s16(const mltk_rescale *p, const int16_t *in, int16_t *out, int32_t n);
void mltk_quantize_f32_s16(float scale, const float *in, int16_t *out, int32_t n);
void mltk_dequantize_s16_f32(float scale, const int16_t *in, float *out, int32_t n);

/* ---- LOGISTIC and TANH (mltk_sigmoid_16.c) ------------------------------------------------------------------------
 */

/* The input is x * multiplier / 2^right; 3 * 2^12 is 1. `in` may be `out`. */
void mltk_logistic_s16(int32_t multiplier, int32_t right, const int16_t *in, int16_t *out, int32_t n);
void mltk_tanh_s16(int32_t multiplier, int32_t right, const int16_t *in, int16_t *out, int32_t n);

/* ---- SOFTMAX (mltk_softmax_16.c) ----------------------------------------------------------------------------------
 */

typedef struct {
    int32_t rows, size;
    int32_t multiplier, shift;
    const int16_t *exponential; /* exp(x) for 513 values of x from -10 to 0 */
    const int16_t *reciprocal;  /* 1 / (1 + x) for 513 values of x from 0 to 1 */
} mltk_softmax_16;

void mltk_softmax_s16(const mltk_softmax_16 *p, const int16_t *in, int16_t *out);

/* ---- Pooling and MEAN (mltk_pool_16.c) ----------------------------------------------------------------------------
 */

typedef struct {
    int32_t batch;
    int32_t in_height, in_width, channels;
    int32_t out_height, out_width;
    int32_t kernel_height, kernel_width;
    int32_t stride_height, stride_width;
    int32_t pad_top, pad_left;
    int32_t low, high;
} mltk_pool_16;

void mltk_average_pool_2d_s16(const mltk_pool_16 *p, const int16_t *in, int16_t *out);
void mltk_max_pool_2d_s16(const mltk_pool_16 *p, const int16_t *in, int16_t *out);

/* ---- UNIDIRECTIONAL_SEQUENCE_LSTM (mltk_lstm.c) -------------------------------------------------------------------
 */

/* One of the four gates. Sums become int16 with 12 bits after the point. */
typedef struct {
    const int8_t *in_weights;     /* (state_size, in_size) */
    const int8_t *hidden_weights; /* (state_size, state_size) */
    const int32_t *in_bias;       /* the input's zero point is folded in */
    const int32_t *hidden_bias;   /* the zero point of the hidden state is folded in */
    int32_t in_multiplier, in_shift;
    int32_t hidden_multiplier, hidden_shift;
} mltk_lstm_gate;

typedef struct {
    int32_t batch, steps, in_size, state_size;
    int32_t in_step_batch, in_step_time; /* distance of neighbors in the input, in values */
    int32_t out_step_batch, out_step_time;
    mltk_lstm_gate input, forget, cell, output;
    int32_t forget_multiplier, forget_shift; /* forget gate times cell state */
    int32_t input_multiplier, input_shift;   /* input gate times cell gate */
    int32_t hidden_multiplier, hidden_shift; /* output gate times tanh of the cell state */
    int32_t hidden_zero_point;
    int32_t cell_limit;                  /* the cell state is clipped to this magnitude; 0 if it is not */
    int32_t cell_multiplier, cell_right; /* scale the cell state for mltk_tanh_s16() */
} mltk_lstm;

/* hidden: (batch, state_size); cell: (batch, state_size). Both are kept from one call to the next. scratch: 2 *
 * state_size values. */
void mltk_lstm_s8(const mltk_lstm *p, const int8_t *in, int8_t *out, int8_t *hidden, int16_t *cell, int16_t *scratch);

/* ---- SVDF (mltk_svdf.c) -------------------------------------------------------------------------------------------
 */

typedef struct {
    int32_t batch, in_size, units, rank, steps; /* units * rank filters, each over the newest `steps` inputs */
    int32_t zero_in, zero_out;
    int32_t state_multiplier, state_shift;
    int32_t multiplier, shift;
    const int8_t *feature_weights; /* (filters, in_size) */
    const int32_t *bias;           /* one for each unit */
} mltk_svdf;

/* weights: (filters, steps). state: (batch, filters, steps), kept from one call to the next. */
void mltk_svdf_s8(const mltk_svdf *p, const int8_t *in, int8_t *out, const int8_t *weights, int8_t *state);
void mltk_svdf_s16(const mltk_svdf *p, const int8_t *in, int8_t *out, const int16_t *weights, int16_t *state);

#ifdef __cplusplus
}
#endif

#endif /* MLTK_KERNELS_16_H */
