/* Vectors, for hosts: several channels at a time, and long dot products. mltk_dot.h includes this file where it is
 * used.
 *
 * The code is plain C and the vector types of GCC and Clang. The compiler chooses the instructions of the processor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_VECTORS_H
#define MLTK_VECTORS_H

#define MLTK_LANES 16
typedef int32_t mltk_vector __attribute__((vector_size(4 * MLTK_LANES)));
typedef uint32_t mltk_unsigned_vector __attribute__((vector_size(4 * MLTK_LANES)));
typedef float mltk_reals __attribute__((vector_size(4 * MLTK_LANES)));
typedef int16_t mltk_halves __attribute__((vector_size(2 * MLTK_LANES)));
typedef int8_t mltk_bytes __attribute__((vector_size(MLTK_LANES)));

/* MLTK_LANES values at `from` as int32. */
static inline void mltk_load_lanes(const int8_t *from, mltk_vector *to) {
    int32_t wide[MLTK_LANES];
    for (int32_t i = 0; i < MLTK_LANES; ++i) wide[i] = from[i];
    memcpy(to, wide, sizeof wide);
}

/* Where to begin with the channels from `channel` on. If fewer than MLTK_LANES are left, some are computed twice. */
static inline int32_t mltk_first_lane(int32_t channel, int32_t begin, int32_t end) {
    return end - channel >= MLTK_LANES || end - begin < MLTK_LANES ? channel : end - MLTK_LANES;
}

/* n <= MLTK_LANES bytes. */
static inline void mltk_copy_lanes(const int8_t *from, int32_t n, int8_t *to) {
    if (n == MLTK_LANES) {
        memcpy(to, from, MLTK_LANES);
    } else if (n == MLTK_LANES / 2) {
        memcpy(to, from, MLTK_LANES / 2);
    } else {
        memcpy(to, from, (size_t)n);
    }
}

/* n values as int8, clipped. */
static inline void mltk_store_lanes(const mltk_vector *from, int32_t lowest, int32_t highest, int32_t n, int8_t *to) {
    const mltk_vector zero = {0}, below = *from<lowest, above = *from> highest;
    const mltk_vector x = (*from & ~(below | above)) | (below & (zero + lowest)) | (above & (zero + highest));
    const mltk_bytes bytes = __builtin_convertvector(__builtin_convertvector(x, mltk_halves), mltk_bytes);
    int8_t all[MLTK_LANES];
    memcpy(all, &bytes, sizeof all);
    mltk_copy_lanes(all, n, to);
}

/* The constants of MLTK_LANES channels, or of `n` if fewer are left. */
typedef struct {
    mltk_vector bias, multiplier_low, multiplier_high, right, half;
    int32_t channel, n, is_usual; /* whether all shifts are below 0 */
} mltk_lanes;

static inline void mltk_lanes_of(const mltk_requantization *p, int32_t channel, int32_t end, mltk_lanes *lanes) {
    const int32_t n = end - channel < MLTK_LANES ? end - channel : MLTK_LANES;
    mltk_vector multiplier, shift;
    lanes->channel = channel, lanes->n = n;
    if (n == MLTK_LANES) {
        memcpy(&lanes->bias, p->bias + channel, sizeof lanes->bias);
        memcpy(&multiplier, p->multiplier + channel, sizeof multiplier);
        mltk_load_lanes(p->shift + channel, &shift);
        uint64_t signs[2];
        memcpy(signs, p->shift + channel, sizeof signs);
        lanes->is_usual =
            ((signs[0] & signs[1]) | ~(uint64_t)0 / 255 * 127) == ~(uint64_t)0; /* all sign bits are set */
    } else {
        int32_t values[3][MLTK_LANES], signs = -1;
        for (int32_t i = 0; i < MLTK_LANES; ++i) {
            const int32_t from = channel + (i < n ? i : 0);
            values[0][i] = p->bias[from], values[1][i] = p->multiplier[from], values[2][i] = p->shift[from];
            signs &= values[2][i];
        }
        lanes->is_usual = signs < 0;
        memcpy(&lanes->bias, values[0], sizeof lanes->bias);
        memcpy(&multiplier, values[1], sizeof multiplier);
        memcpy(&shift, values[2], sizeof shift);
    }
    if (!lanes->is_usual) shift = (mltk_vector){0} - 1; /* the constants are not used */
    lanes->multiplier_low = multiplier & 0xffff, lanes->multiplier_high = multiplier >> 16;
    lanes->right = -shift;
    const mltk_vector one = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    lanes->half = (mltk_vector)((mltk_unsigned_vector)one << (mltk_unsigned_vector)(lanes->right - 1));
}

/* Sums of MLTK_LANES channels as int8: what mltk_requantize() computes for one. */
static inline void mltk_requantize_lanes(const mltk_requantization *p, const mltk_lanes *lanes, const mltk_vector *sums,
                                         int8_t *out) {
    if (!lanes->is_usual) {
        for (int32_t i = 0; i < lanes->n; ++i) {
            const mltk_channel c = mltk_channel_of(p, lanes->channel + i);
            out[i] = (int8_t)mltk_requantize(&c, (*sums)[i]);
        }
        return;
    }
    /* mltk_high_mul() from halves of 16 bits, as few processors multiply vectors of int32 to int64 */
    const mltk_vector twice = (mltk_vector)((mltk_unsigned_vector)(*sums + lanes->bias) << 1);
    const mltk_vector low = twice & 0xffff, high = twice >> 16;
    const mltk_unsigned_vector lowest = (mltk_unsigned_vector)low * (mltk_unsigned_vector)lanes->multiplier_low;
    const mltk_vector first = high * lanes->multiplier_low + (mltk_vector)(lowest >> 16);
    const mltk_vector second = low * lanes->multiplier_high + (first & 0xffff);
    mltk_vector x = high * lanes->multiplier_high + (first >> 16) + (second >> 16) + ((second >> 15) & 1);
    x = ((x + lanes->half + (x >> 31)) >> lanes->right) + p->zero_point;
    mltk_store_lanes(&x, -128, 127, lanes->n, out);
}

