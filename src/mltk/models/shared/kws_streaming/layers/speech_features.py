"""Mel features that a model computes from the samples of a clip, with matrix products in place of an FFT.

Rybakov et al., "Streaming Keyword Spotting on Mobile Devices", Interspeech 2020 (arXiv:2005.06720).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

_PARAMETERS: dict[str, Any] = {
    "sample_rate": 16000,
    "window_size_ms": 30.0,
    "window_stride_ms": 10.0,
    "feature_type": "mfcc_tf",
    "preemph": 0.0,
    "mel_lower_edge_hertz": 20.0,
    "mel_upper_edge_hertz": 7600.0,
    "log_epsilon": 1e-12,
    "dct_num_features": 0,
    "mel_non_zero_only": 1,
    "fft_magnitude_squared": False,
    "mel_num_bins": 40,
    "window_type": "hann",
}
# Augmentations of kws_streaming that are not here; each is off if it is false.
_AUGMENTATIONS = ("use_spec_augment", "use_spec_cutout", "sp_resample", "sp_time_shift_ms", "sp_time_shift_samples")


@keras.saving.register_keras_serializable(package="mltk")
class SpeechFeatures(layers.Layer):
    """Computes log mel features ``[batch, frames, mel_num_bins]`` from samples ``[batch, samples]``.

    Args:
        params: Settings by the names of kws_streaming; see :meth:`get_params`.
        mode: For compatibility with MLTK 0.20; ignored.
        inference_batch_size: For compatibility with MLTK 0.20; ignored.
        noise_scale: For compatibility with MLTK 0.20; ignored.
        mean: Subtracted from the features; None is 0.
        stddev: The features are divided by it; None is 1.

    Raises:
        ValueError: A setting wants features or an augmentation that this layer does not have.
    """

    def __init__(
        self,
        params: dict[str, Any],
        mode: str = "TRAINING",
        inference_batch_size: int = 1,
        noise_scale: float = 0.0,
        mean: Sequence[float] | None = None,
        stddev: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        del mode, inference_batch_size, noise_scale
        self.params = dict(params)
        settings = {**_PARAMETERS, **params}
        if settings["feature_type"] != "mfcc_tf" or settings["window_type"] != "hann":
            raise ValueError(
                f"feature_type {settings['feature_type']!r} with window_type {settings['window_type']!r} is not "
                "available: use feature_type 'mfcc_tf' and window_type 'hann'."
            )
        wanted = [name for name in _AUGMENTATIONS if settings.get(name)]
        if wanted:
            raise ValueError(f"{', '.join(wanted)}: augment the samples before the model instead.")
        self.settings = settings
        self.mean, self.stddev = mean, stddev
        self.window: int = round(settings["sample_rate"] * settings["window_size_ms"] / 1000)
        self.hop: int = round(settings["sample_rate"] * settings["window_stride_ms"] / 1000)

    @staticmethod
    def get_params(flags: Any) -> dict[str, Any]:
        """Return the settings of this layer that ``flags`` has; others are 0.20's defaults."""
        names = (*_PARAMETERS, *_AUGMENTATIONS)
        return {name: getattr(flags, name) for name in names if hasattr(flags, name)}

    def n_frames(self, n_samples: int) -> int:
        """Return the number of frames of a clip of ``n_samples`` samples."""
        return 1 + (n_samples - self.window) // self.hop

    def call(self, inputs: Any) -> Any:
        """Compute the features."""
        frames = self._frames(inputs)
        cosine, sine, mel = self._matrices()
        real, imaginary = ops.matmul(frames, cosine), ops.matmul(frames, sine)
        magnitude = ops.square(real) + ops.square(imaginary)
        if not self.settings["fft_magnitude_squared"]:
            magnitude = ops.sqrt(magnitude)
        features = ops.log(ops.maximum(ops.matmul(magnitude, mel), self.settings["log_epsilon"]))
        if self.settings["dct_num_features"]:
            features = ops.matmul(
                features, dct_matrix(self.settings["mel_num_bins"], self.settings["dct_num_features"])
            )
        if self.mean is not None:
            features = features - np.asarray(self.mean, np.float32)
        return features if self.stddev is None else features / np.asarray(self.stddev, np.float32)

    def _frames(self, samples: Any) -> Any:
        """Cut ``[batch, samples]`` into windows ``[batch, frames, window]``."""
        piece = math.gcd(self.window, self.hop)
        n_samples = samples.shape[-1]
        n_pieces = n_samples // piece
        pieces = ops.reshape(samples[:, : n_pieces * piece], (-1, n_pieces, piece))
        starts = np.arange(self.n_frames(n_samples)) * (self.hop // piece)
        indices = starts[:, None] + np.arange(self.window // piece)
        return ops.reshape(ops.take(pieces, indices, axis=1), (-1, len(starts), self.window))

    def _matrices(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Return the windowed cosines and sines ``[window, bins]``, and the mel filters ``[bins, mel_num_bins]``."""
        size = 1 << (self.window - 1).bit_length()
        settings = self.settings
        mel = mel_matrix(
            settings["mel_num_bins"],
            np.arange(size // 2 + 1) * settings["sample_rate"] / size,
            settings["mel_lower_edge_hertz"],
            settings["mel_upper_edge_hertz"],
        )
        if settings["mel_non_zero_only"]:
            mel = mel[: int(np.flatnonzero(mel.any(axis=1))[-1]) + 1]
        n = np.arange(self.window)
        window = 0.5 - 0.5 * np.cos(2 * np.pi * n / self.window)
        angles = 2 * np.pi * np.outer(n, np.arange(len(mel))) / size
        cosine, sine = window[:, None] * np.cos(angles), window[:, None] * np.sin(angles)
        if settings["preemph"]:  # sample[n] − factor · sample[n − 1], as a change of the matrices
            cosine, sine = (
                m - settings["preemph"] * np.vstack([m[1:], np.zeros((1, m.shape[1]))]) for m in (cosine, sine)
            )
        return cosine.astype(np.float32), sine.astype(np.float32), mel

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape ``[batch, frames, features]``."""
        samples = input_shape[-1]
        features = self.settings["dct_num_features"] or self.settings["mel_num_bins"]
        return input_shape[0], None if samples is None else self.n_frames(samples), features

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "params": self.params, "mean": self.mean, "stddev": self.stddev}


def mel_matrix(
    n_filters: int, frequencies_hz: npt.NDArray[np.float64], lowest_hz: float, highest_hz: float
) -> npt.NDArray[np.float32]:
    """Return triangular filters at equal distances on the mel scale, float32 ``[frequencies, n_filters]``.

    Args:
        n_filters: Number of filters.
        frequencies_hz: Frequency of each bin of the spectrum.
        lowest_hz: Where the first filter begins.
        highest_hz: Where the last filter ends.
    """
    low, high = (1127.0 * math.log1p(f / 700.0) for f in (lowest_hz, highest_hz))
    edges = np.linspace(low, high, n_filters + 2)
    mel = 1127.0 * np.log1p(frequencies_hz / 700.0)[:, None]
    rising = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    filters[0] = 0.0  # the constant part of a signal is not sound
    return filters.astype(np.float32)


def dct_matrix(n: int, n_coefficients: int) -> npt.NDArray[np.float32]:
    """Return the first columns of the orthonormal discrete cosine transform, float32 ``[n, n_coefficients]``."""
    angles = np.pi * np.outer(2 * np.arange(n) + 1, np.arange(n_coefficients)) / (2 * n)
    matrix = np.cos(angles) * math.sqrt(2 / n)
    matrix[:, 0] /= math.sqrt(2)
    return matrix.astype(np.float32)
