/* Audio features of whole clips, many frames at a time. See frontend_batch.h and frontend_lanes.inc.
 *
 * This file includes all of audio_frontend.c. The batch code works with the constants, the table and the helper
 * functions that the device uses, not with copies of them, and they stay private: the firmware needs no third file. The
 * Python extension therefore compiles this file and not audio_frontend.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "frontend_batch.h"

#include "audio_frontend.c"
#include "vectors.h"

#define LANES 16

/* A twiddle factor, and the same as pairs of 16 bits for a multiply-and-add instruction. The real part of a product is
 * a.re * w.re + a.im * -w.im, the imaginary part a.re * w.im + a.im * w.re. */
typedef struct {
    int16_t re, im;
    int32_t for_re, for_im;
} twiddle_pair;

typedef struct mltk_frontend_batch batch;

struct mltk_frontend_batch {
    const mltk_frontend *f;
    const struct variant *variant;
    size_t n_samples, n_rows; /* of a clip */
    mltk_frontend_activity activity;
    size_t padded_window;   /* a multiple of 8 samples */
    int16_t *window;        /* [padded_window], zeros past the window */
    uint16_t *reversed;     /* [fft_length / 2], digit-reversed indices */
    twiddle_pair *twiddles; /* [3 * fft_length / 4] */
    int32_t *pcan_gains[3]; /* [33] each: constant, linear and quadratic term, by the noise estimate's width in bits */
    int32_t *log2_residue;  /* [130] */
    uint32_t *smoothing;    /* [n_channels] */
    uint32_t *shifts;       /* [LANES], of the frames in work */
    uint32_t *signal;       /* [LANES][n_channels] */
    uint32_t *noise;        /* [n_channels] */
    int16_t *padded;        /* [LANES][padded_window], frames at a clip's end */
    int16_t *filtered;      /* [n_samples], the clip after the DC notch filter */
    void *bins;             /* [fft_length / 2 + 1] vectors */
};

/* A mask instead of a branch: compilers vectorize loops that choose in this way. */
static inline uint32_t all_ones_if(int condition) { return 0u - (uint32_t)condition; }

/* ---- Variants: one for every kind of vector ---------------------------------------------------------------------- */

#if HAVE_AVX2
#define VARIANT avx2
#define VARIANT_FUNCTION TARGET_AVX2 static
#define VARIANT_INLINE TARGET_AVX2 ALWAYS_INLINE
#include "frontend_lanes_avx2.h"
#include "frontend_lanes.inc"
#endif

#define VARIANT c99
#define VARIANT_FUNCTION static
#define VARIANT_INLINE static inline
#include "frontend_lanes_c99.h"
#include "frontend_lanes.inc"

typedef struct variant {
    const char *name;
    void (*front)(const batch *b, const int16_t *const *frames, uint32_t *signal);
    void (*back)(const batch *b, uint32_t *signal, uint16_t *row);
    void (*quantize)(const mltk_frontend *f, const uint16_t *features, size_t n, int8_t *out);
} variant;

/* The fastest first. The last runs on every processor. */
static const variant variants[] = {
#if HAVE_AVX2
    {"avx2", front_avx2, back_avx2, quantize_avx2},
#endif
    {"c99", front_c99, back_c99, quantize_c99},
};

#define N_VARIANTS (sizeof variants / sizeof *variants)

static int runs_here(const variant *v) {
#if HAVE_AVX2
    if (v->front == front_avx2) return cpu_has_avx2();
#endif
    (void)v;
    return 1;
}

const char *mltk_frontend_batch_variant(size_t index) {
    size_t i;
    for (i = 0; i < N_VARIANTS; ++i) {
        if (!runs_here(&variants[i])) continue;
        if (index == 0) return variants[i].name;
        --index;
    }
    return NULL;
}

/* The variant with that name, or the fastest if `name` is NULL. The last variant if there is none with that name. */
static const variant *choose_variant(const char *name) {
    const variant *v = variants, *last = variants + N_VARIANTS - 1;
    while (v != last && !(runs_here(v) && (name == NULL || strcmp(name, v->name) == 0))) ++v;
    return v;
}

/* ---- Working memory ---------------------------------------------------------------------------------------------- */

static void *take_aligned(char *memory, size_t *used, size_t size) {
    void *block = memory == NULL ? NULL : memory + *used;
    *used += (size + 63) & ~(size_t)63;
    return block;
}

