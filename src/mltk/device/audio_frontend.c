/* Fixed-point audio features; see audio_frontend.h.
 *
 * The code assumes that right shifts of negative values are arithmetic and that narrowing conversions wrap. C99 leaves
 * both to the compiler; all compilers for microcontrollers and hosts do it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "audio_frontend.h"

#include <math.h>
#include <string.h>

#define WINDOW_BITS 12
#define FILTERBANK_BITS 12
#define NOISE_BITS 14
#define PCAN_SNR_BITS 12
#define PCAN_OUTPUT_BITS 6
#define PCAN_GAINS_SIZE 125
#define LOG_BITS 16
#define LOG_SEGMENT_BITS 7
#define LN2_Q16 45426u /* ln(2) in Q16 */
#define ACTIVITY_ALPHA_BITS 8
#define ACTIVITY_THRESHOLD_BITS 12
#define MIN_WINDOW 8u
#define MAX_FFT_LENGTH 32768u

static const double PI = 3.14159265358979323846264338327;

/* (log2(1 + i/128) - i/128) in Q16: what a straight line between two powers of two leaves of the logarithm. */
static const uint16_t log2_residue[(1 << LOG_SEGMENT_BITS) + 1] = {
    0,    224,  442,  654,  861,  1063, 1259, 1450, 1636, 1817, 1992, 2163, 2329, 2490, 2646, 2797, 2944, 3087, 3224,
    3358, 3487, 3611, 3732, 3848, 3960, 4068, 4172, 4272, 4368, 4460, 4549, 4633, 4714, 4791, 4864, 4934, 5001, 5063,
    5123, 5178, 5231, 5280, 5326, 5368, 5408, 5444, 5477, 5507, 5533, 5557, 5578, 5595, 5610, 5622, 5631, 5637, 5640,
    5641, 5638, 5633, 5626, 5615, 5602, 5586, 5568, 5547, 5524, 5498, 5470, 5439, 5406, 5370, 5332, 5291, 5249, 5203,
    5156, 5106, 5054, 5000, 4944, 4885, 4825, 4762, 4697, 4630, 4561, 4490, 4416, 4341, 4264, 4184, 4103, 4020, 3935,
    3848, 3759, 3668, 3575, 3481, 3384, 3286, 3186, 3084, 2981, 2875, 2768, 2659, 2549, 2437, 2323, 2207, 2090, 1971,
    1851, 1729, 1605, 1480, 1353, 1224, 1094, 963,  830,  695,  559,  421,  282,  142,  0};

/* Bits needed to write x: 0 for 0, 32 for 0x80000000 and above. */
static uint32_t bit_width(uint32_t x) {
#if defined(__GNUC__)
    return x == 0 ? 0 : 32u - (uint32_t)__builtin_clz(x);
#else
    uint32_t width = 0;
    for (; x != 0; x >>= 1) ++width;
    return width;
#endif
}

/* ---- Set-up: the only place with floating point ------------------------------------------------------------------
 *
 * Where the reference computes in float, this code does too. Products are rounded to float before they are added: a
 * compiler that contracts a * b + c to one fused operation would compute other tables on some processors. */

static float mel(float frequency_hz) { return (float)(1127.0 * log1p((double)frequency_hz / 700.0)); }

typedef struct {
    uint32_t n_channels; /* one more than there are features: the first has only unweights */
    float low, spacing, bin_hz;
} mel_scale;

static mel_scale mel_scale_of(const mltk_frontend_settings *s, uint32_t fft_length) {
    mel_scale scale;
    const float span = mel(s->filterbank_upper_band_limit) - mel(s->filterbank_lower_band_limit);
    scale.n_channels = (uint32_t)s->filterbank_n_channels + 1;
    scale.low = mel(s->filterbank_lower_band_limit);
    scale.spacing = span / (float)scale.n_channels;
    scale.bin_hz = (float)(0.5 * (double)s->sample_rate_hz / (double)(fft_length / 2));
    return scale;
}

/* The upper edge of a channel, which is the peak of the triangle that the next channel's feature sees; for -1 the
 * lower edge of the first. */
static float channel_edge(const mel_scale *scale, int32_t channel) {
    const float offset = (float)((double)scale->spacing * (double)(channel + 1));
    return channel < 0 ? scale->low : scale->low + offset;
}

static float bin_mel(const mel_scale *scale, uint32_t bin) { return mel((float)((double)bin * (double)scale->bin_hz)); }

static uint32_t start_bin(const mltk_frontend_settings *s, const mel_scale *scale) {
    const float bins = s->filterbank_lower_band_limit / scale->bin_hz;
    return (uint32_t)(1.5 + (double)bins); /* never the DC bin */
}

