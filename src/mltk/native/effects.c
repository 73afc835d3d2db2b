/* The audio effects of a clip, one stage after the other. See effects.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "effects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "effects_internal.h"

/* Memory for one clip at a time, large enough for the longest. */
typedef struct {
    int32_t margin;        /* of `now` and `next`, in samples, before and after the audio */
    int16_t *now, *next;   /* audio before and after a stage, with margins of zeros */
    int16_t *stretch_work; /* for mltk_stretch() */
    float *sum;            /* for mltk_warp_formants() */
    float *formants_work;  /* for it too: aligned within formants_memory */
    void *formants_memory;
    int16_t *noise; /* a copy of the noise, where it has to repeat */
} workspace;

static int32_t warped_length(const mltk_effects *e) { return MAX(1, (int32_t)lrint(e->n_clip / (double)e->speed)); }

static int needs_warp(const mltk_effects *e) { return e->speed != 1 || e->pitch != 1 || e->vtlp != 1; }

/* The most samples that any stage of any clip takes or returns. */
static int64_t longest_stage(const mltk_effects *effects, size_t n_clips, int32_t n_out) {
    int64_t longest = n_out;
    for (size_t i = 0; i < n_clips; ++i) {
        const mltk_effects *e = &effects[i];
        if (needs_warp(e)) {
            const int64_t resampled = (int64_t)(e->n_clip / (double)e->pitch) + 2, warped = warped_length(e);
            longest = MAX(longest, MAX(MAX(resampled, warped), (int64_t)e->n_clip));
        }
    }
    return longest;
}

/* Returns 0, or -1 if there is no memory. free_workspace() must follow in either case. */
static int make_workspace(const mltk_effects_tables *t, const mltk_effects *effects, size_t n_clips, int32_t n_out,
                          workspace *w) {
    int warp = 0, vtlp = 0;
    size_t n;
    for (size_t i = 0; i < n_clips; ++i) {
        warp |= needs_warp(&effects[i]);
        vtlp |= effects[i].vtlp != 1;
    }
    memset(w, 0, sizeof *w);
    w->margin = MAX(mltk_stretch_margin(t), 3 * t->fft) + 16;
    n = (size_t)longest_stage(effects, n_clips, n_out) + 2 * (size_t)w->margin;
    w->noise = malloc(sizeof(int16_t) * (size_t)n_out);
    if (!w->noise) return -1;
    if (warp) {
        w->now = malloc(sizeof(int16_t) * n);
        w->next = malloc(sizeof(int16_t) * n);
        w->stretch_work = malloc(sizeof(int16_t) * 2 * n);
        if (!w->now || !w->next || !w->stretch_work) return -1;
    }
    if (vtlp) {
        const uintptr_t mask = FORMANTS_ALIGNMENT - 1;
        w->sum = malloc(sizeof(float) * (n + 4 * (size_t)t->fft));
        w->formants_memory = malloc(sizeof(float) * mltk_formants_work_floats(t) + FORMANTS_ALIGNMENT);
        if (!w->sum || !w->formants_memory) return -1;
        w->formants_work = (float *)(((uintptr_t)w->formants_memory + mask) & ~mask);
    }
    return 0;
}

static void free_workspace(workspace *w) {
    free(w->now);
    free(w->next);
    free(w->stretch_work);
    free(w->sum);
    free(w->formants_memory);
    free(w->noise);
}

static void clear_margins(int16_t *buffer, int32_t margin, int32_t n) {
    memset(buffer, 0, sizeof(int16_t) * (size_t)margin);
    memset(buffer + margin + n, 0, sizeof(int16_t) * (size_t)margin);
}

/* After a stage that wrote n samples to `next`: they become what the following stage reads. */
static void finish_stage(workspace *w, int32_t n) {
    int16_t *written = w->next;
    clear_margins(written, w->margin, n);
    w->next = w->now;
    w->now = written;
}

/* Speed, pitch and vocal tract length. Returns the audio, which is in the workspace, and sets *n to its length. */
static const int16_t *warp(const mltk_effects_tables *t, const mltk_effects *e, workspace *w, int32_t *n) {
    const int32_t margin = w->margin, wanted = warped_length(e);
    int32_t length = e->n_clip;
    memcpy(w->now + margin, e->clip, sizeof(int16_t) * (size_t)length);
    clear_margins(w->now, margin, length);
    if (e->pitch != 1) {
        length = MAX(1, (int32_t)(length / (double)e->pitch));
        mltk_resample(t, w->now + margin, e->pitch, w->next + margin, length);
        finish_stage(w, length);
    }
    if (wanted != length) {
        mltk_stretch(t, w->now + margin, length, w->next + margin, wanted, w->stretch_work);
        length = wanted;
        finish_stage(w, length);
    }
    if (e->vtlp != 1) mltk_warp_formants(t, e->vtlp, w->now + margin, length, w->formants_work, w->sum);
    *n = length;
    return w->now + margin;
}

