/* Resampling: the first half of a change of pitch, which changes the duration too. See effects_internal.h.
 *
 * Every output sample is the sum of TAPS input samples around its position, times the filter for that position.
 * Positions are in 32.32 bits. Their upper half counts input samples, and the next 8 bits choose one of the PHASES.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>

#include "effects_internal.h"

static void resample_c99(const resampling_filter *filters, const int16_t *in, uint64_t position, uint64_t step,
                         int16_t *out, int32_t n_out) {
    for (int32_t i = 0; i < n_out; ++i) {
        const int16_t *x = in + (position >> 32) - (TAPS / 2 - 1);
        out[i] = saturate((dot(x, filters[(position >> 24) & 255], TAPS) + 8192) >> 14);
        position += step;
    }
}

#if HAVE_AVX2
/* The same, eight samples at a time. Returns the position after the last sample. */
TARGET_AVX2 static uint64_t resample_avx2(const resampling_filter *filters, const int16_t *in, uint64_t position,
                                          uint64_t step, int16_t *out, int32_t n_eights) {
    const __m256i half = _mm256_set1_epi32(8192);
    for (int32_t i = 0; i < n_eights; ++i) {
        __m256i products[8];
        for (int k = 0; k < 8; ++k) {
            const void *x = in + (position >> 32) - (TAPS / 2 - 1);
            const void *filter = filters[(position >> 24) & 255];
            products[k] = _mm256_madd_epi16(_mm256_loadu_si256(x), _mm256_loadu_si256(filter));
            position += step;
        }
        const __m256i sums = _mm256_srai_epi32(_mm256_add_epi32(horizontal_sums_avx2(products), half), 14);
        const __m128i samples = _mm_packs_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        _mm_storeu_si128((__m128i *)(void *)(out + 8 * i), samples);
    }
    return position;
}
#endif

void mltk_resample(const mltk_effects_tables *t, const int16_t *in, double ratio, int16_t *out, int32_t n_out) {
    const double cutoff = ratio > 1 ? 1 / ratio : 1;
    const resampling_filter *filters = t->filters[MIN(CUTOFFS - 1, (int)ceil((1 - cutoff) * 32))];
    const uint64_t step = (uint64_t)(ratio * 4294967296.0);
    uint64_t position = 0;
    int32_t done = 0;
#if HAVE_AVX2
    if (cpu_has_avx2()) {
        done = n_out / 8 * 8;
        position = resample_avx2(filters, in, position, step, out, n_out / 8);
    }
#endif
    resample_c99(filters, in, position, step, out + done, n_out - done);
}
