/* CONV_2D of int8, also grouped and dilated.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/conv.h (ConvPerChannel). Two output
 * pixels are computed at a time: the input of each is gathered into a row, the border filled with the zero point. Two
 * rows of weights are multiplied with both, so that each value that is loaded is used twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

#if defined(MLTK_DSP)
/* Rows of inputs for the DSP instructions are int16. Each four values of both rows lie together: values 0 and 2 of the
 * first row, 1 and 3 of the first, 0 and 2 of the second, 1 and 3 of the second. */
typedef int16_t input_row;

/* Write one (`which` is 0 or 1) of two rows of inputs. */
static void widen(const int8_t *from, int32_t row, int32_t which, int16_t *rows) {
    rows += 4 * which;
    for (const int8_t *const end = from + row; from != end; from += 4, rows += 8) {
        const uint32_t word = mltk_load_4(from), even = mltk_even(word), odd = mltk_odd(word);
        __builtin_memcpy(rows, &even, sizeof even);
        __builtin_memcpy(rows + 2, &odd, sizeof odd);
    }
}

/* Two rows of weights with two rows of inputs. sum: w0 x0, w0 x1, w1 x0, w1 x1.
 *
 * The loop needs all 14 registers, so it is an assembler function: no compiler flag takes one away. For each four
 * values: r4 to r7 are the sums, r8 to r11 inputs. One round of the loop is two of them; an odd one comes first. */
#define FOUR_VALUES                                                                                                    \
    "ldmia r2!, {r8-r11}\n\t"                                                                                          \
    "ldr r12, [r0], #4\n\t"                                                                                            \
    "sxtb16 lr, r12\n\t"                                                                                               \
    "sxtb16 r12, r12, ror #8\n\t"                                                                                      \
    "smlad r4, lr, r8, r4\n\t"                                                                                         \
    "smlad r5, lr, r10, r5\n\t"                                                                                        \
    "smlad r4, r12, r9, r4\n\t"                                                                                        \
    "smlad r5, r12, r11, r5\n\t"                                                                                       \
    "ldr r12, [r1], #4\n\t"                                                                                            \
    "sxtb16 lr, r12\n\t"                                                                                               \
    "sxtb16 r12, r12, ror #8\n\t"                                                                                      \
    "smlad r6, lr, r8, r6\n\t"                                                                                         \
    "smlad r7, lr, r10, r7\n\t"                                                                                        \
    "smlad r6, r12, r9, r6\n\t"                                                                                        \
    "smlad r7, r12, r11, r7\n\t"

MLTK_ASSEMBLER void dot_2x2(MLTK_UNUSED const int8_t *w0, MLTK_UNUSED const int8_t *w1, MLTK_UNUSED const int16_t *x,
                            MLTK_UNUSED const int16_t *x_end, MLTK_UNUSED int32_t *sum) {
    __asm__(
        ".syntax unified\n\t"
        "push {r4-r11, lr}\n\t"
        "movs r4, #0\n\t"
        "movs r5, #0\n\t"
        "subs r6, r3, r2\n\t"
        "lsls r6, r6, #27\n\t" /* bit 4, set for an odd number of fours, becomes the sign */
        "mov r6, r4\n\t"
        "mov r7, r4\n\t"
        "bmi 2f\n\t"
        "1:\n\t" FOUR_VALUES "2:\n\t" FOUR_VALUES
        "cmp r2, r3\n\t"
        "bne 1b\n\t"
        "ldr r0, [sp, #36]\n\t"
        "stmia r0, {r4-r7}\n\t"
        "pop {r4-r11, pc}");
}

/* What pairs_out() needs, in the order in which it reads it. It moves on the pointers. */
typedef struct {
    const int8_t *weights;
    int32_t row;
    const int16_t *x, *x_end;
    const int32_t *bias, *multiplier;
    const int8_t *shift;
    int8_t *out;
    int32_t out_step, zero_point, pairs;
} pair_outputs;

