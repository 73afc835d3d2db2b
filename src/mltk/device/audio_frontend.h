/* Fixed-point audio features for keyword spotting: the same C99 file on the host and on the device.
 *
 * int16 samples in; out comes one row of filterbank features for every complete window:
 *
 *   int16 samples -> [DC notch] -> Hann window -> real FFT -> mel filterbank -> square root
 *                 -> [noise reduction] -> [PCAN] -> [log] -> uint16 row -> [activity] ; quantize -> int8
 *
 * From the window to the log the arithmetic is, bit for bit, that of the TensorFlow Lite microfrontend
 * (tensorflow/lite/experimental/microfrontend, Apache-2.0) with the 16-bit fixed-point real FFT of KISS FFT
 * (BSD-3-Clause). The window is the one that MLTK 0.20 computes or, with window_double_precision_enable, the one that
 * TensorFlow computes. The code was written from scratch. PCAN is per-channel amplitude normalization, Wang et al.,
 * "Trainable Frontend For Robust and Far-Field Keyword Spotting", ICASSP 2017. DC notch, activity detection and the
 * int8 scales are those of MLTK 0.20.
 *
 * There are no global variables and there is no heap: the caller provides the memory. Only mltk_frontend_init() uses
 * floating point.
 *
 *   static uint64_t memory[2048];
 *   mltk_frontend *fe;
 *   if (mltk_frontend_init(&fe, memory, sizeof memory, &settings) != MLTK_FRONTEND_OK) { ... }
 *   while (n > 0) {
 *       const uint16_t *row;
 *       size_t used = mltk_frontend_feed(fe, samples, n, &row);
 *       samples += used;
 *       n -= used;
 *       if (row != NULL) { ... settings.filterbank_n_channels values ... }
 *   }
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_AUDIO_FRONTEND_H
#define MLTK_AUDIO_FRONTEND_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The names, units and meaning are those of the Python AudioFeatureGeneratorSettings and of the "fe.*" parameters in
 * a model file. The *_enable members are 0 or 1. */
typedef struct {
    int32_t sample_rate_hz;
    int32_t window_size_ms;
    int32_t window_step_ms;
    int32_t window_double_precision_enable; /* 0: the Hann window of MLTK 0.20; 1: of the TensorFlow microfrontend */
    int32_t filterbank_n_channels;
    float filterbank_lower_band_limit; /* Hz */
    float filterbank_upper_band_limit; /* Hz, at most half the sample rate */
    int32_t noise_reduction_enable;
    int32_t noise_reduction_smoothing_bits;
    float noise_reduction_even_smoothing;       /* 0 .. 1 */
    float noise_reduction_odd_smoothing;        /* 0 .. 1 */
    float noise_reduction_min_signal_remaining; /* 0 .. 1 */
    int32_t pcan_enable;                        /* needs noise_reduction_enable */
    float pcan_strength;
    float pcan_offset;
    int32_t pcan_gain_bits;
    int32_t log_scale_enable;
    int32_t log_scale_shift;
    int32_t activity_detection_enable;
    float activity_detection_alpha_a;
    float activity_detection_alpha_b;
    float activity_detection_arm_threshold;
    float activity_detection_trip_threshold;
    int32_t dc_notch_filter_enable;
    float dc_notch_filter_coefficient; /* 0 .. below 1 */
    int32_t quantize_dynamic_scale_enable;
    float quantize_dynamic_scale_range_db;
} mltk_frontend_settings;

typedef enum {
    MLTK_FRONTEND_OK = 0,
    MLTK_FRONTEND_BAD_WINDOW,          /* step above window, or window not 8 .. 32768 samples */
    MLTK_FRONTEND_BAD_FILTERBANK,      /* no channels, or band limits that are not 0 <= lower < upper <= rate / 2 */
    MLTK_FRONTEND_BAD_NOISE_REDUCTION, /* a fraction outside 0 .. 1, or too many smoothing bits */
    MLTK_FRONTEND_BAD_PCAN,            /* without noise reduction, or gain bits that don't fit the FFT length */
    MLTK_FRONTEND_BAD_LOG_SCALE,       /* shift outside 0 .. 11 */
    MLTK_FRONTEND_BAD_DC_NOTCH,        /* coefficient negative, or not below 1 */
    MLTK_FRONTEND_BAD_ACTIVITY,        /* an alpha outside 0 .. 1, or a threshold outside 0 .. 8 */
    MLTK_FRONTEND_BAD_QUANTIZATION,    /* negative range */
    MLTK_FRONTEND_BAD_MEMORY           /* smaller than mltk_frontend_state_size(), or not aligned to 8 bytes */
} mltk_frontend_status;

