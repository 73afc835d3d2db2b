/* What the files of the image augmentation share. See images.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_NATIVE_IMAGES_INTERNAL_H
#define MLTK_NATIVE_IMAGES_INTERNAL_H

#include "images.h"
#include "vectors.h"

/* Values that are worked on at once: they stay in the cache. A multiple of the lanes of images.c and image_noise.c. */
#define PIECE 1536

/* The smaller and the larger of two values, as one instruction. If one of them is not a number, this is b. */
ALWAYS_INLINE float lower(float a, float b) { return a < b ? a : b; }
ALWAYS_INLINE float higher(float a, float b) { return a > b ? a : b; }

ALWAYS_INLINE float limited(float v, float white) { return lower(white, higher(0.0f, v)); }

/* Adds noise of one of the kinds MLTK_NOISE_... to v [n]. */
void mltk_add_noise(float *v, int32_t n, int32_t kind, uint32_t seed, float white);

#endif /* MLTK_NATIVE_IMAGES_INTERNAL_H */
