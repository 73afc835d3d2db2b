"""MLTK 0.20's functions for the audio of one sample: read, write, fit to a length, compute features."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio import files
from mltk.audio.augment import offset as offset_effect
from mltk.audio.augment.trim import trim_bounds
from mltk.audio.files import read_audio, to_float32, to_int16, write_audio
from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings
from mltk.data.numpy1_array import as_numpy1
from mltk.errors import DatasetError
from mltk.utils.python import append_exception_msg

__all__ = [
    "AudioFeatureGenerator",
    "AudioFeatureGeneratorSettings",
    "adjust_length",
    "append_exception_msg",
    "apply_frontend",
    "read_audio_file",
    "resample",
    "write_audio_file",
]


def _is_symbolic(value: Any) -> bool:
    """Whether this is a tensor of a graph, which has no value yet. Does not import TensorFlow."""
    return any(c.__name__ == "SymbolicTensor" for c in type(value).__mro__) or (
        hasattr(value, "graph") and hasattr(value, "op") and not hasattr(value, "numpy")
    )


def _as_path(value: Any) -> str:
    value = value.numpy() if hasattr(value, "numpy") else value
    value = value.item() if isinstance(value, np.ndarray) else value
    return value.decode() if isinstance(value, bytes) else os.fspath(value)


def resample(y: npt.NDArray[Any], *, orig_sr: float, target_sr: float, **kwargs: Any) -> npt.NDArray[Any]:
    """Change the sample rate of audio. The arguments are those of ``librosa.resample``.

    Args:
        y: float32 or int16 ``[samples]``.
        orig_sr: Sample rate of ``y`` in Hz.
        target_sr: Sample rate of the result in Hz.
        kwargs: For compatibility with MLTK 0.20; ignored.

    Returns:
        ``[samples * target_sr / orig_sr]``, with the data type of ``y``.
    """
    return files.resample(np.asarray(y), int(orig_sr), int(target_sr))


def read_audio_file(path: Any, return_sample_rate: bool = False, return_numpy: bool = True, **kwargs: Any) -> Any:
    """Read the first channel of an audio file.

    Args:
        path: Path of a wav, flac, ogg or mp3 file: a str, or a scalar array or tensor, also of a graph.
        return_sample_rate: Whether to return the sample rate too.
        return_numpy: Whether to return an array, else a tensor. For a path of a graph, the result is a tensor.
        kwargs: Arguments of MLTK 0.20's decoder: ``desired_samples`` cuts or pads, ``desired_channels`` must be 1.

    Returns:
        Samples, float32 ``[samples]`` from -1 to 1; with ``return_sample_rate`` also the sample rate in Hz.

    Raises:
        AudioFileError: The file cannot be read.
        DatasetError: There is another argument, or more than one channel is wanted.
    """
    length = int(kwargs.pop("desired_samples", -1))
    channels = int(kwargs.pop("desired_channels", 1))
    if kwargs or channels not in (-1, 1):
        raise DatasetError(f"read_audio_file() does not support {kwargs or {'desired_channels': channels}}.")

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
    """Write a clip to a 16-bit file.

    Args:
        path: Path of the file. A path without an extension is a folder; the name of the wav file is the current time.
        sample: Clip ``[samples]``, int16 or float from -1 to 1: an array or tensor, also of a graph.
        sample_rate: Sample rate in Hz.

    Returns:
        Path of the file.

    Raises:
        AudioFileError: The file cannot be written.
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
    """Resample a clip, trim its silent ends, and cut or pad it.

    Args:
        sample: Clip ``[samples]``, float from -1 to 1 or int16.
        target_sr: Wanted sample rate in Hz. The clip is resampled if both rates are given and differ.
        original_sr: Sample rate of the clip in Hz.
        out_length: Wanted number of samples; None neither cuts nor pads.
        offset: Share, 0 to 1, of the padding that is before the clip, or of the cut samples that are before it.
        trim_threshold_db: Level of silence in dB below the loudest part of the clip; 0 does not trim.

    Returns:
        The clip, float32 ``[out_length]``.
    """
    clip = np.asarray(sample)
    if original_sr is not None and target_sr is not None:
        clip = files.resample(clip, original_sr, target_sr)
    if trim_threshold_db and len(clip):
        start, stop = trim_bounds(to_int16(clip), trim_threshold_db)
        clip = clip[start:stop]
    return to_float32(clip if out_length is None else offset_effect.apply(clip, out_length, offset))


def apply_frontend(
    sample: npt.ArrayLike, settings: AudioFeatureGeneratorSettings, dtype: npt.DTypeLike = np.float32
) -> npt.NDArray[Any]:
    """Compute the features of a clip.

    Args:
        sample: Clip ``[settings.sample_length]``, float from -1 to 1 or int16. A longer clip is cut, a shorter clip is
            padded with silence.
        settings: Settings of the frontend.
        dtype: Dtype of the features: float32, uint16 or int8.

    Returns:
        Features ``[height, width]``. Integers promote as in NumPy 1: int8 features plus 128 are int16.
    """
    clip = offset_effect.apply(to_int16(np.asarray(sample)), settings.sample_length, 0.0)
    features: npt.NDArray[Any] = as_numpy1(AudioFeatureGenerator(settings).process_sample(clip, dtype))
    return features
