"""The part of a page that runs a model: it hears, sees or reads a signal, and shows what the device would detect.

    fragment = try_it(tflite_model)
    page = render("yes_no", [Section("try-it", "Try it", fragment.html, fragment.script, fragment.data)])

The page needs no server and no internet: the model is inside, as WebAssembly.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from mltk.audio.detector import DetectorSettings
from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.audio.frontend._native import load
from mltk.audio.listening import Listening, check_scores, class_names, has_frontend
from mltk.browser.page_module import PageModule, frontend_module, listener_module, network_module
from mltk.errors import MltkError, UnsupportedModelError
from mltk.image.pixel_values import pixel_values
from mltk.tflite.graph import Graph, Tensor
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters

_SCRIPTS = (
    "engine.js",
    "sound.js",
    "files.js",
    "pictures.js",
    "signals.js",
    "microphone.js",
    "drawing.js",
    "controls.js",
    "listen_page.js",
    "picture_page.js",
    "signal_page.js",
    "frontend_page.js",
    "start.js",
)
_SMALLEST_PICTURE = 8
"""Pixels of the shorter side: an input of [128, 3, 1] is a signal of three axes."""
_LONGEST_PICTURE = 3
"""Longer side by the shorter side: an input of [49, 10, 1] is a spectrogram."""
_RATE_OF_SIGNALS = 50  # lines in a second, until a person changes it on the page


@dataclass(frozen=True)
class TryIt:
    """A part of a page.

    Attributes:
        html: Its HTML.
        script: Body of a JavaScript function of ``root``, ``data`` and ``ui``, see `mltk.report.page.Section`.
        data: What the script gets as ``data``; None if there is no script.
        problem: Why the model can't run in a page; empty if it can.
    """

    html: str
    script: str = ""
    data: Mapping[str, Any] | None = None
    problem: str = ""


def try_it(
    model: TfliteModel,
    *,
    name: str = "model",
    detector: Mapping[str, Any] | None = None,
    interpolation: str = "bilinear",
    strict: bool = False,
) -> TryIt:
    """Return the part of a page that runs a model.

    Args:
        model: A quantized classifier of sound, pictures or signals.
        name: Name of the model.
        detector: Settings of `DetectorSettings` that differ from those in the model.
        interpolation: Filter that resizes pictures, as the specification has it.
        strict: Raise errors instead of returning a part that says what is wrong.

    Raises:
        UnsupportedModelError: With ``strict``: the page can't run the model. The message has the reason.
        MissingDependencyError: With ``strict``: the compiler is not installed.
        RuntimeFailure: With ``strict``: the compiler fails.
        SettingError: With ``strict``: a setting of the detector is impossible.
    """
    try:
        data = _described(model, detector or {}, interpolation)
    except MltkError as error:
        if strict:
            raise
        return _refusal(error)
    return _fragment({**data, "name": name})


def view_frontend(settings: AudioFeatureGeneratorSettings) -> TryIt:
    """Return the part of a page that shows the features of the audio frontend, and changes its settings.

    Args:
        settings: The settings at the beginning.

    Raises:
        MissingDependencyError: The compiler is not installed.
        RuntimeFailure: The compiler fails.
    """
    ffi, _ = load()
    fields = [_field(name, getattr(settings, name)) for name, _ in ffi.typeof("mltk_frontend_settings").fields]
    return _fragment({"kind": "frontend", "wasm": _encoded(frontend_module()), "fields": fields})


_SPANS: dict[str, tuple[float, float, float]] = {
    "sample_rate_hz": (8000, 48000, 1000),
    "window_size_ms": (4, 100, 1),
    "window_step_ms": (2, 100, 1),
    "filterbank_n_channels": (4, 128, 1),
    "filterbank_lower_band_limit": (0, 4000, 5),
    "filterbank_upper_band_limit": (500, 24000, 50),
    "noise_reduction_smoothing_bits": (0, 16, 1),
    "noise_reduction_even_smoothing": (0, 1, 0.005),
    "noise_reduction_odd_smoothing": (0, 1, 0.005),
    "noise_reduction_min_signal_remaining": (0, 1, 0.01),
    "pcan_strength": (0, 2, 0.01),
    "pcan_offset": (0, 500, 1),
    "pcan_gain_bits": (0, 31, 1),
    "log_scale_shift": (0, 11, 1),
    "activity_detection_alpha_a": (0, 1, 0.01),
    "activity_detection_alpha_b": (0, 1, 0.01),
    "activity_detection_arm_threshold": (0, 7.99, 0.01),
    "activity_detection_trip_threshold": (0, 7.99, 0.01),
    "dc_notch_filter_coefficient": (0, 0.999, 0.001),
    "quantize_dynamic_scale_range_db": (0, 120, 1),
}
"""Setting → lowest and highest value of its slider, and the step."""


def _field(name: str, value: float) -> list[Any]:
    if isinstance(value, bool):
        return [name, "flag", int(value)]
    low, high, step = _SPANS[name]
    kind = "float" if isinstance(value, float) else "int"
    return [name, kind, value, min(low, value), max(high, value), step]


def _described(model: TfliteModel, changes: Mapping[str, Any], interpolation: str) -> dict[str, Any]:
    """Return the data of a model's page.

    Raises:
        MltkError: The page can't run the model.
    """
    parameters = stored_parameters(model)
    if has_frontend(parameters):
        listening = Listening.of(model)
        return _listener(model.graph, replace(listening, detector=_changed(listening.detector, changes)))
    graph = model.graph
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        n = f"{len(graph.inputs)} inputs and {len(graph.outputs)} outputs"
        raise UnsupportedModelError(f"The model has {n}. A page runs models with one of each.")
    x, y = graph.inputs[0], graph.outputs[0]
    try:
        check_scores(graph, y)
    except UnsupportedModelError:
        if y.shape != x.shape:
            raise
        raise UnsupportedModelError(
            "The output has the shape of the input, as that of an auto-encoder. A page runs classifiers."
        ) from None
    classes = class_names(parameters, y.size, numbered=True)
    detector = _changed(DetectorSettings.from_parameters(parameters), changes)
    described = _picture(graph, parameters, interpolation) if is_picture(x) else _signal(x, parameters)
    module = network_module(graph, len(classes))
    return {
        **described,
        "wasm": _encoded(module),
        "classes": classes,
        "detector": _detector(detector, classes),
        "interval_ms": max(1, detector.latency_ms),
        "input": _tensor(x),
        "output": _tensor(y),
    }


def _changed(detector: DetectorSettings, changes: Mapping[str, Any]) -> DetectorSettings:
    if "detection_threshold" in changes and "detection_threshold_list" not in changes:
        changes = {**changes, "detection_threshold_list": ()}  # one threshold in place of the model's list
    return replace(detector, **changes)


def _listener(graph: Graph, listening: Listening) -> dict[str, Any]:
    frontend = listening.frontend
    n_channels = frontend.spectrogram_shape[1]
    clip = frontend.window_size + (listening.n_rows - 1) * frontend.window_step
    rate = frontend.sample_rate_hz
    return {
        "kind": "listen",
        "wasm": _encoded(listener_module(graph, listening)),
        "classes": list(listening.classes),
        "rate": rate,
        "channels": n_channels,
        "clip_ms": clip * 1000 // rate,
        "interval_ms": listening.samples_per_inference * 1000 // rate,
        "step_ms": frontend.window_step * 1000 / rate,
        "detector": _detector(listening.detector, listening.classes),
    }


def is_picture(x: Tensor) -> bool:
    """Return whether an input is a picture of 1 or 3 channels."""
    if len(x.shape) != 4 or x.shape[3] not in (1, 3):
        return False
    short, long = sorted(x.shape[1:3])
    return short >= _SMALLEST_PICTURE and long <= _LONGEST_PICTURE * short


def _picture(graph: Graph, parameters: Mapping[str, Any], interpolation: str) -> dict[str, Any]:
    _, height, width, channels = graph.inputs[0].shape
    values = pixel_values(parameters, graph)
    return {
        "kind": "picture",
        "width": width,
        "height": height,
        "channels": channels,
        "interpolation": interpolation,
        "normalize": {
            "rescale": values.rescale,
            "offset": values.offset,
            "meanAndStd": values.mean_and_std,
        },
        "note": values.note,
        "isKnown": values.is_known,
    }


def _signal(x: Tensor, parameters: Mapping[str, Any]) -> dict[str, Any]:
    sizes = [d for d in x.shape[1:] if d != 1] or [1]
    axes = x.size // sizes[0]
    rate, scale = parameters.get("sample_rate_hz"), parameters.get("axis_scale")
    return {
        "kind": "signal",
        "length": sizes[0],
        "axes": axes,
        "rate": int(rate) if isinstance(rate, int | float) and rate >= 1 else _RATE_OF_SIGNALS,
        "scale": _axis_scale(scale, axes),
    }


def _axis_scale(scale: object, axes: int) -> list[float] | None:
    """Return what the values of each axis are divided by, as ``axis_scale`` in the model says; None if it does not."""
    if not isinstance(scale, Sequence) or isinstance(scale, str | bytes) or len(scale) != axes:
        return None
    found = [float(v) if isinstance(v, int | float) else 0.0 for v in scale]
    return found if all(v > 0 for v in found) else None


def _detector(settings: DetectorSettings, classes: list[str] | tuple[str, ...]) -> dict[str, Any]:
    return {
        "window": settings.average_window_duration_ms,
        "count": settings.minimum_count,
        "suppression": settings.suppression_ms,
        "thresholds": [int(t) for t in settings.thresholds(classes)],
    }


def _tensor(t: Tensor) -> dict[str, Any]:
    if t.dtype_str not in ("int8", "uint8", "int16", "float32"):
        raise UnsupportedModelError(f"The page does not handle {t.dtype_str} values of {t.name!r}.")
    described: dict[str, Any] = {"type": t.dtype_str, "size": t.size}
    if t.dtype_str != "float32":
        if t.scale.size != 1:
            raise UnsupportedModelError(f"The tensor {t.name!r} is {t.dtype_str} and has no scale.")
        described |= {"scale": float(t.scale[0]), "zero": int(t.zero_point[0]) if t.zero_point.size else 0}
    return described


def _encoded(module: PageModule) -> str:
    return base64.b64encode(module.binary).decode("ascii")


def _fragment(data: Mapping[str, Any]) -> TryIt:
    page = (
        f"<style>{_asset('try_it.css')}</style>\n"
        '<div class="try-it"><p class="try-status" role="status">The model is being loaded…</p>\n'
        "<noscript><p>This part needs JavaScript. Allow it for this page.</p></noscript></div>"
    )
    return TryIt(page, _script(), data)


def _refusal(error: MltkError) -> TryIt:
    hint = f" {error.hint}" if error.hint else ""
    problem = f"{error.message}{hint}"
    text = html.escape(problem, quote=False)
    return TryIt(f'<div class="empty"><p>This model can\'t be tried in a page. {text}</p></div>', problem=problem)


@cache
def _script() -> str:
    return "\n".join(_asset(name) for name in _SCRIPTS)


@cache
def _asset(name: str) -> str:
    return (resources.files("mltk") / "browser" / "assets" / name).read_text(encoding="utf-8")
