"""Build script of the C extensions (cffi, API mode), run by setup.py; not used afterwards."""

import re
from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]

# Paths are relative to the project's root, where the build runs.
DEVICE = Path("src/mltk/device")
NATIVE = Path("src/mltk/native")

DECLARATIONS = """
typedef struct {
    int32_t sample_rate_hz;
    int32_t window_size_ms;
    int32_t window_step_ms;
    int32_t window_double_precision_enable;
    int32_t filterbank_n_channels;
    float filterbank_lower_band_limit;
    float filterbank_upper_band_limit;
    int32_t noise_reduction_enable;
    int32_t noise_reduction_smoothing_bits;
    float noise_reduction_even_smoothing;
    float noise_reduction_odd_smoothing;
    float noise_reduction_min_signal_remaining;
    int32_t pcan_enable;
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
    float dc_notch_filter_coefficient;
    int32_t quantize_dynamic_scale_enable;
    float quantize_dynamic_scale_range_db;
} mltk_frontend_settings;
typedef enum { MLTK_FRONTEND_OK, ... } mltk_frontend_status;
typedef struct { ...; } mltk_frontend;
size_t mltk_frontend_state_size(const mltk_frontend_settings *settings);
mltk_frontend_status mltk_frontend_init(mltk_frontend **frontend, void *memory, size_t size,
                                        const mltk_frontend_settings *settings);
const char *mltk_frontend_status_text(mltk_frontend_status status);
void mltk_frontend_reset(mltk_frontend *frontend);
size_t mltk_frontend_feed(mltk_frontend *frontend, const int16_t *samples, size_t n_samples, const uint16_t **row);
int mltk_frontend_activity_detected(mltk_frontend *frontend);
size_t mltk_frontend_row_count(const mltk_frontend *frontend, size_t n_samples);
size_t mltk_frontend_process_clip(mltk_frontend *frontend, const int16_t *samples, size_t n_samples,
                                  uint16_t *features);
void mltk_frontend_quantize(const mltk_frontend *frontend, const uint16_t *features, size_t n, int8_t *out);
typedef struct mltk_frontend_batch mltk_frontend_batch;
size_t mltk_frontend_batch_size(const mltk_frontend *frontend, size_t n_samples);
mltk_frontend_batch *mltk_frontend_batch_init(void *memory, const mltk_frontend *frontend, size_t n_samples,
                                              const char *engine);
void mltk_frontend_process_clips(mltk_frontend_batch *batch, const int16_t *samples, size_t n_clips,
                                 uint16_t *features, uint8_t *activity);
void mltk_frontend_quantize_clips(const mltk_frontend_batch *batch, const uint16_t *features, size_t n_clips,
                                  int8_t *out);
const char *mltk_frontend_batch_engine(size_t index);
size_t mltk_frontend_empty_channels(const mltk_frontend *frontend);
"""


def _declarations(header: str) -> str:
    """The header without comments and preprocessor lines, which is what cffi reads."""
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return "\n".join(line for line in header.splitlines() if not line.startswith("#"))


frontend = FFI()
frontend.cdef(DECLARATIONS)
frontend.set_source(
    "mltk.native._frontend",
    '#include "frontend_batch.h"',
    sources=[str(NATIVE / "frontend_batch.c")],  # it includes audio_frontend.c
    include_dirs=[str(DEVICE), str(NATIVE)],
    depends=sorted(str(path) for path in [*DEVICE.glob("audio_frontend*"), *NATIVE.glob("frontend*")]),
    # -ffp-contract=off: no fused multiply-add in the tables, so that they are the same on every processor.
    # -fno-math-errno: square roots as one instruction.
    extra_compile_args=["-O3", "-std=c99", "-ffp-contract=off", "-fno-math-errno"],
    libraries=["m"],
    # Without a C compiler mltk installs all the same; using the frontend then says what is missing.
    optional=True,
)

effects = FFI()
effects.cdef(_declarations((NATIVE / "effects.h").read_text()))
effects.set_source(
    "mltk.native._effects",
    '#include "effects.h"',
    sources=[str(NATIVE / "effects.c")],
    include_dirs=[str(NATIVE)],
    depends=sorted(str(path) for path in [*NATIVE.glob("effects*"), *NATIVE.glob("formants*")]),
    # -ffp-contract=off: no fused multiply-add, so that results are the same on every processor.
    # The others: minima and maxima as single instructions; no value here is infinite or not a number, and a zero's
    # sign doesn't reach the 16-bit samples. -Wno-psabi: what passes vectors is inlined.
    extra_compile_args=[
        *("-O3", "-std=c99", "-ffp-contract=off"),
        *("-fno-trapping-math", "-ffinite-math-only", "-fno-signed-zeros", "-Wno-psabi"),
    ],
    libraries=["m"],
    # Without a C compiler mltk installs all the same; augmenting audio then says what is missing.
    optional=True,
)
