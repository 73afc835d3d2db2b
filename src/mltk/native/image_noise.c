/* Noise of four kinds, from a seed. See images.h.
 *
 * The random bits are those of xoshiro128++ (Blackman and Vigna, 2021), of LANES generators side by side. The normal
 * values are made of them with the method of Box and Muller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>

#include "images_internal.h"

#define LANES 16
#define BLOCK (2 * LANES)                    /* normal values that are made at once */
#define GAUSS_DEVIATION 0.31622776601683794f /* on a scale from 0 to 255: a variance of 0.1 */
#define SALT_SHARE 0.002                     /* of all values; as many get pepper */
#define SMALL_COUNTS 64.0f                   /* expected counts below this get the distribution of Poisson itself */
#define MOST_COUNTED 512                     /* no small count is larger */
#define MAGIC 12582912.0f                    /* 3 2^22: a float of this size is an integer */
#define MOST_ROUNDED 4194304.0f              /* 2^22: MAGIC rounds what is below */

typedef union {
    float value;
    uint32_t bits;
} float_bits;

/* ---- Random bits ------------------------------------------------------------------------------------------------- */

typedef struct {
    uint32_t s[4][LANES];
} random_lanes;

/* splitmix64 (Steele, Lea and Flood, 2014) */
static uint64_t next_of_sequence(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void start_lanes(random_lanes *r, uint64_t *sequence) {
    for (int i = 0; i < 4; i += 2)
        for (int k = 0; k < LANES; ++k) {
            const uint64_t drawn = next_of_sequence(sequence);
            r->s[i][k] = (uint32_t)drawn;
            r->s[i + 1][k] = (uint32_t)(drawn >> 32);
        }
}

ALWAYS_INLINE uint32_t rotated(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

ALWAYS_INLINE void random_bits(random_lanes *r, uint32_t *out) {
    for (int k = 0; k < LANES; ++k) {
        const uint32_t s0 = r->s[0][k], s1 = r->s[1][k], s2 = r->s[2][k] ^ s0, s3 = r->s[3][k] ^ s1;
        out[k] = rotated(s0 + r->s[3][k], 7) + s0;
        r->s[0][k] = s0 ^ s3;
        r->s[1][k] = s1 ^ s2;
        r->s[2][k] = s2 ^ (s1 << 9);
        r->s[3][k] = rotated(s3, 11);
    }
}

/* ---- Normal values ----------------------------------------------------------------------------------------------- */

/* The natural logarithm of a positive number, to 1e-7 of its value. */
ALWAYS_INLINE float logarithm(float v) {
    float_bits x;
    x.value = v;
    const int32_t exponent =
        (int32_t)(x.bits - 0x3f3504f3u) >> 23; /* so that the rest is between sqrt(1/2) and sqrt(2) */
    x.bits -= (uint32_t)exponent << 23;
    const float t = (x.value - 1) / (x.value + 1), t2 = t * t;
    const float series = 2 * t * (1 + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7))));
    return (float)exponent * 0.6931471805599453f + series;
}

/* Fills out [BLOCK] with independent values of mean 0 and deviation 1. */
ALWAYS_INLINE void normal_values(random_lanes *r, float *out) {
    uint32_t a[LANES], b[LANES];
    random_bits(r, a);
    random_bits(r, b);
    for (int k = 0; k < LANES; ++k) {
        const float uniform = ((float)(int32_t)(a[k] >> 1) + 0.5f) * (1.0f / 2147483648.0f); /* above 0, at most 1 */
        const float radius = sqrtf(-2 * logarithm(uniform));
        /* An angle within a quarter of the circle; two more bits choose the quarter. */
        const float angle = (float)(int32_t)(b[k] & ~3u) * (0.7853981633974483f / 2147483648.0f), t2 = angle * angle;
        const float sine = angle * (1 - t2 * (1.0f / 6 - t2 * (1.0f / 120 - t2 * (1.0f / 5040))));
        const float cosine = 1 - t2 * (0.5f - t2 * (1.0f / 24 - t2 * (1.0f / 720 - t2 * (1.0f / 40320))));
        const float sign = b[k] & 1u ? -radius : radius;
        out[k] = sign * (b[k] & 2u ? sine : cosine);
        out[LANES + k] = sign * (b[k] & 2u ? cosine : sine);
    }
}

TARGET_WIDEST static void fill_with_normal_values(random_lanes *r, float *out, int32_t n) {
    for (int32_t i = 0; i < n; i += BLOCK) normal_values(r, out + i);
}

/* ---- Poisson noise ----------------------------------------------------------------------------------------------- */

