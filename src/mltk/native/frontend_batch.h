/* Audio features of whole clips on the host, many frames at a time. The values equal those of audio_frontend.c.
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

/* Lay out the working memory for clips of n_samples; `memory` needs no alignment. The frontend provides settings and
 * tables and must outlive the result; its stream does not change. `variant` is a name that
 * mltk_frontend_batch_variant() returns, or NULL for the fastest. All variants compute the same values. */
mltk_frontend_batch *mltk_frontend_batch_init(void *memory, const mltk_frontend *frontend, size_t n_samples,
                                              const char *variant);

/* All rows of every clip, as mltk_frontend_process_clip() returns them for one.
 *
 * samples is [n_clips][n_samples], features [n_clips][mltk_frontend_row_count()][n_channels] and activity [n_clips],
 * 0 or 1 (it may be NULL). */
void mltk_frontend_process_clips(mltk_frontend_batch *batch, const int16_t *samples, size_t n_clips, uint16_t *features,
                                 uint8_t *activity);

/* Quantize the features of every clip as mltk_frontend_quantize() does it for one; shapes as above. */
void mltk_frontend_quantize_clips(const mltk_frontend_batch *batch, const uint16_t *features, size_t n_clips,
                                  int8_t *out);

/* Take all samples of a stream: mltk_frontend_feed() again and again. `features` has room for all rows that become
 * complete. Returns their number. */
size_t mltk_frontend_feed_rows(mltk_frontend *frontend, const int16_t *samples, size_t n_samples, uint16_t *features);

/* Quantize windows of a stream's rows as mltk_frontend_quantize() does it for each: out is
 * [n_windows][rows_per_window][n_channels]. Window k begins at the row k * step. */
void mltk_frontend_quantize_windows(const mltk_frontend *frontend, const uint16_t *rows, size_t rows_per_window,
                                    size_t step, size_t n_windows, int8_t *out);

/* Names of the variants of this code that this processor can run, the fastest first; NULL past the last. */
const char *mltk_frontend_batch_variant(size_t index);

/* Number of channels without a bin of the FFT. Their features are always zero. */
size_t mltk_frontend_empty_channels(const mltk_frontend *frontend);

#ifdef __cplusplus
}
#endif

#endif /* MLTK_NATIVE_FRONTEND_BATCH_H */
