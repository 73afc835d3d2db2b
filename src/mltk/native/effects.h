/* Audio augmentation: a clip of int16 samples in, another that might have been recorded out.
 *
 * C99, for the host that trains; it stands beside the frontend because both work on the same int16 samples.
 * Every stage takes and gives int16, so that the stages alone do exactly what they do one after the other.
 * Apart from the tables, which mltk_effects_new computes, the arithmetic is the same on every processor:
 * integers, and floating point without fused multiply-add or reassociation (see the flags in _build.py).
 */
#ifndef MLTK_NATIVE_EFFECTS_H
#define MLTK_NATIVE_EFFECTS_H

#include <stddef.h>
#include <stdint.h>

/* What to do with one clip. Neutral: speed 1, pitch 1, vtlp 1, gain 1, noise_gain 0. */
typedef struct {
    const int16_t *clip;
    const int16_t *noise; /* or NULL */
    int32_t n_clip;
    int32_t n_noise;
    int32_t noise_start; /* first sample of the noise that is mixed in; after the last, it starts over */
    float speed;         /* 0.25 to 4: above 1 is faster; the pitch stays */
    float pitch;         /* 0.25 to 4: ratio of frequencies; the duration stays */
    float vtlp;          /* 0.5 to 2: ratio of formant frequencies; pitch and duration stay */
    float offset;        /* 0 to 1: of the silence before the clip, or of what is cut off before it */
    float gain;
    float noise_gain;
} mltk_effects;

typedef struct mltk_effects_tables mltk_effects_tables;

/* Tables for audio of this rate; NULL without memory. Any number of threads may use them at once. Vectors of more than
 * most_lanes floats are not used: 16 leaves it to the processor, whatever is used gives the same. */
mltk_effects_tables *mltk_effects_new(int32_t sample_rate_hz, int32_t most_lanes);
void mltk_effects_free(mltk_effects_tables *tables);

/* Fills out [n_clips][n_out]. Returns 0, or -1 if there was no memory for the work in between. */
int mltk_effects_apply(const mltk_effects_tables *tables, const mltk_effects *effects, size_t n_clips, int32_t n_out,
                       int16_t *out);

/* The stages that change time and frequencies, with nothing cut or padded: at most n_out samples are written and
 * their number is returned, or -1 without memory. n_clip / speed samples come out. */
int32_t mltk_effects_warp(const mltk_effects_tables *tables, const mltk_effects *effect, int32_t n_out, int16_t *out);

#endif
