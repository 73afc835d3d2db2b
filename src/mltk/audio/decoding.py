"""Decode one audio file to one channel, and find what its author cannot have meant.

What can be repaired is repaired: the values of integers in a file of floats, a wrong size in a header, a silent first
channel. What cannot be repaired is an :class:`AudioFileError`. The rest is used as it is. All of it is found, so that
it can be reported; see :mod:`mltk.audio.findings`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.audio import stream_end, wav_header
from mltk.audio.findings import Kind
from mltk.data.pipeline.bank import UnreadableFileError
from mltk.errors import MissingDependencyError

LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1000, 1_000_000
"""Recorders of sound have rates between these. Others are refused if they are far from the wanted rate."""

BLOCK_VALUES = 1 << 22
"""Values that are decoded at once: a header may claim more than the file contains."""

LARGEST_SAMPLES = 1 << 26
"""Every file may decode to this number of samples: 70 minutes at 16 kHz."""

LARGEST_SAMPLES_PER_BYTE = 256
"""A longer file may decode to this number of samples for each of its bytes. A minute of mp3 speech has 30."""

CLIPPED_ABOVE = 1.01
"""Float samples up to this value are not called clipped."""

INTEGERS_ABOVE = 8.0
"""Float samples above this value are integers' values: 18 dB beyond full scale is not a mistake of the level."""

SILENT_BELOW = 0.01
"""The first channel is silent if its level is below this share of another channel's: 40 dB."""

_FULL_SCALES = (1 << 15, 1 << 23, 1 << 31)


class AudioFileError(UnreadableFileError):
    """An audio file cannot be read; the message names the file."""


class Decoded(NamedTuple):
    """One decoded audio file.

    Attributes:
        samples: int16 [samples] for a file of integers, unless floats are wanted; otherwise float32 [samples], of
            which -1 to 1 is full scale.
        sample_rate_hz: Sample rate of the file in Hz.
        found: Kinds of findings, each with what was found.
    """

    samples: npt.NDArray[Any]
    sample_rate_hz: int
    found: list[tuple[Kind, str]]


def soundfile_module() -> Any:
    """Return the module ``soundfile``.

    Raises:
        MissingDependencyError: It is not installed.
    """
    try:
        import soundfile  # type: ignore[import-untyped]
    except (ImportError, OSError):
        raise MissingDependencyError("soundfile, which reads audio files,", "audio") from None
    return soundfile


@contextlib.contextmanager
def opened(path: str) -> Iterator[tuple[Any, list[tuple[Kind, str]]]]:
    """Open an audio file; turn the errors of the ``with`` block into :class:`AudioFileError`.

    Args:
        path: Audio file.

    Yields:
        The ``soundfile.SoundFile``, and what was found in the header and at the end of the file.
    """
    soundfile = soundfile_module()
    try:
        native = _native(path)
        repaired, found = wav_header.compare(native)
        found += stream_end.find_cut(native)
        with soundfile.SoundFile(native if repaired is None else repaired) as file:
            yield file, found
    except (soundfile.LibsndfileError, OSError, RuntimeError) as error:
        if not os.path.exists(path):
            raise AudioFileError(f"There is no audio file {path}.") from None
        if os.path.getsize(path) == 0:
            raise AudioFileError(f"{path} is empty: it has no bytes.") from None
        raise AudioFileError(f"{path} can't be read as audio: {reason(error)}.") from None


