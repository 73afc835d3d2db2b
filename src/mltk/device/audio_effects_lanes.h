/* Vocal tract length perturbation of LANES pairs of frames side by side; audio_effects_formants.h includes it once for
 * every width of vectors, with these defined:
 *
 *   LANES   pairs of frames at once
 *   SUFFIX  of the names
 *   ENGINE  what precedes a function: which instructions it may use
 *   HELPER  what precedes one that is part of these
 *
 * A lane's numbers are the same whatever the width: what is next to it takes no part in its arithmetic.
 */

#define FN(name) JOIN(name, SUFFIX)
#define lanes FN(lanes)
#define complex_lanes FN(complex_lanes)
#define ADD FN(add)
#define SUB FN(sub)
#define MUL FN(mul)
#define TIMES FN(times)

#if defined(__GNUC__)
typedef float lanes __attribute__((vector_size(4 * LANES), may_alias));
typedef float FN(lanes_anywhere) __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int16_t FN(lanes16) __attribute__((vector_size(2 * LANES), aligned(2), may_alias));
HELPER lanes ADD(lanes a, lanes b) { return a + b; }
HELPER lanes SUB(lanes a, lanes b) { return a - b; }
HELPER lanes MUL(lanes a, lanes b) { return a * b; }
HELPER lanes TIMES(lanes a, float factor) { return a * factor; }
#else
typedef struct {
    float each[LANES];
} lanes;
#define EACH(operation)                                             \
    lanes c;                                                        \
    for (int l = 0; l < LANES; l++) c.each[l] = a.each[l] operation; \
    return c
static lanes ADD(lanes a, lanes b) { EACH(+b.each[l]); }
static lanes SUB(lanes a, lanes b) { EACH(-b.each[l]); }
static lanes MUL(lanes a, lanes b) { EACH(*b.each[l]); }
static lanes TIMES(lanes a, float factor) { EACH(*factor); }
#endif

typedef struct {
    lanes re, im;
} complex_lanes;

/* v times the factor wr + i wi. */
HELPER complex_lanes FN(twiddled)(lanes re, lanes im, float wr, float wi) {
    complex_lanes p = {SUB(TIMES(re, wr), TIMES(im, wi)), ADD(TIMES(re, wi), TIMES(im, wr))};
    return p;
}

/* A radix-4 stage of a decimation-in-frequency FFT of LANES signals at once: two stages of radix 2, of blocks of size
 * and size / 2, so that the numbers end up in bit-reversed order. */
HELPER void FN(dif_stages)(lanes *restrict re, lanes *restrict im, int32_t n, int32_t size, const float *wr,
                           const float *wi) {
    int32_t quarter = size / 4, stride = n / size;
    for (int32_t block = 0; block < n; block += size) {
        for (int32_t j = 0; j < quarter; j++) {
            lanes *r = re + block + j, *i = im + block + j;
            int32_t w = j * stride;
            lanes ar = ADD(r[0], r[2 * quarter]), ai = ADD(i[0], i[2 * quarter]);
            lanes br = ADD(r[quarter], r[3 * quarter]), bi = ADD(i[quarter], i[3 * quarter]);
            lanes cr = SUB(r[0], r[2 * quarter]), ci = SUB(i[0], i[2 * quarter]);
            lanes dr = SUB(i[quarter], i[3 * quarter]), di = SUB(r[3 * quarter], r[quarter]); /* times -i */
            complex_lanes second = FN(twiddled)(SUB(ar, br), SUB(ai, bi), wr[2 * w], wi[2 * w]);
            complex_lanes third = FN(twiddled)(ADD(cr, dr), ADD(ci, di), wr[w], wi[w]);
            complex_lanes fourth = FN(twiddled)(SUB(cr, dr), SUB(ci, di), wr[3 * w], wi[3 * w]);
            r[0] = ADD(ar, br), i[0] = ADD(ai, bi);
            r[quarter] = second.re, i[quarter] = second.im;
            r[2 * quarter] = third.re, i[2 * quarter] = third.im;
            r[3 * quarter] = fourth.re, i[3 * quarter] = fourth.im;
        }
    }
}

/* The reverse: a radix-4 stage of the inverse FFT, decimation in time, of blocks of size / 2 and size. */
HELPER void FN(dit_stages)(lanes *restrict re, lanes *restrict im, int32_t n, int32_t size, const float *wr,
                           const float *wi) {
    int32_t quarter = size / 4, stride = n / size;
    for (int32_t block = 0; block < n; block += size) {
        for (int32_t j = 0; j < quarter; j++) {
            lanes *r = re + block + j, *i = im + block + j;
            int32_t w = j * stride;
            complex_lanes b = FN(twiddled)(r[quarter], i[quarter], wr[2 * w], -wi[2 * w]);
            complex_lanes c = FN(twiddled)(r[2 * quarter], i[2 * quarter], wr[w], -wi[w]);
            complex_lanes d = FN(twiddled)(r[3 * quarter], i[3 * quarter], wr[3 * w], -wi[3 * w]);
            lanes ar = ADD(r[0], b.re), ai = ADD(i[0], b.im), br = SUB(r[0], b.re), bi = SUB(i[0], b.im);
            lanes cr = ADD(c.re, d.re), ci = ADD(c.im, d.im);
            lanes dr = SUB(d.im, c.im), di = SUB(c.re, d.re); /* times i */
            r[0] = ADD(ar, cr), i[0] = ADD(ai, ci);
            r[quarter] = ADD(br, dr), i[quarter] = ADD(bi, di);
            r[2 * quarter] = SUB(ar, cr), i[2 * quarter] = SUB(ai, ci);
            r[3 * quarter] = SUB(br, dr), i[3 * quarter] = SUB(bi, di);
        }
    }
}