/* One FFT bin: the transform works on the complex value, then the same storage takes the bin's energy. */
typedef union {
    struct {
        int16_t re, im;
    } c;
    uint32_t energy;
} mltk_frontend_bin;

typedef struct {
    int16_t re, im;
} mltk_frontend_twiddle;

typedef struct {
    uint32_t level[2]; /* moving averages, fast and slow */
    int32_t armed, detected;
} mltk_frontend_activity;

/* The members are private: they change from release to release. */
typedef struct {
    uint32_t window_size, window_step, fft_length, n_channels;
    uint32_t start_bin, end_bin; /* bins that reach a channel */
    int32_t correction_bits;     /* log2(fft_length) less what the filterbank's weights scale up */

    /* Tables, filled by init */
    int16_t *window;                 /* [window_size], Q12 */
    mltk_frontend_twiddle *twiddles; /* [3 * fft_length / 4], exp(-2 pi i j / fft_length), Q15 */
    int16_t *weights;                /* [end_bin - start_bin], Q12: a bin's share in its own channel, */
    int16_t *unweights;              /* [end_bin - start_bin], Q12: and in the next */
    uint16_t *channel_bins;          /* [n_channels + 2], where each channel's bins start */
    int16_t *pcan_gains;             /* [125], quadratic segments, one an octave of the noise estimate */

    int32_t noise_reduction_enable, pcan_enable, log_scale_enable, activity_enable, dc_notch_enable;
    uint32_t activity_alpha[2];                /* Q8 */
    int32_t activity_arm_at, activity_trip_at; /* Q12 */
    int32_t smoothing_bits, log_scale_shift, pcan_snr_shift;
    uint32_t smoothing[2]; /* Q14: of even and of odd channels */
    uint32_t min_signal_remaining;
    int32_t dynamic_range;        /* of the int8 scale in feature units; 0 is the fixed scale */
    int32_t dc_notch_coefficient; /* Q15 */

    /* State of the stream */
    int16_t dc_notch_x, dc_notch_y; /* the filter's last input and output */
    mltk_frontend_activity activity;
    uint32_t n_buffered;
    int16_t *samples;        /* [window_size] */
    mltk_frontend_bin *bins; /* [fft_length / 2 + 1] */
    uint32_t *signal;        /* [n_channels] */
    uint32_t *noise;         /* [n_channels] estimate, scaled up by smoothing_bits */
    uint16_t *row;           /* [n_channels] */
} mltk_frontend;

/* Bytes that mltk_frontend_init() needs for these settings; 0 if they are impossible. */
size_t mltk_frontend_state_size(const mltk_frontend_settings *settings);

/* Lay out the state in `memory` (aligned to 8 bytes), fill the tables and reset. The memory must outlive *frontend and
 * must not be moved. `settings` is not kept. On failure *frontend is NULL. */
mltk_frontend_status mltk_frontend_init(mltk_frontend **frontend, void *memory, size_t size,
                                        const mltk_frontend_settings *settings);

/* What a status means, in words. */
const char *mltk_frontend_status_text(mltk_frontend_status status);

/* Forget the audio so far. The state is that after mltk_frontend_init(). */
void mltk_frontend_reset(mltk_frontend *frontend);

/* Take samples until a row is complete or there are no more samples. Returns how many were taken. *row points to the
 * n_channels values of the row, which are valid until the next call, or is NULL if the row needs more samples. */
size_t mltk_frontend_feed(mltk_frontend *frontend, const int16_t *samples, size_t n_samples, const uint16_t **row);

/* Returns 1 after the audio was quiet and then loud again, else 0. Quiet: the fast average of its level was below
 * arm_threshold times the slow average. Loud: the fast average was above trip_threshold times the slow average. The
 * search starts again after every 1. */
int mltk_frontend_activity_detected(mltk_frontend *frontend);

/* Number of rows of a clip of n_samples. */
size_t mltk_frontend_row_count(const mltk_frontend *frontend, size_t n_samples);

/* Reset, then compute all rows of a clip: features is [mltk_frontend_row_count()][n_channels]. Returns their number. */
size_t mltk_frontend_process_clip(mltk_frontend *frontend, const int16_t *samples, size_t n_samples,
                                  uint16_t *features);

/* Convert uint16 features to int8. The fixed scale converts every value by itself. With the dynamic scale the largest
 * of the n values becomes 127, and values that are quantize_dynamic_scale_range_db or more below it become -128. So
 * pass the whole spectrogram that the model gets. `out` may not overlap `features`. */
void mltk_frontend_quantize(const mltk_frontend *frontend, const uint16_t *features, size_t n, int8_t *out);

#ifdef __cplusplus
}
#endif

#endif /* MLTK_AUDIO_FRONTEND_H */
