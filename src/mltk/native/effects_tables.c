/* Tables of the audio effects, for one sample rate. See effects.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "effects_internal.h"

#include <math.h>
#include <stdlib.h>

/* Half width of the mean that makes an envelope of a spectrum. The mean is taken twice. A wider mean would blur
 * formants into each other, and the filter could not tell them apart. */
#define SMOOTHING_HZ 80.0

static const double PI = 3.14159265358979323846;

/* A windowed sinc for every cut-off frequency and every position between two samples. */
static void make_filters(resampling_filter filters[CUTOFFS][PHASES]) {
    for (int c = 0; c < CUTOFFS; ++c) {
        const double cutoff = 1.0 - c / 32.0;
        for (int p = 0; p < PHASES; ++p) {
            double taps[TAPS], sum = 0;
            for (int k = 0; k < TAPS; ++k) {
                const double t = k - (TAPS / 2 - 1) - p / (double)PHASES;
                const double w = t / (TAPS / 2.0);
                const double window = fabs(w) < 1 ? 0.5 + 0.5 * cos(PI * w) : 0;
                const double x = PI * cutoff * t;
                taps[k] = window * (fabs(x) < 1e-9 ? 1.0 : sin(x) / x);
                sum += taps[k];
            }
            for (int k = 0; k < TAPS; ++k) filters[c][p][k] = (int16_t)lrint(taps[k] / sum * 16384.0);
        }
    }
}

static void make_fft_tables(mltk_effects_tables *t) {
    int bits = 0;
    while ((1 << bits) < t->fft) ++bits;
    t->odd_stages = bits & 1;
    for (int i = 0; i < t->fft; ++i) {
        int reversed = 0;
        for (int b = 0; b < bits; ++b) reversed |= ((i >> b) & 1) << (bits - 1 - b);
        t->reversed[i] = (uint16_t)reversed;
        t->window[i] = (float)sin(PI * (i + 0.5) / t->fft);
    }
    for (int i = 0; i < 3 * t->fft / 4; ++i) {
        t->twiddle_re[i] = (float)cos(2 * PI * i / t->fft);
        t->twiddle_im[i] = (float)-sin(2 * PI * i / t->fft);
    }
}

mltk_effects_tables *mltk_effects_new(int32_t rate, int32_t most_lanes) {
    mltk_effects_tables *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->rate = rate;
    t->most_lanes = most_lanes;
    t->hop = MAX(64, rate * 16 / 1000 / 64 * 64);
    t->search = MAX(4, rate / 100 / 4 * 4);
    t->fft = 64;
    while (t->fft * 3 / 2 < rate / 50 && t->fft < MAX_FFT) t->fft *= 2; /* about 20 ms, a power of two */
    t->smoothing = MAX(1, (int32_t)lrint(SMOOTHING_HZ * t->fft / rate));
    t->fade = malloc(sizeof(int16_t) * (size_t)t->hop);
    t->window = malloc(sizeof(float) * (size_t)t->fft * 5 / 2);
    t->reversed = malloc(sizeof(uint16_t) * (size_t)t->fft);
    if (!t->fade || !t->window || !t->reversed) {
        mltk_effects_free(t);
        return NULL;
    }
    t->twiddle_re = t->window + t->fft;
    t->twiddle_im = t->twiddle_re + 3 * t->fft / 4;
    for (int i = 0; i < t->hop; ++i) t->fade[i] = (int16_t)lrint(32767 * 0.5 * (1 - cos(PI * (i + 0.5) / t->hop)));
    make_fft_tables(t);
    make_filters(t->filters);
    return t;
}

void mltk_effects_free(mltk_effects_tables *t) {
    if (!t) return;
    free(t->fade);
    free(t->window);
    free(t->reversed);
    free(t);
}
