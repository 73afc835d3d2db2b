/* A part of audio_effects.c, which includes it: vocal tract length perturbation, and the FFT that it takes. */
#ifndef MLTK_AUDIO_EFFECTS_FORMANTS_H
#define MLTK_AUDIO_EFFECTS_FORMANTS_H

/* ---- vocal tract length ----
 *
 * Jaitly and Hinton, "Vocal tract length perturbation (VTLP) improves speech recognition", ICML workshop 2013: the
 * frequency axis is stretched by a factor up to about 4.8 kHz, and linearly from there to the Nyquist frequency.
 * They warp the filterbank; here, where audio has to come out, it is the spectral envelope that is warped: each
 * frame is filtered by (warped envelope / envelope), so that formants move and the pitch stays, as with another
 * speaker of the same pitch. Two neighbouring frames, as real and imaginary part of one transform, share a filter.
 */

typedef struct {
    lanes re, im;
} complex_lanes;

/* v times the factor wr + i wi. */
#define TWIDDLED(v, wr, wi)                                                                     \
    {                                                                                           \
        SUB(TIMES((v).re, wr), TIMES((v).im, wi)), ADD(TIMES((v).re, wi), TIMES((v).im, wr)) \
    }

/* Two stages of a decimation-in-frequency FFT of LANES signals at once, of blocks of size and size / 2. */
INLINE void dif_stages(lanes *restrict re, lanes *restrict im, int32_t n, int32_t size, const float *wr,
                       const float *wi) {
    int32_t quarter = size / 4, stride = n / size;
    for (int32_t block = 0; block < n; block += size) {
        for (int32_t j = 0; j < quarter; j++) {
            lanes *r = re + block + j, *i = im + block + j;
            float c1 = wr[j * stride], s1 = wi[j * stride];
            float c2 = wr[2 * j * stride], s2 = wi[2 * j * stride];
            lanes ar = ADD(r[0], r[2 * quarter]), ai = ADD(i[0], i[2 * quarter]);
            lanes br = ADD(r[quarter], r[3 * quarter]), bi = ADD(i[quarter], i[3 * quarter]);
            complex_lanes cd = {SUB(r[0], r[2 * quarter]), SUB(i[0], i[2 * quarter])};
            complex_lanes dd = {SUB(i[quarter], i[3 * quarter]), SUB(r[3 * quarter], r[quarter])}; /* times -i */
            complex_lanes c = TWIDDLED(cd, c1, s1), d = TWIDDLED(dd, c1, s1);
            complex_lanes ab = {SUB(ar, br), SUB(ai, bi)}, cmd = {SUB(c.re, d.re), SUB(c.im, d.im)};
            complex_lanes second = TWIDDLED(ab, c2, s2), fourth = TWIDDLED(cmd, c2, s2);
            r[0] = ADD(ar, br), i[0] = ADD(ai, bi);
            r[quarter] = second.re, i[quarter] = second.im;
            r[2 * quarter] = ADD(c.re, d.re), i[2 * quarter] = ADD(c.im, d.im);
            r[3 * quarter] = fourth.re, i[3 * quarter] = fourth.im;
        }
    }
}

/* The reverse: two stages of the inverse FFT, decimation in time, of blocks of size / 2 and size. */
INLINE void dit_stages(lanes *restrict re, lanes *restrict im, int32_t n, int32_t size, const float *wr,
                       const float *wi) {
    int32_t quarter = size / 4, stride = n / size;
    for (int32_t block = 0; block < n; block += size) {
        for (int32_t j = 0; j < quarter; j++) {
            lanes *r = re + block + j, *i = im + block + j;
            float c1 = wr[j * stride], s1 = -wi[j * stride];
            float c2 = wr[2 * j * stride], s2 = -wi[2 * j * stride];
            complex_lanes second = {r[quarter], i[quarter]}, fourth = {r[3 * quarter], i[3 * quarter]};
            complex_lanes b = TWIDDLED(second, c2, s2), d = TWIDDLED(fourth, c2, s2);
            lanes ar = ADD(r[0], b.re), ai = ADD(i[0], b.im), br = SUB(r[0], b.re), bi = SUB(i[0], b.im);
            complex_lanes cs = {ADD(r[2 * quarter], d.re), ADD(i[2 * quarter], d.im)};
            complex_lanes ds = {SUB(d.im, i[2 * quarter]), SUB(r[2 * quarter], d.re)}; /* times i */
            complex_lanes c = TWIDDLED(cs, c1, s1), e = TWIDDLED(ds, c1, s1);
            r[0] = ADD(ar, c.re), i[0] = ADD(ai, c.im);
            r[quarter] = ADD(br, e.re), i[quarter] = ADD(bi, e.im);
            r[2 * quarter] = SUB(ar, c.re), i[2 * quarter] = SUB(ai, c.im);
            r[3 * quarter] = SUB(br, e.re), i[3 * quarter] = SUB(bi, e.im);
        }
    }
}

