/* Detections from a stream of scores: the average over a window, a threshold, and a pause after each detection.
 *
 * A classifier that runs many times a second sees one word several times, each time at another place in the clip. The
 * algorithm is the one that TensorFlow published with its micro_speech example (Apache-2.0). The code was written from
 * scratch. The same arithmetic in Python is mltk/audio/detector.py.
 *
 * There are no global variables, there is no heap, and there is no floating point: the caller provides the memory.
 *
 *   static const uint8_t thresholds[3] = {160, 160, MLTK_DETECTOR_NEVER};
 *   static const mltk_detector_settings settings = {3, 1000, 3, 750, thresholds};
 *   static uint32_t memory[MLTK_DETECTOR_WORDS(3, 12)];
 *   static mltk_detector detector;
 *   if (mltk_detector_init(&detector, memory, 12, &settings) != MLTK_DETECTOR_OK) { ... }
 *   ...
 *   int32_t found = mltk_detector_feed(&detector, scores, time_ms, &score);
 *   if (found >= 0) { ... }
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MLTK_DETECTOR_H
#define MLTK_DETECTOR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A threshold that no score exceeds: for classes such as _unknown_. */
#define MLTK_DETECTOR_NEVER 255

/* Words of memory for n_classes and at most n_results in the window. */
#define MLTK_DETECTOR_WORDS(n_classes, n_results) ((n_classes) + (n_results) + ((n_classes) * (n_results) + 3) / 4)

/* The names, units and meaning are those of the Python DetectorSettings and of the parameters in a model file. */
typedef struct {
    int32_t n_classes;
    int32_t average_window_duration_ms; /* scores of this time are averaged */
    int32_t minimum_count;              /* fewest results in the window; 0: the newest scores are not averaged */
    int32_t suppression_ms;             /* after a detection, nothing is detected for this time */
    const uint8_t *thresholds;          /* [n_classes], the averaged score must be above it */
} mltk_detector_settings;

typedef enum {
    MLTK_DETECTOR_OK = 0,
    MLTK_DETECTOR_BAD_SETTINGS, /* no classes, or a negative value */
    MLTK_DETECTOR_BAD_MEMORY    /* no memory, or no room for one result */
} mltk_detector_status;

/* The members are private: they change from release to release. */
typedef struct {
    const mltk_detector_settings *settings;
    uint32_t *sums;  /* [n_classes] of the scores in the window */
    uint32_t *times; /* [capacity] */
    uint8_t *scores; /* [capacity][n_classes] */
    uint32_t capacity;
    uint32_t first, n_results; /* the oldest result, and how many there are from it on */
    uint32_t detected_at;
    int32_t is_suppressed;
} mltk_detector;

/* Prepare a detector. `memory` has MLTK_DETECTOR_WORDS(n_classes, n_results) words. Both pointers are kept. If the
 * window has more results than n_results, the oldest ones are dropped. */
mltk_detector_status mltk_detector_init(mltk_detector *detector, uint32_t *memory, int32_t n_results,
                                        const mltk_detector_settings *settings);

/* Forget the stream. */
void mltk_detector_reset(mltk_detector *detector);

/* Take the scores of one inference: n_classes values, probabilities in steps of 1/256. An int8 output of a softmax is a
 * score less 128. `time_ms` never decreases, but may wrap around at 32 bits. Returns the class that is detected, or -1.
 * *score is set to its averaged score, or to 0. */
int32_t mltk_detector_feed(mltk_detector *detector, const uint8_t *scores, uint32_t time_ms, int32_t *score);

#ifdef __cplusplus
}
#endif

#endif /* MLTK_DETECTOR_H */
