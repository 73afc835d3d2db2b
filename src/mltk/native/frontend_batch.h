/* Audio features of whole clips on the host, many frames at a time; equal to audio_frontend.c, value for value.
 *
 * Host only: not for firmware.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_NATIVE_FRONTEND_BATCH_H
#define MLTK_NATIVE_FRONTEND_BATCH_H

#include "audio_frontend.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mltk_frontend_batch mltk_frontend_batch;

/* Bytes of memory that mltk_frontend_batch_init() needs for clips of n_samples. */
size_t mltk_frontend_batch_size(const mltk_frontend *frontend, size_t n_samples);

/* Lay out the working memory for clips of n_samples; `memory` needs no alignment. The frontend, which must outlive it,
 * gives its settings and tables; its stream is not touched. `engine` forces one of mltk_frontend_batch_engine()'s, for
 * tests; NULL is the fastest that there is. */
mltk_frontend_batch *mltk_frontend_batch_init(void *memory, const mltk_frontend *frontend, size_t n_samples,
                                              const char *engine);

/* All rows of every clip, each as mltk_frontend_process_clip() gives them.
 *
 * samples is [n_clips][n_samples], features [n_clips][mltk_frontend_row_count()][n_channels] and activity [n_clips],
 * 0 or 1 (it may be NULL). */
void mltk_frontend_process_clips(mltk_frontend_batch *batch, const int16_t *samples, size_t n_clips,
                                 uint16_t *features, uint8_t *activity);

/* The features of every clip, by itself, as mltk_frontend_quantize() gives them; shapes as above. */
void mltk_frontend_quantize_clips(const mltk_frontend_batch *batch, const uint16_t *features, size_t n_clips,
                                  int8_t *out);

/* Names of the engines that this processor runs, the fastest first; NULL past the last. */
const char *mltk_frontend_batch_engine(size_t index);

/* Features that are zero whatever the audio, for the FFT has no bin in their channel. */
size_t mltk_frontend_empty_channels(const mltk_frontend *frontend);

#ifdef __cplusplus
}
#endif

#endif /* MLTK_NATIVE_FRONTEND_BATCH_H */