/* One stage of blocks of two, which has no factors; left over if the number of stages is odd. */
INLINE void butterflies(lanes *restrict re, lanes *restrict im, int32_t n) {
    for (int32_t k = 0; k < n; k += 2) {
        lanes br = re[k + 1], bi = im[k + 1];
        re[k + 1] = SUB(re[k], br), im[k + 1] = SUB(im[k], bi);
        re[k] = ADD(re[k], br), im[k] = ADD(im[k], bi);
    }
}

INLINE void forward_fft(const mltk_effects_tables *t, lanes *restrict re, lanes *restrict im) {
    int32_t size = t->fft;
    for (; size >= 4; size /= 4) dif_stages(re, im, t->fft, size, t->twiddle_re, t->twiddle_im);
    if (size == 2) butterflies(re, im, t->fft);
}

INLINE void inverse_fft(const mltk_effects_tables *t, lanes *restrict re, lanes *restrict im) {
    int32_t size = 4;
    if (t->odd_stages) butterflies(re, im, t->fft), size = 8;
    for (; size <= t->fft; size *= 4) dit_stages(re, im, t->fft, size, t->twiddle_re, t->twiddle_im);
}

/* Mean over 2 width + 1 bins, the spectrum being mirrored at both ends. */
INLINE void smooth(const lanes *restrict in, lanes *restrict out, int32_t last, int32_t width) {
    float scale = 1.0f / (float)(2 * width + 1);
    for (int32_t k = 0; k <= last; k++) {
        lanes sum = in[k];
        if (k >= width && k + width <= last) {
            for (int32_t j = 1; j <= width; j++) sum = ADD(sum, ADD(in[k - j], in[k + j]));
        } else {
            for (int32_t j = 1; j <= width; j++)
                sum = ADD(sum, ADD(in[abs(k - j)], in[k + j > last ? 2 * last - k - j : k + j]));
        }
        out[k] = TIMES(sum, scale);
    }
}

/* Where in the spectrum, in bins, the envelope of output bin k comes from. */
static float unwarped(const mltk_effects_tables *t, float factor, int32_t k) {
    float nyquist = (float)(t->fft / 2);
    float knee = MIN(4800.0f / (float)t->rate * (float)t->fft, 0.8f * nyquist) * MIN(factor, 1.0f); /* output side */
    float from = knee / factor;                                                                      /* input side */
    if ((float)k <= knee) return (float)k / factor;
    return nyquist - (nyquist - (float)k) * (nyquist - from) / (nyquist - knee);
}

typedef struct {
    lanes re[MAX_FFT];
    lanes im[MAX_FFT];
    lanes power[MAX_FFT / 2 + 1];
    lanes envelope[MAX_FFT / 2 + 1];
} vtlp_work;

/* Ratios of power to gains, times 1 / n of the inverse transform. */
INLINE void make_gains(float *restrict ratios, int32_t count, float scale) {
    for (int32_t i = 0; i < count; i++) {
        float g = sqrtf(ratios[i]);
        g = g < MAX_GAIN ? g : MAX_GAIN;
        ratios[i] = (g > 1.0f / MAX_GAIN ? g : 1.0f / MAX_GAIN) * scale;
    }
}

WIDEST static void filter_formants(const mltk_effects_tables *t, const float *source, vtlp_work *w) {
    int32_t n = t->fft, last = n / 2;
    const uint16_t *at = t->reversed;
    forward_fft(t, w->re, w->im);
    for (int32_t k = 0; k <= last; k++) {
        int32_t a = at[k], b = at[(n - k) & (n - 1)];
        w->power[k] = ADD(ADD(MUL(w->re[a], w->re[a]), MUL(w->im[a], w->im[a])),
                          ADD(MUL(w->re[b], w->re[b]), MUL(w->im[b], w->im[b])));
    }
    smooth(w->power, w->envelope, last, t->smoothing);
    smooth(w->envelope, w->power, last, t->smoothing);
    for (int32_t k = 0; k <= last; k++) {
        int32_t i = MIN((int32_t)source[k], last - 1);
        lanes moved = ADD(w->power[i], TIMES(SUB(w->power[i + 1], w->power[i]), source[k] - (float)i));
        w->envelope[k] = RATIO(moved, w->power[k]);
    }
    make_gains((float *)w->envelope, (last + 1) * LANES, 1.0f / (float)n);
    for (int32_t k = 0; k <= last; k++) {
        int32_t a = at[k], b = at[(n - k) & (n - 1)];
        lanes gain = w->envelope[k];
        w->re[a] = MUL(w->re[a], gain);
        w->im[a] = MUL(w->im[a], gain);
        if (a == b) continue;
        w->re[b] = MUL(w->re[b], gain);
        w->im[b] = MUL(w->im[b], gain);
    }
    inverse_fft(t, w->re, w->im);
}