/* The first bin past this channel. */
static uint32_t channel_end(const mel_scale *scale, uint32_t channel, uint32_t bin, uint32_t n_bins) {
    const float edge = channel_edge(scale, (int32_t)channel);
    while (bin < n_bins && bin_mel(scale, bin) <= edge) ++bin;
    return bin;
}

static uint32_t window_samples(int32_t ms, int32_t rate) { return (uint32_t)((int64_t)ms * rate / 1000); }

static int is_fraction(float x) { return x >= 0.0f && x <= 1.0f; }

static int is_threshold(float x) { return x >= 0.0f && x < 8.0f; }

static mltk_frontend_status check_settings(const mltk_frontend_settings *s, uint32_t *fft_length) {
    uint32_t length = 1;
    int32_t correction;
    if (s->sample_rate_hz <= 0 || s->window_size_ms <= 0 || s->window_step_ms <= 0 ||
        s->window_step_ms > s->window_size_ms || window_samples(s->window_step_ms, s->sample_rate_hz) < 1 ||
        window_samples(s->window_size_ms, s->sample_rate_hz) < MIN_WINDOW ||
        window_samples(s->window_size_ms, s->sample_rate_hz) > MAX_FFT_LENGTH)
        return MLTK_FRONTEND_BAD_WINDOW;
    while (length < window_samples(s->window_size_ms, s->sample_rate_hz)) length *= 2;
    *fft_length = length;
    correction = (int32_t)bit_width(length) - 1 - FILTERBANK_BITS / 2;

    if (s->filterbank_n_channels < 1 || s->filterbank_n_channels > (int32_t)(length / 2) ||
        !(s->filterbank_lower_band_limit >= 0.0f) ||
        !(s->filterbank_upper_band_limit > s->filterbank_lower_band_limit) ||
        !(s->filterbank_upper_band_limit <= (float)s->sample_rate_hz / 2.0f))
        return MLTK_FRONTEND_BAD_FILTERBANK;
    if (s->noise_reduction_enable &&
        (s->noise_reduction_smoothing_bits < 0 || s->noise_reduction_smoothing_bits > 16 ||
         !is_fraction(s->noise_reduction_even_smoothing) || !is_fraction(s->noise_reduction_odd_smoothing) ||
         !is_fraction(s->noise_reduction_min_signal_remaining)))
        return MLTK_FRONTEND_BAD_NOISE_REDUCTION;
    if (s->pcan_enable) {
        const int32_t snr_shift = s->pcan_gain_bits - correction - PCAN_SNR_BITS;
        const int32_t input_bits = s->noise_reduction_smoothing_bits - correction;
        if (!s->noise_reduction_enable || s->pcan_gain_bits < 0 || s->pcan_gain_bits > 31 || snr_shift < 0 ||
            snr_shift > 31 || input_bits < 0 || input_bits > 31 || !(s->pcan_offset > 0.0f) ||
            !(s->pcan_strength >= 0.0f))
            return MLTK_FRONTEND_BAD_PCAN;
    }
    if (s->log_scale_shift < 0 || s->log_scale_shift > 11) return MLTK_FRONTEND_BAD_LOG_SCALE;
    if (s->dc_notch_filter_enable && !(s->dc_notch_filter_coefficient >= 0.0f && s->dc_notch_filter_coefficient < 1.0f))
        return MLTK_FRONTEND_BAD_DC_NOTCH;
    if (s->activity_detection_enable &&
        (!is_fraction(s->activity_detection_alpha_a) || !is_fraction(s->activity_detection_alpha_b) ||
         !is_threshold(s->activity_detection_arm_threshold) || !is_threshold(s->activity_detection_trip_threshold)))
        return MLTK_FRONTEND_BAD_ACTIVITY;
    if (s->quantize_dynamic_scale_enable && !(s->quantize_dynamic_scale_range_db >= 0.0f))
        return MLTK_FRONTEND_BAD_QUANTIZATION;
    return MLTK_FRONTEND_OK;
}

/* Take `size` bytes from the arena, or only count them when there is no arena. */
static void *take(char *memory, size_t *used, size_t size) {
    void *block = memory == NULL ? NULL : memory + *used;
    *used += (size + 7) & ~(size_t)7;
    return block;
}

