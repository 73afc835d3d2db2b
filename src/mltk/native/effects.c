#include "effects.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The same code for the processor's widest vectors, chosen when the program is loaded. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__GLIBC__)
#define WIDEST __attribute__((target_clones("avx2", "default")))
#else
#define WIDEST
#endif
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#if defined(__GNUC__) && !defined(__clang__)
#define NOT_UNROLLED _Pragma("GCC unroll 1")
#else
#define NOT_UNROLLED
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_AVX2 1
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2"))) static
#endif

#if defined(__has_builtin)
#define CONVERTS (__has_builtin(__builtin_shufflevector) && __has_builtin(__builtin_convertvector))
#else
#define CONVERTS 0
#endif

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* ---- tables ---- */

#define TAPS 16       /* of the resampling filter */
#define PHASES 256    /* positions between two samples that it is tabulated for */
#define CUTOFFS 17    /* cut-off frequencies 1, 1 - 1/32, … 1/2 of the Nyquist frequency */
#define MAX_FFT 2048
#define ALIGNMENT 64  /* bytes, of the widest vectors */
/* Half width of the mean that makes an envelope of a spectrum, taken twice: wider ones would blur formants, between
 * which the filter could then not tell. */
#define SMOOTHING_HZ 80.0
#define MAX_GAIN 8.0f /* of the formant filter: 18 dB either way */

struct mltk_effects_tables {
    int32_t rate;
    int32_t most_lanes; /* of vectors */
    int32_t hop;        /* overlap of the time stretching, in samples */
    int32_t search;     /* largest shift of a segment, in samples */
    int32_t fft;        /* points, a power of two */
    int32_t odd_stages; /* whether it is an odd power */
    int32_t smoothing;  /* half width of the spectral envelope, in bins */
    int16_t *fade;      /* [hop], Q15 */
    float *window;      /* [fft], square root of a Hann window */
    float *twiddle_re;  /* [3 fft / 4] */
    float *twiddle_im;
    uint16_t *reversed; /* [fft]: bit-reversed index */
    int16_t filters[CUTOFFS][PHASES][TAPS]; /* Q14 */
};

static const double PI = 3.14159265358979323846;

static void make_filters(int16_t filters[CUTOFFS][PHASES][TAPS]) {
    for (int c = 0; c < CUTOFFS; c++) {
        double cutoff = 1.0 - c / 32.0;
        for (int p = 0; p < PHASES; p++) {
            double taps[TAPS], sum = 0;
            for (int k = 0; k < TAPS; k++) {
                double t = k - (TAPS / 2 - 1) - p / (double)PHASES;
                double w = t / (TAPS / 2.0);
                double window = fabs(w) < 1 ? 0.5 + 0.5 * cos(PI * w) : 0;
                double x = PI * cutoff * t;
                taps[k] = window * (fabs(x) < 1e-9 ? 1.0 : sin(x) / x);
                sum += taps[k];
            }
            for (int k = 0; k < TAPS; k++) filters[c][p][k] = (int16_t)lrint(taps[k] / sum * 16384.0);
        }
    }
}

