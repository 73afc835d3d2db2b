"""What the C code of a listener needs to know, from how its model listens."""

from __future__ import annotations

import numpy as np

from mltk.audio.frontend._native import c_settings, load
from mltk.audio.listening import Listening
from mltk.codegen.write_listen import ListenPlan
from mltk.tflite.quantization import quantize


def listen_plan(listening: Listening) -> ListenPlan:
    """Return what the C code needs to know of a model that listens.

    Raises:
        FrontendUnavailableError: The audio frontend was not compiled.
    """
    ffi, lib = load()
    struct = c_settings(listening.frontend)
    x = listening.quantized_input
    table = quantize(np.arange(-128, 128, dtype=np.float32), x)
    is_float = listening.input.dtype_str == "float32"
    is_identity = listening.takes_bytes or np.array_equal(table, np.arange(-128, 128))
    detector = listening.detector
    return ListenPlan(
        frontend={name: getattr(struct, name) for name, _ in ffi.typeof("mltk_frontend_settings").fields},
        frontend_bytes=int(lib.mltk_frontend_state_size(struct)),
        has_dynamic_scale=listening.frontend.quantize_dynamic_scale_enable,
        n_rows=listening.n_rows,
        n_channels=listening.frontend.spectrogram_shape[1],
        rows_per_inference=listening.rows_per_inference,
        with_int8_features=listening.with_int8_features,
        input_is_float=is_float,
        input_scale=float(x.scale[0]),
        input_table=None if is_identity else table,
        output=listening.output.dtype_str,
        classes=listening.classes,
        thresholds=[int(t) for t in detector.thresholds(listening.classes)],
        average_window_duration_ms=detector.average_window_duration_ms,
        minimum_count=detector.minimum_count,
        suppression_ms=detector.suppression_ms,
        max_results=listening.max_results,
        gain=listening.gain,
        keeps_state=listening.keeps_state,
    )
