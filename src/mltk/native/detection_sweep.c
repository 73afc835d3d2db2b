/* Detections at many thresholds; see detection_sweep.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "detection_sweep.h"

#include <string.h>

#define NO_EVENT (-1)
#define TAKEN_EVENT (-2)

size_t mltk_sweep_detect(const mltk_sweep_results *r, const uint8_t *thresholds, int64_t suppression_ms,
                         int32_t *found) {
    size_t n_found = 0, i;
    int64_t free_after = 0; /* only later results may be detections */
    int is_suppressed = 0;
    for (i = 0; i < r->n; ++i) {
        if (r->levels[i] <= thresholds[r->tops[i]]) continue;
        if (is_suppressed && r->times[i] <= free_after) continue;
        found[n_found++] = (int32_t)i;
        free_after = r->times[i] + suppression_ms;
        is_suppressed = 1;
    }
    return n_found;
}

void mltk_sweep_match(const mltk_sweep_results *r, const mltk_sweep_events *e, const int32_t *found, size_t n_found,
                      int32_t *events_of, uint8_t *taken) {
    size_t first = 0, k, j;
    memset(taken, 0, e->n);
    for (k = 0; k < n_found; ++k) {
        const int64_t time = r->times[found[k]];
        const uint8_t top = r->tops[found[k]];
        events_of[k] = NO_EVENT;
        while (first < e->n && e->until[first] < time) ++first;
        for (j = first; j < e->n && e->from[j] <= time; ++j) {
            if (e->classes[j] != top || e->until[j] < time) continue;
            if (taken[j]) {
                events_of[k] = TAKEN_EVENT;
                continue;
            }
            taken[j] = 1;
            events_of[k] = (int32_t)j;
            break;
        }
    }
}

void mltk_sweep_count(const mltk_sweep_results *r, const mltk_sweep_events *e, const int64_t *ends, size_t n_lists,
                      size_t n_classes, const uint8_t *thresholds, int64_t suppression_ms, int64_t *hits,
                      int64_t *false_accepts, int64_t *latency_ms, int32_t *indices, uint8_t *taken) {
    int32_t *found = indices, *events_of = indices + r->n;
    size_t list, k;
    for (list = 0; list < n_lists; ++list) {
        const size_t n_found = mltk_sweep_detect(r, thresholds + list * n_classes, suppression_ms, found);
        int64_t *hit = hits + list * n_classes, *wrong = false_accepts + list * n_classes;
        mltk_sweep_match(r, e, found, n_found, events_of, taken);
        for (k = 0; k < n_found; ++k) {
            const uint8_t top = r->tops[found[k]];
            if (events_of[k] < 0) {
                ++wrong[top];
            } else {
                ++hit[top];
                latency_ms[list] += r->times[found[k]] - ends[events_of[k]];
            }
        }
    }
}
