/* UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations and an int16 cell state.
 *
 * Source of the arithmetic: TensorFlow Lite Micro, micro/kernels/lstm_eval.h and lstm_eval_common.cc: two matrix
 * products that are rounded to int16 each, then sums and products of int16.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

static inline int32_t clip_16(int32_t x) { return mltk_clip(x, -32768, 32767); }

static inline int32_t dot(const int8_t *weights, const int8_t *x, int32_t n, int32_t sum) {
    for (int32_t i = 0; i < n; ++i) sum += weights[i] * x[i];
    return sum;
}

/* The argument of the function of one gate. */
static void gate(const mltk_lstm *p, const mltk_lstm_gate *g, const int8_t *in, const int8_t *hidden, int16_t *out) {
    for (int32_t i = 0; i < p->state_size; ++i) {
        const int32_t from_in = dot(g->in_weights + i * p->in_size, in, p->in_size, g->in_bias[i]);
        const int32_t from_hidden =
            dot(g->hidden_weights + i * p->state_size, hidden, p->state_size, g->hidden_bias[i]);
        out[i] = (int16_t)clip_16(clip_16(mltk_scale(from_in, g->in_multiplier, g->in_shift)) +
                                  clip_16(mltk_scale(from_hidden, g->hidden_multiplier, g->hidden_shift)));
    }
}

static void step(const mltk_lstm *p, const int8_t *in, int8_t *hidden, int16_t *cell, int16_t *first, int16_t *second) {
    const int32_t n = p->state_size;
    gate(p, &p->forget, in, hidden, first);
    mltk_logistic_s16(3, 0, first, first, n);
    for (int32_t i = 0; i < n; ++i) {
        cell[i] = (int16_t)clip_16(mltk_scale(first[i] * cell[i], p->forget_multiplier, p->forget_shift));
    }
    gate(p, &p->input, in, hidden, first);
    mltk_logistic_s16(3, 0, first, first, n);
    gate(p, &p->cell, in, hidden, second);
    mltk_tanh_s16(3, 0, second, second, n);
    for (int32_t i = 0; i < n; ++i) {
        const int32_t more = clip_16(mltk_scale(first[i] * second[i], p->input_multiplier, p->input_shift));
        int32_t sum = clip_16(cell[i] + more);
        if (p->cell_limit > 0) sum = mltk_clip(sum, -p->cell_limit, p->cell_limit);
        cell[i] = (int16_t)sum;
    }
    gate(p, &p->output, in, hidden, first);
    mltk_logistic_s16(3, 0, first, first, n);
    mltk_tanh_s16(p->cell_multiplier, p->cell_right, cell, second, n);
    for (int32_t i = 0; i < n; ++i) {
        const int32_t y = mltk_scale(first[i] * second[i], p->hidden_multiplier, p->hidden_shift);
        hidden[i] = mltk_clip_s8(y + p->hidden_zero_point, -128, 127);
    }
}

void mltk_lstm_s8(const mltk_lstm *p, const int8_t *in, int8_t *out, int8_t *hidden, int16_t *cell, int16_t *scratch) {
    const int32_t n = p->state_size;
    for (int32_t b = 0; b < p->batch; ++b, hidden += n, cell += n) {
        for (int32_t t = 0; t < p->steps; ++t) {
            step(p, in + b * p->in_step_batch + t * p->in_step_time, hidden, cell, scratch, scratch + n);
            int8_t *const y = out + b * p->out_step_batch + t * p->out_step_time;
            for (int32_t i = 0; i < n; ++i) y[i] = hidden[i];
        }
    }
}