/* Sizes, and pointers into `memory` unless it is NULL; returns the bytes used, this struct included. */
static size_t lay_out(mltk_frontend *f, char *memory, const mltk_frontend_settings *s, uint32_t fft_length) {
    const mel_scale scale = mel_scale_of(s, fft_length);
    size_t used = 0;
    uint32_t n_bins, channel;
    (void)take(memory, &used, sizeof *f);
    f->window_size = window_samples(s->window_size_ms, s->sample_rate_hz);
    f->window_step = window_samples(s->window_step_ms, s->sample_rate_hz);
    f->fft_length = fft_length;
    f->n_channels = (uint32_t)s->filterbank_n_channels;
    f->correction_bits = (int32_t)bit_width(fft_length) - 1 - FILTERBANK_BITS / 2;
    f->start_bin = start_bin(s, &scale);
    f->end_bin = f->start_bin;
    for (channel = 0; channel < scale.n_channels; ++channel)
        f->end_bin = channel_end(&scale, channel, f->end_bin, fft_length / 2 + 1);
    n_bins = f->end_bin - f->start_bin;

    f->noise = take(memory, &used, f->n_channels * sizeof *f->noise);
    f->signal = take(memory, &used, f->n_channels * sizeof *f->signal);
    f->bins = take(memory, &used, (fft_length / 2 + 1) * sizeof *f->bins);
    f->samples = take(memory, &used, f->window_size * sizeof *f->samples);
    f->row = take(memory, &used, f->n_channels * sizeof *f->row);
    f->window = take(memory, &used, f->window_size * sizeof *f->window);
    f->twiddles = take(memory, &used, 3 * fft_length / 4 * sizeof *f->twiddles);
    f->weights = take(memory, &used, n_bins * sizeof *f->weights);
    f->unweights = take(memory, &used, n_bins * sizeof *f->unweights);
    f->channel_bins = take(memory, &used, (f->n_channels + 2) * sizeof *f->channel_bins);
    f->pcan_gains = s->pcan_enable ? take(memory, &used, PCAN_GAINS_SIZE * sizeof *f->pcan_gains) : NULL;
    return used;
}

/* Firmware that was built for MLTK 0.20 computes the cosine in single precision, the TensorFlow microfrontend in double
 * precision. At 480 samples, for example, one coefficient of the two windows differs by 1. The single-precision cosine
 * is computed here by rounding the double-precision one: cosf() differs from C library to C library. */
static void fill_window(mltk_frontend *f, int double_precision) {
    const float step = (float)(PI * 2.0 / (double)f->window_size);
    uint32_t i;
    for (i = 0; i < f->window_size; ++i) {
        const double phase = (double)step * ((double)i + 0.5);
        const double cosine = double_precision ? cos(phase) : (double)(float)cos((double)(float)phase);
        const float hann = (float)(0.5 - 0.5 * cosine);
        f->window[i] = (int16_t)floor((double)hann * (1 << WINDOW_BITS) + 0.5);
    }
}

static void fill_twiddles(mltk_frontend *f) {
    uint32_t i;
    for (i = 0; i < 3 * f->fft_length / 4; ++i) {
        const double phase = -2.0 * PI * (double)i / (double)f->fft_length;
        f->twiddles[i].re = (int16_t)floor(0.5 + 32767.0 * cos(phase));
        f->twiddles[i].im = (int16_t)floor(0.5 + 32767.0 * sin(phase));
    }
}

static void fill_filterbank(mltk_frontend *f, const mltk_frontend_settings *s) {
    const mel_scale scale = mel_scale_of(s, f->fft_length);
    uint32_t bin = f->start_bin, channel;
    for (channel = 0; channel < scale.n_channels; ++channel) {
        const float upper = channel_edge(&scale, (int32_t)channel);
        const float width = upper - channel_edge(&scale, (int32_t)channel - 1);
        const uint32_t end = channel_end(&scale, channel, bin, f->fft_length / 2 + 1);
        f->channel_bins[channel] = (uint16_t)bin;
        for (; bin < end; ++bin) {
            const float weight = (upper - bin_mel(&scale, bin)) / width;
            const uint32_t i = bin - f->start_bin;
            f->weights[i] = (int16_t)floor((double)weight * (1 << FILTERBANK_BITS) + 0.5);
            f->unweights[i] = (int16_t)floor((1.0 - (double)weight) * (1 << FILTERBANK_BITS) + 0.5);
        }
    }
    f->channel_bins[scale.n_channels] = (uint16_t)bin;
}

/* pow(noise + offset, -strength) in fixed point, where the noise has `input_bits` fraction bits. */
static int16_t pcan_gain(const mltk_frontend_settings *s, int32_t input_bits, uint32_t noise) {
    const float x = (float)noise / (float)((uint32_t)1 << input_bits);
    const float power = (float)pow((double)(x + s->pcan_offset), (double)-s->pcan_strength);
    const float gain = (float)((uint32_t)1 << s->pcan_gain_bits) * power; /* exact: a power of two */
    return gain > 32767.0f ? (int16_t)32767 : (int16_t)(gain + 0.5f);
}