def _native(path: str) -> str | bytes:
    """Return a path as soundfile takes it, which encodes a str strictly; a name that is not UTF-8 as bytes."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def reason(error: Exception) -> str:
    """Return the text of an error of soundfile."""
    text = str(getattr(error, "error_string", None) or error).rstrip(". ")
    return f"{text} (the file is cut or damaged)" if "lost sync" in text or "psf_fseek" in text else text


def decode(path: str, wanted_rate_hz: int | None, *, floats: bool = False) -> Decoded:
    """Decode one channel of an audio file, at the file's rate.

    Args:
        path: Audio file.
        wanted_rate_hz: Sample rate in Hz that the samples are going to be resampled to; None is the file's own.
        floats: Whether to decode integers to floats.

    Raises:
        AudioFileError: The file cannot be read, contains no samples, or samples or a rate that cannot be meant.
    """
    with opened(path) as (file, found):
        rate = int(file.samplerate)
        growth = _growth(path, rate, wanted_rate_hz)
        subtype = str(file.subtype)  # soundfile asks libsndfile each time
        of_integers = subtype.startswith("PCM_")
        dtype = "int16" if of_integers and not floats else "float32"
        samples = _read(path, file, dtype, growth)
        mono = _checked(path, _channel(samples, found))
        if subtype == "PCM_32" and _is_quiet(mono):
            mono = _small_integers(path, file, mono, growth, found)
    if not of_integers:
        mono = _scaled(path, mono, subtype in ("FLOAT", "DOUBLE"), found)
    if mono.max() == mono.min():
        found.append((Kind.SILENT, ""))
    if wanted_rate_hz is not None and rate < wanted_rate_hz:
        found.append((Kind.LOW_RATE, f"{rate} Hz: nothing above {rate // 2} Hz, and {wanted_rate_hz} Hz is wanted"))
    return Decoded(mono, rate, found)


def _growth(path: str, rate: int, wanted: int | None) -> float:
    """Return how many samples resampling makes of one; raise AudioFileError for a rate that cannot be meant."""
    if wanted is None:
        return 1.0
    if (rate < LOWEST_RATE_HZ and 4 * rate < wanted) or (rate > HIGHEST_RATE_HZ and rate > 4 * wanted):
        factor, unit = (1000, f"{rate} kHz") if rate < LOWEST_RATE_HZ else (0.001, f"{rate / 1000:g} Hz")
        guess = f" Is it {unit}?" if LOWEST_RATE_HZ <= rate * factor <= HIGHEST_RATE_HZ else ""
        raise AudioFileError(
            f"{path}: the header says a sample rate of {rate} Hz, which no recorder of sound has.{guess} "
            "Write the file again with the right rate."
        )
    return max(1.0, wanted / rate)


def _read(path: str, file: Any, dtype: str, growth: float) -> npt.NDArray[Any]:
    """Read all samples [frames, channels], block by block.

    An mp3 file is read at once: soundfile seeks after each block, which changes the samples. libsndfile counts its
    frames when it opens the file, so their number is true.
    """
    if 0 <= file.frames * file.channels <= BLOCK_VALUES:
        return np.asarray(file.read(file.frames, dtype=dtype, always_2d=True))
    size = os.path.getsize(path)
    limit = max(LARGEST_SAMPLES, LARGEST_SAMPLES_PER_BYTE * size) / growth
    block, left, n = max(1, BLOCK_VALUES // file.channels), int(file.frames), 0
    if file.format in ("MP3", "MPEG"):
        block = max(1, min(left, int(limit) + 1))
    blocks = [np.empty((0, file.channels), dtype)]
    while left > 0:
        samples = file.read(min(block, left), dtype=dtype, always_2d=True)
        if not len(samples):
            break
        blocks.append(samples)
        left, n = left - len(samples), n + len(samples)
        if n * file.channels > limit:
            raise AudioFileError(
                f"{path} has only {size} bytes, but contains more than {n / file.samplerate / 60:.0f} minutes of "
                f"audio in {file.channels} channels. A file like this would fill the memory."
            )
    return blocks[1] if len(blocks) == 2 else np.concatenate(blocks)


def _channel(samples: npt.NDArray[Any], found: list[tuple[Kind, str]]) -> npt.NDArray[Any]:
    """Return the first channel, or the loudest channel if the first is silent."""
    chosen = 0
    if samples.shape[1] > 1 and len(samples):
        with np.errstate(all="ignore"):
            levels = np.nan_to_num(samples.std(axis=0, dtype=np.float64), nan=0, posinf=0)
        if levels[0] < SILENT_BELOW * levels.max() and np.isfinite(samples[:, 0]).all():
            chosen = int(levels.argmax())
            found.append((Kind.CHANNEL, f"channel {chosen + 1} of {len(levels)}"))
    return np.ascontiguousarray(samples[:, chosen])


def _checked(path: str, mono: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if len(mono) == 0:
        raise AudioFileError(f"{path} contains no samples.")
    if mono.dtype.kind == "f" and not np.isfinite(mono).all():
        first = int(np.argmin(np.isfinite(mono)))
        raise AudioFileError(f"{path} contains NaN or infinite samples; the first is sample {first}.")
    return mono


def _peak(mono: npt.NDArray[Any]) -> float:
    return max(float(mono.max()), -float(mono.min()))


def _is_quiet(mono: npt.NDArray[Any]) -> bool:
    return _peak(mono) <= (1 if mono.dtype == np.int16 else 2.0**-15)


def _small_integers(
    path: str, file: Any, mono: npt.NDArray[Any], growth: float, found: list[tuple[Kind, str]]
) -> npt.NDArray[Any]:
    """Read the values of int16 in a file of int32, which as int32 are 96 dB below full scale."""
    file.seek(0)
    integers = _channel(_read(path, file, "int32", growth), [])
    peak = _peak(integers)
    if not INTEGERS_ABOVE < peak <= _FULL_SCALES[0]:
        return mono
    found.append((Kind.SCALED, f"peak {peak:.0f} in a file of 32 bits, divided by {_FULL_SCALES[0]}"))
    small: npt.NDArray[np.int16] = np.clip(integers, -32768, 32767).astype(np.int16)
    return small if mono.dtype == np.int16 else np.asarray(small / np.float32(32768), np.float32)


def _scaled(
    path: str, mono: npt.NDArray[np.float32], of_floats: bool, found: list[tuple[Kind, str]]
) -> npt.NDArray[np.float32]:
    """Divide the values of integers by their full scale; find what is clipped.

    Args:
        path: Audio file.
        mono: float32 [samples].
        of_floats: Whether the file contains floats. Otherwise its compression may have made values a bit above 1.
        found: Receives what is found.
    """
    peak = _peak(mono)
    if peak <= CLIPPED_ABOVE:
        return mono
    if peak > INTEGERS_ABOVE or (of_floats and np.array_equal(mono, np.rint(mono))):
        full = next((scale for scale in _FULL_SCALES if peak <= 1.5 * scale), None)
        if full is None:
            raise AudioFileError(f"{path} contains values up to {peak:.3g}, where 1 is full scale.")
        found.append((Kind.SCALED, f"peak {peak:.6g}, divided by {full}"))
        mono = mono / np.float32(full)
        peak /= full
    if of_floats and peak > CLIPPED_ABOVE:
        found.append((Kind.CLIPPED, f"peak {peak:.3g}, where 1 is full scale"))
    return mono
