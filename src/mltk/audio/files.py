"""Reading and writing audio files: wav, flac, ogg and mp3, with any sample rate and any number of channels.

If a file has several channels, the first channel is read: that is what a device with one microphone records, and what
MLTK 0.20 reads. The mean of microphones that are some centimeters apart would be a comb filter. If the first channel is
silent and another is not, the loudest channel is read.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.audio.decoding import AudioFileError as AudioFileError
from mltk.audio.decoding import decode, opened, reason, soundfile_module
from mltk.audio.findings import Findings, Kind, SingleReads
from mltk.errors import MissingDependencyError, OutputError
from mltk.files import make_folder, replacing

AUDIO_FORMATS = (".wav", ".flac", ".ogg", ".mp3")
"""File name extensions of the audio files that can be read."""

SILENCE_CLASS = "_silence_"
"""Class whose samples have no file: silence, to which noise may be added."""


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


_single_reads = SingleReads()


def audio_info(path: str) -> AudioInfo:
    """Read the header of an audio file.

    Args:
        path: Audio file.

    Raises:
        AudioFileError: The file cannot be read or contains no samples.
    """
    with opened(path) as (file, _):
        found = AudioInfo(int(file.frames), int(file.samplerate), int(file.channels))
    if found.frames <= 0:
        raise AudioFileError(f"{path} contains no samples.")
    return found


def read_audio(
    path: str, sample_rate_hz: int | None = None, findings: Findings | None = None
) -> tuple[npt.NDArray[np.float32], int]:
    """Read one channel of an audio file as floats.

    Args:
        path: Audio file.
        sample_rate_hz: Sample rate in Hz to resample to; None keeps the rate of the file.
        findings: Receives what is wrong with the file; None reports each kind once.

    Returns:
        float32 [samples] from -1 to 1, and their sample rate in Hz. A file of floats may contain larger values.

    Raises:
        AudioFileError: The file cannot be read, contains no samples, or samples or a rate that cannot be meant.
    """
    mono, rate, found = decode(path, sample_rate_hz, floats=True)
    found = [(kind, detail) for kind, detail in found if kind is not Kind.CLIPPED]  # floats are not clipped
    (_single_reads if findings is None else findings).add(path, found)
    if sample_rate_hz is not None and sample_rate_hz != rate:
        mono, rate = resample(mono, rate, sample_rate_hz), sample_rate_hz
    return mono, rate


def read_audio_int16(
    path: str, sample_rate_hz: int, findings: Findings | None = None
) -> tuple[npt.NDArray[np.int16], int]:
    """Read one channel of an audio file as int16.

    Args:
        path: Audio file.
        sample_rate_hz: Sample rate in Hz to resample to.
        findings: Receives what is wrong with the file; None reports each kind once.

    Returns:
        int16 [samples] at ``sample_rate_hz``, and the sample rate of the file in Hz.

    Raises:
        AudioFileError: The file cannot be read, contains no samples, or samples or a rate that cannot be meant.
    """
    mono, rate, found = decode(path, sample_rate_hz)
    if found:
        (_single_reads if findings is None else findings).add(path, found)
    return to_int16(resample(mono, rate, sample_rate_hz)), rate


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
    soundfile = soundfile_module()
    kind = os.path.splitext(path)[1].lstrip(".").upper() or "WAV"
    with replacing(path, durable=False) as temporary:
        try:
            soundfile.write(temporary, to_int16(samples), int(sample_rate_hz), format=kind)
        except (soundfile.LibsndfileError, ValueError) as error:
            raise OutputError(
                f"Can't write {path} as audio: {reason(error)}.",
                hint=f"Formats are {', '.join(AUDIO_FORMATS)}.",
            ) from None
    return path