/* A parabola through three points of every octave of the noise estimate. */
static void fill_pcan_gains(mltk_frontend *f, const mltk_frontend_settings *s) {
    const int32_t input_bits = s->noise_reduction_smoothing_bits - f->correction_bits;
    uint32_t octave;
    f->pcan_gains[0] = pcan_gain(s, input_bits, 0);
    f->pcan_gains[1] = pcan_gain(s, input_bits, 1);
    for (octave = 2; octave <= 32; ++octave) {
        int16_t *segment = f->pcan_gains + 4 * octave - 6;
        const uint32_t x0 = (uint32_t)1 << (octave - 1);
        const uint32_t x2 = octave == 32 ? UINT32_MAX : 2 * x0;
        const int32_t y0 = pcan_gain(s, input_bits, x0);
        const int32_t to_middle = pcan_gain(s, input_bits, x0 + x0 / 2) - y0;
        const int32_t to_end = pcan_gain(s, input_bits, x2) - y0;
        const int32_t linear = 4 * to_middle - to_end;
        segment[0] = (int16_t)y0;
        segment[1] = (int16_t)linear;
        segment[2] = (int16_t)(to_end - linear);
    }
}

size_t mltk_frontend_state_size(const mltk_frontend_settings *settings) {
    mltk_frontend f;
    uint32_t fft_length;
    if (check_settings(settings, &fft_length) != MLTK_FRONTEND_OK) return 0;
    return lay_out(&f, NULL, settings, fft_length);
}

mltk_frontend_status mltk_frontend_init(mltk_frontend **frontend, void *memory, size_t size,
                                        const mltk_frontend_settings *s) {
    mltk_frontend *f = memory;
    uint32_t fft_length;
    const mltk_frontend_status status = check_settings(s, &fft_length);
    *frontend = NULL;
    if (status != MLTK_FRONTEND_OK) return status;
    if (memory == NULL || ((uintptr_t)memory & 7) != 0 || size < mltk_frontend_state_size(s))
        return MLTK_FRONTEND_BAD_MEMORY;

    memset(f, 0, sizeof *f);
    (void)lay_out(f, memory, s, fft_length);
    fill_window(f, s->window_double_precision_enable);
    fill_twiddles(f);
    fill_filterbank(f, s);
    f->noise_reduction_enable = s->noise_reduction_enable;
    if (s->noise_reduction_enable) {
        f->smoothing_bits = s->noise_reduction_smoothing_bits;
        f->smoothing[0] = (uint32_t)(s->noise_reduction_even_smoothing * (1 << NOISE_BITS));
        f->smoothing[1] = (uint32_t)(s->noise_reduction_odd_smoothing * (1 << NOISE_BITS));
        f->min_signal_remaining = (uint32_t)(s->noise_reduction_min_signal_remaining * (1 << NOISE_BITS));
    }
    f->pcan_enable = s->pcan_enable;
    if (s->pcan_enable) {
        f->pcan_snr_shift = s->pcan_gain_bits - f->correction_bits - PCAN_SNR_BITS;
        fill_pcan_gains(f, s);
    }
    f->log_scale_enable = s->log_scale_enable;
    f->log_scale_shift = s->log_scale_shift;
    f->dc_notch_enable = s->dc_notch_filter_enable;
    if (s->dc_notch_filter_enable) f->dc_notch_coefficient = (int32_t)(s->dc_notch_filter_coefficient * 32768.0f);
    f->activity_enable = s->activity_detection_enable;
    if (s->activity_detection_enable) {
        f->activity_alpha[0] = (uint32_t)(s->activity_detection_alpha_a * (1 << ACTIVITY_ALPHA_BITS));
        f->activity_alpha[1] = (uint32_t)(s->activity_detection_alpha_b * (1 << ACTIVITY_ALPHA_BITS));
        f->activity_arm_at = (int32_t)(s->activity_detection_arm_threshold * (1 << ACTIVITY_THRESHOLD_BITS));
        f->activity_trip_at = (int32_t)(s->activity_detection_trip_threshold * (1 << ACTIVITY_THRESHOLD_BITS));
    }
    if (s->quantize_dynamic_scale_enable) {
        const double nepers = (double)s->quantize_dynamic_scale_range_db * log(10.0) / 20.0;
        const double range = nepers * (double)(1 << s->log_scale_shift);
        f->dynamic_range = range > 65535.0 ? 65535 : (int32_t)range;
    }
    mltk_frontend_reset(f);
    *frontend = f;
    return MLTK_FRONTEND_OK;
}

