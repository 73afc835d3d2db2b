/* Vectors of sixteen 16-bit lanes for frontend_lanes.inc, with AVX2 instructions.
 *
 * One lane is one frame. The order of the lanes changes where they are widened to 32 bits, since unpacking works in
 * groups of 128 bits. FN(frame_of) says which frame is in which place then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

typedef __m256i FN(vec);
#define vec FN(vec)

typedef struct {
    vec re, im;
} FN(complex_vec);
#define complex_vec FN(complex_vec)

/* Squared magnitudes: 32 bits a frame, in the memory of the complex value. */
typedef struct {
    vec low, high;
} FN(energy_vec);
#define energy_vec FN(energy_vec)

/* 64 bits a frame: the even and the odd 32-bit lanes of low, then those of high. */
typedef struct {
    vec part[4];
} FN(sum_vec);
#define sum_vec FN(sum_vec)

VARIANT_INLINE size_t FN(frame_of)(size_t i) {
    const size_t part = i / 4, element = i % 4;
    return 8 * (element / 2) + 4 * (part / 2) + 2 * (element % 2) + part % 2;
}

VARIANT_INLINE vec FN(zero)(void) { return _mm256_set1_epi16(0); }
VARIANT_INLINE vec FN(splat)(int16_t x) { return _mm256_set1_epi16(x); }
VARIANT_INLINE vec FN(load)(const int16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
VARIANT_INLINE void FN(store)(int16_t *p, vec x) { _mm256_storeu_si256((__m256i *)(void *)p, x); }
VARIANT_INLINE vec FN(add)(vec a, vec b) { return _mm256_add_epi16(a, b); }
VARIANT_INLINE vec FN(sub)(vec a, vec b) { return _mm256_sub_epi16(a, b); }
VARIANT_INLINE vec FN(max)(vec a, vec b) { return _mm256_max_epi16(a, b); }
VARIANT_INLINE vec FN(abs)(vec a) { return _mm256_abs_epi16(a); }
VARIANT_INLINE vec FN(half)(vec a) { return _mm256_srai_epi16(a, 1); }
VARIANT_INLINE vec FN(product)(vec a, vec b) { return _mm256_mullo_epi16(a, b); }
/* (a * b + 2^14) >> 15 */
VARIANT_INLINE vec FN(scale)(vec a, vec b) { return _mm256_mulhrs_epi16(a, b); }
/* (a * b) >> 12 */
VARIANT_INLINE vec FN(product_q12)(vec a, vec b) {
    const vec high = _mm256_slli_epi16(_mm256_mulhi_epi16(a, b), 4);
    return _mm256_or_si256(high, _mm256_srli_epi16(_mm256_mullo_epi16(a, b), 12));
}

/* Eight samples of every frame, from sample `at` on. out[s] holds sample at + s of all frames. */
VARIANT_INLINE void FN(gather)(const int16_t *const *frames, size_t at, vec *out) {
    vec a[8], b[8];
    size_t r;
    for (r = 0; r < 8; ++r) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(frames[r] + at));
        const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(frames[r + 8] + at));
        a[r] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
    for (r = 0; r < 4; ++r) { /* a transpose of 8 by 8 in every group */
        b[2 * r] = _mm256_unpacklo_epi16(a[r], a[r + 4]);
        b[2 * r + 1] = _mm256_unpackhi_epi16(a[r], a[r + 4]);
    }
    for (r = 0; r < 4; ++r) {
        a[2 * r] = _mm256_unpacklo_epi16(b[r], b[r + 4]);
        a[2 * r + 1] = _mm256_unpackhi_epi16(b[r], b[r + 4]);
    }
    for (r = 0; r < 4; ++r) {
        out[2 * r] = _mm256_unpacklo_epi16(a[r], a[r + 4]);
        out[2 * r + 1] = _mm256_unpackhi_epi16(a[r], a[r + 4]);
    }
}

VARIANT_INLINE vec FN(round_q15)(vec x) {
    return _mm256_srai_epi32(_mm256_add_epi32(x, _mm256_set1_epi32(1 << 14)), 15);
}

/* Complex product with a twiddle factor: exact 32-bit sums, rounded once. The result fits 16 bits, because the
 * butterflies have divided by 4 before, and the real split multiplies a windowed spectrum of at most half of full
 * scale. */
VARIANT_INLINE complex_vec FN(rotate)(complex_vec a, twiddle_pair w) {
    const vec low = _mm256_unpacklo_epi16(a.re, a.im), high = _mm256_unpackhi_epi16(a.re, a.im);
    const vec re = _mm256_set1_epi32(w.for_re), im = _mm256_set1_epi32(w.for_im);
    complex_vec out;
    out.re = _mm256_packs_epi32(FN(round_q15)(_mm256_madd_epi16(low, re)), FN(round_q15)(_mm256_madd_epi16(high, re)));
    out.im = _mm256_packs_epi32(FN(round_q15)(_mm256_madd_epi16(low, im)), FN(round_q15)(_mm256_madd_epi16(high, im)));
    return out;
}

VARIANT_INLINE energy_vec FN(squared)(vec re, vec im) {
    const vec low = _mm256_unpacklo_epi16(re, im), high = _mm256_unpackhi_epi16(re, im);
    energy_vec out;
    out.low = _mm256_madd_epi16(low, low);
    out.high = _mm256_madd_epi16(high, high);
    return out;
}

VARIANT_INLINE void FN(clear)(sum_vec *sums) {
    size_t i;
    for (i = 0; i < 4; ++i) sums->part[i] = FN(zero)();
}

VARIANT_INLINE void FN(accumulate)(sum_vec *sums, energy_vec e, int32_t weight) {
    const vec w = _mm256_set1_epi64x(weight);
    sums->part[0] = _mm256_add_epi64(sums->part[0], _mm256_mul_epu32(e.low, w));
    sums->part[1] = _mm256_add_epi64(sums->part[1], _mm256_mul_epu32(_mm256_srli_epi64(e.low, 32), w));
    sums->part[2] = _mm256_add_epi64(sums->part[2], _mm256_mul_epu32(e.high, w));
    sums->part[3] = _mm256_add_epi64(sums->part[3], _mm256_mul_epu32(_mm256_srli_epi64(e.high, 32), w));
}

VARIANT_INLINE void FN(store_sums)(const sum_vec *sums, uint64_t *out) {
    size_t i;
    for (i = 0; i < 4; ++i) _mm256_storeu_si256((__m256i *)(void *)(out + 4 * i), sums->part[i]);
}
