/* What the files of the audio effects share: the tables, the stages, and arithmetic on samples. See effects.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_NATIVE_EFFECTS_INTERNAL_H
#define MLTK_NATIVE_EFFECTS_INTERNAL_H

#include "effects.h"
#include "vectors.h"

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define TAPS 16    /* of the resampling filter */
#define PHASES 256 /* positions between two samples that have a filter in the table */
#define CUTOFFS 17 /* cut-off frequencies: 1, 1 - 1/32, ... 1/2 of the Nyquist frequency */
#define MAX_FFT 2048

typedef int16_t resampling_filter[TAPS]; /* Q14 */

struct mltk_effects_tables {
    int32_t rate;
    int32_t most_lanes; /* of vectors */
    int32_t hop;        /* overlap of the time stretching, in samples */
    int32_t search;     /* largest shift of a segment, in samples */
    int32_t fft;        /* points, a power of two */
    int32_t odd_stages; /* 1 if it is an odd power of two */
    int32_t smoothing;  /* half width of the spectral envelope, in bins */
    int16_t *fade;      /* [hop], Q15 */
    float *window;      /* [fft], square root of a Hann window */
    float *twiddle_re;  /* [3 fft / 4] */
    float *twiddle_im;  /* [3 fft / 4] */
    uint16_t *reversed; /* [fft], bit-reversed index */
    resampling_filter filters[CUTOFFS][PHASES];
};

/* ---- The stages -------------------------------------------------------------------------------------------------- */

/* Samples of `in` at the positions 0, ratio, 2 ratio and so on. TAPS samples before and after `in` must be readable. */
void mltk_resample(const mltk_effects_tables *t, const int16_t *in, double ratio, int16_t *out, int32_t n_out);

/* n_out samples that sound like the n_in, at another speed. mltk_stretch_margin() samples before and after `in` must be
 * readable and zero. `work`, aligned for 32 bits, holds 2 (n_in + 2 margins). */
void mltk_stretch(const mltk_effects_tables *t, const int16_t *in, int32_t n_in, int16_t *out, int32_t n_out,
                  int16_t *work);
int32_t mltk_stretch_margin(const mltk_effects_tables *t);

/* Moves the formants of clip [n] in place, by a ratio of frequencies. t->fft samples before and 3 t->fft samples after
 * the clip must be readable and zero. `work`, aligned to FORMANTS_ALIGNMENT bytes, holds mltk_formants_work_floats();
 * sum holds n + 4 t->fft. */
#define FORMANTS_ALIGNMENT 64
void mltk_warp_formants(const mltk_effects_tables *t, float factor, int16_t *clip, int32_t n, float *work, float *sum);
size_t mltk_formants_work_floats(const mltk_effects_tables *t);

/* ---- Arithmetic on samples ----------------------------------------------------------------------------------------
 */

ALWAYS_INLINE int16_t saturate(int32_t v) { return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v); }

/* The nearest integer; of two that are equally near, the even one. A float between 2^23 and 2^24 is an integer, and its
 * last bits hold it. */
ALWAYS_INLINE int16_t rounded(float v) {
    union {
        float value;
        int32_t bits;
    } integer;
    v = v < -32768.0f ? -32768.0f : v > 32767.0f ? 32767.0f : v;
    integer.value = v + 12582912.0f; /* 3 2^22 */
    return (int16_t)integer.bits;
}

ALWAYS_INLINE int32_t dot(const int16_t *restrict a, const int16_t *restrict b, int32_t n) {
    int32_t sum = 0;
    /* Compilers recognize a loop as a multiply-and-add of vectors, and do not recognize what unrolling leaves of it. */
    NOT_UNROLLED
    for (int32_t i = 0; i < n; ++i) sum += (int32_t)a[i] * b[i];
    return sum;
}

#if HAVE_AVX2
/* The eight sums over each of eight vectors. All eight together take fewer steps than one vector eight times. */
TARGET_AVX2 static inline __m256i horizontal_sums_avx2(const __m256i *v) {
    __m256i fours[4], twos[2];
    for (int k = 0; k < 4; ++k) fours[k] = _mm256_hadd_epi32(v[2 * k], v[2 * k + 1]);
    for (int k = 0; k < 2; ++k) twos[k] = _mm256_hadd_epi32(fours[2 * k], fours[2 * k + 1]);
    /* twos[k] holds, of the vectors 4 k to 4 k + 3, the sums of the lower halves and then those of the upper halves. */
    const __m256i lower = _mm256_permute2x128_si256(twos[0], twos[1], 0x20);
    const __m256i upper = _mm256_permute2x128_si256(twos[0], twos[1], 0x31);
    return _mm256_add_epi32(lower, upper);
}
#endif

#endif /* MLTK_NATIVE_EFFECTS_INTERNAL_H */
