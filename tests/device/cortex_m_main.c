/* Runs the audio frontend on an emulated Cortex-M and prints its features as hexadecimal, through semihosting.
 *
 * cases.h, which the test writes, holds `cases`: settings and clips. One line a row of uint16 features, then one line
 * of int8 features and one with the detected activity. */
#include <stdint.h>
#include <string.h>

#include "audio_frontend.h"

typedef struct {
    mltk_frontend_settings settings;
    const int16_t *samples;
    uint32_t n_samples;
} test_case;

#include "cases.h"

extern uint32_t stack_top, bss_start, bss_end;

static uint64_t memory[16384];
static uint16_t features[65536];
static int8_t quantized[65536];

static int semihost(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void print_hex(const void *data, size_t size) {
    static char line[4096];
    const uint8_t *bytes = data;
    size_t i;
    for (i = 0; i < size; ++i) {
        line[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        line[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
        if (i % 2000 == 1999 && i + 1 < size) {
            line[2 * i + 2] = 0;
            semihost(0x04, line); /* SYS_WRITE0 */
            bytes += i + 1;
            size -= i + 1;
            i = (size_t)-1;
        }
    }
    memcpy(line + 2 * i, "\n", 2);
    semihost(0x04, line);
}

static void run(const test_case *c) {
    mltk_frontend *frontend;
    const int16_t *samples = c->samples;
    size_t left = c->n_samples, n = 0;
    uint8_t activity;
    const mltk_frontend_status status = mltk_frontend_init(&frontend, memory, sizeof memory, &c->settings);
    if (status != MLTK_FRONTEND_OK) {
        semihost(0x04, mltk_frontend_status_text(status));
        return;
    }
    while (left > 0) { /* as they come from a microphone: a few at a time */
        const uint16_t *row;
        const size_t taken = mltk_frontend_feed(frontend, samples, left < 37 ? left : 37, &row);
        samples += taken;
        left -= taken;
        if (row != NULL) {
            print_hex(row, 2 * (size_t)c->settings.filterbank_n_channels);
            memcpy(features + n, row, 2 * (size_t)c->settings.filterbank_n_channels);
            n += (size_t)c->settings.filterbank_n_channels;
        }
    }
    mltk_frontend_quantize(frontend, features, n, quantized);
    print_hex(quantized, n);
    activity = (uint8_t)mltk_frontend_activity_detected(frontend);
    print_hex(&activity, 1);
}

void reset(void) {
    size_t i;
    memset(&bss_start, 0, (size_t)((char *)&bss_end - (char *)&bss_start));
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20; /* CPACR: the floating-point unit, for init */
    __asm__ volatile("dsb\nisb");
#endif
    for (i = 0; i < sizeof cases / sizeof *cases; ++i) run(&cases[i]);
    semihost(0x18, (const void *)0x20026); /* SYS_EXIT, normal */
    for (;;) {
    }
}

static void fault(void) {
    semihost(0x04, "fault\n");
    semihost(0x18, (const void *)0x20024);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top,          (const void *)reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault};
