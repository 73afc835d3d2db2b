/* DEPTHWISE_CONV_2D of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/depthwise_conv.h
 * (DepthwiseConvPerChannel). One channel at a time is copied into a plane of int16 with a border of zero points. So the
 * border needs no care, a row of the kernel is a dot product of neighbors, and the output may take the place of the
 * input. The sums of a part of an output row are computed first; then they become int8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

#define PART 32 /* outputs, an even number */

/* Copy one channel into the plane. */
static void copy_channel(const mltk_depthwise_conv *p, const int8_t *in, int16_t *plane) {
    int16_t *to = plane + p->pad_top * p->plane_width + p->pad_left;
    const int32_t width = p->in_width, step = p->in_step_x;
    for (int32_t y = 0; y < p->in_height; ++y, to += p->plane_width, in += p->in_step_y) {
        const int8_t *from = in;
        int32_t x = 0;
        for (; x < width - 3; x += 4) {
            to[x] = *from, from += step;
            to[x + 1] = *from, from += step;
            to[x + 2] = *from, from += step;
            to[x + 3] = *from, from += step;
        }
        for (; x < width; ++x, from += step) to[x] = *from;
    }
}

/* Copy the weights of one channel: rows of int16, filled up with a zero to an even length. */
static void copy_weights(const mltk_depthwise_conv *p, int32_t channel, int16_t *weights) {
    const int8_t *from = p->weights + channel;
    for (int32_t i = 0; i < p->kernel_height; ++i) {
        for (int32_t j = 0; j < p->kernel_width; ++j, from += p->out_channels) *weights++ = *from;
        if (p->kernel_width % 2 != 0) *weights++ = 0;
    }
}

#if defined(MLTK_DSP)
static inline uint32_t load_2(const int16_t *p) {
    uint32_t pair;
    __builtin_memcpy(&pair, p, sizeof pair);
    return pair;
}

/* One row of a 3 x 3 kernel, two outputs: r10 and r11 are the sums, r0 the input. Of the weights (a, b, c), the first
 * register holds a and b, the second b and c. */
#define KERNEL_ROW(first, second)                                                                                      \
    "ldr r2, [r0]\n\t"                                                                                                 \
    "ldr lr, [r0, #4]\n\t"                                                                                             \
    "smlad r10, r2, " first                                                                                            \
    ", r10\n\t"                                                                                                        \
    "smlatb r11, r2, " first                                                                                           \
    ", r11\n\t"                                                                                                        \
    "smlabt r10, lr, " second                                                                                          \
    ", r10\n\t"                                                                                                        \
    "smlad r11, lr, " second ", r11\n\t"

/* Sums of neighbors for a 3 x 3 kernel with stride 1, two at a time, up to `end`. All registers are taken, so it is an
 * assembler function. */
MLTK_ASSEMBLER void sums_of_3x3(MLTK_UNUSED const int16_t *x, MLTK_UNUSED int32_t row_bytes,
                                MLTK_UNUSED const int16_t *weights, MLTK_UNUSED int32_t *sums,
                                MLTK_UNUSED int32_t *end) {
    __asm__(".syntax unified\n\t"
            "push {r4-r11, lr}\n\t"
            "ldr r12, [sp, #36]\n\t"
            "ldr r4, [r2]\n\t"
            "ldr r5, [r2, #2]\n\t"
            "ldr r6, [r2, #8]\n\t"
            "ldr r7, [r2, #10]\n\t"
            "ldr r8, [r2, #16]\n\t"
            "ldr r9, [r2, #18]\n\t"
            "1:\n\t"
            "movs r2, #0\n\t"
            "mov r10, r2\n\t"
            "mov r11, r2\n\t" /* clang-format off */
            KERNEL_ROW("r4", "r5") "add r0, r0, r1\n\t"
            KERNEL_ROW("r6", "r7") "add r0, r0, r1\n\t"
            KERNEL_ROW("r8", "r9") "sub r0, r0, r1, lsl #1\n\t" /* clang-format on */
            "adds r0, r0, #4\n\t"
            "stmia r3!, {r10, r11}\n\t"
            "cmp r3, r12\n\t"
            "bne 1b\n\t"
            "pop {r4-r11, pc}");
}
#endif

/* One sum. With DSP instructions, the plane is read in pairs, so up to one value behind the window. */
static inline int32_t sum_of(const mltk_depthwise_conv *p, const int16_t *x, const int16_t *weights) {
    const int32_t row = (p->kernel_width + 1) & ~1;
    const int32_t down = p->dilation_height * p->plane_width, right = p->dilation_width;
    int32_t sum = 0;
    for (int32_t i = 0; i < p->kernel_height; ++i, x += down, weights += row) {
#if defined(MLTK_DSP)
        if (right == 1) {
            for (int32_t j = 0; j < row; j += 2) sum = mltk_add_products(load_2(x + j), load_2(weights + j), sum);
            continue;
        }
#endif
        for (int32_t j = 0; j < p->kernel_width; ++j) sum += x[j * right] * weights[j];
    }
    return sum;
}

/* The sums of n <= PART neighbors in a row. */
static void sums_of(const mltk_depthwise_conv *p, const int16_t *x, const int16_t *weights, int32_t n, int32_t *sums) {
    const int32_t stride = p->stride_width;
#if defined(MLTK_DSP)
    if (p->is_simple_3x3) {
        sums_of_3x3(x, p->plane_width * 2, weights, sums, sums + ((n + 1) & ~1));
        return;
    }
#endif
    for (int32_t k = 0; k < n; ++k, x += stride) sums[k] = sum_of(p, x, weights);
}