/* A power of two, at least as large as the number of the 256 levels of 8 bits that v [n] has. */
TARGET_WIDEST static int32_t power_of_levels(const float *v, int32_t n, float factor) {
    uint8_t seen[256] = {0};
    int32_t levels = 0, power = 1;
    float_bits rounded[LANES];
    for (int32_t i = 0; i < n; i += LANES) {
        const int32_t size = n - i < LANES ? n - i : LANES;
        for (int k = 0; k < size; ++k) rounded[k].value = lower(fabsf(v[i + k]) * factor, 255.0f) + MAGIC;
        for (int k = 0; k < size; ++k) seen[rounded[k].bits & 255u] = 1;
    }
    for (int k = 0; k < 256; ++k) levels += seen[k];
    while (power < levels) power *= 2;
    return power;
}

/* A count of Poisson's distribution: the first whose cumulated probability is above a uniform value. */
static float poisson_count(double expected, uint64_t *sequence) {
    double uniform = ((double)(next_of_sequence(sequence) >> 11) + 0.5) / 9007199254740992.0; /* 2^53 */
    double probability = exp(-expected);
    int count = 0;
    while (uniform > probability && count < MOST_COUNTED) {
        uniform -= probability;
        probability *= expected / ++count;
    }
    return (float)count;
}

/* Replaces v [n] by counts, in units of 1 / photons. Large counts have a normal distribution. Returns whether small
 * counts are expected; their values become negative, and are not replaced. */
TARGET_WIDEST static int count_many(float *v, int32_t n, const float *normal, float photons) {
    const float unit = 1 / photons;
    uint32_t any_small = 0;
    for (int32_t i = 0; i < n; ++i) {
        const float expected = higher(0.0f, v[i]) * photons;
        const float drawn = normal[i] * sqrtf(expected) + expected;
        const float count = drawn < MOST_ROUNDED ? (drawn + MAGIC) - MAGIC : drawn;
        const int is_small = (expected < SMALL_COUNTS) & (expected > 0);
        any_small |= (uint32_t)is_small;
        v[i] = is_small ? -v[i] : count * unit;
    }
    return any_small != 0;
}

static void count_few(float *v, int32_t n, float photons, uint64_t *sequence) {
    for (int32_t i = 0; i < n; ++i)
        if (v[i] < 0) v[i] = poisson_count((double)-v[i] * (double)photons, sequence) / photons;
}

/* ---- The other kinds --------------------------------------------------------------------------------------------- */

TARGET_WIDEST static void add_gauss(float *v, int32_t n, const float *normal, float deviation) {
    for (int32_t i = 0; i < n; ++i) v[i] += normal[i] * deviation;
}

TARGET_WIDEST static void add_speckle(float *v, int32_t n, const float *normal) {
    for (int32_t i = 0; i < n; ++i) v[i] += normal[i] * v[i];
}

static void set_some(float *v, int32_t n, float value, uint64_t *sequence) {
    const int32_t chosen = (int32_t)ceil(SALT_SHARE * n);
    for (int32_t k = 0; k < chosen; ++k) v[((next_of_sequence(sequence) >> 32) * (uint64_t)n) >> 32] = value;
}

/* ---- All kinds --------------------------------------------------------------------------------------------------- */

static void add_normal_noise(float *v, int32_t n, int32_t kind, uint64_t *sequence, float white) {
    const float levels_of_8_bits = 255 / white;
    const float photons =
        kind == MLTK_NOISE_POISSON ? (float)power_of_levels(v, n, levels_of_8_bits) * levels_of_8_bits : 0;
    float normal[PIECE];
    random_lanes lanes;
    start_lanes(&lanes, sequence);
    for (int32_t i = 0; i < n; i += PIECE) {
        const int32_t size = n - i < PIECE ? n - i : PIECE;
        fill_with_normal_values(&lanes, normal, size);
        if (kind == MLTK_NOISE_GAUSS) add_gauss(v + i, size, normal, GAUSS_DEVIATION / levels_of_8_bits);
        if (kind == MLTK_NOISE_SPECKLE) add_speckle(v + i, size, normal);
        if (kind == MLTK_NOISE_POISSON && count_many(v + i, size, normal, photons))
            count_few(v + i, size, photons, sequence);
    }
}

void mltk_add_noise(float *v, int32_t n, int32_t kind, uint32_t seed, float white) {
    uint64_t sequence = seed;
    if (kind == MLTK_NOISE_SALT_AND_PEPPER) {
        set_some(v, n, white, &sequence);
        set_some(v, n, 0, &sequence);
    } else if (kind != MLTK_NOISE_NONE) {
        add_normal_noise(v, n, kind, &sequence, white);
    }
}
