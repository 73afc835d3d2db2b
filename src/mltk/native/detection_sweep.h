/* Detections at many thresholds, and what they are worth: how often a stream of scores is right. Host only.
 *
 * The decision is that of device/detector.c. What it compares with the thresholds (the class with the highest average,
 * and this average) does not depend on the thresholds, so the caller computes it once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_NATIVE_DETECTION_SWEEP_H
#define MLTK_NATIVE_DETECTION_SWEEP_H

#include <stddef.h>
#include <stdint.h>

/* Results of a model over time. A result that cannot be a detection at any threshold may be left out. */
typedef struct {
    size_t n;
    const int64_t *times;  /* [n] ms, never decreasing */
    const uint8_t *tops;   /* [n] class with the highest average */
    const uint8_t *levels; /* [n] this average; 0 if there are too few results in the window */
} mltk_sweep_results;

/* Events that should be detected, ordered by `from`. */
typedef struct {
    size_t n;
    const int64_t *from;    /* [n] ms: the first and */
    const int64_t *until;   /* [n] ms: the last time of a detection that counts */
    const uint8_t *classes; /* [n] */
} mltk_sweep_events;

/* Find the detections at one list of thresholds [n_classes]: a level above the threshold of its class, and not within
 * suppression_ms after the detection before. `found` is [results->n] and receives indices of results. Returns how many
 * there are. */
size_t mltk_sweep_detect(const mltk_sweep_results *results, const uint8_t *thresholds, int64_t suppression_ms,
                         int32_t *found);

/* Match detections with events: each detection, in order, takes the earliest event of its class that is not taken and
 * has from <= time <= until. `found` is what mltk_sweep_detect() returned. `events_of` [n_found] receives the event of
 * each detection; -1 if there is none, and -2 if there is one, but an earlier detection took it. `taken` is working
 * memory [events->n], which afterwards is 1 for events that were detected. */
void mltk_sweep_match(const mltk_sweep_results *results, const mltk_sweep_events *events, const int32_t *found,
                      size_t n_found, int32_t *events_of, uint8_t *taken);

/* Detect and match at n_lists lists of thresholds, [n_lists][n_classes].
 *
 * hits and false_accepts are [n_lists][n_classes], by the class of the detection, and latency_ms is [n_lists]: the sum
 * of the times from `ends` [events->n] to the detection. All three are added to. `indices` [2 * results->n] and `taken`
 * [events->n] are working memory. */
void mltk_sweep_count(const mltk_sweep_results *results, const mltk_sweep_events *events, const int64_t *ends,
                      size_t n_lists, size_t n_classes, const uint8_t *thresholds, int64_t suppression_ms,
                      int64_t *hits, int64_t *false_accepts, int64_t *latency_ms, int32_t *indices, uint8_t *taken);

#endif /* MLTK_NATIVE_DETECTION_SWEEP_H */
