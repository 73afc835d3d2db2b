"""Turn the samples of a speech synthesizer into a clip: cut off silence, resample, set the loudness, write a file.

Resampling and writing are not those of :mod:`mltk.audio.files`, for two reasons. The bytes of a synthesized dataset
must not depend on the version of libsoxr, and synthesis needs neither soxr nor soundfile (the extra ``audio``).
"""

from __future__ import annotations

import functools
import hashlib
import io
import math
import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.files import replacing

SILENCE_DB = -40.0
"""Silence is what is this far below the loudest part, at the beginning or the end of the clip."""
PADDING_MS = 20
FRAME_MS = 5
_HALF_WIDTH = 24  # zero crossings of the resampling filter on each side
_KAISER_BETA = 9.0  # 90 dB of attenuation
_ROLL_OFF = 0.95
_MAX_DENOMINATOR = 2000
_GROUP = 32  # number of outputs that one small matrix product computes


def trim_silence(samples: npt.NDArray[np.int16], sample_rate_hz: int) -> npt.NDArray[np.int16]:
    """Cut off the silence before and after the speech, but for 20 ms on each side.

    Args:
        samples: int16 ``[n]``.
        sample_rate_hz: Sample rate in Hz.

    Returns:
        A view of ``samples``; empty if all of them are silent.
    """
    frame = max(1, sample_rate_hz * FRAME_MS // 1000)
    n_frames = len(samples) // frame
    if n_frames == 0:
        return samples
    power = np.square(samples[: n_frames * frame].astype(np.float32)).reshape(n_frames, frame).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (SILENCE_DB / 10))
    if not len(loud):
        return samples[:0]
    pad = sample_rate_hz * PADDING_MS // 1000
    return samples[max(0, loud[0] * frame - pad) : (loud[-1] + 1) * frame + pad]


@functools.lru_cache(maxsize=16)
def _resampling_filters(up: int, down: int) -> tuple[npt.NDArray[np.float32], int]:
    """Compute filters that each make ``_GROUP`` adjacent outputs from a stretch of inputs.

    A filter is a sinc with a Kaiser window (J. O. Smith, "Digital Audio Resampling"). Its cutoff is below the lower of
    the two Nyquist frequencies. Outputs are ``down / up`` inputs apart, so the filters repeat after a while.

    Returns:
        Filters, float32 ``[filters, inputs, outputs]``, and the number of inputs before the first output.
    """
    cutoff = _ROLL_OFF * min(1.0, up / down)
    half = int(np.ceil(_HALF_WIDTH / cutoff))
    n_filters = up // math.gcd(up, _GROUP)
    offset = (np.arange(n_filters) * _GROUP * down % up) / up
    outputs = offset[:, None, None] + np.arange(_GROUP) * down / up
    inputs = np.arange(-half, int(_GROUP * down / up) + half + 2)[:, None]
    t = inputs - outputs
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (t / half) ** 2, 0, 1))) / np.i0(_KAISER_BETA)
    filters = cutoff * np.sinc(cutoff * t) * np.where(np.abs(t) <= half, window, 0)
    return filters.astype(np.float32), half


def resample(samples: npt.NDArray[Any], from_hz: int, to_hz: int) -> npt.NDArray[np.float32]:
    """Change the sample rate.

    Args:
        samples: ``[n]``, of any dtype.
        from_hz: Sample rate of ``samples`` in Hz.
        to_hz: Sample rate of the result in Hz.

    Returns:
        float32 ``[n * to_hz / from_hz]``, rounded up.
    """
    x = samples.astype(np.float32)
    if from_hz == to_hz or not len(x):
        return x
    ratio = Fraction(to_hz, from_hz).limit_denominator(_MAX_DENOMINATOR)
    up, down = ratio.numerator, ratio.denominator
    filters, half = _resampling_filters(up, down)
    n_filters, width, _ = filters.shape
    n_out = -(-len(x) * up // down)
    n_rounds = -(-n_out // (_GROUP * n_filters))
    starts = np.arange(n_rounds * n_filters) * _GROUP * down // up
    padded = np.zeros(max(int(starts[-1]) + width, half + len(x)), np.float32)
    padded[half : half + len(x)] = x
    stretches = padded[starts[:, None] + np.arange(width)].reshape(n_rounds, n_filters, width)
    y: npt.NDArray[np.float32] = np.matmul(stretches.transpose(1, 0, 2), filters)
    return y.transpose(1, 0, 2).reshape(-1)[:n_out]


def finish(samples: npt.NDArray[Any], from_hz: int, to_hz: int, peak_dbfs: float) -> npt.NDArray[np.int16]:
    """Resample a clip, set its loudness and fade both ends.

    Args:
        samples: ``[n]``, of any dtype.
        from_hz: Sample rate of ``samples`` in Hz.
        to_hz: Sample rate of the result in Hz.
        peak_dbfs: Largest sample of the result in dB, relative to full scale.

    Returns:
        int16 ``[n * to_hz / from_hz]``, rounded up.
    """
    y = resample(samples, from_hz, to_hz)
    peak = float(np.abs(y).max(initial=0.0))
    if peak > 0:
        y = y * (32767 * 10 ** (peak_dbfs / 20) / peak)
    fade = min(to_hz * FRAME_MS // 1000, len(y) // 2)
    if fade:
        ramp = np.linspace(0, 1, fade, dtype=np.float32)
        y[:fade] *= ramp
        y[-fade:] *= ramp[::-1]
    return np.rint(y).astype(np.int16)


def write_wav(path: Path, samples: npt.NDArray[np.int16], sample_rate_hz: int) -> str:
    """Write a mono 16-bit wav file, whole or not at all.

    Returns:
        SHA-256 of the file, as hexadecimal text.

    Raises:
        OutputError: The file can't be written.
    """
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(samples.astype("<i2").tobytes())
    data = buffer.getvalue()
    with replacing(path, durable=False) as aside:  # thousands of clips, which can all be made again
        Path(aside).write_bytes(data)
    return hashlib.sha256(data).hexdigest()
