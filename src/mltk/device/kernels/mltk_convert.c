/* QUANTIZE from float and DEQUANTIZE to float: the only kernels with floating point.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/quantize.h and dequantize.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

void mltk_quantize_f32(float scale, int32_t zero_point, const float *in, int8_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        float x = in[i] / scale;
        if (!(x > -1024.0f)) x = -1024.0f; /* not a number is the smallest value */
        if (x > 1024.0f) x = 1024.0f;
        int32_t whole = (int32_t)x;
        const float rest = x - (float)whole; /* exact */
        if (rest >= 0.5f) ++whole;
        if (rest <= -0.5f) --whole;
        out[i] = mltk_clip_s8(whole + zero_point, -128, 127);
    }
}

void mltk_dequantize_f32(float scale, int32_t zero_point, const int8_t *in, float *out, int32_t n) {
    /* TFLM multiplies in double and rounds to float. The product of a float and a whole number of 9 bits is exact in
     * double, so rounding once in float is the same. */
    for (int32_t i = 0; i < n; ++i) out[i] = scale * (float)(in[i] - zero_point);
}
