/* A part of audio_effects.c, which includes it: vocal tract length perturbation, and the FFT that it takes. */
#ifndef MLTK_AUDIO_EFFECTS_FORMANTS_H
#define MLTK_AUDIO_EFFECTS_FORMANTS_H

/* ---- vocal tract length ----
 *
 * Jaitly and Hinton, "Vocal tract length perturbation (VTLP) improves speech recognition", ICML workshop 2013: the
 * frequency axis is stretched by a factor up to about 4.8 kHz, and linearly from there to the Nyquist frequency.
 * They warp the filterbank; here, where audio has to come out, it is the spectral envelope that is warped: each
 * frame is filtered by (warped envelope / envelope), so that formants move and the pitch stays, as with another
 * speaker of the same pitch. Two neighbouring frames, as real and imaginary part of one transform, share a filter.
 */

#define JOIN_(a, b) a##_##b
#define JOIN(a, b) JOIN_(a, b)

#if CONVERTS
/* Blocks of s columns change places with blocks of s rows; with s = 1, 2, 4, … a matrix is transposed. */
#define FROM_LOWER(c, s) ((c) & (s) ? LANES + (c) - (s) : (c))
#define FROM_UPPER(c, s) ((c) & (s) ? LANES + (c) : (c) + (s))
#define EIGHT(f, s, c) \
    f(c, s), f(c + 1, s), f(c + 2, s), f(c + 3, s), f(c + 4, s), f(c + 5, s), f(c + 6, s), f(c + 7, s)
#define EXCHANGE(s)                                                                    \
    for (int i = 0; i < LANES; i++) {                                                  \
        if (i & s) continue;                                                           \
        lanes lower = __builtin_shufflevector(rows[i], rows[i + s], ALL(FROM_LOWER, s)); \
        rows[i + s] = __builtin_shufflevector(rows[i], rows[i + s], ALL(FROM_UPPER, s)); \
        rows[i] = lower;                                                               \
    }
#endif

/* To 5e-6, of a normal number: a guess that halves the exponent, and two steps of Newton's method. Square roots and
 * divisions take several times as long, and what processors have for this is not the same on all of them. Lomont, "Fast
 * inverse square root", 2003. */
INLINE float inverse_square_root(float x) {
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

#define LANES 8
#define SUFFIX 8
#define ENGINE WIDEST static
#define HELPER INLINE
#define ALL(f, s) EIGHT(f, s, 0)
#include "audio_effects_lanes.h"
#undef LANES
#undef SUFFIX
#undef ENGINE
#undef HELPER
#undef ALL

#if defined(HAVE_AVX2) && CONVERTS
#define HAVE_AVX512 1
#define LANES 16
#define SUFFIX 16
#define ENGINE __attribute__((target("avx512f,avx512dq"))) static
#define HELPER static inline __attribute__((always_inline, target("avx512f,avx512dq")))
#define ALL(f, s) EIGHT(f, s, 0), EIGHT(f, s, 8)
#include "audio_effects_lanes.h"
#undef LANES
#undef SUFFIX
#undef ENGINE
#undef HELPER
#undef ALL
#endif

/* Of up to 16 lanes: the spectrum's real and imaginary parts, the power and the envelope of half of it. */
INLINE size_t vtlp_work_floats(const mltk_effects_tables *t) { return 16 * (size_t)(3 * t->fft + 2); }

/* Where in the spectrum, in bins, the envelope of output bin k comes from. */
static float unwarped(const mltk_effects_tables *t, float factor, int32_t k) {
    float nyquist = (float)(t->fft / 2);
    float knee = MIN(4800.0f / (float)t->rate * (float)t->fft, 0.8f * nyquist) * MIN(factor, 1.0f); /* output side */
    float from = knee / factor;                                                                      /* input side */
    if ((float)k <= knee) return (float)k / factor;
    return nyquist - (nyquist - (float)k) * (nyquist - from) / (nyquist - knee);
}

WIDEST static void round_to_int16(const float *in, int32_t n, int16_t *out) {
    for (int32_t i = 0; i < n; i++) out[i] = rounded(in[i]);
}

/* clip [n] is changed in place; readable, as zeros, t->fft before and 3 t->fft after. sum holds n + 4 fft. */
static void warp_formants(const mltk_effects_tables *t, float factor, int16_t *clip, int32_t n, float *work,
                          float *sum) {
    int32_t hop = t->fft / 2;
    int32_t n_frames = n / hop + 2, n_pairs = (n_frames + 1) / 2, done = 0;
    float source[MAX_FFT / 2 + 1];
    for (int32_t k = 0; k <= t->fft / 2; k++) source[k] = unwarped(t, factor, k);
    memset(sum, 0, sizeof(float) * (size_t)(n + 4 * t->fft));
#ifdef HAVE_AVX512
    if (t->most_lanes >= 16 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq"))
        for (; n_pairs - done > 8; done += 16) filter_pairs_16(t, source, clip, done, n_pairs, work, sum);
#endif
    for (; done < n_pairs; done += 8) filter_pairs_8(t, source, clip, done, n_pairs, work, sum);
    round_to_int16(sum + hop, n, clip);
}

#endif
