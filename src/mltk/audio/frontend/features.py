"""Features of whole clips and of streams."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.frontend._native import c_settings, load
from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings
from mltk.errors import MltkError

DTYPES = tuple(np.dtype(kind) for kind in (np.float32, np.uint16, np.int8))
"""Data types of features: uint16 is what the frontend computes, float32 is the same values, int8 is quantized."""


class FrontendError(MltkError, ValueError, TypeError):
    """Audio or a data type that the audio frontend does not accept."""


def _as_int16(samples: Any, ndim: int, what: str) -> npt.NDArray[np.int16]:
    """Convert audio to contiguous int16.

    Args:
        samples: Integers of any type, within the int16 range.
        ndim: Number of dimensions: 1 for [samples], 2 for [clips, samples].
        what: What the audio is, for error messages.

    Raises:
        FrontendError: The audio has another shape or data type, or samples out of range.
    """
    array = np.asarray(samples)
    if array.ndim != ndim:
        raise FrontendError(f"{what} has the shape {array.shape}; it must have {ndim} dimension{'s' * (ndim > 1)}.")
    if array.dtype == np.int16:
        return np.ascontiguousarray(array)
    if array.size == 0:
        return np.empty(array.shape, np.int16)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise FrontendError(f"{what} contains NaN or infinite samples.")
        raise FrontendError(
            f"{what} is {array.dtype}, but the frontend accepts int16 samples.",
            hint="Convert audio from -1 to 1 by: np.clip(np.round(x * 32768), -32768, 32767).astype(np.int16)",
        )
    if array.dtype.kind not in "iu":
        raise FrontendError(f"{what} is {array.dtype}, but the frontend accepts int16 samples.")
    if array.min() < -32768 or array.max() > 32767:
        raise FrontendError(f"{what} contains samples outside the int16 range -32768 to 32767.")
    return np.ascontiguousarray(array.astype(np.int16))


def _check_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    wanted = np.dtype(dtype)
    if wanted not in DTYPES:
        raise FrontendError(f"Features can't be {wanted}; dtype is one of float32, uint16 and int8.")
    return wanted


class _State:
    """The memory of one C frontend. One thread at a time may use it.

    Args:
        settings: What the frontend computes.
        variant: Name of the variant of the C code for clips, for tests; None is the fastest of this processor.
    """

    def __init__(self, settings: AudioFeatureGeneratorSettings, variant: str | None = None) -> None:
        ffi, lib = load()
        wanted = c_settings(settings)
        size = lib.mltk_frontend_state_size(wanted)
        self._memory = ffi.new("uint64_t[]", max(size // 8, 1))
        handle = ffi.new("mltk_frontend **")
        status = lib.mltk_frontend_init(handle, self._memory, size, wanted)
        if status != lib.MLTK_FRONTEND_OK:
            text = ffi.string(lib.mltk_frontend_status_text(status)).decode()
            raise FrontendError(f"The audio frontend refuses its settings: {text}.")
        self.frontend = handle[0]
        self.n_channels = settings.filterbank_n_channels
        self._n_samples = settings.sample_length
        self._variant = ffi.NULL if variant is None else variant.encode()
        self._batch: Any = None

    def clips(self, samples: npt.NDArray[np.int16], features: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint8]:
        """Compute the features of clips.

        Args:
            samples: int16 [clips, samples].
            features: uint16 [clips, frames, channels], which is filled.

        Returns:
            uint8 [clips]: Whether activity was detected in each clip.
        """
        ffi, lib = load()
        if self._batch is None:
            self._batch_memory = ffi.new("char[]", lib.mltk_frontend_batch_size(self.frontend, self._n_samples))
            self._batch = lib.mltk_frontend_batch_init(
                self._batch_memory, self.frontend, self._n_samples, self._variant
            )
        activity = np.zeros(len(samples), np.uint8)
        lib.mltk_frontend_process_clips(
            self._batch,
            ffi.cast("const int16_t *", samples.ctypes.data),
            len(samples),
            ffi.cast("uint16_t *", features.ctypes.data),
            ffi.cast("uint8_t *", activity.ctypes.data),
        )
        return activity

    def quantize_clips(self, features: npt.NDArray[np.uint16], out: npt.NDArray[np.int8]) -> None:
        """Quantize features [clips, frames, channels] that :meth:`clips` computed, each clip separately."""
        ffi, lib = load()
        source = ffi.cast("const uint16_t *", features.ctypes.data)
        lib.mltk_frontend_quantize_clips(self._batch, source, len(out), ffi.cast("int8_t *", out.ctypes.data))

    def quantize(self, features: npt.NDArray[np.uint16], out: npt.NDArray[np.int8]) -> None:
        ffi, lib = load()
        source = ffi.cast("const uint16_t *", features.ctypes.data)
        lib.mltk_frontend_quantize(self.frontend, source, features.size, ffi.cast("int8_t *", out.ctypes.data))

    def activity(self) -> bool:
        """Return whether the stream detected activity. For clips, :meth:`clips` returns it."""
        return bool(load()[1].mltk_frontend_activity_detected(self.frontend))


class AudioFeatureGenerator:
    """Computes the features of whole clips, as the device does.

    Several threads may use it at the same time, and run in parallel. It can be pickled.

    Args:
        settings: Settings of the frontend; they are copied.

    Raises:
        SettingError: The settings are impossible.
        FrontendUnavailableError: The C code was not compiled.
    """

    def __init__(self, settings: AudioFeatureGeneratorSettings) -> None:
        self._settings = settings.copy()
        self._settings.check()
        self._shape = self._settings.spectrogram_shape
        self._length = self._settings.sample_length
        self._activity = False
        self._states: deque[_State] = deque([_State(self._settings)])
        self._warn_of_empty_channels()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._settings,)

    @property
    def settings(self) -> AudioFeatureGeneratorSettings:
        """A copy of the settings."""
        return self._settings.copy()

    def _warn_of_empty_channels(self) -> None:
        empty = load()[1].mltk_frontend_empty_channels(self._states[0].frontend)
        if empty:
            warnings.warn(
                f"{empty} of {self._settings.filterbank_n_channels} audio features are always 0: their channels are "
                f"narrower than the resolution of an FFT of {self._settings.fft_length} points "
                f"({self._settings.sample_rate_hz / self._settings.fft_length:.4g} Hz). Use fewer channels, a higher "
                "filterbank_lower_band_limit or a longer window.",
                stacklevel=3,
            )

    @contextmanager
    def _state(self) -> Iterator[_State]:
        try:
            state = self._states.pop()
        except IndexError:
            state = _State(self._settings)
        try:
            yield state
        finally:
            self._states.append(state)

    def process_sample(self, sample: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
        """Compute the features of one clip.

        Args:
            sample: int16 [settings.sample_length]; other integer types are accepted if all values fit.
            dtype: uint16 for the frontend's own values, float32 for the same values as floats, int8 for quantized
                values.

        Returns:
            ``dtype`` [frames, channels], with the shape ``settings.spectrogram_shape``.

        Raises:
            FrontendError: The data type is another one, the length is another one, or the samples are not integers.
        """
        clip = self._check_length(_as_int16(sample, 1, "The clip"))
        out = np.empty(self._shape, _check_dtype(dtype))
        self._activity = bool(self._process(clip[np.newaxis], out[np.newaxis])[0])
        return out

    def process_batch(
        self, samples: npt.ArrayLike, dtype: npt.DTypeLike = np.float32, *, threads: int = 1
    ) -> npt.NDArray[Any]:
        """Compute the features of many clips, each clip separately as :meth:`process_sample` does.

        Args:
            samples: int16 [clips, settings.sample_length].
            dtype: As for :meth:`process_sample`.
            threads: Number of threads; they run in parallel, since the C code does not hold Python's lock.

        Returns:
            ``dtype`` [clips, frames, channels].
        """
        clips = self._check_length(_as_int16(samples, 2, "The batch"))
        wanted = _check_dtype(dtype)
        out = np.empty((len(clips), *self._shape), wanted)
        n = max(1, min(threads, len(clips)))
        parts = [slice(i * len(clips) // n, (i + 1) * len(clips) // n) for i in range(n)]

        def work(part: slice) -> None:
            self._process(clips[part], out[part])

        if len(parts) == 1:
            work(parts[0])
        else:
            with ThreadPoolExecutor(len(parts)) as pool:
                list(pool.map(work, parts))
        return out

    def activity_was_detected(self) -> bool:
        """Return whether sound started after a pause in the clip of the latest :meth:`process_sample`.

        As in MLTK 0.20, the call resets the value. It is False if ``activity_detection_enable`` is off.
        """
        detected, self._activity = self._activity, False
        return detected

    def _check_length(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        if samples.shape[-1] != self._length:
            raise FrontendError(
                f"A clip has {samples.shape[-1]} samples, but the settings require {self._length} "
                f"(sample_length_ms={self._settings.sample_length_ms} at {self._settings.sample_rate_hz} Hz).",
                hint="Cut or pad the clip, change sample_length_ms, or use AudioFeatureStream.",
            )
        return samples

    def _process(self, samples: npt.NDArray[np.int16], out: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Compute the features of clips.

        Args:
            samples: int16 [clips, samples].
            out: [clips, frames, channels] of one of :data:`DTYPES`, which is filled.

        Returns:
            uint8 [clips]: Whether activity was detected in each clip.
        """
        features = out if out.dtype == np.uint16 else np.empty(out.shape, np.uint16)
        with self._state() as state:
            activity = state.clips(samples, features)
            if out.dtype == np.int8:
                state.quantize_clips(features, out)
        if out.dtype == np.float32:
            out[...] = features
        return activity


