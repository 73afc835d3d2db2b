/* Detections from a stream of scores; see detector.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "detector.h"

#include <stddef.h>
#include <string.h>

mltk_detector_status mltk_detector_init(mltk_detector *d, uint32_t *memory, int32_t n_results,
                                        const mltk_detector_settings *s) {
    if (s->n_classes < 1 || s->average_window_duration_ms < 0 || s->minimum_count < 0 || s->suppression_ms < 0)
        return MLTK_DETECTOR_BAD_SETTINGS;
    if (memory == NULL || n_results < 1) return MLTK_DETECTOR_BAD_MEMORY;
    d->settings = s;
    d->capacity = (uint32_t)n_results;
    d->sums = memory;
    d->times = d->sums + s->n_classes;
    d->scores = (uint8_t *)(d->times + n_results);
    mltk_detector_reset(d);
    return MLTK_DETECTOR_OK;
}

static void forget_results(mltk_detector *d) {
    memset(d->sums, 0, (size_t)d->settings->n_classes * sizeof *d->sums);
    d->first = d->n_results = 0;
}

void mltk_detector_reset(mltk_detector *d) {
    forget_results(d);
    d->detected_at = 0;
    d->is_suppressed = 0;
}

static void drop_oldest(mltk_detector *d) {
    const uint32_t n_classes = (uint32_t)d->settings->n_classes;
    const uint8_t *scores = d->scores + d->first * n_classes;
    uint32_t i;
    for (i = 0; i < n_classes; ++i) d->sums[i] -= scores[i];
    d->first = d->first + 1 == d->capacity ? 0 : d->first + 1;
    --d->n_results;
}

static void append(mltk_detector *d, const uint8_t *scores, uint32_t time_ms) {
    const uint32_t n_classes = (uint32_t)d->settings->n_classes;
    uint32_t place = d->first + d->n_results, i;
    if (place >= d->capacity) place -= d->capacity;
    memcpy(d->scores + place * n_classes, scores, n_classes);
    d->times[place] = time_ms;
    for (i = 0; i < n_classes; ++i) d->sums[i] += scores[i];
    ++d->n_results;
}

/* Differences of times are taken modulo 2^32: they are right when the time wraps around. */
int32_t mltk_detector_feed(mltk_detector *d, const uint8_t *scores, uint32_t time_ms, int32_t *score) {
    const mltk_detector_settings *s = d->settings;
    const uint32_t window = (uint32_t)s->average_window_duration_ms;
    uint32_t average;
    int32_t top = 0, i;

    *score = 0;
    if (s->minimum_count == 0) forget_results(d);
    while (d->n_results > 0 && time_ms - d->times[d->first] > window) drop_oldest(d);
    if (d->n_results == d->capacity) drop_oldest(d);
    append(d, scores, time_ms);

    if (d->is_suppressed && time_ms - d->detected_at > (uint32_t)s->suppression_ms) d->is_suppressed = 0;
    if (d->is_suppressed) return -1;
    if (s->minimum_count > 0) { /* enough results, over enough time */
        if (d->n_results < (uint32_t)s->minimum_count) return -1;
        if (time_ms - d->times[d->first] < window / 4) return -1;
    }
    for (i = 1; i < s->n_classes; ++i)
        if (d->sums[i] > d->sums[top]) top = i;
    average = d->sums[top] / d->n_results;
    if (average <= s->thresholds[top]) return -1;
    d->detected_at = time_ms;
    d->is_suppressed = 1;
    *score = (int32_t)average;
    return top;
}
