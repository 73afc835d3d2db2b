/* Vectors of 16-bit lanes for frontend_lanes.inc in plain C: frontend_lanes_avx2.h for any processor.
 *
 * Every operation is a loop over the lanes that compilers turn into vector instructions where they can.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

typedef struct {
    int16_t lane[LANES];
} FN(vec);

typedef struct {
    FN(vec) re, im;
} FN(complex);

typedef struct {
    uint32_t lane[LANES];
} FN(energy);

typedef struct {
    uint64_t lane[LANES];
} FN(sums);

#define EACH_LANE(statement)                                                                                           \
    do {                                                                                                               \
        size_t i;                                                                                                      \
        for (i = 0; i < LANES; ++i) statement;                                                                         \
    } while (0)

#define BINARY(name, expression)                                                                                       \
    INLINE FN(vec) FN(name)(FN(vec) a, FN(vec) b) {                                                                    \
        FN(vec) out;                                                                                                   \
        EACH_LANE(out.lane[i] = (int16_t)(expression));                                                                \
        return out;                                                                                                    \
    }

INLINE size_t FN(frame_of)(size_t i) { return i; }

INLINE FN(vec) FN(splat)(int16_t x) {
    FN(vec) out;
    EACH_LANE(out.lane[i] = x);
    return out;
}

INLINE FN(vec) FN(zero)(void) { return FN(splat)(0); }

INLINE FN(vec) FN(load)(const int16_t *p) {
    FN(vec) out;
    memcpy(out.lane, p, sizeof out.lane);
    return out;
}

INLINE void FN(store)(int16_t *p, FN(vec) x) { memcpy(p, x.lane, sizeof x.lane); }

BINARY(add, a.lane[i] + b.lane[i])
BINARY(sub, a.lane[i] - b.lane[i])
BINARY(max, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
BINARY(product, a.lane[i] * b.lane[i])
BINARY(scale, (((a.lane[i] * b.lane[i]) >> 14) + 1) >> 1)
BINARY(product_q12, (a.lane[i] * b.lane[i]) >> 12)

INLINE FN(vec) FN(abs)(FN(vec) a) {
    EACH_LANE(a.lane[i] = (int16_t)(a.lane[i] < 0 ? -a.lane[i] : a.lane[i]));
    return a;
}

INLINE FN(vec) FN(half)(FN(vec) a) {
    EACH_LANE(a.lane[i] = (int16_t)(a.lane[i] >> 1));
    return a;
}

INLINE void FN(gather)(const int16_t *const *frames, size_t at, FN(vec) *out) {
    size_t s;
    for (s = 0; s < 8; ++s) EACH_LANE(out[s].lane[i] = frames[i][at + s]);
}

INLINE FN(complex) FN(rotate)(FN(complex) a, twiddle_pair w) {
    const int32_t w_re = w.re, w_im = w.im;
    FN(complex) out;
    EACH_LANE(out.re.lane[i] = (int16_t)((a.re.lane[i] * w_re - a.im.lane[i] * w_im + (1 << 14)) >> 15));
    EACH_LANE(out.im.lane[i] = (int16_t)((a.re.lane[i] * w_im + a.im.lane[i] * w_re + (1 << 14)) >> 15));
    return out;
}

INLINE FN(energy) FN(squared)(FN(vec) re, FN(vec) im) {
    FN(energy) out;
    EACH_LANE(out.lane[i] = (uint32_t)(re.lane[i] * re.lane[i]) + (uint32_t)(im.lane[i] * im.lane[i]));
    return out;
}

INLINE void FN(clear)(FN(sums) *sums) { memset(sums, 0, sizeof *sums); }

INLINE void FN(accumulate)(FN(sums) *sums, FN(energy) e, int32_t weight) {
    EACH_LANE(sums->lane[i] += (uint64_t)e.lane[i] * (uint32_t)weight);
}

INLINE void FN(store_sums)(const FN(sums) *sums, uint64_t *out) { memcpy(out, sums->lane, sizeof sums->lane); }

#undef BINARY
#undef EACH_LANE