static void make_fft_tables(mltk_effects_tables *t) {
    int bits = 0;
    while ((1 << bits) < t->fft) bits++;
    t->odd_stages = bits & 1;
    for (int i = 0; i < t->fft; i++) {
        int r = 0;
        for (int b = 0; b < bits; b++) r |= ((i >> b) & 1) << (bits - 1 - b);
        t->reversed[i] = (uint16_t)r;
        t->window[i] = (float)sin(PI * (i + 0.5) / t->fft);
    }
    for (int i = 0; i < 3 * t->fft / 4; i++) {
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
    for (int i = 0; i < t->hop; i++) t->fade[i] = (int16_t)lrint(32767 * 0.5 * (1 - cos(PI * (i + 0.5) / t->hop)));
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

/* ---- pitch, first half: resampling, which changes the duration too ---- */

INLINE int16_t saturate(int32_t v) { return (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v); }

/* The nearest integer; of two the even one. A float from 2^23 to 2^24 is an integer, which its last bits hold. */
INLINE int16_t rounded(float v) {
    union {
        float value;
        int32_t bits;
    } integer;
    v = v < -32768.0f ? -32768.0f : v > 32767.0f ? 32767.0f : v;
    integer.value = v + 12582912.0f; /* 3 2^22 */
    return (int16_t)integer.bits;
}

INLINE int32_t dot(const int16_t *restrict a, const int16_t *restrict b, int32_t n) {
    int32_t sum = 0;
    NOT_UNROLLED /* a loop is what the compiler recognizes as multiply-and-add of vectors */
    for (int32_t i = 0; i < n; i++) sum += (int32_t)a[i] * b[i];
    return sum;
}

/* Samples at positions position, position + step, … in 32.32 bits. */
static void filter_each(const int16_t (*filters)[TAPS], const int16_t *in, uint64_t position, uint64_t step,
                        int16_t *out, int32_t n_out) {
    for (int32_t i = 0; i < n_out; i++, position += step) {
        const int16_t *x = in + (position >> 32) - (TAPS / 2 - 1);
        out[i] = saturate((dot(x, filters[(position >> 24) & 255], TAPS) + 8192) >> 14);
    }
}

#ifdef HAVE_AVX2
/* Eight sums of the eight numbers of each vector: adding up one vector takes more steps than all eight at once. */
AVX2 inline __m256i sums_of_each(const __m256i *v) {
    __m256i a[4], b[2];
    for (int k = 0; k < 4; k++) a[k] = _mm256_hadd_epi32(v[2 * k], v[2 * k + 1]);
    for (int k = 0; k < 2; k++) b[k] = _mm256_hadd_epi32(a[2 * k], a[2 * k + 1]);
    /* Both have halves of four sums in their lower and in their upper 128 bits. */
    return _mm256_add_epi32(_mm256_permute2x128_si256(b[0], b[1], 0x20), _mm256_permute2x128_si256(b[0], b[1], 0x31));
}

/* The same, eight at a time; returns the position after the last. */
AVX2 uint64_t filter_eights(const int16_t (*filters)[TAPS], const int16_t *in, uint64_t position, uint64_t step,
                            int16_t *out, int32_t n_eights) {
    for (int32_t i = 0; i < n_eights; i++) {
        __m256i products[8];
        for (int k = 0; k < 8; k++, position += step) {
            const void *x = in + (position >> 32) - (TAPS / 2 - 1), *h = filters[(position >> 24) & 255];
            products[k] = _mm256_madd_epi16(_mm256_loadu_si256(x), _mm256_loadu_si256(h));
        }
        __m256i sums = _mm256_srai_epi32(_mm256_add_epi32(sums_of_each(products), _mm256_set1_epi32(8192)), 14);
        __m128i samples = _mm_packs_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
        _mm_storeu_si128((__m128i *)(void *)(out + 8 * i), samples);
    }
    return position;
}
#endif

/* in must be readable from -TAPS to n_in + TAPS. Samples come out at positions 0, ratio, 2 ratio, … */
static void resample(const mltk_effects_tables *t, const int16_t *in, double ratio, int16_t *out, int32_t n_out) {
    double cutoff = ratio > 1 ? 1 / ratio : 1;
    const int16_t(*filters)[TAPS] = t->filters[MIN(CUTOFFS - 1, (int)ceil((1 - cutoff) * 32))];
    uint64_t position = 0, step = (uint64_t)(ratio * 4294967296.0);
    int32_t done = 0;
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2")) {
        done = n_out / 8 * 8;
        position = filter_eights(filters, in, position, step, out, n_out / 8);
    }
#endif
    filter_each(filters, in, position, step, out + done, n_out - done);
}

/* ---- speed, and pitch's second half: WSOLA ----
 *
 * Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high quality
 * time-scale modification of speech", ICASSP 1993. Segments of the input are put one after the other at another
 * pace; each is shifted to where it most resembles what would have followed the one before, first on a fourth of
 * the samples, then on all around the best. The correlations are of 12 bits, so that 32 hold their sums.
 */

#define SCORES 96 /* that are computed at once */

/* The first of n shifts with the largest correlation, squared with its sign, over the energy there: of length samples,
 * as the difference of two cumulated energies. */
WIDEST static void first_best(const int32_t *restrict products, const uint32_t *restrict energy, int32_t length,
                              int32_t n, int32_t first, float *best_score, int32_t *best) {
    float scores[SCORES], largest = -3e38f;
    for (int32_t i = 0; i < n; i++) {
        float p = (float)products[i];
        scores[i] = p * fabsf(p) / ((float)(int32_t)(energy[i + length] - energy[i]) + 1.0f);
    }
    for (int32_t i = 0; i < n; i++) largest = scores[i] > largest ? scores[i] : largest;
    if (largest <= *best_score) return;
    *best_score = largest;
    int32_t i = 0;
    while (scores[i] < largest) i++;
    *best = first + i;
}

/* Correlations of the target with what is around, at shifts 0 to n - 1. */
WIDEST static void correlate_each(const int16_t *target, const int16_t *around, int32_t length, int32_t n,
                                  int32_t *products) {
    for (int32_t i = 0; i < n; i++) products[i] = dot(target, around + i, length);
}

#ifdef HAVE_AVX2
/* The same, eight shifts at a time. */
AVX2 void correlate_eights(const int16_t *target, const int16_t *around, int32_t length, int32_t n_eights,
                           int32_t *products) {
    for (int32_t i = 0; i < n_eights; i++) {
        __m256i sums[8];
        for (int k = 0; k < 8; k++) sums[k] = _mm256_setzero_si256();
        for (int32_t j = 0; j < length; j += 16) {
            const __m256i wanted = _mm256_loadu_si256((const void *)(target + j));
            for (int k = 0; k < 8; k++) {
                const __m256i there = _mm256_loadu_si256((const void *)(around + 8 * i + k + j));
                sums[k] = _mm256_add_epi32(sums[k], _mm256_madd_epi16(wanted, there));
            }
        }
        _mm256_storeu_si256((void *)(products + 8 * i), sums_of_each(sums));
    }
}
#endif

/* length is a multiple of 16, as the overlap of the segments and a fourth of it are. */
INLINE void correlate(const int16_t *target, const int16_t *around, int32_t length, int32_t n, int32_t *products) {
    int32_t done = 0;
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2")) {
        done = n / 8 * 8;
        correlate_eights(target, around, length, n / 8, products);
    }
#endif
    correlate_each(target, around + done, length, n - done, products + done);
}