/* Both pixels of one channel, with r1 (shift), r12 (half) and a multiplier, as in mltk_requantize_right(). */
#define TWO_PIXELS(first, second, multiplier)                                                                          \
    "ldrsb r1, [r2], #1\n\t"                                                                                           \
    "mov r12, #1\n\t"                                                                                                  \
    "rsb r1, r1, #0\n\t"                                                                                               \
    "lsl r12, r12, r1\n\t"                                                                                             \
    "lsr r12, r12, #1\n\t"                                                                                             \
    "lsl " first ", " first                                                                                            \
    ", #1\n\t"                                                                                                         \
    "lsl " second ", " second                                                                                          \
    ", #1\n\t"                                                                                                         \
    "smmlar r0, " first ", " multiplier                                                                                \
    ", r12\n\t"                                                                                                        \
    "add r0, r0, " first                                                                                               \
    ", asr #31\n\t"                                                                                                    \
    "asr " first                                                                                                       \
    ", r0, r1\n\t"                                                                                                     \
    "smmlar r0, " second ", " multiplier                                                                               \
    ", r12\n\t"                                                                                                        \
    "add r0, r0, " second                                                                                              \
    ", asr #31\n\t"                                                                                                    \
    "asr " second                                                                                                      \
    ", r0, r1\n\t"                                                                                                     \
    "add " first ", " first                                                                                            \
    ", r9\n\t"                                                                                                         \
    "add " second ", " second                                                                                          \
    ", r9\n\t"                                                                                                         \
    "ssat " first ", #8, " first                                                                                       \
    "\n\t"                                                                                                             \
    "ssat " second ", #8, " second                                                                                     \
    "\n\t"                                                                                                             \
    "strb " second                                                                                                     \
    ", [r3, r8]\n\t"                                                                                                   \
    "strb " first ", [r3], #1\n\t"

/* The results of both pixels for pairs of channels whose shifts are below 0: dot_2x2() and put() in one loop. */
MLTK_ASSEMBLER void pairs_out(MLTK_UNUSED pair_outputs *p) {
    __asm__(
        ".syntax unified\n\t"
        "push {r0, r4-r11, lr}\n\t"
        "1:\n\t"
        "ldr r12, [sp]\n\t"
        "ldmia r12, {r0-r3, r8}\n\t"
        "ldmia r8!, {r4, r6}\n\t" /* sums begin with the bias */
        "str r8, [r12, #16]\n\t"
        "add r1, r0, r1\n\t"
        "mov r5, r4\n\t"
        "mov r7, r6\n\t"
        "subs r8, r3, r2\n\t"
        "lsls r8, r8, #27\n\t" /* bit 4, set for an odd number of fours, becomes the sign */
        "bmi 3f\n\t"
        "2:\n\t" FOUR_VALUES "3:\n\t" FOUR_VALUES
        "cmp r2, r3\n\t"
        "bne 2b\n\t"
        "ldr r12, [sp]\n\t"
        "add lr, r12, #20\n\t"
        "str r1, [r12]\n\t" /* the second row ends where the next pair begins */
        "ldmia lr, {r0, r2, r3, r8, r9}\n\t"
        "ldmia r0!, {r10, r11}\n\t"
        "str r0, [lr]\n\t" TWO_PIXELS("r4", "r5", "r10") TWO_PIXELS("r6", "r7", "r11")
        "str r2, [lr, #4]\n\t"
        "str r3, [lr, #8]\n\t"
        "ldr r0, [lr, #20]\n\t"
        "subs r0, r0, #1\n\t"
        "str r0, [lr, #20]\n\t"
        "bne 1b\n\t"
        "pop {r0, r4-r11, pc}");
}
#else
typedef int8_t input_row;

/* Two rows of weights with two rows of inputs, both `row` bytes apart. sum: w0 x0, w0 x1, w1 x0, w1 x1. */
static inline void dot_2x2(const int8_t *w, const int8_t *x, int32_t row, int32_t sum[4]) {
    int32_t s00 = 0, s01 = 0, s10 = 0, s11 = 0;
#if defined(MLTK_HELIUM)
    for (int32_t left = row; left > 0; left -= 16, w += 16, x += 16) {
        const mve_pred16_t some = vctp8q((uint32_t)left);
        const int8x16_t a = vldrbq_z_s8(w, some), b = vldrbq_z_s8(w + row, some);
        const int8x16_t c = vldrbq_z_s8(x, some), d = vldrbq_z_s8(x + row, some);
        s00 = vmladavaq_s8(s00, a, c);
        s01 = vmladavaq_s8(s01, a, d);
        s10 = vmladavaq_s8(s10, b, c);
        s11 = vmladavaq_s8(s11, b, d);
    }
#else
    for (int32_t k = 0; k < row; ++k) {
        s00 += w[k] * x[k];
        s01 += w[k] * x[row + k];
        s10 += w[row + k] * x[k];
        s11 += w[row + k] * x[row + k];
    }
#endif
    sum[0] = s00, sum[1] = s01, sum[2] = s10, sum[3] = s11;
}
#endif

