/* What augmentation does to the colors of images: brightness, contrast and noise, in one call for a batch.
 *
 * C99 for the host that trains. Only the rare Poisson counts below 64 use exp() of the C library. All other arithmetic
 * is the same on every processor (_build.py sets the compiler's flags).
 *
 *   images.c         the steps one after the other, for a piece of the image that stays in the cache
 *   image_noise.c    random numbers, and the noise made of them
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_NATIVE_IMAGES_H
#define MLTK_NATIVE_IMAGES_H

#include <stddef.h>
#include <stdint.h>

/* Values of `steps`, in the order in which the steps are done. */
enum {
    MLTK_IMAGE_SHIFT = 1,
    MLTK_IMAGE_BRIGHTNESS = 2,
    MLTK_IMAGE_CONTRAST = 4,
};

/* Values of `noise`. */
enum {
    MLTK_NOISE_NONE,
    MLTK_NOISE_GAUSS,
    MLTK_NOISE_POISSON,
    MLTK_NOISE_SALT_AND_PEPPER,
    MLTK_NOISE_SPECKLE,
};

/* What to do with one image. Of four channels, the last is alpha: only the shift changes it. */
typedef struct {
    float *pixels; /* [n_pixels][n_channels], changed in place */
    int32_t n_pixels;
    int32_t n_channels;
    int32_t steps;
    float shift;      /* added to each value; no value leaves the range of the image */
    float brightness; /* factor of each value */
    float contrast;   /* factor of the distance of each value to the mean brightness */
    int32_t noise;
    uint32_t seed; /* of the noise */
} mltk_image_colors;

/* Changes all images. Brightness and contrast limit the values to 0 to white. Returns 0, or -1 if there was no memory
 * for an image with alpha. */
int mltk_images_change_colors(const mltk_image_colors *images, size_t n_images, float white);

#endif /* MLTK_NATIVE_IMAGES_H */