/* energy4 is that of all before each sample of the fourth, around4's energy4[0]. */
static int32_t best_shift(const int16_t *target, const int16_t *around, const int16_t *target4,
                          const int16_t *around4, const uint32_t *energy4, int32_t search, int32_t hop) {
    int32_t best = 0, products[SCORES];
    float best_score = -3e38f;
    for (int32_t first = -search / 4; first <= search / 4; first += SCORES) {
        int32_t n = MIN(SCORES, search / 4 - first + 1);
        correlate(target4, around4 + first, hop / 4, n, products);
        first_best(products, energy4 + first, hop / 4, n, first, &best_score, &best);
    }
    int32_t lowest = best * 4 - 3, most = -2147483647 - 1;
    correlate(target, around + lowest, hop, 8, products); /* eight take less time than seven */
    for (int32_t i = 0; i < 7; i++)
        if (products[i] > most) most = products[i], best = lowest + i;
    return best;
}

/* v times a factor of 0 to 32767 / 32768: in this form compilers know it as one instruction. */
INLINE int16_t times_q15(int16_t v, int16_t factor) { return (int16_t)((((int32_t)v * factor >> 14) + 1) >> 1); }

WIDEST static void crossfade(const int16_t *restrict from, const int16_t *restrict to, const int16_t *restrict fade,
                             int16_t *restrict out, int32_t n) {
    for (int32_t i = 0; i < n; i++)
        out[i] = (int16_t)(times_q15(from[i], (int16_t)(32767 - fade[i])) + times_q15(to[i], fade[i]));
}