class AudioFeatureStream:
    """Computes features of a stream of audio: samples in, in chunks of any size; rows of features out.

    One thread at a time may use it.

    Args:
        settings: Settings of the frontend; ``sample_length_ms`` is ignored.

    Raises:
        SettingError: The settings are impossible.
    """

    def __init__(self, settings: AudioFeatureGeneratorSettings) -> None:
        settings.check()
        self._state = _State(settings)
        self._step = settings.window_step

    def feed(self, samples: npt.ArrayLike) -> npt.NDArray[np.uint16]:
        """Process the next samples.

        Args:
            samples: int16 [any number of samples].

        Returns:
            uint16 [rows, channels]: The rows that are complete now; there may be none.
        """
        ffi, lib = load()
        audio = _as_int16(samples, 1, "The audio")
        rows = np.empty((audio.size // self._step + 1, self._state.n_channels), np.uint16)
        n = lib.mltk_frontend_feed_rows(
            self._state.frontend,
            ffi.cast("const int16_t *", audio.ctypes.data),
            audio.size,
            ffi.cast("uint16_t *", rows.ctypes.data),
        )
        return rows[:n]

    def quantize_windows(
        self, rows: npt.NDArray[np.uint16], n_rows: int, step: int, n_windows: int
    ) -> npt.NDArray[np.int8]:
        """Quantize overlapping windows of rows, each window by itself as :meth:`quantize` does.

        Args:
            rows: uint16 [at least (n_windows - 1) * step + n_rows, channels].
            n_rows: Rows of a window.
            step: Rows from the beginning of a window to the beginning of the next.
            n_windows: Number of windows.

        Returns:
            int8 [n_windows, n_rows, channels].

        Raises:
            FrontendError: The rows are not uint16 of this frontend, or there are too few rows.
        """
        ffi, lib = load()
        array = np.ascontiguousarray(rows)
        needed = (n_windows - 1) * step + n_rows if n_windows else 0
        if array.dtype != np.uint16 or array.ndim != 2 or array.shape[1] != self._state.n_channels:
            raise FrontendError(
                f"The rows are {array.dtype} {list(array.shape)}; they must be uint16 [rows, {self._state.n_channels}]."
            )
        if len(array) < needed:
            raise FrontendError(f"{n_windows} windows need {needed} rows, but there are {len(array)}.")
        out = np.empty((n_windows, n_rows, self._state.n_channels), np.int8)
        source = ffi.cast("const uint16_t *", array.ctypes.data)
        destination = ffi.cast("int8_t *", out.ctypes.data)
        lib.mltk_frontend_quantize_windows(self._state.frontend, source, n_rows, step, n_windows, destination)
        return out

    def quantize(self, features: npt.ArrayLike) -> npt.NDArray[np.int8]:
        """Quantize features. The dynamic scale, if enabled, is relative to the largest value in ``features``.

        Args:
            features: uint16 of any shape.

        Returns:
            int8 of the same shape.

        Raises:
            FrontendError: The features are not uint16.
        """
        array = np.ascontiguousarray(features)
        if array.dtype != np.uint16:
            raise FrontendError(f"The features are {array.dtype}; the frontend quantizes uint16 ones.")
        out = np.empty(array.shape, np.int8)
        self._state.quantize(array, out)
        return out

    def activity_was_detected(self) -> bool:
        """Return whether sound started after a pause, since the latest reset or since this last returned True."""
        return self._state.activity()

    def reset(self) -> None:
        """Forget the audio processed so far."""
        load()[1].mltk_frontend_reset(self._state.frontend)