const char *mltk_frontend_status_text(mltk_frontend_status status) {
    switch (status) {
        case MLTK_FRONTEND_OK: return "OK";
        case MLTK_FRONTEND_BAD_WINDOW: return "impossible sample rate, window size or window step";
        case MLTK_FRONTEND_BAD_FILTERBANK: return "impossible filterbank channels or band limits";
        case MLTK_FRONTEND_BAD_NOISE_REDUCTION: return "impossible noise reduction settings";
        case MLTK_FRONTEND_BAD_PCAN: return "impossible PCAN settings";
        case MLTK_FRONTEND_BAD_LOG_SCALE: return "impossible log scale shift";
        case MLTK_FRONTEND_BAD_DC_NOTCH: return "impossible DC notch filter coefficient";
        case MLTK_FRONTEND_BAD_ACTIVITY: return "impossible activity detection settings";
        case MLTK_FRONTEND_BAD_QUANTIZATION: return "impossible range of the dynamic scale";
        case MLTK_FRONTEND_BAD_MEMORY: return "memory too small or not aligned to 8 bytes";
    }
    return "unknown status";
}

void mltk_frontend_reset(mltk_frontend *f) {
    f->n_buffered = 0;
    f->dc_notch_x = f->dc_notch_y = 0;
    memset(&f->activity, 0, sizeof f->activity);
    memset(f->noise, 0, f->n_channels * sizeof *f->noise);
}

/* ---- Window and FFT ---------------------------------------------------------------------------------------------- */

static int16_t round_q15(int32_t x) { return (int16_t)((x + (1 << 14)) >> 15); }

/* The next index in digit-reversed order for radix 4 with one radix 2 at the end if n is not a power of 4. */
static uint32_t next_reversed(uint32_t index, uint32_t n) {
    uint32_t weight = n / 4;
    while (weight > 0 && (index & (3 * weight)) == 3 * weight) {
        index -= 3 * weight;
        weight /= 4;
    }
    return index + (weight > 0 ? weight : 1);
}

/* Window the buffered samples into the FFT's input, scaled up to 15 bits; returns by how many bits. */
static uint32_t apply_window(mltk_frontend *f) {
    const uint32_t n = f->fft_length / 2;
    int16_t max_abs = 0;
    uint32_t i, shift, at = 0;
    for (i = 0; i < f->window_size; ++i) {
        int16_t value = (int16_t)((f->samples[i] * f->window[i]) >> WINDOW_BITS);
        if (value < 0) value = (int16_t)-value; /* -32768 stays negative, as in the reference */
        if (value > max_abs) max_abs = value;
    }
    shift = 15 - bit_width((uint32_t)max_abs);
    for (i = 0; i < n; ++i) {
        int16_t pair[2] = {0, 0};
        uint32_t j;
        for (j = 0; j < 2 && 2 * i + j < f->window_size; ++j) {
            const int32_t value = (f->samples[2 * i + j] * f->window[2 * i + j]) >> WINDOW_BITS;
            pair[j] = (int16_t)((uint32_t)value << shift);
        }
        f->bins[at].c.re = pair[0];
        f->bins[at].c.im = pair[1];
        at = next_reversed(at, n);
    }
    return shift;
}

static mltk_frontend_twiddle multiply(mltk_frontend_bin a, int32_t scale, mltk_frontend_twiddle w) {
    const int16_t re = round_q15(a.c.re * scale), im = round_q15(a.c.im * scale);
    mltk_frontend_twiddle product;
    product.re = round_q15(re * w.re - im * w.im);
    product.im = round_q15(re * w.im + im * w.re);
    return product;
}

static void radix2_pass(mltk_frontend_bin *a, uint32_t n) {
    uint32_t i;
    for (i = 0; i < n; i += 2) {
        const int16_t re0 = round_q15(a[i].c.re * (32767 / 2)), im0 = round_q15(a[i].c.im * (32767 / 2));
        const int16_t re1 = round_q15(a[i + 1].c.re * (32767 / 2)), im1 = round_q15(a[i + 1].c.im * (32767 / 2));
        a[i].c.re = (int16_t)(re0 + re1);
        a[i].c.im = (int16_t)(im0 + im1);
        a[i + 1].c.re = (int16_t)(re0 - re1);
        a[i + 1].c.im = (int16_t)(im0 - im1);
    }
}

