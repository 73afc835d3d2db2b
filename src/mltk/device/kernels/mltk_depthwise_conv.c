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
#define LARGEST_PLANE 4096
#define LARGEST_KERNEL 256

/* Copy MLTK_LANES channels into a plane with a border, or n if fewer are left. */
static void copy_lanes(const mltk_depthwise_conv *p, const int8_t *in, int32_t channel, int32_t n, int8_t *plane) {
    const int32_t depth = p->out_channels / p->in_channels, width = p->plane_width;
    if (p->plane_height != p->in_height || width != p->in_width || n < MLTK_LANES) {
        memset(plane, p->in_zero_point, (size_t)(p->plane_height * width * MLTK_LANES));
    }
    for (int32_t y = 0; y < p->in_height; ++y) {
        const int8_t *from = in + y * p->in_step_y;
        int8_t *to = plane + ((y + p->pad_top) * width + p->pad_left) * MLTK_LANES;
        for (int32_t x = 0; x < p->in_width; ++x, from += p->in_step_x, to += MLTK_LANES) {
            if (depth == 1) {
                mltk_copy_lanes(from + channel, n, to);
            } else {
                for (int32_t i = 0; i < n; ++i) to[i] = from[(channel + i) / depth];
            }
        }
    }
}

/* Where values are: the steps between neighbors, and of the inputs of an output from the first one. */
typedef struct {
    int32_t step_y, step_x;
    int32_t offsets[LARGEST_KERNEL];
} layout;

static void set_layout(const mltk_depthwise_conv *p, int32_t step_y, int32_t step_x, layout *to) {
    int32_t k = 0;
    to->step_y = step_y, to->step_x = step_x;
    for (int32_t i = 0; i < p->kernel_height; ++i) {
        for (int32_t j = 0; j < p->kernel_width; ++j) {
            to->offsets[k++] = i * p->dilation_height * step_y + j * p->dilation_width * step_x;
        }
    }
}

/* The outputs of some channels. `in` is the first channel of the first pixel. */
static void lanes_out(const mltk_depthwise_conv *p, const layout *where, const int8_t *in, int32_t channel,
                      int8_t *out) {
    const int32_t taps = p->kernel_height * p->kernel_width;
    mltk_vector weights[LARGEST_KERNEL];
    mltk_lanes lanes;
    mltk_lanes_of(&p->out, channel, p->out_channels, &lanes);
    if (lanes.n == MLTK_LANES && p->out_height == 1 && p->out_width == 1) { /* each weight is used once */
        const int8_t *w = p->weights + channel;
        mltk_vector sum = {0}, value, weight;
        for (int32_t k = 0; k < taps; ++k, w += p->out_channels) {
            mltk_load_lanes(in + where->offsets[k], &value);
            mltk_load_lanes(w, &weight);
            sum += value * weight;
        }
        mltk_requantize_lanes(&p->out, &lanes, &sum, out + channel);
        return;
    }
    for (int32_t k = 0; k < taps; ++k) {
        const int8_t *const from = p->weights + k * p->out_channels + channel;
        if (lanes.n == MLTK_LANES) {
            mltk_load_lanes(from, &weights[k]);
        } else {
            for (int32_t i = 0; i < MLTK_LANES; ++i) weights[k][i] = i < lanes.n ? from[i] : 0;
        }
    }
    for (int32_t y = 0; y < p->out_height; ++y) {
        const int8_t *x = in + y * p->stride_height * where->step_y;
        int8_t *to = out + y * p->out_step_y + channel;
        for (int32_t i = 0; i < p->out_width; ++i, x += p->stride_width * where->step_x, to += p->out_step_x) {
            mltk_vector sum = {0}, value;
            for (int32_t k = 0; k < taps; ++k) {
                mltk_load_lanes(x + where->offsets[k], &value);
                sum += value * weights[k];
            }
            mltk_requantize_lanes(&p->out, &lanes, &sum, to);
        }
    }
}

/* The same with vectors. Without a border, values are used where they are; otherwise, copies on the stack. */
static void image_with_vectors(const mltk_depthwise_conv *p, const int8_t *in, int8_t *out) {
    const int has_border = p->plane_height > p->in_height || p->plane_width > p->in_width || in == out;
    const int is_direct = !has_border && p->out_channels == p->in_channels && p->in_channels >= MLTK_LANES;
    layout where;
    if (is_direct) {
        set_layout(p, p->in_step_y, p->in_step_x, &where);
        for (int32_t next = 0; next < p->out_channels; next += MLTK_LANES) {
            const int32_t c = mltk_first_lane(next, 0, p->out_channels);
            lanes_out(p, &where, in + c, c, out);
        }
    } else {
        int8_t plane[LARGEST_PLANE * MLTK_LANES];
        set_layout(p, p->plane_width * MLTK_LANES, MLTK_LANES, &where);
        for (int32_t next = 0; next < p->out_channels; next += MLTK_LANES) {
            /* in place, no channel can be computed twice */
            const int32_t c = in == out ? next : mltk_first_lane(next, 0, p->out_channels);
            const int32_t left = p->out_channels - c;
            copy_lanes(p, in, c, left < MLTK_LANES ? left : MLTK_LANES, plane);
            lanes_out(p, &where, plane, c, out);
        }
    }
}
#endif

void mltk_depthwise_conv_2d_s8(const mltk_depthwise_conv *p, const int8_t *in, int8_t *out, int16_t *scratch) {
    const int32_t depth = p->out_channels / p->in_channels; /* outputs for each input channel */
    const int32_t row = (p->kernel_width + 1) & ~1, plane_size = p->plane_height * p->plane_width;
    const int32_t size = p->out_height * p->out_width * p->out_channels;
    int16_t *const weights = scratch, *const plane = scratch + p->kernel_height * row;
    for (int32_t n = 0; n < p->batch; ++n, in += p->in_height * p->in_width * p->in_channels, out += size) {
#if defined(MLTK_VECTORS)
        if (plane_size <= LARGEST_PLANE && p->kernel_height * p->kernel_width <= LARGEST_KERNEL) {
            image_with_vectors(p, in, out);
            mltk_limit(p->out.low, p->out.high, out, size);
            continue;
        }
#endif
        for (int32_t i = 0; i < plane_size + 2; ++i) plane[i] = p->in_zero_point;
        for (int32_t i = 0, channel = 0; i < p->in_channels; ++i) {
            copy_channel(p, in + i, plane);
            for (int32_t k = 0; k < depth; ++k, ++channel) {
                copy_weights(p, channel, weights);
                channel_out(p, plane, weights, channel, out + channel);
            }
        }
        mltk_limit(p->out.low, p->out.high, out, size);
    }
}
