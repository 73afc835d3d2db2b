/* Audio augmentation: a clip of int16 samples in, a clip that might have been recorded instead out.
 *
 * C99 for the host that trains. Every stage takes and returns int16 samples. Two stages in one call therefore return
 * the same samples as two calls with one stage each.
 *
 * Apart from the tables, which mltk_effects_new() computes, the arithmetic is the same on every processor: integers,
 * and floating point without fused multiply-add and without reassociation (_build.py sets the compiler's flags).
 *
 *   effects_tables.c   tables for a sample rate
 *   resample.c         pitch, first half: another duration and another pitch
 *   stretch.c          speed, and pitch's second half: another duration at the same pitch
 *   formants.c         vocal tract length
 *   effects.c          the stages one after the other, then noise and gain
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_NATIVE_EFFECTS_H
#define MLTK_NATIVE_EFFECTS_H

#include <stddef.h>
#include <stdint.h>

/* What to do with one clip. These values change nothing: speed 1, pitch 1, vtlp 1, gain 1, noise_gain 0. */
typedef struct {
    const int16_t *clip;
    const int16_t *noise; /* or NULL */
    int32_t n_clip;
    int32_t n_noise;
    int32_t noise_start; /* the first sample of the noise that is mixed in; after its last sample, the noise repeats */
    float speed;         /* 0.25 to 4: above 1 is faster; the pitch stays */
    float pitch;         /* 0.25 to 4: ratio of frequencies; the duration stays */
    float vtlp;          /* 0.5 to 2: ratio of formant frequencies; pitch and duration stay */
    float offset; /* 0 to 1: share of the silence that stands before the clip, or of the cut that is made there */
    float gain;
    float noise_gain;
} mltk_effects;

typedef struct mltk_effects_tables mltk_effects_tables;

/* Tables for audio of this rate; NULL if there is no memory. Several threads may use them at once. The code uses no
 * vectors of more than most_lanes floats. 16 leaves the choice to the processor. The results do not depend on it. */
mltk_effects_tables *mltk_effects_new(int32_t sample_rate_hz, int32_t most_lanes);
void mltk_effects_free(mltk_effects_tables *tables);

/* Fills out [n_clips][n_out]. Returns 0, or -1 if there was no memory for the work in between. */
int mltk_effects_apply(const mltk_effects_tables *tables, const mltk_effects *effects, size_t n_clips, int32_t n_out,
                       int16_t *out);

/* The stages that change time and frequencies; nothing is cut or padded. Writes n_clip / speed samples, at most n_out.
 * Returns the number of samples, or -1 if there was no memory. */
int32_t mltk_effects_warp(const mltk_effects_tables *tables, const mltk_effects *effect, int32_t n_out, int16_t *out);

#endif /* MLTK_NATIVE_EFFECTS_H */
