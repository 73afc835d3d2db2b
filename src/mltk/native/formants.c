/* Vocal tract length perturbation: the formants move, the pitch stays. See effects_internal.h.
 *
 * Jaitly and Hinton, "Vocal tract length perturbation (VTLP) improves speech recognition", ICML workshop 2013. They
 * stretch the frequency axis by a factor up to about 4.8 kHz, and linearly from there to the Nyquist frequency. They
 * warp the filterbank. Here audio must come out, so the spectral envelope is warped instead: each frame is filtered by
 * (warped envelope / envelope). The result sounds like another speaker with the same pitch.
 *
 * Two neighboring frames are the real and the imaginary part of one transform and share a filter. 8 or 16 of these
 * pairs are in work at once, one in every lane of a vector: formants_lanes.inc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "effects_internal.h"

#define MAX_GAIN 8.0f       /* of the filter: 18 dB, up or down */
#define KNEE_HZ 4800.0f     /* the frequency axis is stretched up to here */
#define MAX_KNEE_SHARE 0.8f /* of the Nyquist frequency */

/* 1 / sqrt(x) of a normal number, to 5e-6: a first guess that halves the exponent, and two steps of Newton's method.
 * Square roots and divisions take several times as long, and processors have different approximations of them.
 * Lomont, "Fast inverse square root", 2003. */
ALWAYS_INLINE float inverse_square_root(float x) {
    union {
        float value;
        int32_t bits;
    } y;
    y.value = x;
    y.bits = 0x5f375a86 - (y.bits >> 1);
    y.value *= 1.5f - 0.5f * x * y.value * y.value;
    y.value *= 1.5f - 0.5f * x * y.value * y.value;
    return y.value;
}

/* Two rows of a matrix exchange blocks of s columns, and with s = 1, 2, 4, ... the matrix is transposed. These are the
 * indices for __builtin_shufflevector: what the upper and what the lower row holds in column c afterwards. */
#define UPPER_INDEX(c, s) ((c) & (s) ? LANES + (c) - (s) : (c))
#define LOWER_INDEX(c, s) ((c) & (s) ? LANES + (c) : (c) + (s))
#define EIGHT_INDICES(index, s, c)                                                                                     \
    index(c, s), index(c + 1, s), index(c + 2, s), index(c + 3, s), index(c + 4, s), index(c + 5, s), index(c + 6, s), \
        index(c + 7, s)

#define LANES 8
#define VARIANT 8
#define VARIANT_FUNCTION TARGET_WIDEST static
#define VARIANT_INLINE ALWAYS_INLINE
#define ALL_INDICES(index, s) EIGHT_INDICES(index, s, 0)
#include "formants_lanes.inc"

#if HAVE_AVX512
#define LANES 16
#define VARIANT 16
#define VARIANT_FUNCTION TARGET_AVX512 static
#define VARIANT_INLINE TARGET_AVX512 ALWAYS_INLINE
#define ALL_INDICES(index, s) EIGHT_INDICES(index, s, 0), EIGHT_INDICES(index, s, 8)
#include "formants_lanes.inc"
#endif

/* For up to 16 lanes: the real and imaginary parts of a spectrum, and the power and the envelope of half of it. */
size_t mltk_formants_work_floats(const mltk_effects_tables *t) { return 16 * (size_t)(3 * t->fft + 2); }

/* The position in the spectrum, in bins, whose envelope the output bin k gets. */
static float unwarped(const mltk_effects_tables *t, float factor, int32_t k) {
    const float nyquist = (float)(t->fft / 2);
    const float highest = MIN(KNEE_HZ / (float)t->rate * (float)t->fft, MAX_KNEE_SHARE * nyquist);
    const float knee = highest * MIN(factor, 1.0f); /* in the output */
    const float from = knee / factor;               /* in the input */
    if ((float)k <= knee) return (float)k / factor;
    return nyquist - (nyquist - (float)k) * (nyquist - from) / (nyquist - knee);
}

TARGET_WIDEST static void round_to_int16(const float *in, int32_t n, int16_t *out) {
    for (int32_t i = 0; i < n; ++i) out[i] = rounded(in[i]);
}

void mltk_warp_formants(const mltk_effects_tables *t, float factor, int16_t *clip, int32_t n, float *work, float *sum) {
    const int32_t hop = t->fft / 2, n_frames = n / hop + 2, n_pairs = (n_frames + 1) / 2;
    int32_t done = 0;
    float source[MAX_FFT / 2 + 1];
    for (int32_t k = 0; k <= t->fft / 2; ++k) source[k] = unwarped(t, factor, k);
    memset(sum, 0, sizeof(float) * (size_t)(n + 4 * t->fft));
#if HAVE_AVX512
    if (t->most_lanes >= 16 && cpu_has_avx512())
        for (; n_pairs - done > 8; done += 16) filter_pairs_16(t, source, clip, done, n_pairs, work, sum);
#endif
    for (; done < n_pairs; done += 8) filter_pairs_8(t, source, clip, done, n_pairs, work, sum);
    round_to_int16(sum + hop, n, clip);
}