TARGET_WIDEST static void mix(const int16_t *clip, float gain, const int16_t *noise, float noise_gain, int16_t *out,
                              int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        const float mixed = (float)clip[i] * gain + (float)noise[i] * noise_gain;
        out[i] = rounded(mixed);
    }
}

TARGET_WIDEST static void scale(const int16_t *clip, float gain, int16_t *out, int32_t n) {
    for (int32_t i = 0; i < n; ++i) {
        const float scaled = (float)clip[i] * gain;
        out[i] = rounded(scaled);
    }
}

/* n samples of the noise, from noise_start on, repeated if need be. Returns where they are: in the noise itself or, if
 * they are not in one piece there, in `copy`. */
static const int16_t *cut_noise(const mltk_effects *e, int16_t *copy, int32_t n) {
    int32_t from = e->noise_start % e->n_noise;
    if (n <= e->n_noise - from) return e->noise + from;
    for (int32_t done = 0; done < n;) {
        const int32_t part = MIN(n - done, e->n_noise - from);
        memcpy(copy + done, e->noise + from, sizeof(int16_t) * (size_t)part);
        done += part;
        from = 0;
    }
    return copy;
}

/* The effects for the part of a clip that n_out samples need. `offset` says which share of the rest is cut off before
 * this part. */
static mltk_effects cropped(const mltk_effects *e, int32_t n_out) {
    mltk_effects part = *e;
    const double needed = n_out * (double)e->speed;
    if (e->n_clip > needed) {
        part.n_clip = (int32_t)ceil(needed);
        part.clip = e->clip + (int32_t)((e->n_clip - part.n_clip) * (double)e->offset);
    }
    return part;
}

static void apply(const mltk_effects_tables *t, const mltk_effects *effect, int32_t n_out, int16_t *out, workspace *w) {
    const mltk_effects e = cropped(effect, n_out);
    const int16_t *clip = e.clip;
    int32_t n = e.n_clip, before, after;
    if (n > 0 && needs_warp(&e)) clip = warp(t, &e, w, &n);
    n = MIN(n, n_out);
    before = (int32_t)((n_out - n) * (double)e.offset);
    after = n_out - before - n;
    if (e.noise && e.n_noise > 0 && e.noise_gain != 0) {
        const int16_t *noise = cut_noise(&e, w->noise, n_out);
        scale(noise, e.noise_gain, out, before);
        mix(clip, e.gain, noise + before, e.noise_gain, out + before, n);
        scale(noise + before + n, e.noise_gain, out + before + n, after);
        return;
    }
    memset(out, 0, sizeof(int16_t) * (size_t)before);
    memset(out + before + n, 0, sizeof(int16_t) * (size_t)after);
    if (e.gain == 1)
        memcpy(out + before, clip, sizeof(int16_t) * (size_t)n);
    else
        scale(clip, e.gain, out + before, n);
}

int mltk_effects_apply(const mltk_effects_tables *t, const mltk_effects *effects, size_t n_clips, int32_t n_out,
                       int16_t *out) {
    workspace w;
    const int status = make_workspace(t, effects, n_clips, n_out, &w);
    if (status == 0)
        for (size_t i = 0; i < n_clips; ++i) apply(t, &effects[i], n_out, out + i * (size_t)n_out, &w);
    free_workspace(&w);
    return status;
}

int32_t mltk_effects_warp(const mltk_effects_tables *t, const mltk_effects *effect, int32_t n_out, int16_t *out) {
    workspace w;
    int32_t n = 0;
    if (effect->n_clip <= 0) return 0;
    if (!needs_warp(effect)) {
        n = MIN(effect->n_clip, n_out);
        memcpy(out, effect->clip, sizeof(int16_t) * (size_t)n);
        return n;
    }
    if (make_workspace(t, effect, 1, n_out, &w) == 0) {
        const int16_t *warped = warp(t, effect, &w, &n);
        n = MIN(n, n_out);
        memcpy(out, warped, sizeof(int16_t) * (size_t)n);
    } else {
        n = -1;
    }
    free_workspace(&w);
    return n;
}