static size_t lay_out_batch(batch *b, const mltk_frontend *f, char *memory, size_t n_samples) {
    const size_t n = f->fft_length / 2;
    size_t used = 0, term;
    (void)take_aligned(memory, &used, sizeof *b);
    b->f = f;
    b->n_samples = n_samples;
    b->n_rows = mltk_frontend_row_count(f, n_samples);
    b->padded_window = (f->window_size + 7u) & ~(size_t)7;
    b->bins = take_aligned(memory, &used, (n + 1) * 2 * LANES * sizeof(int16_t));
    b->window = take_aligned(memory, &used, b->padded_window * sizeof *b->window);
    b->reversed = take_aligned(memory, &used, n * sizeof *b->reversed);
    b->twiddles = take_aligned(memory, &used, 3 * n / 2 * sizeof *b->twiddles);
    for (term = 0; term < 3; ++term) b->pcan_gains[term] = take_aligned(memory, &used, 33 * sizeof(int32_t));
    b->log2_residue = take_aligned(memory, &used, 130 * sizeof *b->log2_residue);
    b->smoothing = take_aligned(memory, &used, f->n_channels * sizeof *b->smoothing);
    b->shifts = take_aligned(memory, &used, LANES * sizeof *b->shifts);
    b->signal = take_aligned(memory, &used, LANES * f->n_channels * sizeof *b->signal);
    b->noise = take_aligned(memory, &used, f->n_channels * sizeof *b->noise);
    b->padded = take_aligned(memory, &used, LANES * b->padded_window * sizeof *b->padded);
    b->filtered = take_aligned(memory, &used, f->dc_notch_enable ? n_samples * sizeof *b->filtered : 0);
    return used;
}

static int32_t pair(int16_t low, int16_t high) { return (int32_t)((uint32_t)(uint16_t)low | (uint32_t)high << 16); }

static void fill_tables(const batch *b) {
    const mltk_frontend *f = b->f;
    const uint32_t n = f->fft_length / 2;
    uint32_t i, at = 0;
    memset(b->padded, 0, LANES * b->padded_window * sizeof *b->padded);
    memset(b->window, 0, b->padded_window * sizeof *b->window);
    memcpy(b->window, f->window, f->window_size * sizeof *f->window);
    for (i = 0; i < n; ++i, at = next_reversed(at, n)) b->reversed[i] = (uint16_t)at;
    for (i = 0; i < 3 * n / 2; ++i) {
        const mltk_frontend_twiddle w = f->twiddles[i];
        b->twiddles[i].re = w.re;
        b->twiddles[i].im = w.im;
        b->twiddles[i].for_re = pair(w.re, (int16_t)-w.im);
        b->twiddles[i].for_im = pair(w.im, w.re);
    }
    for (i = 0; i < (1u << LOG_SEGMENT_BITS) + 1; ++i) b->log2_residue[i] = log2_residue[i];
    for (i = 0; i < f->n_channels; ++i) b->smoothing[i] = f->smoothing[i & 1];
    if (f->pcan_enable) {
        for (i = 0; i < 2; ++i) { /* noise below 2 has a constant gain */
            b->pcan_gains[0][i] = f->pcan_gains[i];
            b->pcan_gains[1][i] = b->pcan_gains[2][i] = 0;
        }
        for (i = 2; i <= 32; ++i) {
            uint32_t term;
            for (term = 0; term < 3; ++term) b->pcan_gains[term][i] = f->pcan_gains[4 * i - 6 + term];
        }
    }
}

size_t mltk_frontend_batch_size(const mltk_frontend *frontend, size_t n_samples) {
    batch b;
    return lay_out_batch(&b, frontend, NULL, n_samples) + 64;
}

/* ---- Clips ------------------------------------------------------------------------------------------------------- */

/* Where the samples of a frame are: in the clip or, if a whole vector there would pass the clip's end, in a copy that
 * is padded with zeros. */
static const int16_t *frame_samples(const batch *b, const int16_t *samples, size_t frame, size_t lane) {
    const size_t start = frame % b->n_rows * b->f->window_step;
    const int16_t *at = samples + frame / b->n_rows * b->n_samples + start;
    int16_t *padded = b->padded + lane * b->padded_window;
    if (start + b->padded_window <= b->n_samples) return at;
    memcpy(padded, at, b->f->window_size * sizeof *padded);
    return padded;
}

