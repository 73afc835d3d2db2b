/* The audio frontend for a page that changes its settings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "audio_frontend.h"
#include "page.h"

#define CHUNK 4096         /* samples of one call */
#define WORDS (256 * 1024) /* memory of the largest settings: 32768 samples and a window of the same size */

static mltk_frontend_settings settings; /* the page writes the members in order, each one takes 4 bytes */
static uint64_t memory[WORDS];
static mltk_frontend *frontend;
static int16_t samples[CHUNK];
static const uint16_t *row;

PAGE_EXPORT(frontend_settings) mltk_frontend_settings *page_settings(void) { return &settings; }
PAGE_EXPORT(frontend_samples) int16_t *page_samples(void) { return samples; }
PAGE_EXPORT(frontend_chunk) int32_t page_chunk(void) { return CHUNK; }

/* Use the settings, and forget the audio so far. Returns 0, or a status whose text is frontend_problem(). */
PAGE_EXPORT(frontend_start) int32_t page_start(void) {
    return (int32_t)mltk_frontend_init(&frontend, memory, sizeof memory, &settings);
}

PAGE_EXPORT(frontend_problem) const char *page_problem(int32_t status) {
    return mltk_frontend_status_text((mltk_frontend_status)status);
}

/* Take samples first to n - 1 until a row is complete. Returns how many were taken. */
PAGE_EXPORT(frontend_feed) int32_t page_feed(int32_t first, int32_t n) {
    row = NULL;
    if (frontend == NULL) return n - first;
    return (int32_t)mltk_frontend_feed(frontend, samples + first, (size_t)(n - first), &row);
}

/* The row that the latest call completed; NULL if there is none. */
PAGE_EXPORT(frontend_row) const uint16_t *page_row(void) { return row; }