/* Butterflies over a[0], a[m], a[2m], a[3m] and so on; `stride` is the step between their twiddles. */
static void radix4_pass(mltk_frontend_bin *a, uint32_t n, uint32_t m, const mltk_frontend_twiddle *twiddles,
                        uint32_t stride) {
    const int32_t quarter = 32767 / 4;
    uint32_t block, k;
    for (block = 0; block < n; block += 4 * m) {
        for (k = 0; k < m; ++k) {
            mltk_frontend_bin *a0 = a + block + k, *a1 = a0 + m, *a2 = a1 + m, *a3 = a2 + m;
            const mltk_frontend_twiddle b1 = multiply(*a1, quarter, twiddles[k * stride]);
            const mltk_frontend_twiddle b2 = multiply(*a2, quarter, twiddles[2 * k * stride]);
            const mltk_frontend_twiddle b3 = multiply(*a3, quarter, twiddles[3 * k * stride]);
            const int16_t re = round_q15(a0->c.re * quarter), im = round_q15(a0->c.im * quarter);
            const int16_t sum02_re = (int16_t)(re + b2.re), sum02_im = (int16_t)(im + b2.im);
            const int16_t dif02_re = (int16_t)(re - b2.re), dif02_im = (int16_t)(im - b2.im);
            const int16_t sum13_re = (int16_t)(b1.re + b3.re), sum13_im = (int16_t)(b1.im + b3.im);
            const int16_t dif13_re = (int16_t)(b1.re - b3.re), dif13_im = (int16_t)(b1.im - b3.im);
            a0->c.re = (int16_t)(sum02_re + sum13_re);
            a0->c.im = (int16_t)(sum02_im + sum13_im);
            a1->c.re = (int16_t)(dif02_re + dif13_im);
            a1->c.im = (int16_t)(dif02_im - dif13_re);
            a2->c.re = (int16_t)(sum02_re - sum13_re);
            a2->c.im = (int16_t)(sum02_im - sum13_im);
            a3->c.re = (int16_t)(dif02_re - dif13_im);
            a3->c.im = (int16_t)(dif02_im + dif13_re);
        }
    }
}

static uint32_t energy(int32_t re, int32_t im) { return (uint32_t)(re * re) + (uint32_t)(im * im); }

/* From the transform of (even samples) + i (odd samples) to the energies of the real transform's bins, in place. */
static void split_real(mltk_frontend *f) {
    const uint32_t n = f->fft_length / 2;
    const mltk_frontend_twiddle *twiddles = f->twiddles + n / 2;
    mltk_frontend_bin *a = f->bins;
    const int32_t half = 32767 / 2;
    const int16_t dc_re = round_q15(a[0].c.re * half), dc_im = round_q15(a[0].c.im * half);
    uint32_t k;
    a[n].energy = energy((int16_t)(dc_re - dc_im), 0);
    a[0].energy = energy((int16_t)(dc_re + dc_im), 0);
    for (k = 1; k <= n / 2; ++k) {
        mltk_frontend_bin *up = a + k, *down = a + n - k;
        const int16_t up_re = round_q15(up->c.re * half), up_im = round_q15(up->c.im * half);
        const int16_t down_re = round_q15(down->c.re * half);
        const int16_t down_im = round_q15((int16_t)-down->c.im * half);
        const int16_t sum_re = (int16_t)(up_re + down_re), sum_im = (int16_t)(up_im + down_im);
        const int16_t dif_re = (int16_t)(up_re - down_re), dif_im = (int16_t)(up_im - down_im);
        const mltk_frontend_twiddle w = twiddles[k];
        const int16_t re = round_q15(dif_re * w.re - dif_im * w.im);
        const int16_t im = round_q15(dif_re * w.im + dif_im * w.re);
        up->energy = energy((sum_re + re) >> 1, (sum_im + im) >> 1);
        down->energy = energy((sum_re - re) >> 1, (im - sum_im) >> 1); /* the middle bin keeps this one */
    }
}

static void fft_energies(mltk_frontend *f) {
    const uint32_t n = f->fft_length / 2;
    uint32_t m = 1;
    if (bit_width(n) % 2 == 0) { /* an odd power of two */
        radix2_pass(f->bins, n);
        m = 2;
    }
    for (; m < n; m *= 4) radix4_pass(f->bins, n, m, f->twiddles, n / (4 * m) * 2);
    split_real(f);
}

/* ---- From energies to features ----------------------------------------------------------------------------------- */