/* Samples that have to be readable, as zeros, before and after the input of stretch(). */
INLINE int32_t stretch_margin(const mltk_effects_tables *t) { return (t->search + 2 * t->hop + 64) / 16 * 16; }

static void reduce_each(const int16_t *in, int32_t n, int shift, int16_t *quiet, int16_t *fourth) {
    for (int32_t i = 0; i < n; i++) quiet[i] = (int16_t)(in[i] >> shift);
    for (int32_t i = 0; i < n / 4; i++)
        fourth[i] = (int16_t)((quiet[4 * i] + quiet[4 * i + 1] + quiet[4 * i + 2] + quiet[4 * i + 3]) >> 2);
}

#ifdef HAVE_AVX2
/* The same, 64 at a time. */
AVX2 void reduce_sixty_fours(const int16_t *in, int32_t n_blocks, int shift, int16_t *quiet, int16_t *fourth) {
    const __m256i ones = _mm256_set1_epi16(1), order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (int32_t i = 0; i < n_blocks; i++) {
        __m256i pairs[4];
        for (int k = 0; k < 4; k++) {
            const __m256i x = _mm256_loadu_si256((const void *)(in + 64 * i + 16 * k));
            const __m256i reduced = _mm256_sra_epi16(x, _mm_cvtsi32_si128(shift));
            _mm256_storeu_si256((void *)(quiet + 64 * i + 16 * k), reduced);
            pairs[k] = _mm256_madd_epi16(reduced, ones);
        }
        const __m256i low = _mm256_srai_epi32(_mm256_hadd_epi32(pairs[0], pairs[1]), 2);
        const __m256i high = _mm256_srai_epi32(_mm256_hadd_epi32(pairs[2], pairs[3]), 2);
        const __m256i means = _mm256_permutevar8x32_epi32(_mm256_packs_epi32(low, high), order);
        _mm256_storeu_si256((void *)(fourth + 16 * i), means);
    }
}
#endif

/* The samples with fewer bits, and the means of each four of them. */
static void reduce(const int16_t *in, int32_t n, int shift, int16_t *quiet, int16_t *fourth) {
    int32_t done = 0;
#ifdef HAVE_AVX2
    if (__builtin_cpu_supports("avx2")) {
        done = n / 64 * 64;
        reduce_sixty_fours(in, n / 64, shift, quiet, fourth);
    }
#endif
    reduce_each(in + done, n - done, shift, quiet + done, fourth + done / 4);
}

/* energy[i] is that of the i samples before; it may pass 2^32, differences of near ones are right all the same. */
static void cumulate_energy(const int16_t *in, int32_t n, uint32_t *energy) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < n; i++) {
        energy[i] = sum;
        sum += (uint32_t)(in[i] * in[i]);
    }
    energy[n] = sum;
}

WIDEST static int bits_above(const int16_t *in, int32_t n, int32_t limit) {
    int32_t peak = 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t a = in[i] < 0 ? -in[i] : in[i];
        peak = a > peak ? a : peak;
    }
    int shift = 0;
    while ((peak >> shift) > limit) shift++;
    return shift;
}

