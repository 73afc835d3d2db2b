"""Small audio classifiers as ``.tflite``, with the parameters of the frontend and the detector, and sounds for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.tflite_builder import ModelBuilder
from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.tflite.model_parameters import TfliteModelParameters

RATE = 8000
CLASSES = ["yes", "no", "_unknown_"]
DETECTOR = {
    "average_window_duration_ms": 200,
    "detection_threshold": 90,
    "suppression_ms": 250,
    "minimum_count": 2,
    "latency_ms": 40,
}


def settings(**changes: Any) -> AudioFeatureGeneratorSettings:
    """Return settings for clips of 400 ms: 19 rows of 16 channels."""
    defaults: dict[str, Any] = {
        "sample_rate_hz": RATE,
        "sample_length_ms": 400,
        "window_size_ms": 30,
        "window_step_ms": 20,
        "filterbank_n_channels": 16,
        "filterbank_upper_band_limit": 3800.0,
        "noise_reduction_enable": True,
    }
    return AudioFeatureGeneratorSettings(**{**defaults, **changes})


def listening_model(
    *,
    frontend: AudioFeatureGeneratorSettings | None = None,
    scale: float = 1.0,
    zero_point: int = 0,
    float_input: bool = False,
    output: str = "int8",
    shape: tuple[int, ...] | None = None,
    logits: bool = False,
    seed: int = 1,
    **parameters: Any,
) -> bytes:
    """Return a classifier of features into :data:`CLASSES`: one dense layer with random weights, and softmax.

    Args:
        frontend: Settings of the frontend; None is :func:`settings`.
        scale: Scale of the quantized input.
        zero_point: Zero point of the quantized input.
        float_input: The input is float32, and the model quantizes it.
        output: ``int8`` or ``float32``.
        shape: Shape of the input; None is that of the features.
        logits: End with the dense layer, without softmax.
        seed: Of the weights.
        parameters: Model parameters that differ from :data:`DETECTOR`. None removes one.
    """
    frontend = settings() if frontend is None else frontend
    rng, b = np.random.default_rng(seed), ModelBuilder()
    shape = (1, *frontend.spectrogram_shape, 1) if shape is None else shape
    n = int(np.prod(shape))
    quantized = b.tensor(shape, scale=scale, zero_point=zero_point)
    x = quantized
    if float_input:
        x = b.tensor(shape, "float32")
        b.operator("QUANTIZE", [x], [quantized], ("QuantizeOptions", {}))
    weights = b.constant(rng.integers(-127, 128, (3, n)), np.int8, scale=0.01)
    bias = b.constant(np.zeros(3, np.int32), np.int32, scale=0.01 * scale)
    dense = b.tensor((1, 3), scale=8.0 * scale, zero_point=0)
    b.operator("FULLY_CONNECTED", [quantized, weights, bias], [dense], ("FullyConnectedOptions", {}), version=4)
    y = dense
    if not logits:
        y = b.tensor((1, 3), scale=1 / 256, zero_point=-128)
        b.operator("SOFTMAX", [dense], [y], ("SoftmaxOptions", {"beta": 0.01 / scale}), version=2)
    if output == "float32":
        real = b.tensor((1, 3), "float32")
        b.operator("DEQUANTIZE", [y], [real], ("DequantizeOptions", {}), version=2)
        y = real
    stored = {"classes": CLASSES, **DETECTOR, **frontend, **parameters}
    metadata = TfliteModelParameters({k: v for k, v in stored.items() if v is not None})
    return bytes(metadata.add_to_tflite_flatbuffer(b.build([x], [y])))


def streaming_model(
    *,
    frontend: AudioFeatureGeneratorSettings | None = None,
    rows: int = 3,
    scale: float = 1.0,
    zero_point: int = 0,
    channels: int = 16,
    seed: int = 1,
    **parameters: Any,
) -> bytes:
    """Return a classifier that gets a few rows of features at a time and keeps state: an LSTM, a dense layer, softmax.

    Args:
        frontend: Settings of the frontend; None is :func:`settings`.
        rows: Rows of features of one inference.
        scale: Scale of the input.
        zero_point: Zero point of the input.
        channels: Channels of the features.
        seed: Of the weights.
        parameters: Model parameters that differ from :data:`DETECTOR`. None removes one.
    """
    frontend = settings() if frontend is None else frontend
    rng, b, n = np.random.default_rng(seed), ModelBuilder(), 8
    q: dict[str, Any] = {"scale": 1 / 128}
    x = b.tensor((1, rows, channels), scale=scale, zero_point=zero_point)

    def weights(size: int, s: float) -> list[int]:
        return [b.constant(rng.integers(-127, 128, (n, size)), np.int8, scale=s) for _ in range(4)]

    inner, recurrent = weights(channels, 1e-4 / scale), weights(n, 0.006)
    biases = [b.constant(rng.integers(-999, 999, n), np.int32, scale=1e-4) for _ in range(4)]
    hidden, cell = b.tensor((1, n), **q, variable=True), b.tensor((1, n), np.int16, scale=2.0**-12, variable=True)
    states = b.tensor((1, rows, n), **q)
    inputs = [x, *inner, *recurrent, -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
    lstm = ("UnidirectionalSequenceLSTMOptions", {"fusedActivationFunction": 4, "cellClip": 10.0})
    b.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [states], lstm, version=3)
    flat, dense = b.tensor((1, rows * n), **q), b.tensor((1, 3), scale=0.05)
    b.operator("RESHAPE", [states, b.constant([1, rows * n])], [flat], ("ReshapeOptions", {}))
    w = b.constant(rng.integers(-127, 128, (3, rows * n)), np.int8, scale=0.02)
    bias = b.constant(np.zeros(3, np.int32), np.int32, scale=0.02 / 128)
    b.operator("FULLY_CONNECTED", [flat, w, bias], [dense], ("FullyConnectedOptions", {}), version=4)
    y = b.tensor((1, 3), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [dense], [y], ("SoftmaxOptions", {"beta": 1.0}), version=2)
    stored = {"classes": CLASSES, **DETECTOR, **frontend, **parameters}
    metadata = TfliteModelParameters({k: v for k, v in stored.items() if v is not None})
    return bytes(metadata.add_to_tflite_flatbuffer(b.build([x], [y])))


def sounds(seconds: float = 5.0, rate: int = RATE, seed: int = 3) -> npt.NDArray[np.int16]:
    """Return noise with bursts of harmonics of changing pitch and level, and some silence."""
    rng = np.random.default_rng(seed)
    n = int(seconds * rate)
    audio = rng.normal(0, 0.01, n)
    start = 0
    while start < n:
        length = int(rng.uniform(0.1, 0.5) * rate)
        part = np.arange(min(length, n - start))
        pitch = rng.uniform(90, 300) * (1 + 0.2 * np.sin(part / rate * 20))
        phase = 2 * np.pi * np.cumsum(pitch) / rate
        burst = sum(np.sin(k * phase) * rng.uniform(0, 1) for k in range(1, 12)) + rng.normal(
            0, rng.uniform(0, 2), part.size
        )
        audio[start : start + part.size] += 0.05 * rng.uniform(0, 1) * burst * np.hanning(part.size)
        start += length + int(rng.uniform(0, 0.2) * rate)
    audio[n // 2 : n // 2 + rate // 4] = 0
    clipped: npt.NDArray[np.float64] = np.clip(np.round(audio * 32767), -32768, 32767)
    return clipped.astype(np.int16)
