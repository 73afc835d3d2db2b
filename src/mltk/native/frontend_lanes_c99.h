/* Vectors of 16-bit lanes for frontend_lanes.inc, in C for any processor: the same as frontend_lanes_avx2.h.
 *
 * Every operation is a loop over the lanes. Compilers turn it into vector instructions where they can.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

typedef struct {
    int16_t lane[LANES];
} FN(vec);
#define vec FN(vec)

typedef struct {
    vec re, im;
} FN(complex_vec);
#define complex_vec FN(complex_vec)

typedef struct {
    uint32_t lane[LANES];
} FN(energy_vec);
#define energy_vec FN(energy_vec)

typedef struct {
    uint64_t lane[LANES];
} FN(sum_vec);
#define sum_vec FN(sum_vec)

#define EACH_LANE(statement)                                                                                           \
    do {                                                                                                               \
        size_t i;                                                                                                      \
        for (i = 0; i < LANES; ++i) statement;                                                                         \
    } while (0)

#define LANE_BY_LANE(name, expression)                                                                                 \
    VARIANT_INLINE vec FN(name)(vec a, vec b) {                                                                        \
        vec out;                                                                                                       \
        EACH_LANE(out.lane[i] = (int16_t)(expression));                                                                \
        return out;                                                                                                    \
    }

VARIANT_INLINE size_t FN(frame_of)(size_t i) { return i; }

VARIANT_INLINE vec FN(splat)(int16_t x) {
    vec out;
    EACH_LANE(out.lane[i] = x);
    return out;
}

VARIANT_INLINE vec FN(zero)(void) { return FN(splat)(0); }

VARIANT_INLINE vec FN(load)(const int16_t *p) {
    vec out;
    memcpy(out.lane, p, sizeof out.lane);
    return out;
}

VARIANT_INLINE void FN(store)(int16_t *p, vec x) { memcpy(p, x.lane, sizeof x.lane); }

LANE_BY_LANE(add, a.lane[i] + b.lane[i])
LANE_BY_LANE(sub, a.lane[i] - b.lane[i])
LANE_BY_LANE(max, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
LANE_BY_LANE(product, a.lane[i] * b.lane[i])
LANE_BY_LANE(scale, (((a.lane[i] * b.lane[i]) >> 14) + 1) >> 1)
LANE_BY_LANE(product_q12, (a.lane[i] * b.lane[i]) >> 12)

VARIANT_INLINE vec FN(abs)(vec a) {
    EACH_LANE(a.lane[i] = (int16_t)(a.lane[i] < 0 ? -a.lane[i] : a.lane[i]));
    return a;
}

VARIANT_INLINE vec FN(half)(vec a) {
    EACH_LANE(a.lane[i] = (int16_t)(a.lane[i] >> 1));
    return a;
}

VARIANT_INLINE void FN(gather)(const int16_t *const *frames, size_t at, vec *out) {
    size_t s;
    for (s = 0; s < 8; ++s) EACH_LANE(out[s].lane[i] = frames[i][at + s]);
}

VARIANT_INLINE complex_vec FN(rotate)(complex_vec a, twiddle_pair w) {
    const int32_t w_re = w.re, w_im = w.im;
    complex_vec out;
    EACH_LANE(out.re.lane[i] = (int16_t)((a.re.lane[i] * w_re - a.im.lane[i] * w_im + (1 << 14)) >> 15));
    EACH_LANE(out.im.lane[i] = (int16_t)((a.re.lane[i] * w_im + a.im.lane[i] * w_re + (1 << 14)) >> 15));
    return out;
}

VARIANT_INLINE energy_vec FN(squared)(vec re, vec im) {
    energy_vec out;
    EACH_LANE(out.lane[i] = (uint32_t)(re.lane[i] * re.lane[i]) + (uint32_t)(im.lane[i] * im.lane[i]));
    return out;
}

VARIANT_INLINE void FN(clear)(sum_vec *sums) { memset(sums, 0, sizeof *sums); }

VARIANT_INLINE void FN(accumulate)(sum_vec *sums, energy_vec e, int32_t weight) {
    EACH_LANE(sums->lane[i] += (uint64_t)e.lane[i] * (uint32_t)weight);
}

VARIANT_INLINE void FN(store_sums)(const sum_vec *sums, uint64_t *out) { memcpy(out, sums->lane, sizeof sums->lane); }

#undef LANE_BY_LANE
#undef EACH_LANE
