/* The colors of an image: a shift of the channels, brightness, contrast, then noise. See images.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "images.h"

#include <stdlib.h>

#include "images_internal.h"

#define LANES 48            /* a multiple of 3, so that a lane has values of one of three channels */
#define COLORS_WITH_ALPHA 3 /* of four channels */

TARGET_WIDEST static void shift_channels(float *v, int32_t n, float shift) {
    float low[LANES], high[LANES];
    for (int k = 0; k < LANES; ++k) low[k] = high[k] = v[k < n ? k : 0];
    for (int32_t i = 0; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; ++k) {
            low[k] = lower(v[i + k], low[k]);
            high[k] = higher(v[i + k], high[k]);
        }
    for (int32_t i = n - n % LANES; i < n; ++i) {
        low[0] = lower(v[i], low[0]);
        high[0] = higher(v[i], high[0]);
    }
    for (int k = 1; k < LANES; ++k) {
        low[0] = lower(low[k], low[0]);
        high[0] = higher(high[k], high[0]);
    }
    for (int32_t i = 0; i < n; ++i) v[i] = lower(high[0], higher(low[0], v[i] + shift));
}

TARGET_WIDEST static void scale(float *v, int32_t n, float factor, float offset, float white) {
    for (int32_t i = 0; i < n; ++i) v[i] = limited(v[i] * factor + offset, white);
}

/* Adds v [n] to sums [LANES]: value i to the sum i % LANES. */
TARGET_WIDEST static void add_to_sums(const float *v, int32_t n, double *sums) {
    float part[LANES] = {0};
    for (int32_t i = 0; i + LANES <= n; i += LANES)
        for (int k = 0; k < LANES; ++k) part[k] += v[i + k];
    for (int32_t i = n - n % LANES; i < n; ++i) part[i % LANES] += v[i];
    for (int k = 0; k < LANES; ++k) sums[k] += (double)part[k];
}

/* Changes the brightness of v [n], if asked to, and returns the mean brightness. */
static float brighten(const mltk_image_colors *image, float *v, int32_t n, int32_t n_channels, float white) {
    static const double luma[3] = {0.299, 0.587, 0.114}; /* ITU-R BT.601 */
    double sums[LANES] = {0}, sum = 0;
    for (int32_t i = 0; i < n; i += PIECE) {
        const int32_t size = n - i < PIECE ? n - i : PIECE;
        if (image->steps & MLTK_IMAGE_BRIGHTNESS) scale(v + i, size, image->brightness, 0, white);
        if (image->steps & MLTK_IMAGE_CONTRAST) add_to_sums(v + i, size, sums);
    }
    for (int k = 0; k < LANES; ++k) sum += n_channels == 3 ? 3 * luma[k % 3] * sums[k] : sums[k];
    return (float)(sum / n);
}

static void change_colors(const mltk_image_colors *image, float *v, int32_t n_channels, float white) {
    const int32_t n = image->n_pixels * n_channels;
    if (image->steps & (MLTK_IMAGE_BRIGHTNESS | MLTK_IMAGE_CONTRAST)) {
        const float gray = brighten(image, v, n, n_channels, white);
        if (image->steps & MLTK_IMAGE_CONTRAST) scale(v, n, image->contrast, gray * (1 - image->contrast), white);
    }
    mltk_add_noise(v, n, image->noise, image->seed, white);
}

/* The same for an image with alpha, whose colors are copied. Returns 0, or -1 if there is no memory. */
static int change_colors_beside_alpha(const mltk_image_colors *image, float white) {
    float *const colors = malloc(sizeof(float) * COLORS_WITH_ALPHA * (size_t)image->n_pixels);
    if (!colors) return -1;
    for (int32_t i = 0; i < image->n_pixels; ++i)
        for (int k = 0; k < COLORS_WITH_ALPHA; ++k) colors[COLORS_WITH_ALPHA * i + k] = image->pixels[4 * i + k];
    change_colors(image, colors, COLORS_WITH_ALPHA, white);
    for (int32_t i = 0; i < image->n_pixels; ++i)
        for (int k = 0; k < COLORS_WITH_ALPHA; ++k) image->pixels[4 * i + k] = colors[COLORS_WITH_ALPHA * i + k];
    free(colors);
    return 0;
}

int mltk_images_change_colors(const mltk_image_colors *images, size_t n_images, float white) {
    for (size_t i = 0; i < n_images; ++i) {
        const mltk_image_colors *const image = &images[i];
        if (image->n_pixels == 0) continue;
        if (image->steps & MLTK_IMAGE_SHIFT)
            shift_channels(image->pixels, image->n_pixels * image->n_channels, image->shift);
        if (image->n_channels != 4)
            change_colors(image, image->pixels, image->n_channels, white);
        else if (change_colors_beside_alpha(image, white))
            return -1;
    }
    return 0;
}
