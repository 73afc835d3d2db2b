/* A listener for a page: the device's code, with the settings of the detector in variables.
 *
 * This file includes the whole of model_listen.c, so that it can replace the detector's settings and show the rows of
 * the frontend. The path from samples to detections is model_listen() itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "model_listen.c"
#include "page.h"

#define CHUNK 4096        /* samples of one call */
#define PAGE_RESULTS 4096 /* most results in the window of a detector */

static int16_t samples[CHUNK];
static int32_t settings_values[3]; /* window, count and suppression: the page changes them */
static uint8_t page_thresholds[N_CLASSES];
static uint8_t replayed_scores[N_CLASSES];
static mltk_detector_settings page_detector;
static uint32_t live_memory[MLTK_DETECTOR_WORDS(N_CLASSES, PAGE_RESULTS)];
static uint32_t replay_memory[MLTK_DETECTOR_WORDS(N_CLASSES, PAGE_RESULTS)];
static mltk_detector replay;
static int32_t replayed_level;

/* A second frontend, whose rows the page shows. The first one belongs to model_listen(). */
static uint64_t shown_memory[sizeof frontend_memory / sizeof frontend_memory[0]];
static mltk_frontend *shown;
static const uint16_t *shown_row;
static model_detection found;

PAGE_EXPORT(listen_samples) int16_t *page_samples(void) { return samples; }
PAGE_EXPORT(listen_chunk) int32_t page_chunk(void) { return CHUNK; }
PAGE_EXPORT(listen_settings) int32_t *page_settings(void) { return settings_values; }
PAGE_EXPORT(listen_thresholds) uint8_t *page_thresholds_place(void) { return page_thresholds; }

/* Use the settings of the detector from now on. */
PAGE_EXPORT(listen_use_settings) void page_use_settings(void) {
    page_detector.average_window_duration_ms = settings_values[0];
    page_detector.minimum_count = settings_values[1];
    page_detector.suppression_ms = settings_values[2];
}

/* Set the settings to those that the model was compiled with. */
PAGE_EXPORT(listen_default_settings) void page_default_settings(void) {
    page_detector = detector_settings;
    page_detector.thresholds = page_thresholds;
    memcpy(page_thresholds, thresholds, sizeof thresholds);
    settings_values[0] = page_detector.average_window_duration_ms;
    settings_values[1] = page_detector.minimum_count;
    settings_values[2] = page_detector.suppression_ms;
}

/* Forget the audio so far. Returns 0, or the status of the frontend. */
PAGE_EXPORT(listen_reset) int32_t page_reset(void) {
    const int status = model_listen_reset();
    if (status != 0) return status;
    if (shown == NULL) {
        const int again = (int)mltk_frontend_init(&shown, shown_memory, sizeof shown_memory, &frontend_settings);
        if (again != 0) return again;
    }
    if (page_detector.thresholds == NULL) page_default_settings();
    mltk_frontend_reset(shown);
    return (int32_t)mltk_detector_init(&detector, live_memory, PAGE_RESULTS, &page_detector);
}

/* Take samples first to n - 1 until a row is complete. Returns how many were taken. */
PAGE_EXPORT(listen_feed) int32_t page_feed(int32_t first, int32_t n) {
    size_t taken = (size_t)(n - first);
#ifdef MODEL_GAIN
    int16_t louder[64];
    if (taken > 64) taken = 64;
    amplify(samples + first, taken, louder);
    taken = mltk_frontend_feed(shown, louder, taken, &shown_row);
#else
    taken = mltk_frontend_feed(shown, samples + first, taken, &shown_row);
#endif
    /* Both frontends are at the same sample, so that a detection can only be at the last one. */
    if (model_listen(samples + first, taken, &found) != taken) return -1;
    return (int32_t)taken;
}

/* The row that the latest call completed; NULL if there is none. */
PAGE_EXPORT(listen_row) const uint16_t *page_row(void) { return shown_row; }

/* What the latest call found. */
PAGE_EXPORT(listen_count) uint32_t page_count(void) { return n_inferences; }
PAGE_EXPORT(listen_scores) const uint8_t *page_scores(void) { return scores; }
PAGE_EXPORT(listen_class) int32_t page_class(void) { return found.class_index; }
PAGE_EXPORT(listen_level) int32_t page_level(void) { return found.score; }
PAGE_EXPORT(listen_time_ms) uint32_t page_time_ms(void) {
    return (uint32_t)(n_samples * 1000 / (uint64_t)frontend_settings.sample_rate_hz);
}

/* The detector alone, for scores that the page has kept. */
PAGE_EXPORT(replay_scores) uint8_t *page_replay_scores(void) { return replayed_scores; }
PAGE_EXPORT(replay_level) int32_t page_replay_level(void) { return replayed_level; }
PAGE_EXPORT(replay_reset) void page_replay_reset(void) {
    mltk_detector_init(&replay, replay_memory, PAGE_RESULTS, &page_detector);
}
PAGE_EXPORT(replay_feed) int32_t page_replay(uint32_t time_ms) {
    return mltk_detector_feed(&replay, replayed_scores, time_ms, &replayed_level);
}
