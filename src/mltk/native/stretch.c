/* Time stretching: speed, and the second half of a change of pitch. See effects_internal.h.
 *
 * Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high quality time-scale
 * modification of speech", ICASSP 1993. Segments of the input follow each other at another pace. Each segment is
 * shifted to where it is most similar to what followed the segment before. The search runs on the means of every four
 * samples first, then on all samples around the best shift. The samples of the search are reduced to 12 bits, so that
 * 32 bits hold the sums of their products.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "effects_internal.h"

#define MAX_SHIFTS 96 /* that first_best() takes at once */

/* Updates *best and *best_score with the first of n shifts whose score is largest. The score is the correlation,
 * squared with its sign, divided by the energy of the `length` samples there. energy is cumulated. */
TARGET_WIDEST static void first_best(const int32_t *restrict products, const uint32_t *restrict energy, int32_t length,
                                     int32_t n, int32_t first, float *best_score, int32_t *best) {
    float scores[MAX_SHIFTS], largest = -3e38f;
    int32_t i;
    for (i = 0; i < n; ++i) {
        const float product = (float)products[i];
        scores[i] = product * fabsf(product) / ((float)(int32_t)(energy[i + length] - energy[i]) + 1.0f);
    }
    for (i = 0; i < n; ++i) largest = scores[i] > largest ? scores[i] : largest;
    if (largest <= *best_score) return;
    *best_score = largest;
    i = 0;
    while (scores[i] < largest) ++i;
    *best = first + i;
}

/* Correlations of the target with the samples around, at the shifts 0 to n - 1. */
TARGET_WIDEST static void correlate_c99(const int16_t *target, const int16_t *around, int32_t length, int32_t n,
                                        int32_t *products) {
    for (int32_t i = 0; i < n; ++i) products[i] = dot(target, around + i, length);
}

#if HAVE_AVX2
/* The same, eight shifts at a time. */
TARGET_AVX2 static void correlate_avx2(const int16_t *target, const int16_t *around, int32_t length, int32_t n_eights,
                                       int32_t *products) {
    for (int32_t i = 0; i < n_eights; ++i) {
        __m256i sums[8];
        for (int k = 0; k < 8; ++k) sums[k] = _mm256_setzero_si256();
        for (int32_t j = 0; j < length; j += 16) {
            const __m256i wanted = _mm256_loadu_si256((const void *)(target + j));
            for (int k = 0; k < 8; ++k) {
                const __m256i there = _mm256_loadu_si256((const void *)(around + 8 * i + k + j));
                sums[k] = _mm256_add_epi32(sums[k], _mm256_madd_epi16(wanted, there));
            }
        }
        _mm256_storeu_si256((void *)(products + 8 * i), horizontal_sums_avx2(sums));
    }
}
#endif

/* length is a multiple of 16: both the overlap of the segments and a fourth of it are. */
ALWAYS_INLINE void correlate(const int16_t *target, const int16_t *around, int32_t length, int32_t n,
                             int32_t *products) {
    int32_t done = 0;
#if HAVE_AVX2
    if (cpu_has_avx2()) {
        done = n / 8 * 8;
        correlate_avx2(target, around, length, n / 8, products);
    }
#endif
    correlate_c99(target, around + done, length, n - done, products + done);
}

/* The shift of -search to search at which the samples around are most similar to the target. target4 and around4 are
 * the means of every four samples. energy4[i] is the cumulated energy before around4[i]. */
static int32_t best_shift(const int16_t *target, const int16_t *around, const int16_t *target4, const int16_t *around4,
                          const uint32_t *energy4, int32_t search, int32_t hop) {
    int32_t best = 0, products[MAX_SHIFTS], lowest, largest = INT32_MIN;
    float best_score = -3e38f;
    for (int32_t first = -search / 4; first <= search / 4; first += MAX_SHIFTS) {
        const int32_t n = MIN(MAX_SHIFTS, search / 4 - first + 1);
        correlate(target4, around4 + first, hop / 4, n, products);
        first_best(products, energy4 + first, hop / 4, n, first, &best_score, &best);
    }
    lowest = best * 4 - 3;
    correlate(target, around + lowest, hop, 8, products); /* eight shifts take less time than seven */
    for (int32_t i = 0; i < 7; ++i) {
        if (products[i] > largest) {
            largest = products[i];
            best = lowest + i;
        }
    }
    return best;
}

/* v times a factor of 0 to 32767 / 32768. Compilers know this form as one instruction. */
ALWAYS_INLINE int16_t times_q15(int16_t v, int16_t factor) { return (int16_t)((((int32_t)v * factor >> 14) + 1) >> 1); }

TARGET_WIDEST static void crossfade(const int16_t *restrict from, const int16_t *restrict to,
                                    const int16_t *restrict fade, int16_t *restrict out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        const int16_t fade_out = (int16_t)(32767 - fade[i]);
        out[i] = (int16_t)(times_q15(from[i], fade_out) + times_q15(to[i], fade[i]));
    }
}

