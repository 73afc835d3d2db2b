"""Reading and writing audio files: wav, flac, ogg and mp3, with any sample rate and any number of channels.

If a file has several channels, the first channel is read: that is what a device with one microphone records, and what
MLTK 0.20 reads. The mean of microphones that are some centimeters apart would be a comb filter.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.bank import UnreadableFileError
from mltk.errors import MissingDependencyError, OutputError
from mltk.files import make_folder, replacing

AUDIO_FORMATS = (".wav", ".flac", ".ogg", ".mp3")
"""File name extensions of the audio files that can be read."""

SILENCE_CLASS = "_silence_"
"""Class whose samples have no file: silence, to which noise may be added."""


class AudioFileError(UnreadableFileError):
    """An audio file cannot be read; the message names the file."""


class AudioInfo(NamedTuple):
    """The header of an audio file.

    Attributes:
        frames: Samples of one channel.
        sample_rate_hz: Sample rate in Hz.
        channels: Number of channels.
    """

    frames: int
    sample_rate_hz: int
    channels: int


def _soundfile() -> Any:
    try:
        import soundfile  # type: ignore[import-untyped]
    except (ImportError, OSError):
        raise MissingDependencyError("soundfile, which reads audio files,", "audio") from None
    return soundfile


@contextlib.contextmanager
def _reading(path: str) -> Iterator[Any]:
    """Yield the module ``soundfile``; turn its errors into :class:`AudioFileError`."""
    soundfile = _soundfile()
    try:
        yield soundfile
    except FileNotFoundError:
        raise AudioFileError(f"There is no audio file {path}.") from None
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        if not os.path.exists(path):
            raise AudioFileError(f"There is no audio file {path}.") from None
        if os.path.getsize(path) == 0:
            raise AudioFileError(f"{path} is empty: it has no bytes.") from None
        raise AudioFileError(f"{path} can't be read as audio: {_reason(error)}.") from None


def _native(path: str) -> str | bytes:
    """Return a path as soundfile takes it, which encodes a str strictly; a name that is not UTF-8 as bytes."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", None) or error).rstrip(". ")


def audio_info(path: str) -> AudioInfo:
    """Read the header of an audio file.

    Args:
        path: Audio file.

    Raises:
        AudioFileError: The file cannot be read or contains no samples.
    """
    with _reading(path) as soundfile, soundfile.SoundFile(_native(path)) as file:
        found = AudioInfo(int(file.frames), int(file.samplerate), int(file.channels))
    if found.frames <= 0:
        raise AudioFileError(f"{path} contains no samples.")
    return found


def read_audio(path: str, sample_rate_hz: int | None = None) -> tuple[npt.NDArray[np.float32], int]:
    """Read the first channel of an audio file as floats.

    Args:
        path: Audio file.
        sample_rate_hz: Sample rate in Hz to resample to; None keeps the rate of the file.

    Returns:
        float32 [samples] from -1 to 1, and their sample rate in Hz.

    Raises:
        AudioFileError: The file cannot be read, or contains no samples, or NaN or infinite samples.
    """
    with _reading(path) as soundfile:
        samples, rate = soundfile.read(_native(path), dtype="float32", always_2d=True)
    mono = _checked(path, np.ascontiguousarray(samples[:, 0]))
    if sample_rate_hz is not None and sample_rate_hz != rate:
        mono, rate = resample(mono, rate, sample_rate_hz), sample_rate_hz
    return mono, int(rate)


def read_audio_int16(path: str, sample_rate_hz: int) -> tuple[npt.NDArray[np.int16], int]:
    """Read the first channel of an audio file as int16.

    Args:
        path: Audio file.
        sample_rate_hz: Sample rate in Hz to resample to.

    Returns:
        int16 [samples] at ``sample_rate_hz``, and the sample rate of the file in Hz.

    Raises:
        AudioFileError: The file cannot be read, or contains no samples, or NaN or infinite samples.
    """
    with _reading(path) as soundfile, soundfile.SoundFile(_native(path)) as file:
        rate = int(file.samplerate)
        integers = file.subtype.startswith("PCM_")
        samples = file.read(dtype="int16" if integers else "float32", always_2d=True)
    mono = _checked(path, np.ascontiguousarray(samples[:, 0]))
    return to_int16(resample(mono, rate, sample_rate_hz)), rate


def _checked(path: str, mono: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if len(mono) == 0:
        raise AudioFileError(f"{path} contains no samples.")
    if mono.dtype.kind == "f" and not np.isfinite(mono).all():
        first = int(np.argmin(np.isfinite(mono)))
        raise AudioFileError(f"{path} contains NaN or infinite samples; the first is sample {first}.")
    return mono


def resample(samples: npt.NDArray[Any], from_hz: int, to_hz: int) -> npt.NDArray[Any]:
    """Change the sample rate of audio (libsoxr, high quality).

    Args:
        samples: float32 or int16 [samples].
        from_hz: Sample rate of ``samples`` in Hz.
        to_hz: Sample rate of the result in Hz.

    Returns:
        [samples * to_hz / from_hz], with the data type of ``samples``.
    """
    if from_hz == to_hz:
        return samples
    try:
        import soxr  # type: ignore[import-untyped]
    except ImportError:
        raise MissingDependencyError("soxr, which changes the rate of audio,", "audio") from None
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), samples.dtype)


def to_int16(samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
    """Convert audio to int16.

    Args:
        samples: Audio of any shape. Floats from -1 to 1 are multiplied by 32768. Floats and integers out of range are
            clipped. int16 is returned as it is.
    """
    array = np.asarray(samples)
    if array.dtype == np.int16:
        return array
    if array.dtype.kind in "iu":
        return np.asarray(np.clip(array, -32768, 32767), np.int16)
    return np.asarray(np.clip(np.rint(array * np.float32(32768)), -32768, 32767), np.int16)


def to_float32(samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Convert audio to float32.

    Args:
        samples: Audio of any shape. int16 is scaled to -1 to 1; floats keep their values.
    """
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / np.float32(32768)
    return np.asarray(samples, np.float32)


def write_audio(path: str, samples: npt.ArrayLike, sample_rate_hz: int) -> str:
    """Write a 16-bit audio file; the file name extension is the format.

    Args:
        path: Audio file. Its folder is made if it does not exist.
        samples: int16 [samples], or floats from -1 to 1.
        sample_rate_hz: Sample rate in Hz.

    Returns:
        The path.

    Raises:
        OutputError: The file cannot be written.
    """
    make_folder(os.path.dirname(path))
    soundfile = _soundfile()
    kind = os.path.splitext(path)[1].lstrip(".").upper() or "WAV"
    with replacing(path, durable=False) as temporary:
        try:
            soundfile.write(temporary, to_int16(samples), int(sample_rate_hz), format=kind)
        except (soundfile.LibsndfileError, ValueError) as error:
            raise OutputError(
                f"Can't write {path} as audio: {_reason(error)}.",
                hint=f"Formats are {', '.join(AUDIO_FORMATS)}.",
            ) from None
    return path
