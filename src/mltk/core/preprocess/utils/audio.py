"""Audio of one sample, in the terms of MLTK 0.20's helpers: read, write, fit to a length, turn into features."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.augment import offset as offset_effect
from mltk.audio.augment.trim import trim_bounds
from mltk.audio.files import read_audio, resample, to_float32, to_int16, write_audio
from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings
from mltk.errors import DatasetError
from mltk.utils.python import append_exception_msg

__all__ = [
    "AudioFeatureGenerator",
    "AudioFeatureGeneratorSettings",
    "adjust_length",
    "append_exception_msg",
    "apply_frontend",
    "read_audio_file",
    "write_audio_file",
]


def _is_symbolic(value: Any) -> bool:
    """Whether this is a tensor of a graph, which has no value yet; told without importing TensorFlow."""
    return any(c.__name__ == "SymbolicTensor" for c in type(value).__mro__) or (
        hasattr(value, "graph") and hasattr(value, "op") and not hasattr(value, "numpy")
    )


def _as_path(value: Any) -> str:
    value = value.numpy() if hasattr(value, "numpy") else value
    value = value.item() if isinstance(value, np.ndarray) else value
    return value.decode() if isinstance(value, bytes) else os.fspath(value)


def read_audio_file(path: Any, return_sample_rate: bool = False, return_numpy: bool = True, **kwargs: Any) -> Any:
    """The first channel of an audio file: float32 [samples] from -1 to 1.

    Args:
        path: of a wav, flac, ogg or mp3 file; a string, or a scalar array or tensor of one, also of a graph.
        return_sample_rate: give ``(samples, rate in Hz)``.
        return_numpy: give an array; if not, a tensor. Of a graph's path, always a tensor.
        kwargs: of 0.20's decoder; ``desired_samples`` cuts or pads, ``desired_channels`` is always 1.

    Raises:
        AudioFileError: the file can't be read.
    """
    length = int(kwargs.pop("desired_samples", -1))
    channels = int(kwargs.pop("desired_channels", 1))
    if kwargs or channels not in (-1, 1):
        raise DatasetError(f"read_audio_file() can't do this: {kwargs or {'desired_channels': channels}}.")

    def read(file: Any) -> tuple[npt.NDArray[np.float32], np.int32]:
        samples, rate = read_audio(_as_path(file))
        if length >= 0:
            samples = np.pad(samples[:length], (0, max(0, length - len(samples))))
        return samples, np.int32(rate)

    if _is_symbolic(path):
        import tensorflow as tf

        samples, rate = tf.numpy_function(read, [path], [tf.float32, tf.int32])
        samples.set_shape([None])
        rate.set_shape([])
    else:
        samples, rate = read(path)
        rate = int(rate)
        if not return_numpy:
            import tensorflow as tf

            samples = tf.convert_to_tensor(samples)
    return (samples, rate) if return_sample_rate else samples


def write_audio_file(path: Any, sample: Any, sample_rate: int) -> Any:
    """Write [samples], int16 or float from -1 to 1, as a 16-bit file; gives its path.

    Args:
        path: of the file; without an extension, of a folder, in which a wav file is named after the time.
        sample: array or tensor, also of a graph.
        sample_rate: in Hz.

    Raises:
        AudioFileError: it can't be written.
    """

    def write(file: Any, samples: Any) -> bytes:
        name = _as_path(file)
        if not os.path.splitext(name)[1]:
            name = os.path.join(name, f"{time.time_ns() // 1000}.wav")
        return write_audio(name, np.asarray(samples), int(sample_rate)).encode()

    if _is_symbolic(path) or _is_symbolic(sample):
        import tensorflow as tf

        return tf.numpy_function(write, [path, sample], tf.string)
    return write(path, sample).decode()


def adjust_length(
    sample: npt.ArrayLike,
    target_sr: int | None = None,
    original_sr: int | None = None,
    out_length: int | None = None,
    offset: float = 0.0,
    trim_threshold_db: float = 30.0,
) -> npt.NDArray[np.float32]:
    """A clip resampled, its silent ends trimmed if it is longer than wanted, and cut or padded.

    Args:
        sample: [samples], float from -1 to 1 or int16.
        target_sr, original_sr: rates in Hz; resampled only if both are given and differ.
        out_length: samples wanted; None leaves the clip as long as it is.
        offset: share, 0 to 1, of the padding that goes before the clip, or of what is cut off before it.
        trim_threshold_db: below the loudest part of the clip; 0 doesn't trim.

    Returns:
        float32 [out_length].
    """
    clip = np.asarray(sample)
    if original_sr is not None and target_sr is not None:
        clip = resample(clip, original_sr, target_sr)
    if trim_threshold_db and len(clip):
        start, stop = trim_bounds(to_int16(clip), trim_threshold_db)
        clip = clip[start:stop]
    return to_float32(clip if out_length is None else offset_effect.apply(clip, out_length, offset))


def apply_frontend(
    sample: npt.ArrayLike, settings: AudioFeatureGeneratorSettings, dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[Any]:
    """Features of one clip: ``dtype`` (float32, uint16 or int8) [height, width].

    Args:
        sample: [settings.sample_length], float from -1 to 1 or int16; longer is cut, shorter padded with silence.
        settings: of the frontend.
        dtype: of the features.
    """
    clip = offset_effect.apply(to_int16(np.asarray(sample)), settings.sample_length, 0.0)
    return AudioFeatureGenerator(settings).process_sample(clip, dtype)