static void reduce_c99(const int16_t *in, int32_t n, int shift, int16_t *reduced, int16_t *means) {
    for (int32_t i = 0; i < n; ++i) reduced[i] = (int16_t)(in[i] >> shift);
    for (int32_t i = 0; i < n / 4; ++i) {
        const int16_t *four = reduced + 4 * i;
        means[i] = (int16_t)((four[0] + four[1] + four[2] + four[3]) >> 2);
    }
}

#if HAVE_AVX2
/* The same, 64 samples at a time. */
TARGET_AVX2 static void reduce_avx2(const int16_t *in, int32_t n_blocks, int shift, int16_t *reduced, int16_t *means) {
    const __m256i ones = _mm256_set1_epi16(1), order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int32_t i = 0; i < n_blocks; ++i) {
        __m256i pairs[4];
        for (int k = 0; k < 4; ++k) {
            const __m256i x = _mm256_loadu_si256((const void *)(in + 64 * i + 16 * k));
            const __m256i shifted = _mm256_sra_epi16(x, _mm_cvtsi32_si128(shift));
            _mm256_storeu_si256((void *)(reduced + 64 * i + 16 * k), shifted);
            pairs[k] = _mm256_madd_epi16(shifted, ones);
        }
        const __m256i low = _mm256_srai_epi32(_mm256_hadd_epi32(pairs[0], pairs[1]), 2);
        const __m256i high = _mm256_srai_epi32(_mm256_hadd_epi32(pairs[2], pairs[3]), 2);
        const __m256i sixteen = _mm256_permutevar8x32_epi32(_mm256_packs_epi32(low, high), order);
        _mm256_storeu_si256((void *)(means + 16 * i), sixteen);
    }
}
#endif

/* The samples with fewer bits, and the means of every four of them. */
static void reduce(const int16_t *in, int32_t n, int shift, int16_t *reduced, int16_t *means) {
    int32_t done = 0;
#if HAVE_AVX2
    if (cpu_has_avx2()) {
        done = n / 64 * 64;
        reduce_avx2(in, n / 64, shift, reduced, means);
    }
#endif
    reduce_c99(in + done, n - done, shift, reduced + done, means + done / 4);
}

/* energy[i] is the energy of the i samples before. It may pass 2^32: differences of near entries stay right. */
static void cumulate_energy(const int16_t *in, int32_t n, uint32_t *energy) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < n; ++i) {
        energy[i] = sum;
        sum += (uint32_t)(in[i] * in[i]);
    }
    energy[n] = sum;
}

/* By how many bits to shift the samples down, so that none is above the limit. */
TARGET_WIDEST static int bits_above(const int16_t *in, int32_t n, int32_t limit) {
    int32_t peak = 0;
    int shift = 0;
    for (int32_t i = 0; i < n; ++i) {
        const int32_t magnitude = in[i] < 0 ? -in[i] : in[i];
        peak = magnitude > peak ? magnitude : peak;
    }
    while ((peak >> shift) > limit) ++shift;
    return shift;
}

int32_t mltk_stretch_margin(const mltk_effects_tables *t) { return (t->search + 2 * t->hop + 64) / 16 * 16; }

void mltk_stretch(const mltk_effects_tables *t, const int16_t *in, int32_t n_in, int16_t *out, int32_t n_out,
                  int16_t *work) {
    const int32_t hop = t->hop, margin = mltk_stretch_margin(t), n = n_in + 2 * margin;
    const double pace = (double)n_in / n_out;
    int16_t *reduced = work, *means = work + n;
    uint32_t *energy4 = (uint32_t *)(void *)(work + (n + n / 4 + 1) / 2 * 2);
    int32_t previous = 0, limit = 2047;
    /* |x| < 2048 and at most 511 samples, or fewer bits for more samples: the sums stay below 2^31. */
    while ((int64_t)limit * limit * hop > 2147483647) limit /= 2;
    reduce(in - margin, n, bits_above(in, n_in, limit), reduced, means);
    cumulate_energy(means, n / 4, energy4);
    memcpy(out, in, sizeof(int16_t) * (size_t)MIN(hop, n_out));
    for (int32_t start = hop; start < n_out; start += hop) {
        const int32_t nominal = (int32_t)(start * pace) / 4 * 4, follow = MIN(previous + hop, n_in);
        const int32_t nominal4 = (margin + nominal) / 4, follow4 = (margin + follow) / 4;
        const int32_t shift = best_shift(reduced + margin + follow, reduced + margin + nominal, means + follow4,
                                         means + nominal4, energy4 + nominal4, t->search, hop);
        previous = nominal + shift;
        crossfade(in + follow, in + previous, t->fade, out + start, MIN(hop, n_out - start));
    }
}
