"""Audio files in and out: wav, flac, ogg and mp3, at any rate and with any number of channels.

Of several channels the first is taken: what a device with one microphone records, and what MLTK 0.20 took. (The
mean of microphones some centimetres apart would be a comb filter.)
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.bank import UnreadableFileError
from mltk.errors import MissingDependencyError

AUDIO_FORMATS = (".wav", ".flac", ".ogg", ".mp3")
"""File name extensions of audio that is read."""

SILENCE_CLASS = "_silence_"
"""Class whose samples have no file: silence, to which noise may be added."""


class AudioFileError(UnreadableFileError):
    """An audio file can't be read; the message names it."""


class AudioInfo(NamedTuple):
    """What the header of an audio file says."""

    frames: int
    """Samples of one channel."""
    sample_rate_hz: int
    channels: int


def _soundfile() -> Any:
    try:
        import soundfile  # type: ignore[import-untyped]
    except (ImportError, OSError):
        raise MissingDependencyError("soundfile, which reads audio files,", "audio") from None
    return soundfile


@contextlib.contextmanager
def _explained(path: str) -> Any:
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
        reason = getattr(error, "error_string", None) or str(error)
        raise AudioFileError(f"{path} can't be read as audio: {reason.rstrip('. ')}.") from None


def audio_info(path: str) -> AudioInfo:
    """What the header says. Raises AudioFileError if it can't be read or says that there are no samples."""
    with _explained(path) as soundfile, soundfile.SoundFile(path) as file:
        found = AudioInfo(int(file.frames), int(file.samplerate), int(file.channels))
    if found.frames <= 0:
        raise AudioFileError(f"{path} holds no samples.")
    return found


def read_audio(path: str, sample_rate_hz: int | None = None) -> tuple[npt.NDArray[np.float32], int]:
    """The first channel as float32 [samples] from -1 to 1, and its rate in Hz.

    Args:
        path: of the file.
        sample_rate_hz: resample to this; None keeps the file's rate.

    Raises:
        AudioFileError: it can't be read, holds no samples, or holds NaN or infinite ones.
    """
    with _explained(path) as soundfile:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = _checked(path, np.ascontiguousarray(samples[:, 0]))
    if sample_rate_hz is not None and sample_rate_hz != rate:
        mono, rate = resample(mono, rate, sample_rate_hz), sample_rate_hz
    return mono, int(rate)


def read_audio_int16(path: str, sample_rate_hz: int) -> tuple[npt.NDArray[np.int16], int]:
    """The first channel as int16 [samples] at ``sample_rate_hz``, and the file's rate; raises as :func:`read_audio`."""
    with _explained(path) as soundfile, soundfile.SoundFile(path) as file:
        rate = int(file.samplerate)
        integers = file.subtype.startswith("PCM_")
        samples = file.read(dtype="int16" if integers else "float32", always_2d=True)
    mono = _checked(path, np.ascontiguousarray(samples[:, 0]))
    if rate != sample_rate_hz:
        mono = resample(mono, rate, sample_rate_hz)
    return (mono if mono.dtype == np.int16 else to_int16(mono)), rate


def _checked(path: str, mono: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if len(mono) == 0:
        raise AudioFileError(f"{path} holds no samples.")
    if mono.dtype.kind == "f" and not np.isfinite(mono).all():
        first = int(np.argmin(np.isfinite(mono)))
        raise AudioFileError(f"{path} holds NaN or infinite samples, the first of them sample {first}.")
    return mono


def resample(samples: npt.NDArray[Any], from_hz: int, to_hz: int) -> npt.NDArray[Any]:
    """float32 or int16 [samples] at another rate, of the same dtype (libsoxr, high quality)."""
    if from_hz == to_hz:
        return samples
    try:
        import soxr  # type: ignore[import-untyped]
    except ImportError:
        raise MissingDependencyError("soxr, which changes the rate of audio,", "audio") from None
    return np.asarray(soxr.resample(samples, from_hz, to_hz, quality="HQ"), samples.dtype)


def to_int16(samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
    """Audio as int16: floats from -1 to 1 are scaled by 32768 and clipped, int16 is left alone."""
    array = np.asarray(samples)
    if array.dtype == np.int16:
        return array
    if array.dtype.kind in "iu":
        return np.clip(array, -32768, 32767).astype(np.int16)
    return np.clip(np.rint(array * np.float32(32768)), -32768, 32767).astype(np.int16)


def to_float32(samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """int16 audio as float32 from -1 to 1; floats are left alone."""
    if samples.dtype == np.int16:
        return samples.astype(np.float32) / np.float32(32768)
    return np.asarray(samples, np.float32)


def write_audio(path: str, samples: npt.ArrayLike, sample_rate_hz: int) -> str:
    """Write int16 [samples] or floats from -1 to 1 as a 16-bit file of the kind that the extension says."""
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    temporary = f"{path}.part"
    kind = os.path.splitext(path)[1].lstrip(".").upper() or "WAV"
    with _explained(temporary) as soundfile:
        soundfile.write(temporary, to_int16(samples), int(sample_rate_hz), format=kind)
    os.replace(temporary, path)
    return path
