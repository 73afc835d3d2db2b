/* AVERAGE_POOL_2D and MAX_POOL_2D of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/integer_ops/pooling.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_dot.h"

typedef int32_t (*pool_function)(const mltk_pool *p, const int8_t *in, int32_t height, int32_t width);

/* `in` is the channel at the top left of the window's part inside the image, which has this height and width. */
static int32_t average(const mltk_pool *p, const int8_t *in, int32_t height, int32_t width) {
    int32_t sum = 0;
    for (int32_t y = 0; y < height; ++y) {
        const int8_t *x = in + y * p->in_width * p->channels;
        for (int32_t i = 0; i < width; ++i, x += p->channels) sum += *x;
    }
    const int32_t n = height * width;
    return sum > 0 ? (sum + n / 2) / n : (sum - n / 2) / n; /* halves away from zero */
}

static int32_t largest(const mltk_pool *p, const int8_t *in, int32_t height, int32_t width) {
    int32_t found = -128;
    for (int32_t y = 0; y < height; ++y) {
        const int8_t *x = in + y * p->in_width * p->channels;
        for (int32_t i = 0; i < width; ++i, x += p->channels) found = *x > found ? *x : found;
    }
    return found;
}

#if defined(MLTK_VECTORS)
#define LARGEST_WINDOW 32768 /* whose average is exact in float */

/* The same for n <= MLTK_LANES channels. `end` is the end of the image: nothing behind it is read. */
static void pool_lanes(const mltk_pool *p, const int8_t *in, const int8_t *end, int32_t height, int32_t width,
                       int32_t n, pool_function function, int8_t *out) {
    const mltk_vector zero = {0};
    mltk_vector found = function == average ? zero : zero - 128, value;
    for (int32_t y = 0; y < height; ++y) {
        const int8_t *x = in + y * p->in_width * p->channels;
        for (int32_t i = 0; i < width; ++i, x += p->channels) {
            if (end - x >= MLTK_LANES) {
                mltk_load_lanes(x, &value);
            } else {
                int8_t some[MLTK_LANES] = {0};
                memcpy(some, x, (size_t)n);
                mltk_load_lanes(some, &value);
            }
            if (function == average) {
                found += value;
            } else {
                const mltk_vector is_larger = value > found;
                found = (value & is_larger) | (found & ~is_larger);
            }
        }
    }
    if (function == average) {
        /* Halves away from zero. A quotient that is not whole is further from a whole number than float rounds. */
        const int32_t size = height * width, half = size / 2;
        found += ((found <= 0) & -2 * half) + half;
        const mltk_reals quotient = __builtin_convertvector(found, mltk_reals) / (float)size;
        found = __builtin_convertvector(quotient, mltk_vector);
    }
    mltk_store_lanes(&found, p->low, p->high, n, out);
}
#endif

static void pool(const mltk_pool *p, const int8_t *in, int8_t *out, pool_function function) {
    const int32_t image = p->in_height * p->in_width * p->channels;
    for (int32_t n = 0; n < p->batch; ++n, in += image) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            const int32_t start_y = y * p->stride_height - p->pad_top;
            const int32_t top = start_y < 0 ? 0 : start_y;
            const int32_t bottom = mltk_clip(start_y + p->kernel_height, 0, p->in_height);
            for (int32_t x = 0; x < p->out_width; ++x) {
                const int32_t start_x = x * p->stride_width - p->pad_left;
                const int32_t left = start_x < 0 ? 0 : start_x;
                const int32_t right = mltk_clip(start_x + p->kernel_width, 0, p->in_width);
                const int8_t *const corner = in + (top * p->in_width + left) * p->channels;
#if defined(MLTK_VECTORS)
                for (int32_t c = 0; c < p->channels && p->kernel_height * p->kernel_width <= LARGEST_WINDOW;) {
                    const int32_t many = p->channels - c < MLTK_LANES ? p->channels - c : MLTK_LANES;
                    pool_lanes(p, corner + c, in + image, bottom - top, right - left, many, function, out);
                    c += many, out += many;
                }
                if (p->kernel_height * p->kernel_width <= LARGEST_WINDOW) continue;
#endif
                for (int32_t c = 0; c < p->channels; ++c) {
                    *out++ = mltk_clip_s8(function(p, corner + c, bottom - top, right - left), p->low, p->high);
                }
            }
        }
    }
}

void mltk_average_pool_2d_s8(const mltk_pool *p, const int8_t *in, int8_t *out) { pool(p, in, out, average); }

void mltk_max_pool_2d_s8(const mltk_pool *p, const int8_t *in, int8_t *out) { pool(p, in, out, largest); }