/* in has n_in samples and margins of zeros; work, aligned for 32 bits, holds 2 (n_in + 2 margins). */
static void stretch(const mltk_effects_tables *t, const int16_t *in, int32_t n_in, int16_t *out, int32_t n_out,
                    int16_t *work) {
    int32_t hop = t->hop, margin = stretch_margin(t), n = n_in + 2 * margin;
    /* |x| < 2048 and 511 samples or fewer, or fewer bits for more samples: the sums stay below 2^31. */
    int32_t limit = 2047;
    while ((int64_t)limit * limit * hop > 2147483647) limit /= 2;
    int shift = bits_above(in, n_in, limit);
    int16_t *quiet = work, *fourth = work + n;
    uint32_t *energy4 = (uint32_t *)(void *)(work + (n + n / 4 + 1) / 2 * 2);
    reduce(in - margin, n, shift, quiet, fourth);
    cumulate_energy(fourth, n / 4, energy4);
    double pace = (double)n_in / n_out;
    int32_t previous = 0;
    memcpy(out, in, sizeof(int16_t) * (size_t)MIN(hop, n_out));
    for (int32_t start = hop; start < n_out; start += hop) {
        int32_t nominal = (int32_t)(start * pace) / 4 * 4;
        int32_t follow = MIN(previous + hop, n_in), nominal4 = (margin + nominal) / 4;
        int32_t shifted = nominal + best_shift(quiet + margin + follow, quiet + margin + nominal,
                                               fourth + (margin + follow) / 4, fourth + nominal4,
                                               energy4 + nominal4, t->search, hop);
        crossfade(in + follow, in + shifted, t->fade, out + start, MIN(hop, n_out - start));
        previous = shifted;
    }
}

#include "formants.inc"

/* ---- everything, one clip after the other ---- */

typedef struct {
    int16_t *a, *b;  /* audio between the stages, with margins */
    int16_t *search; /* what stretch() looks for similarity in */
    float *sum;
    void *vtlp_memory;
    float *vtlp; /* within it, aligned for vectors */
    int16_t *noise;
    int32_t margin;
} workspace;

static int32_t warped_length(const mltk_effects *e) { return MAX(1, (int32_t)lrint(e->n_clip / (double)e->speed)); }

static int needs_warp(const mltk_effects *e) { return e->speed != 1 || e->pitch != 1 || e->vtlp != 1; }