/* The stage of dif_stages() for blocks of 4, whose factors are all 1: half of the operations. */
HELPER void FN(last_dif_stages)(lanes *restrict re, lanes *restrict im, int32_t n) {
    for (int32_t block = 0; block < n; block += 4) {
        lanes *r = re + block, *i = im + block;
        lanes ar = ADD(r[0], r[2]), ai = ADD(i[0], i[2]), br = ADD(r[1], r[3]), bi = ADD(i[1], i[3]);
        lanes cr = SUB(r[0], r[2]), ci = SUB(i[0], i[2]), dr = SUB(i[1], i[3]), di = SUB(r[3], r[1]);
        r[0] = ADD(ar, br), i[0] = ADD(ai, bi);
        r[1] = SUB(ar, br), i[1] = SUB(ai, bi);
        r[2] = ADD(cr, dr), i[2] = ADD(ci, di);
        r[3] = SUB(cr, dr), i[3] = SUB(ci, di);
    }
}

/* The same of dit_stages(). */
HELPER void FN(first_dit_stages)(lanes *restrict re, lanes *restrict im, int32_t n) {
    for (int32_t block = 0; block < n; block += 4) {
        lanes *r = re + block, *i = im + block;
        lanes ar = ADD(r[0], r[1]), ai = ADD(i[0], i[1]), br = SUB(r[0], r[1]), bi = SUB(i[0], i[1]);
        lanes cr = ADD(r[2], r[3]), ci = ADD(i[2], i[3]), dr = SUB(i[3], i[2]), di = SUB(r[2], r[3]);
        r[0] = ADD(ar, cr), i[0] = ADD(ai, ci);
        r[1] = ADD(br, dr), i[1] = ADD(bi, di);
        r[2] = SUB(ar, cr), i[2] = SUB(ai, ci);
        r[3] = SUB(br, dr), i[3] = SUB(bi, di);
    }
}

/* One stage of blocks of two, which has no factors; left over if the number of stages is odd. */
HELPER void FN(butterflies)(lanes *restrict re, lanes *restrict im, int32_t n) {
    for (int32_t k = 0; k < n; k += 2) {
        lanes br = re[k + 1], bi = im[k + 1];
        re[k + 1] = SUB(re[k], br), im[k + 1] = SUB(im[k], bi);
        re[k] = ADD(re[k], br), im[k] = ADD(im[k], bi);
    }
}

HELPER void FN(forward_fft)(const mltk_effects_tables *t, lanes *restrict re, lanes *restrict im) {
    int32_t size = t->fft;
    for (; size > 4; size /= 4) FN(dif_stages)(re, im, t->fft, size, t->twiddle_re, t->twiddle_im);
    if (size == 4) FN(last_dif_stages)(re, im, t->fft);
    else FN(butterflies)(re, im, t->fft);
}

HELPER void FN(inverse_fft)(const mltk_effects_tables *t, lanes *restrict re, lanes *restrict im) {
    int32_t size = t->odd_stages ? 8 : 16;
    if (t->odd_stages) FN(butterflies)(re, im, t->fft);
    else FN(first_dit_stages)(re, im, t->fft);
    for (; size <= t->fft; size *= 4) FN(dit_stages)(re, im, t->fft, size, t->twiddle_re, t->twiddle_im);
}

