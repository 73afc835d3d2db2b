/* NEG and SQUARE of float: the converter leaves them in models of int8, between DEQUANTIZE and QUANTIZE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_kernels.h"

void mltk_neg_f32(const float *in, float *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = -in[i];
}

void mltk_square_f32(const float *in, float *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) out[i] = in[i] * in[i];
}