/* Results of both pixels for one channel. The second is written first, so that with `out_step` 0 it vanishes. */
static inline void put(const mltk_requantization *p, int32_t channel, int32_t sum, int32_t other_sum, int8_t *out,
                       int32_t out_step) {
    const mltk_channel c = mltk_channel_of(p, channel);
    if (c.shift < 0) {
        sum = mltk_requantize_right(&c, sum);
        other_sum = mltk_requantize_right(&c, other_sum);
    } else {
        sum = mltk_requantize_other(&c, sum);
        other_sum = mltk_requantize_other(&c, other_sum);
    }
    out[out_step] = (int8_t)other_sum;
    out[0] = (int8_t)sum;
}

/* Whether all shifts are below 0. */
static inline int has_usual_shifts(const mltk_conv *p) {
    for (int32_t i = 0; i < p->out_channels; ++i) {
        if (p->out.shift[i] >= 0) return 0;
    }
    return 1;
}

/* Multiply two rows of inputs with the rows of weights of some channels. `weights` has an even number of rows: behind
 * an odd last one are zeros. The results of the second row begin `out_step` behind those of the first. */
static void multiply(const mltk_conv *p, const input_row *x, int32_t channel, int32_t end, int is_usual, int8_t *out,
                     int32_t out_step) {
    int32_t sum[4];
    const int8_t *weights = p->weights + channel * p->row;
#if defined(MLTK_DSP)
    if (is_usual && end - channel > 1) {
        const mltk_requantization *const o = &p->out;
        pair_outputs pairs = {
            weights, p->row,        x,        x + 2 * p->row, o->bias + channel,   o->multiplier + channel,
            NULL,    out + channel, out_step, o->zero_point,  (end - channel) >> 1};
        pairs.shift = o->shift + channel;
        pairs_out(&pairs);
        weights = pairs.weights;
        channel += (end - channel) & ~1;
    }
#else
    (void)is_usual;
#endif
    for (; channel < end; channel += 2, weights += 2 * p->row) {
#if defined(MLTK_DSP)
        dot_2x2(weights, weights + p->row, x, x + 2 * p->row, sum);
#else
        dot_2x2(weights, x, p->row, sum);
#endif
        put(&p->out, channel, sum[0], sum[1], out + channel, out_step);
        if (channel + 1 < end) put(&p->out, channel + 1, sum[2], sum[3], out + channel + 1, out_step);
    }
}

/* Where the inputs of an output pixel are collected, in the order of the weights. */
typedef struct {
    input_row *rows;  /* of both pixels */
    int8_t *gathered; /* one row of int8; for DSP instructions, null if runs of four can be widened at once */
    int32_t which;    /* the pixel, 0 or 1 */
} collector;

/* Copy n bytes, most often few. */
static inline void copy(int8_t *to, const int8_t *from, int32_t n) {
#if defined(MLTK_DSP)
    for (; n >= 4; n -= 4, to += 4, from += 4) {
        const uint32_t word = mltk_load_4(from);
        __builtin_memcpy(to, &word, sizeof word);
    }
    for (; n > 0; --n) *to++ = *from++;
#else
    memcpy(to, from, (size_t)n);
#endif
}

/* Append n inputs: those at `from`, or n times `fill` if it is null. Returns the new length of the row. */
static int32_t append(const collector *to, int32_t length, const int8_t *from, int32_t fill, int32_t n) {
#if defined(MLTK_DSP)
    if (to->gathered == NULL) {
        int16_t *const rows = to->rows + 2 * length;
        if (from != NULL) {
            widen(from, n, to->which, rows);
        } else {
            for (int32_t i = 4 * to->which; i < 2 * n; i += 8) {
                for (int32_t k = 0; k < 4; ++k) rows[i + k] = (int16_t)fill;
            }
        }
        return length + n;
    }
#endif
    if (from != NULL) {
        copy(to->gathered + length, from, n);
    } else {
        memset(to->gathered + length, fill, (size_t)n);
    }
    return length + n;
}