/* Rows of LANES vectors become their columns: what is next to each other in time, and what in number of the pair. */
INLINE void transpose(lanes rows[LANES]) {
#if CONVERTS
    lanes a[LANES], b[LANES];
    for (int i = 0; i < LANES; i += 2) {
        a[i] = __builtin_shufflevector(rows[i], rows[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        a[i + 1] = __builtin_shufflevector(rows[i], rows[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < LANES; i += 4)
        for (int j = i; j < i + 2; j++) {
            b[j] = __builtin_shufflevector(a[j], a[j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            b[j + 2] = __builtin_shufflevector(a[j], a[j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    for (int i = 0; i < LANES / 2; i++) {
        rows[i] = __builtin_shufflevector(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        rows[i + 4] = __builtin_shufflevector(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#else
    lanes columns[LANES];
    for (int i = 0; i < LANES; i++)
        for (int l = 0; l < LANES; l++) ((float *)(columns + i))[l] = ((const float *)(rows + l))[i];
    memcpy(rows, columns, sizeof columns);
#endif
}

INLINE void to_floats(const int16_t *samples, lanes *floats) {
#if CONVERTS
    *floats = __builtin_convertvector(*(const lanes16 *)samples, lanes);
#else
    for (int j = 0; j < LANES; j++) ((float *)floats)[j] = (float)samples[j];
#endif
}

/* The windowed frames of LANES pairs; frames[l] is the first of pair l. */
WIDEST static void load_frames(const int16_t *const frames[LANES], const float *window, int32_t n, lanes *to) {
    for (int32_t i = 0; i < n; i += LANES) {
        lanes rows[LANES];
        for (int l = 0; l < LANES; l++) to_floats(frames[l] + i, &rows[l]);
        transpose(rows);
        for (int j = 0; j < LANES; j++) to[i + j] = TIMES(rows[j], window[i + j]);
    }
}

INLINE void add_to(float *sum, lanes row) {
#if CONVERTS
    *(lanes_anywhere *)sum += row;
#else
    for (int j = 0; j < LANES; j++) sum[j] += ((const float *)&row)[j];
#endif
}

/* Adds the windowed frames to where they belong. */
WIDEST static void add_frames(const lanes *from, const float *window, int32_t n, float *const sums[LANES],
                              int n_lanes) {
    for (int32_t i = 0; i < n; i += LANES) {
        lanes rows[LANES];
        for (int j = 0; j < LANES; j++) rows[j] = TIMES(from[i + j], window[i + j]);
        transpose(rows);
        for (int l = 0; l < n_lanes; l++) add_to(sums[l] + i, rows[l]);
    }
}

WIDEST static void round_to_int16(const float *in, int32_t n, int16_t *out) {
    for (int32_t i = 0; i < n; i++) {
        float v = in[i] < -32768.0f ? -32768.0f : in[i] > 32767.0f ? 32767.0f : in[i];
        out[i] = (int16_t)(int32_t)(v + (v < 0 ? -0.5f : 0.5f));
    }
}

/* clip [n] is changed in place; readable, as zeros, t->fft before and 3 t->fft after. sum holds n + 4 fft. */
static void warp_formants(const mltk_effects_tables *t, float factor, int16_t *clip, int32_t n, vtlp_work *w,
                          float *sum) {
    int32_t hop = t->fft / 2;
    int32_t n_frames = n / hop + 2, n_pairs = (n_frames + 1) / 2;
    float source[MAX_FFT / 2 + 1];
    for (int32_t k = 0; k <= t->fft / 2; k++) source[k] = unwarped(t, factor, k);
    memset(sum, 0, sizeof(float) * (size_t)(n + 4 * t->fft));
    for (int32_t first = 0; first < n_pairs; first += LANES) {
        const int16_t *even[LANES], *odd[LANES];
        float *even_sum[LANES], *odd_sum[LANES];
        int present = MIN(LANES, n_pairs - first);
        for (int l = 0; l < LANES; l++) {
            int32_t pair = first + MIN(l, present - 1); /* lanes that are left over repeat the last pair */
            int32_t start = (2 * pair - 1) * hop;       /* the first frame begins half its length early */
            even[l] = clip + start, odd[l] = clip + start + hop;
            even_sum[l] = sum + hop + start, odd_sum[l] = sum + 2 * hop + start;
        }
        load_frames(even, t->window, t->fft, w->re);
        load_frames(odd, t->window, t->fft, w->im);
        filter_formants(t, source, w);
        add_frames(w->re, t->window, t->fft, even_sum, present);
        add_frames(w->im, t->window, t->fft, odd_sum, present);
    }
    round_to_int16(sum + hop, n, clip);
}

#endif