/* Mean over 2 width + 1 bins, the spectrum being mirrored at both ends. */
HELPER void FN(smooth)(const lanes *restrict in, lanes *restrict out, int32_t last, int32_t width) {
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

/* From the wanted envelope to the gains that make it of the one there is, times 1 / n of the inverse transform. */
HELPER void FN(make_gains)(float *restrict wanted, const float *restrict present, int32_t count, float scale) {
    for (int32_t i = 0; i < count; i++) {
        float w = wanted[i] + 1.0f; /* 1 keeps silence from being divided by */
        float g = w * inverse_square_root(w * (present[i] + 1.0f));
        g = g < MAX_GAIN ? g : MAX_GAIN;
        wanted[i] = (g > 1.0f / MAX_GAIN ? g : 1.0f / MAX_GAIN) * scale;
    }
}

/* im is followed by room for power and envelope. */
ENGINE void FN(filter_formants)(const mltk_effects_tables *t, const float *source, lanes *restrict re,
                                lanes *restrict im) {
    int32_t n = t->fft, last = n / 2;
    lanes *restrict power = im + n, *restrict envelope = power + last + 1;
    const uint16_t *at = t->reversed;
    FN(forward_fft)(t, re, im);
    for (int32_t k = 0; k <= last; k++) {
        int32_t a = at[k], b = at[(n - k) & (n - 1)];
        power[k] = ADD(ADD(MUL(re[a], re[a]), MUL(im[a], im[a])), ADD(MUL(re[b], re[b]), MUL(im[b], im[b])));
    }
    FN(smooth)(power, envelope, last, t->smoothing);
    FN(smooth)(envelope, power, last, t->smoothing);
    for (int32_t k = 0; k <= last; k++) {
        int32_t i = MIN((int32_t)source[k], last - 1);
        envelope[k] = ADD(power[i], TIMES(SUB(power[i + 1], power[i]), source[k] - (float)i));
    }
    FN(make_gains)((float *)envelope, (const float *)power, (last + 1) * LANES, 1.0f / (float)n);
    for (int32_t k = 0; k <= last; k++) {
        int32_t a = at[k], b = at[(n - k) & (n - 1)];
        lanes gain = envelope[k];
        re[a] = MUL(re[a], gain);
        im[a] = MUL(im[a], gain);
        if (a == b) continue;
        re[b] = MUL(re[b], gain);
        im[b] = MUL(im[b], gain);
    }
    FN(inverse_fft)(t, re, im);
}

/* Rows of LANES vectors become their columns: what is next to each other in time, and what in number of the pair. */
HELPER void FN(transpose)(lanes rows[LANES]) {
#if CONVERTS
    EXCHANGE(1)
    EXCHANGE(2)
    EXCHANGE(4)
#if LANES == 16
    EXCHANGE(8)
#endif
#else
    lanes columns[LANES];
    for (int i = 0; i < LANES; i++)
        for (int l = 0; l < LANES; l++) ((float *)(columns + i))[l] = ((const float *)(rows + l))[i];
    memcpy(rows, columns, sizeof columns);
#endif
}

HELPER void FN(to_floats)(const int16_t *samples, lanes *floats) {
#if CONVERTS
    *floats = __builtin_convertvector(*(const FN(lanes16) *)samples, lanes);
#else
    for (int j = 0; j < LANES; j++) ((float *)floats)[j] = (float)samples[j];
#endif
}

/* The windowed frames of LANES pairs; frames[l] is the first of pair l. */
ENGINE void FN(load_frames)(const int16_t *const frames[LANES], const float *window, int32_t n, lanes *to) {
    for (int32_t i = 0; i < n; i += LANES) {
        lanes rows[LANES];
        for (int l = 0; l < LANES; l++) FN(to_floats)(frames[l] + i, &rows[l]);
        FN(transpose)(rows);
        for (int j = 0; j < LANES; j++) to[i + j] = TIMES(rows[j], window[i + j]);
    }
}

HELPER void FN(add_to)(float *sum, lanes row) {
#if CONVERTS
    *(FN(lanes_anywhere) *)sum += row;
#else
    for (int j = 0; j < LANES; j++) sum[j] += ((const float *)&row)[j];
#endif
}

/* Adds the windowed frames to where they belong. */
ENGINE void FN(add_frames)(const lanes *from, const float *window, int32_t n, float *const sums[LANES], int n_lanes) {
    for (int32_t i = 0; i < n; i += LANES) {
        lanes rows[LANES];
        for (int j = 0; j < LANES; j++) rows[j] = TIMES(from[i + j], window[i + j]);
        FN(transpose)(rows);
        for (int l = 0; l < n_lanes; l++) FN(add_to)(sums[l] + i, rows[l]);
    }
}

/* Pairs of frames number first, first + 1, … of n_pairs, from the clip to the sum. */
static void FN(filter_pairs)(const mltk_effects_tables *t, const float *source, const int16_t *clip, int32_t first,
                             int32_t n_pairs, void *work, float *sum) {
    lanes *re = work, *im = re + t->fft;
    int32_t hop = t->fft / 2;
    const int16_t *even[LANES], *odd[LANES];
    float *even_sum[LANES], *odd_sum[LANES];
    int present = MIN(LANES, n_pairs - first);
    for (int l = 0; l < LANES; l++) {
        int32_t pair = first + MIN(l, present - 1); /* lanes that are left over repeat the last pair */
        int32_t start = (2 * pair - 1) * hop;       /* the first frame begins half its length early */
        even[l] = clip + start, odd[l] = clip + start + hop;
        even_sum[l] = sum + hop + start, odd_sum[l] = sum + 2 * hop + start;
    }
    FN(load_frames)(even, t->window, t->fft, re);
    FN(load_frames)(odd, t->window, t->fft, im);
    FN(filter_formants)(t, source, re, im);
    FN(add_frames)(re, t->window, t->fft, even_sum, present);
    FN(add_frames)(im, t->window, t->fft, odd_sum, present);
}

#undef FN
#undef lanes
#undef complex_lanes
#undef ADD
#undef SUB
#undef MUL
#undef TIMES
