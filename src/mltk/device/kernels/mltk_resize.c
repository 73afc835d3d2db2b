/* RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR of int8.
 *
 * Source of the arithmetic: TensorFlow Lite, kernels/internal/reference/resize_nearest_neighbor.h and
 * resize_bilinear.h (ResizeBilinearInteger: fractions in 1/1024, rounded away from zero).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "mltk_fixed_point.h"
#include "mltk_kernels.h"

void mltk_resize_nearest_neighbor_s8(const mltk_resize *p, const int8_t *in, int8_t *out) {
    for (int32_t n = 0; n < p->batch; ++n, in += p->in_height * p->in_width * p->channels) {
        for (int32_t y = 0; y < p->out_height; ++y) {
            for (int32_t x = 0; x < p->out_width; ++x) {
                const int8_t *const from = in + (p->rows[y] * p->in_width + p->columns[x]) * p->channels;
                for (int32_t c = 0; c < p->channels; ++c) *out++ = from[c];
            }
        }
    }
}

/* Position between two input pixels. */
typedef struct {
    int32_t scaled, low, high; /* the position in 1/1024, the pixels on both sides */
} place;

static place locate(int32_t i, int32_t step, int32_t size, int32_t half_pixel_centers) {
    place found;
    found.scaled = half_pixel_centers ? i * step + step / 2 - 512 : i * step;
    const int32_t whole = found.scaled / 1024; /* towards zero */
    found.low = whole < 0 ? 0 : whole;
    /* the pixel at or above, which for a position below 0 is 0 */
    const int32_t above = (found.scaled + 1023) >> 10;
    found.high = above < size - 1 ? above : size - 1;
    return found;
}

void mltk_resize_bilinear_s8(const mltk_resize *p, const int8_t *in, int8_t *out) {
    const int64_t one = (int64_t)1 << 20;
    for (int32_t n = 0; n < p->batch; ++n, in += p->in_height * p->in_width * p->channels) {
        for (int32_t i = 0; i < p->out_height; ++i) {
            const place y = locate(i, p->step_y, p->in_height, p->half_pixel_centers);
            for (int32_t j = 0; j < p->out_width; ++j) {
                const place x = locate(j, p->step_x, p->in_width, p->half_pixel_centers);
                const int32_t down = y.scaled - 1024 * y.low, right = x.scaled - 1024 * x.low;
                for (int32_t c = 0; c < p->channels; ++c) {
                    const int8_t *const v = in + c;
                    const int32_t top = y.low * p->in_width, bottom = y.high * p->in_width;
                    const int64_t sum = (int64_t)v[(top + x.low) * p->channels] * (1024 - down) * (1024 - right) +
                                        (int64_t)v[(bottom + x.low) * p->channels] * down * (1024 - right) +
                                        (int64_t)v[(top + x.high) * p->channels] * (1024 - down) * right +
                                        (int64_t)v[(bottom + x.high) * p->channels] * down * right;
                    *out++ = (int8_t)((sum + (sum > 0 ? one / 2 : -one / 2)) / one);
                }
            }
        }
    }
}