static int make_workspace(const mltk_effects_tables *t, const mltk_effects *effects, size_t n_clips, int32_t n_out,
                          workspace *w) {
    int64_t longest = n_out;
    int warp = 0, vtlp = 0;
    for (size_t i = 0; i < n_clips; i++) {
        const mltk_effects *e = &effects[i];
        if (!needs_warp(e)) continue;
        warp = 1;
        vtlp |= e->vtlp != 1;
        int64_t resampled = (int64_t)(e->n_clip / (double)e->pitch) + 2;
        longest = MAX(longest, MAX(MAX(resampled, (int64_t)warped_length(e)), (int64_t)e->n_clip));
    }
    memset(w, 0, sizeof *w);
    w->margin = MAX(stretch_margin(t), 3 * t->fft) + 16;
    size_t room = (size_t)longest + 2 * (size_t)w->margin;
    w->noise = malloc(sizeof(int16_t) * (size_t)n_out);
    if (warp) {
        w->a = malloc(sizeof(int16_t) * room);
        w->b = malloc(sizeof(int16_t) * room);
        w->search = malloc(sizeof(int16_t) * 2 * room);
    }
    if (vtlp) {
        w->sum = malloc(sizeof(float) * (room + 4 * (size_t)t->fft));
        w->vtlp_memory = malloc(sizeof(float) * vtlp_work_floats(t) + ALIGNMENT);
        w->vtlp = (float *)(((uintptr_t)w->vtlp_memory + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    }
    return w->noise && (!warp || (w->a && w->b && w->search)) && (!vtlp || (w->sum && w->vtlp_memory)) ? 0 : -1;
}

static void free_workspace(workspace *w) {
    free(w->a);
    free(w->b);
    free(w->search);
    free(w->sum);
    free(w->vtlp_memory);
    free(w->noise);
}

static void clear_margins(int16_t *buffer, int32_t margin, int32_t n) {
    memset(buffer, 0, sizeof(int16_t) * (size_t)margin);
    memset(buffer + margin + n, 0, sizeof(int16_t) * (size_t)margin);
}

/* Speed, pitch and vocal tract length; gives the audio, which lies in the workspace, and sets *n to its length. */
static const int16_t *warp(const mltk_effects_tables *t, const mltk_effects *e, workspace *w, int32_t *n) {
    int16_t *now = w->a, *next = w->b, *swap;
    int32_t length = e->n_clip, wanted = warped_length(e);
    memcpy(now + w->margin, e->clip, sizeof(int16_t) * (size_t)length);
    clear_margins(now, w->margin, length);
    if (e->pitch != 1) {
        int32_t resampled = MAX(1, (int32_t)(length / (double)e->pitch));
        resample(t, now + w->margin, e->pitch, next + w->margin, resampled);
        clear_margins(next, w->margin, length = resampled);
        swap = now, now = next, next = swap;
    }
    if (wanted != length) {
        stretch(t, now + w->margin, length, next + w->margin, wanted, w->search);
        clear_margins(next, w->margin, length = wanted);
        swap = now, now = next, next = swap;
    }
    if (e->vtlp != 1) warp_formants(t, e->vtlp, now + w->margin, length, w->vtlp, w->sum);
    *n = length;
    return now + w->margin;
}

WIDEST static void mix(const int16_t *clip, float gain, const int16_t *noise, float noise_gain, int16_t *out,
                       int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        float v = (float)clip[i] * gain + (float)noise[i] * noise_gain;
        out[i] = rounded(v);
    }
}

WIDEST static void scale(const int16_t *clip, float gain, int16_t *out, int32_t n) {
    for (int32_t i = 0; i < n; i++) {
        float v = (float)clip[i] * gain;
        out[i] = rounded(v);
    }
}

/* n samples of the noise from its start on, over and over: where they are, or in a copy if they lie apart. */
static const int16_t *cut_noise(const mltk_effects *e, int16_t *to, int32_t n) {
    int32_t from = e->noise_start % e->n_noise;
    if (n <= e->n_noise - from) return e->noise + from;
    for (int32_t done = 0; done < n;) {
        int32_t part = MIN(n - done, e->n_noise - from);
        memcpy(to + done, e->noise + from, sizeof(int16_t) * (size_t)part);
        done += part;
        from = 0;
    }
    return to;
}

/* Of a clip that is too long, cut out what will be needed: offset of the rest is before it. */
static mltk_effects cropped(const mltk_effects *e, int32_t n_out) {
    mltk_effects c = *e;
    double needed = n_out * (double)e->speed;
    if (e->n_clip > needed) {
        c.n_clip = (int32_t)ceil(needed);
        c.clip = e->clip + (int32_t)((e->n_clip - c.n_clip) * (double)e->offset);
    }
    return c;
}

static void apply(const mltk_effects_tables *t, const mltk_effects *effect, int32_t n_out, int16_t *out,
                  workspace *w) {
    mltk_effects e = cropped(effect, n_out);
    const int16_t *clip = e.clip;
    int32_t n = e.n_clip;
    if (n > 0 && needs_warp(&e)) clip = warp(t, &e, w, &n);
    n = MIN(n, n_out);
    int32_t before = (int32_t)((n_out - n) * (double)e.offset), after = n_out - before - n;
    if (e.noise && e.n_noise > 0 && e.noise_gain != 0) {
        const int16_t *noise = cut_noise(&e, w->noise, n_out);
        scale(noise, e.noise_gain, out, before);
        mix(clip, e.gain, noise + before, e.noise_gain, out + before, n);
        scale(noise + before + n, e.noise_gain, out + before + n, after);
        return;
    }
    memset(out, 0, sizeof(int16_t) * (size_t)before);
    memset(out + before + n, 0, sizeof(int16_t) * (size_t)after);
    if (e.gain == 1) memcpy(out + before, clip, sizeof(int16_t) * (size_t)n);
    else scale(clip, e.gain, out + before, n);
}

int mltk_effects_apply(const mltk_effects_tables *t, const mltk_effects *effects, size_t n_clips, int32_t n_out,
                       int16_t *out) {
    workspace w;
    int status = make_workspace(t, effects, n_clips, n_out, &w);
    if (status == 0)
        for (size_t i = 0; i < n_clips; i++) apply(t, &effects[i], n_out, out + i * (size_t)n_out, &w);
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