/* Collect the inputs of one output pixel, for one group. */
static void gather(const mltk_conv *p, const int8_t *image, int32_t y, int32_t x, int32_t group_size,
                   const collector *to) {
    const int32_t in_row = p->in_width * p->in_channels, fill = p->in_zero_point;
    const int32_t top = y * p->stride_height - p->pad_top, left = x * p->stride_width - p->pad_left;
    const int32_t whole = p->kernel_width * group_size;
    /* Whether the pixels of a row of the kernel are side by side, and how many of them are left of the image or in it.
     */
    const int is_run = group_size == p->in_channels && p->dilation_width == 1;
    const int32_t before = left < 0 ? (left + p->kernel_width < 0 ? p->kernel_width : -left) : 0;
    const int32_t end = p->in_width - left < p->kernel_width ? p->in_width - left : p->kernel_width;
    int32_t length = 0;
    for (int32_t i = 0; i < p->kernel_height; ++i) {
        const int32_t in_y = top + i * p->dilation_height;
        if (in_y < 0 || in_y >= p->in_height) {
            length = append(to, length, NULL, fill, whole);
            continue;
        }
        const int8_t *const from = image + in_y * in_row;
        if (is_run) {
            if (before > 0) length = append(to, length, NULL, fill, before * group_size);
            if (end > before)
                length = append(to, length, from + (left + before) * group_size, 0, (end - before) * group_size);
            if (end < p->kernel_width) {
                const int32_t behind = p->kernel_width - (end > before ? end : before);
                length = append(to, length, NULL, fill, behind * group_size);
            }
            continue;
        }
        for (int32_t j = 0, in_x = left; j < p->kernel_width; ++j, in_x += p->dilation_width) {
            const int is_inside = in_x >= 0 && in_x < p->in_width;
            length = append(to, length, is_inside ? from + in_x * p->in_channels : NULL, fill, group_size);
        }
    }
#if defined(MLTK_DSP)
    if (to->gathered != NULL) widen(to->gathered, p->row, to->which, to->rows);
#endif
}

#if defined(MLTK_VECTORS)
#define FEW_PIXELS 12       /* for fewer, turning the weights costs more than it saves */
#define LONG_ROW 96         /* from here on, dot products are as fast */
#define LARGEST_IMAGE 65536 /* bytes, with its border */

/* Dot products of the rows of weights with the inputs of up to four pixels at a time. */
static void conv_by_rows(const mltk_conv *p, const int8_t *in, int8_t *out, int8_t *scratch, int is_pointwise) {
    const int32_t group_in = p->in_channels / p->groups, group_out = p->out_channels / p->groups;
    const int32_t row = p->row, pixels = p->out_height * p->out_width, wide = mltk_blocks(row);
    const int8_t *const end = p->weights + p->out_channels * row;
    int16_t x[4 * MLTK_LONGEST_ROW];
    collector to = {scratch, scratch, 0};
    memset(scratch, 0, (size_t)row);
    for (int32_t g = 0; g < p->groups; ++g) {
        for (int32_t i = 0; i < pixels; i += 4) {
            const int32_t n = pixels - i < 4 ? pixels - i : 4;
            for (int32_t k = 0; k < n; ++k) {
                const int8_t *values = in + (i + k) * row;
                if (!is_pointwise) {
                    gather(p, in + g * group_in, (i + k) / p->out_width, (i + k) % p->out_width, group_in, &to);
                    values = scratch;
                }
                mltk_widen(values, row, x + k * wide);
            }
            if (n < 4) {
                for (int32_t k = 0; k < n; ++k) {
                    mltk_dense(&p->out, p->weights, end, row, x + k * wide, g * group_out, (g + 1) * group_out,
                               out + (i + k) * p->out_channels);
                }
                continue;
            }
            for (int32_t next = g * group_out; next < (g + 1) * group_out; next += MLTK_LANES) {
                const int32_t c = mltk_first_lane(next, g * group_out, (g + 1) * group_out);
                mltk_lanes lanes;
                mltk_vector sums[4] = {{0}};
                mltk_lanes_of(&p->out, c, (g + 1) * group_out, &lanes);
                mltk_dots(p->weights + c * row, end, row, lanes.n, x, 4, sums);
                for (int32_t k = 0; k < n; ++k) {
                    mltk_requantize_lanes(&p->out, &lanes, sums + k, out + (i + k) * p->out_channels + c);
                }
            }
        }
    }
}

