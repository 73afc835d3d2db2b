/* SVDF: a layer that filters its input, and keeps what the filters gave in the last steps.
 *
 * Source of the arithmetic: TensorFlow Lite Micro, micro/kernels/svdf_common.cc. The state has the zero point 0.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

/* Each output is the sum of `rank` filters over time. The state moves one step while it is summed. */
#define OUTPUT(type, bits_low, bits_high)                                                                              \
    for (int32_t b = 0; b < p->batch; ++b, in += p->in_size) {                                                         \
        for (int32_t unit = 0; unit < p->units; ++unit) {                                                              \
            int32_t sum = p->bias[unit];                                                                               \
            for (int32_t r = 0; r < p->rank; ++r, state += p->steps) {                                                 \
                const int32_t filter = unit * p->rank + r;                                                             \
                int32_t newest = 0;                                                                                    \
                for (int32_t i = 0; i < p->in_size; ++i)                                                               \
                    newest += p->feature_weights[filter * p->in_size + i] * (in[i] - p->zero_in);                      \
                newest = mltk_clip(mltk_scale(newest, p->state_multiplier, p->state_shift), bits_low, bits_high);      \
                for (int32_t t = 0; t < p->steps; ++t) {                                                               \
                    const int32_t value = t + 1 < p->steps ? state[t + 1] : newest;                                    \
                    state[t] = (type)value;                                                                            \
                    sum += weights[filter * p->steps + t] * value;                                                     \
                }                                                                                                      \
            }                                                                                                          \
            const int32_t scaled = mltk_scale(sum, p->multiplier, p->shift) + p->zero_out;                             \
            *out++ = mltk_clip_s8(scaled, -128, 127);                                                                  \
        }                                                                                                              \
    }

void mltk_svdf_s8(const mltk_svdf *p, const int8_t *in, int8_t *out, const int8_t *weights, int8_t *state) {
    OUTPUT(int8_t, -128, 127)
}

void mltk_svdf_s16(const mltk_svdf *p, const int8_t *in, int8_t *out, const int16_t *weights, int16_t *state) {
    OUTPUT(int16_t, -32768, 32767)
}