/* ---- Dot products ------------------------------------------------------------------------------------------------ */

#define MLTK_BLOCK 32 /* values of a row that are multiplied at a time */
#define MLTK_LONGEST_ROW 2048

/* The length of a row in whole blocks. */
static inline int32_t mltk_blocks(int32_t row) { return (row + MLTK_BLOCK - 1) / MLTK_BLOCK * MLTK_BLOCK; }

/* A row of inputs as int16, filled up with zeros to whole blocks. */
static inline void mltk_widen(const int8_t *restrict from, int32_t row, int16_t *restrict to) {
    for (int32_t i = 0; i < row; ++i) to[i] = from[i];
    for (int32_t i = row; i < mltk_blocks(row); ++i) to[i] = 0;
}

static inline int32_t mltk_dot(const int8_t *restrict w, const int16_t *restrict x, int32_t n) {
    int32_t sum = 0;
    if (n <= 0 || n % MLTK_BLOCK != 0) __builtin_unreachable();
    for (int32_t k = 0; k < n; ++k) sum += w[k] * x[k];
    return sum;
}

static inline void mltk_dot_4(const int8_t *restrict w, const int16_t *restrict x, int32_t n, int32_t *restrict sums) {
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int16_t *const x1 = x + n, *const x2 = x1 + n, *const x3 = x2 + n;
    if (n <= 0 || n % MLTK_BLOCK != 0) __builtin_unreachable();
    for (int32_t k = 0; k < n; ++k) a += w[k] * x[k], b += w[k] * x1[k], c += w[k] * x2[k], d += w[k] * x3[k];
    sums[0] = a, sums[MLTK_LANES] = b, sums[2 * MLTK_LANES] = c, sums[3 * MLTK_LANES] = d;
}

/* Four rows of weights with one row of inputs. */
static inline void mltk_dot_rows(const int8_t *restrict w, int32_t row, const int16_t *restrict x, int32_t n,
                                 int32_t *restrict sums) {
    int32_t a = 0, b = 0, c = 0, d = 0;
    const int8_t *const w1 = w + row, *const w2 = w1 + row, *const w3 = w2 + row;
    if (n <= 0 || n % MLTK_BLOCK != 0) __builtin_unreachable();
    for (int32_t k = 0; k < n; ++k) a += w[k] * x[k], b += w1[k] * x[k], c += w2[k] * x[k], d += w3[k] * x[k];
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

/* Products of up to MLTK_LANES rows of weights, one behind the other, with one row of inputs or with four.
 *
 * `end` is the end of all weights. Only near it, a row is copied, so that its last block ends inside. The values behind
 * a row are multiplied with the zeros that fill up the inputs. to: a vector of sums for each row of inputs. */
static inline void mltk_dots(const int8_t *weights, const int8_t *end, int32_t row, int32_t rows, const int16_t *x,
                             int32_t inputs, mltk_vector *to) {
    const int32_t n = mltk_blocks(row);
    int8_t last[MLTK_LONGEST_ROW];
    int32_t *const sums = (int32_t *)(void *)to;
    int32_t i = 0;
    for (; inputs == 1 && i <= rows - 4 && end - weights >= 3 * row + n; i += 4, weights += 4 * row) {
        mltk_dot_rows(weights, row, x, n, sums + i);
    }
    for (; i < rows; ++i, weights += row) {
        const int8_t *w = weights;
        if (end - w < n) {
            memcpy(last, w, (size_t)row);
            memset(last + row, 0, (size_t)(n - row));
            w = last;
        }
        if (inputs == 4) {
            mltk_dot_4(w, x, n, sums + i);
        } else {
            sums[i] = mltk_dot(w, x, n);
        }
    }
}

/* The outputs `begin` to `end` of a dense layer for one row of inputs. All sums of a part come first: reading a vector
 * right behind the writing of its parts would wait for them. */
static inline void mltk_dense(const mltk_requantization *p, const int8_t *weights, const int8_t *weights_end,
                              int32_t row, const int16_t *x, int32_t begin, int32_t end, int8_t *out) {
    enum { PARTS = 8 };
    for (int32_t next = begin; next < end; next += PARTS * MLTK_LANES) {
        mltk_vector sums[PARTS] = {{0}};
        for (int32_t k = 0; k < PARTS && next + k * MLTK_LANES < end; ++k) {
            const int32_t c = mltk_first_lane(next + k * MLTK_LANES, begin, end);
            const int32_t n = end - c < MLTK_LANES ? end - c : MLTK_LANES;
            mltk_dots(weights + c * row, weights_end, row, n, x, 1, sums + k);
        }
        for (int32_t k = 0; k < PARTS && next + k * MLTK_LANES < end; ++k) {
            const int32_t c = mltk_first_lane(next + k * MLTK_LANES, begin, end);
            mltk_lanes lanes;
            mltk_lanes_of(p, c, end, &lanes);
            mltk_requantize_lanes(p, &lanes, sums + k, out + c);
        }
    }
}

#endif /* MLTK_VECTORS_H */