/* Copy an image to one with a border, `height` times `width` pixels. */
static void add_border(const mltk_conv *p, const int8_t *in, int32_t height, int32_t width, int8_t *image) {
    const int32_t from_row = p->in_width * p->in_channels, to_row = width * p->in_channels;
    const int32_t rows = height - p->pad_top < p->in_height ? height - p->pad_top : p->in_height;
    const int32_t columns = width - p->pad_left < p->in_width ? width - p->pad_left : p->in_width;
    memset(image, p->in_zero_point, (size_t)(height * to_row));
    for (int32_t y = 0; y < rows; ++y) {
        memcpy(image + (y + p->pad_top) * to_row + p->pad_left * p->in_channels, in + y * from_row,
               (size_t)(columns * p->in_channels));
    }
}

/* Where the inputs of a pixel are, in the order of the weights, behind the first one. Returns how many. */
static int32_t input_offsets(const mltk_conv *p, int32_t width, int32_t *offsets) {
    const int32_t group_in = p->in_channels / p->groups;
    int32_t n = 0;
    for (int32_t i = 0; i < p->kernel_height; ++i) {
        for (int32_t j = 0; j < p->kernel_width; ++j) {
            const int32_t first = (i * p->dilation_height * width + j * p->dilation_width) * p->in_channels;
            for (int32_t k = 0; k < group_in; ++k) offsets[n++] = first + k;
        }
    }
    return n;
}

/* The sums of MLTK_LANES channels for four pixels. */
static inline void four_pixels(const mltk_vector *weights, const int32_t *offsets, int32_t n, const int8_t *const *x,
                               mltk_vector *sums) {
    mltk_vector a = {0}, b = {0}, c = {0}, d = {0};
    for (int32_t k = 0; k < n; ++k) {
        const mltk_vector w = weights[k];
        const int32_t at = offsets[k];
        a += w * x[0][at], b += w * x[1][at], c += w * x[2][at], d += w * x[3][at];
    }
    sums[0] = a, sums[1] = b, sums[2] = c, sums[3] = d;
}

/* The sums of MLTK_LANES channels at a time, for an image that has its border. `first` is its width. */
static void conv_by_channels(const mltk_conv *p, const int8_t *image, int32_t width, int8_t *out) {
    const int32_t group_in = p->in_channels / p->groups, group_out = p->out_channels / p->groups;
    const int32_t pixels = p->out_height * p->out_width;
    mltk_vector weights[LONG_ROW];
    int32_t offsets[LONG_ROW];
    const int32_t n = input_offsets(p, width, offsets);
    for (int32_t g = 0; g < p->groups; ++g) {
        for (int32_t next = g * group_out; next < (g + 1) * group_out; next += MLTK_LANES) {
            const int32_t c = mltk_first_lane(next, g * group_out, (g + 1) * group_out);
            mltk_lanes lanes;
            mltk_lanes_of(&p->out, c, (g + 1) * group_out, &lanes);
            int32_t *const turned = (int32_t *)(void *)weights;
            memset(weights, 0, (size_t)n * sizeof weights[0]);
            for (int32_t i = 0; i < lanes.n; ++i) {
                const int8_t *const from = p->weights + (c + i) * p->row;
                for (int32_t k = 0; k < n; ++k) turned[k * MLTK_LANES + i] = from[k];
            }
            for (int32_t i = 0; i < pixels; i += 4) {
                const int32_t many = pixels - i < 4 ? pixels - i : 4;
                const int8_t *x[4];
                mltk_vector sums[4];
                for (int32_t k = 0; k < 4; ++k) {
                    const int32_t at = i + (k < many ? k : 0), y = at / p->out_width;
                    const int32_t pixel = y * p->stride_height * width + (at - y * p->out_width) * p->stride_width;
                    x[k] = image + pixel * p->in_channels + g * group_in;
                }
                four_pixels(weights, offsets, n, x, sums);
                for (int32_t k = 0; k < many; ++k) {
                    mltk_requantize_lanes(&p->out, &lanes, sums + k, out + (i + k) * p->out_channels + c);
                }
            }
        }
    }
}