/* Takes the frames of all clips in order, LANES at a time. Frames of several clips may be in work at once. */
static void run(batch *b, const int16_t *samples, size_t n_clips, uint16_t *features, uint8_t *activity) {
    const mltk_frontend *f = b->f;
    const size_t n_frames = n_clips * b->n_rows;
    size_t first, lane;
    for (first = 0; first < n_frames; first += LANES) {
        const int16_t *frames[LANES];
        for (lane = 0; lane < LANES; ++lane) /* lanes past the last frame repeat it, and are ignored */
            frames[lane] = frame_samples(b, samples, first + lane < n_frames ? first + lane : n_frames - 1, lane);
        b->variant->front(b, frames, b->signal);
        for (lane = 0; lane < LANES && first + lane < n_frames; ++lane) {
            const size_t frame = first + lane;
            uint32_t *signal = b->signal + lane * f->n_channels;
            if (frame % b->n_rows == 0) { /* a clip begins */
                memset(b->noise, 0, f->n_channels * sizeof *b->noise);
                memset(&b->activity, 0, sizeof b->activity);
            }
            if (f->activity_enable) detect_activity(f, &b->activity, signal);
            b->variant->back(b, signal, features + frame * f->n_channels);
            if (activity != NULL && (frame + 1) % b->n_rows == 0)
                activity[frame / b->n_rows] = (uint8_t)b->activity.detected;
        }
    }
}

mltk_frontend_batch *mltk_frontend_batch_init(void *memory, const mltk_frontend *frontend, size_t n_samples,
                                              const char *variant_name) {
    batch *b = (batch *)(((uintptr_t)memory + 63) & ~(uintptr_t)63);
    memset(b, 0, sizeof *b);
    (void)lay_out_batch(b, frontend, (char *)b, n_samples);
    b->variant = choose_variant(variant_name);
    fill_tables(b);
    return b;
}

void mltk_frontend_process_clips(mltk_frontend_batch *b, const int16_t *samples, size_t n_clips, uint16_t *features,
                                 uint8_t *activity) {
    const mltk_frontend *f = b->f;
    size_t clip;
    if (activity != NULL) memset(activity, 0, n_clips);
    if (!f->dc_notch_enable) {
        run(b, samples, n_clips, features, activity);
        return;
    }
    for (clip = 0; clip < n_clips; ++clip) {
        int16_t last_x = 0, last_y = 0;
        memcpy(b->filtered, samples + clip * b->n_samples, b->n_samples * sizeof *samples);
        dc_notch(f, &last_x, &last_y, b->filtered, b->n_samples);
        run(b, b->filtered, 1, features + clip * b->n_rows * f->n_channels, activity == NULL ? NULL : activity + clip);
    }
}

void mltk_frontend_quantize_clips(const mltk_frontend_batch *b, const uint16_t *features, size_t n_clips, int8_t *out) {
    const size_t n = b->n_rows * b->f->n_channels;
    size_t clip;
    for (clip = 0; clip < n_clips; ++clip) b->variant->quantize(b->f, features + clip * n, n, out + clip * n);
}

/* ---- Streams ----------------------------------------------------------------------------------------------------- */

size_t mltk_frontend_feed_rows(mltk_frontend *f, const int16_t *samples, size_t n_samples, uint16_t *features) {
    size_t n_rows = 0;
    while (n_samples > 0) {
        const uint16_t *row;
        const size_t used = mltk_frontend_feed(f, samples, n_samples, &row);
        samples += used;
        n_samples -= used;
        if (row == NULL) continue;
        memcpy(features + n_rows * f->n_channels, row, f->n_channels * sizeof *row);
        ++n_rows;
    }
    return n_rows;
}

void mltk_frontend_quantize_windows(const mltk_frontend *f, const uint16_t *rows, size_t rows_per_window, size_t step,
                                    size_t n_windows, int8_t *out) {
    const variant *chosen = choose_variant(NULL);
    const size_t n = rows_per_window * f->n_channels;
    size_t k;
    for (k = 0; k < n_windows; ++k) chosen->quantize(f, rows + k * step * f->n_channels, n, out + k * n);
}

size_t mltk_frontend_empty_channels(const mltk_frontend *frontend) {
    size_t empty = 0, i;
    for (i = 0; i < frontend->n_channels; ++i) empty += frontend->channel_bins[i] == frontend->channel_bins[i + 2];
    return empty;
}