static void channel_out(const mltk_depthwise_conv *p, const int16_t *plane, const int16_t *weights, int32_t channel,
                        int8_t *out) {
    const mltk_channel c = mltk_channel_of(&p->out, channel);
    const int32_t step = p->out_step_x;
    int32_t sums[PART];
    for (int32_t y = 0; y < p->out_height; ++y, out += p->out_step_y) {
        const int16_t *x = plane + y * p->stride_height * p->plane_width;
        int8_t *to = out;
        for (int32_t left = p->out_width; left > 0; left -= PART, x += PART * p->stride_width) {
            const int32_t n = left < PART ? left : PART;
            sums_of(p, x, weights, n, sums);
            if (c.shift < 0) {
                for (int32_t k = 0; k < n; ++k, to += step) *to = (int8_t)mltk_requantize_right(&c, sums[k]);
            } else {
                for (int32_t k = 0; k < n; ++k, to += step) *to = (int8_t)mltk_requantize_other(&c, sums[k]);
            }
        }
    }
}

#if defined(MLTK_VECTORS)
#define LARGEST_PLANE 2048
#define LARGEST_KERNEL 128

/* The same with vectors: planes of several channels, on the stack. */
static void image_with_vectors(const mltk_depthwise_conv *p, const int8_t *in, int8_t *out) {
    const int32_t depth = p->out_channels / p->in_channels, width = p->plane_width;
    mltk_vector plane[LARGEST_PLANE], weights[LARGEST_KERNEL];
    for (int32_t c = 0; c < p->out_channels; c += MLTK_LANES) {
        const mltk_lanes lanes = mltk_lanes_of(&p->out, c, p->out_channels);
        const mltk_vector zero = {0};
        int32_t channels[MLTK_LANES] = {0};
        for (int32_t i = 0; i < lanes.n; ++i) channels[i] = (c + i) / depth;
        for (int32_t k = 0; k < p->kernel_height * p->kernel_width; ++k) {
            weights[k] = zero;
            for (int32_t i = 0; i < lanes.n; ++i) weights[k][i] = p->weights[k * p->out_channels + c + i];
        }
        for (int32_t i = 0; i < p->plane_height * width; ++i) plane[i] = zero + p->in_zero_point;
        for (int32_t y = 0; y < p->in_height; ++y) {
            for (int32_t x = 0; x < p->in_width; ++x) {
                const int8_t *const from = in + y * p->in_step_y + x * p->in_step_x;
                int32_t values[MLTK_LANES];
                if (depth == 1 && lanes.n == MLTK_LANES) {
                    for (int32_t i = 0; i < MLTK_LANES; ++i) values[i] = from[c + i];
                } else {
                    for (int32_t i = 0; i < MLTK_LANES; ++i) values[i] = from[channels[i]];
                }
                memcpy(&plane[(y + p->pad_top) * width + x + p->pad_left], values, sizeof values);
            }
        }
        for (int32_t y = 0; y < p->out_height; ++y) {
            for (int32_t x = 0; x < p->out_width; ++x) {
                const mltk_vector *v = plane + y * p->stride_height * width + x * p->stride_width, *w = weights;
                mltk_vector sum = zero;
                for (int32_t i = 0; i < p->kernel_height; ++i, v += p->dilation_height * width) {
                    for (int32_t j = 0; j < p->kernel_width; ++j) sum += v[j * p->dilation_width] * *w++;
                }
                int32_t sums[MLTK_LANES];
                memcpy(sums, &sum, sizeof sums);
                mltk_requantize_lanes(&p->out, &lanes, sums, out + y * p->out_step_y + x * p->out_step_x + c);
            }
        }
    }
}
#endif

void mltk_depthwise_conv_2d_s8(const mltk_depthwise_conv *p, const int8_t *in, int8_t *out, int16_t *scratch) {
    const int32_t depth = p->out_channels / p->in_channels; /* outputs for each input channel */
    const int32_t row = (p->kernel_width + 1) & ~1;
    int16_t *const weights = scratch, *const plane = scratch + p->kernel_height * row;
#if defined(MLTK_VECTORS)
    const int with_vectors =
        p->plane_height * p->plane_width <= LARGEST_PLANE && p->kernel_height * p->kernel_width <= LARGEST_KERNEL;
#else
    const int with_vectors = 0;
#endif
    for (int32_t n = 0; n < p->batch; ++n) {
#if defined(MLTK_VECTORS)
        if (with_vectors) image_with_vectors(p, in, out);
#endif
        for (int32_t i = 0; i < p->plane_height * p->plane_width + 2; ++i) plane[i] = p->in_zero_point;
        for (int32_t i = 0, channel = 0; i < p->in_channels && !with_vectors; ++i) {
            copy_channel(p, in + i, plane);
            for (int32_t k = 0; k < depth; ++k, ++channel) {
                copy_weights(p, channel, weights);
                channel_out(p, plane, weights, channel, out + channel);
            }
        }
        const int32_t size = p->out_height * p->out_width * p->out_channels;
        mltk_limit(p->out.low, p->out.high, out, size);
        in += p->in_height * p->in_width * p->in_channels;
        out += size;
    }
}