/* The same with vectors. Returns 0 if the sizes are unusual, and nothing is done. */
static int conv_with_vectors(const mltk_conv *p, const int8_t *in, int8_t *out, int8_t *scratch, int is_pointwise) {
    const int32_t pixels = p->out_height * p->out_width, size = pixels * p->out_channels;
    const int32_t height = (p->out_height - 1) * p->stride_height + (p->kernel_height - 1) * p->dilation_height + 1;
    const int32_t width = (p->out_width - 1) * p->stride_width + (p->kernel_width - 1) * p->dilation_width + 1;
    const int has_border = p->pad_top != 0 || p->pad_left != 0 || height > p->in_height || width > p->in_width;
    const int by_channels =
        p->row <= LONG_ROW && pixels >= FEW_PIXELS && (!has_border || height * width * p->in_channels <= LARGEST_IMAGE);
    if (!by_channels && p->row > MLTK_LONGEST_ROW) return 0;
    for (int32_t n = 0; n < p->batch; ++n, in += p->in_height * p->in_width * p->in_channels, out += size) {
        if (!by_channels) {
            conv_by_rows(p, in, out, scratch, is_pointwise);
        } else if (!has_border) {
            conv_by_channels(p, in, p->in_width, out);
        } else {
            int8_t image[LARGEST_IMAGE];
            add_border(p, in, height, width, image);
            conv_by_channels(p, image, width, out);
        }
        mltk_limit(p->out.low, p->out.high, out, size);
    }
    return 1;
}
#endif

void mltk_conv_2d_s8(const mltk_conv *p, const int8_t *in, int8_t *out, int16_t *scratch) {
    const int32_t group_in = p->in_channels / p->groups, group_out = p->out_channels / p->groups;
    const int32_t image = p->in_height * p->in_width * p->in_channels;
    const int32_t pixels = p->out_height * p->out_width;
#if defined(MLTK_VECTORS)
    if (conv_with_vectors(p, in, out, (int8_t *)scratch, 0)) return;
#endif
    const int is_usual = has_usual_shifts(p);
    collector to;
#if defined(MLTK_DSP)
    to.rows = scratch;
    to.gathered = group_in % 4 == 0 ? NULL : (int8_t *)(scratch + 2 * p->row);
    if (to.gathered != NULL) memset(to.gathered, 0, (size_t)p->row);
#else
    to.rows = (int8_t *)scratch;
    memset(to.rows, 0, (size_t)(2 * p->row));
#endif
    for (int32_t n = 0; n < p->batch; ++n, in += image) {
        int32_t y = 0, x = 0;
        for (int32_t i = 0; i < pixels; i += 2) {
            const int32_t n_rows = pixels - i < 2 ? 1 : 2, first_y = y, first_x = x;
            for (int32_t g = 0; g < p->groups; ++g) {
                y = first_y, x = first_x;
                for (to.which = 0; to.which < n_rows; ++to.which) {
#if !defined(MLTK_DSP)
                    to.gathered = to.rows + to.which * p->row;
#endif
                    gather(p, in + g * group_in, y, x, group_in, &to);
                    if (++x == p->out_width) x = 0, ++y;
                }
                multiply(p, to.rows, g * group_out, (g + 1) * group_out, is_usual, out,
                         n_rows < 2 ? 0 : p->out_channels);
            }
            out += n_rows * p->out_channels;
        }
    }
    const int32_t size = p->batch * pixels * p->out_channels;
    mltk_limit(p->out.low, p->out.high, out - size, size);
}

void mltk_pointwise_conv_2d_s8(const mltk_conv *p, const int8_t *in, int8_t *out, int16_t *scratch) {
    const int32_t pixels = p->batch * p->out_height * p->out_width, n = p->out_channels;
    int8_t *const first = out;
#if defined(MLTK_VECTORS)
    if (conv_with_vectors(p, in, out, (int8_t *)scratch, 1)) return;
#endif
    const int is_usual = has_usual_shifts(p);
    for (int32_t i = 0; i < pixels; i += 2, in += 2 * p->row, out += 2 * n) {
        const int32_t is_last = pixels - i < 2;
#if defined(MLTK_DSP)
        widen(in, p->row, 0, scratch);
        widen(is_last ? in : in + p->row, p->row, 1, scratch);
        multiply(p, scratch, 0, n, is_usual, out, is_last ? 0 : n);
#else
        const int8_t *rows = in;
        if (is_last) { /* there is no second row to read */
            memcpy(scratch, in, (size_t)p->row);
            memcpy((int8_t *)scratch + p->row, in, (size_t)p->row);
            rows = (const int8_t *)scratch;
        }
        multiply(p, rows, 0, n, is_usual, out, is_last ? 0 : n);
#endif
    }
    mltk_limit(p->out.low, p->out.high, first, pixels * n);
}
