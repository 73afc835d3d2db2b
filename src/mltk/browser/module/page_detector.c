/* The detector for a page whose model does not listen: scores of pictures or of signals.
 *
 * N_CLASSES is the number of classes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "detector.h"
#include "page.h"

#define PAGE_RESULTS 4096

static int32_t settings_values[3]; /* window, count and suppression: the page changes them */
static uint8_t thresholds[N_CLASSES];
static uint8_t scores[N_CLASSES];
static mltk_detector_settings settings = {.n_classes = N_CLASSES, .thresholds = thresholds};
static uint32_t memory[MLTK_DETECTOR_WORDS(N_CLASSES, PAGE_RESULTS)];
static mltk_detector detector;
static int32_t level;

PAGE_EXPORT(listen_settings) int32_t *page_settings(void) { return settings_values; }
PAGE_EXPORT(listen_thresholds) uint8_t *page_thresholds(void) { return thresholds; }
PAGE_EXPORT(listen_use_settings) void page_use_settings(void) {
    settings.average_window_duration_ms = settings_values[0];
    settings.minimum_count = settings_values[1];
    settings.suppression_ms = settings_values[2];
}
PAGE_EXPORT(replay_scores) uint8_t *page_scores(void) { return scores; }
PAGE_EXPORT(replay_level) int32_t page_level(void) { return level; }
PAGE_EXPORT(replay_reset) void page_reset(void) { mltk_detector_init(&detector, memory, PAGE_RESULTS, &settings); }
PAGE_EXPORT(replay_feed) int32_t page_feed(uint32_t time_ms) {
    return mltk_detector_feed(&detector, scores, time_ms, &level);
}