/* Square roots, digit by digit, rounded to nearest but never past the type's largest. */
static uint32_t square_root32(uint32_t x) {
    uint32_t root = 0, bit = (uint32_t)1 << 30;
    while (bit > x) bit >>= 2;
    for (; bit != 0; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return x > root && root != 0xFFFF ? root + 1 : root;
}

static uint32_t square_root(uint64_t x) {
    uint64_t root = 0, bit = (uint64_t)1 << 62;
    if ((x >> 32) == 0) return square_root32((uint32_t)x); /* several times faster on a 32-bit processor */
    while (bit > x) bit >>= 2;
    for (; bit != 0; bit >>= 2) {
        if (x >= root + bit) {
            x -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return (uint32_t)(x > root && root != 0xFFFFFFFF ? root + 1 : root);
}

static void filterbank(mltk_frontend *f, uint32_t input_shift) {
    uint64_t own = 0, next = 0;
    uint32_t channel, bin = f->start_bin;
    for (channel = 0; channel <= f->n_channels; ++channel) {
        for (; bin < f->channel_bins[channel + 1]; ++bin) {
            const uint64_t value = f->bins[bin].energy;
            own += value * (uint64_t)f->weights[bin - f->start_bin];
            next += value * (uint64_t)f->unweights[bin - f->start_bin];
        }
        if (channel > 0) f->signal[channel - 1] = square_root(own) >> input_shift;
        own = next;
        next = 0;
    }
}

static uint32_t reduce_noise(const mltk_frontend *f, uint32_t signal, uint32_t *noise, uint32_t smoothing) {
    const uint32_t scaled = signal << f->smoothing_bits;
    const uint32_t rest = (1u << NOISE_BITS) - smoothing;
    const uint32_t estimate = (uint32_t)(((uint64_t)scaled * smoothing + (uint64_t)*noise * rest) >> NOISE_BITS);
    const uint32_t remaining = (uint32_t)(((uint64_t)signal * f->min_signal_remaining) >> NOISE_BITS);
    const uint32_t subtracted = (scaled - (estimate < scaled ? estimate : scaled)) >> f->smoothing_bits;
    *noise = estimate;
    return subtracted > remaining ? subtracted : remaining;
}

static uint32_t normalize_amplitude(const mltk_frontend *f, uint32_t signal, uint32_t noise) {
    int32_t gain;
    uint32_t snr;
    if (noise <= 2) {
        gain = f->pcan_gains[noise];
    } else {
        const uint32_t octave = bit_width(noise);
        const int16_t *segment = f->pcan_gains + 4 * octave - 6;
        const int32_t x = (int32_t)((octave < 11 ? noise << (11 - octave) : noise >> (octave - 11)) & 0x3FF);
        gain = (segment[2] * x) >> 5;
        gain = (gain + segment[1] * 32) * x;
        gain = (int16_t)(((gain + (1 << 14)) >> 15) + segment[0]);
    }
    snr = (uint32_t)(((uint64_t)signal * (uint32_t)gain) >> f->pcan_snr_shift);
    if (snr < (2u << PCAN_SNR_BITS)) return (snr * snr) >> (2 + 2 * PCAN_SNR_BITS - PCAN_OUTPUT_BITS);
    return (snr >> (PCAN_SNR_BITS - PCAN_OUTPUT_BITS)) - (1u << PCAN_OUTPUT_BITS);
}

/* Natural logarithm, scaled up by 2^log_scale_shift. */
static uint32_t scaled_log(const mltk_frontend *f, uint32_t x) {
    uint32_t integer, fraction, segment, log2, ln;
    int32_t base, slope;
    x = f->correction_bits < 0 ? x >> -f->correction_bits : x << f->correction_bits;
    if (x <= 1) return 0;
    integer = bit_width(x) - 1;
    fraction = x - ((uint32_t)1 << integer);
    fraction = integer < LOG_BITS ? fraction << (LOG_BITS - integer) : fraction >> (integer - LOG_BITS);
    segment = fraction >> (LOG_BITS - LOG_SEGMENT_BITS);
    base = log2_residue[segment];
    slope = log2_residue[segment + 1] - base;
    base += (slope * (int32_t)(fraction & ((1u << (LOG_BITS - LOG_SEGMENT_BITS)) - 1))) >> LOG_BITS;
    log2 = (integer << LOG_BITS) + fraction + (uint32_t)base;
    ln = (uint32_t)(((uint64_t)LN2_Q16 * log2 + (1u << (LOG_BITS - 1))) >> LOG_BITS);
    return ((ln << f->log_scale_shift) + (1u << (LOG_BITS - 1))) >> LOG_BITS;
}

/* A fast and a slow moving average of the level, which is the sum over the channels divided by their number rounded up
 * to a power of two. Their ratio falls in a pause and rises when sound sets in: the detector arms on the one, then
 * trips on the other in a later frame. */
static void detect_activity(const mltk_frontend *f, mltk_frontend_activity *state, const uint32_t *signal) {
    uint64_t sum = 0;
    uint32_t level, i;
    for (i = 0; i < f->n_channels; ++i) sum += signal[i];
    level = (uint32_t)(sum >> bit_width(f->n_channels - 1));
    for (i = 0; i < 2; ++i) {
        const uint64_t past = (uint64_t)f->activity_alpha[i] * state->level[i];
        const uint64_t present = (uint64_t)((1u << ACTIVITY_ALPHA_BITS) - f->activity_alpha[i]) * level;
        state->level[i] = (uint32_t)((past + present + (1u << (ACTIVITY_ALPHA_BITS - 1))) >> ACTIVITY_ALPHA_BITS);
    }
    if (!state->armed) {
        const uint64_t limit = (uint64_t)state->level[1] * (uint32_t)f->activity_arm_at;
        state->armed = state->level[0] < limit >> ACTIVITY_THRESHOLD_BITS;
    } else if (!state->detected) {
        const uint64_t limit = (uint64_t)state->level[1] * (uint32_t)f->activity_trip_at;
        state->detected = state->level[0] > limit >> ACTIVITY_THRESHOLD_BITS;
    }
}

int mltk_frontend_activity_detected(mltk_frontend *f) {
    const int detected = f->activity.detected;
    if (detected) f->activity.armed = f->activity.detected = 0;
    return detected;
}

static void compute_row(mltk_frontend *f) {
    const uint32_t input_shift = apply_window(f);
    uint32_t i;
    fft_energies(f);
    filterbank(f, input_shift);
    if (f->activity_enable) detect_activity(f, &f->activity, f->signal);
    for (i = 0; i < f->n_channels; ++i) {
        uint32_t value = f->signal[i];
        if (f->noise_reduction_enable) value = reduce_noise(f, value, &f->noise[i], f->smoothing[i & 1]);
        if (f->pcan_enable) value = normalize_amplitude(f, value, f->noise[i]);
        if (f->log_scale_enable) value = scaled_log(f, value);
        f->row[i] = value < UINT16_MAX ? (uint16_t)value : UINT16_MAX;
    }
}

/* ---- Streaming --------------------------------------------------------------------------------------------------- */

/* y[n] = x[n] - x[n-1] + b y[n-1], wrapping at 16 bits as in MLTK 0.20. */
static void dc_notch(const mltk_frontend *f, int16_t *last_x, int16_t *last_y, int16_t *samples, size_t n) {
    int16_t x = *last_x, y = *last_y;
    size_t i;
    for (i = 0; i < n; ++i) {
        const int32_t feedback = (f->dc_notch_coefficient * y + (1 << 14)) >> 15;
        y = (int16_t)(samples[i] - x + feedback);
        x = samples[i];
        samples[i] = y;
    }
    *last_x = x;
    *last_y = y;
}

size_t mltk_frontend_feed(mltk_frontend *f, const int16_t *samples, size_t n_samples, const uint16_t **row) {
    size_t n = f->window_size - f->n_buffered;
    if (n > n_samples) n = n_samples;
    memcpy(f->samples + f->n_buffered, samples, n * sizeof *samples);
    if (f->dc_notch_enable) dc_notch(f, &f->dc_notch_x, &f->dc_notch_y, f->samples + f->n_buffered, n);
    f->n_buffered += (uint32_t)n;
    *row = NULL;
    if (f->n_buffered == f->window_size) {
        compute_row(f);
        f->n_buffered -= f->window_step;
        memmove(f->samples, f->samples + f->window_step, f->n_buffered * sizeof *f->samples);
        *row = f->row;
    }
    return n;
}

size_t mltk_frontend_row_count(const mltk_frontend *f, size_t n_samples) {
    return n_samples < f->window_size ? 0 : (n_samples - f->window_size) / f->window_step + 1;
}

size_t mltk_frontend_process_clip(mltk_frontend *f, const int16_t *samples, size_t n_samples, uint16_t *features) {
    size_t n_rows = 0;
    mltk_frontend_reset(f);
    while (n_samples > 0) {
        const uint16_t *row;
        const size_t used = mltk_frontend_feed(f, samples, n_samples, &row);
        samples += used;
        n_samples -= used;
        if (row != NULL) {
            memcpy(features + n_rows * f->n_channels, row, f->n_channels * sizeof *row);
            ++n_rows;
        }
    }
    return n_rows;
}

static inline void quantize(const mltk_frontend *f, const uint16_t *features, size_t n, int8_t *out) {
    size_t i;
    if (f->dynamic_range > 0) {
        int32_t max = 0, range;
        for (i = 0; i < n; ++i)
            if (features[i] > max) max = features[i];
        range = f->dynamic_range < max ? f->dynamic_range : max;
        for (i = 0; i < n; ++i) {
            const int32_t above = features[i] - (max - range);
            const int32_t level = above > 0 ? above * 255 / range - 128 : -128;
            out[i] = (int8_t)level;
        }
    } else {
        /* 25.6 x 26 feature units to 256 levels: the scale of TensorFlow's micro_speech example. */
        for (i = 0; i < n; ++i) {
            const int32_t level = (features[i] * 256 + 333) / 666 - 128;
            out[i] = level < 127 ? (int8_t)level : (int8_t)127;
        }
    }
}

void mltk_frontend_quantize(const mltk_frontend *f, const uint16_t *features, size_t n, int8_t *out) {
    quantize(f, features, n, out);
}
