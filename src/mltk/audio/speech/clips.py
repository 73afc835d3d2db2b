"""From what an engine said to a clip of a dataset: silence cut off, resampled, made louder or softer, written."""

from __future__ import annotations

import functools
import hashlib
import io
import math
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np

from mltk.files import replacing

SILENCE_DB = -40.0
"""What is this far below the loudest part, at the beginning and at the end, is silence."""
PADDING_MS = 20
FRAME_MS = 5
_HALF_WIDTH = 24  # zero crossings of the resampling filter on each side
_KAISER_BETA = 9.0  # 90 dB of attenuation
_ROLL_OFF = 0.95
_MAX_DENOMINATOR = 2000
_GROUP = 32  # outputs computed by one small matrix product


def trim_silence(samples: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """``samples`` [n] without the silence around the speech, of which 20 ms stay on each side."""
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
def _resampling_filters(up: int, down: int) -> tuple[np.ndarray, int]:
    """Filters that each make ``_GROUP`` neighbouring outputs from a stretch of inputs, and the inputs before it.

    A sinc with a Kaiser window (J. O. Smith, "Digital Audio Resampling"), its cutoff below the lower of both Nyquist
    frequencies. Outputs lie ``down / up`` inputs apart, so after a while the filters ``[filters, inputs, outputs]``
    repeat.
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


def resample(samples: np.ndarray, from_hz: int, to_hz: int) -> np.ndarray:
    """``samples`` [n] at another rate, as float32; n is scaled by the ratio and rounded up."""
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
    y = np.matmul(stretches.transpose(1, 0, 2), filters)
    return y.transpose(1, 0, 2).reshape(-1)[:n_out]


def finish(samples: np.ndarray, from_hz: int, to_hz: int, peak_dbfs: float) -> np.ndarray:
    """int16 clip at ``to_hz`` whose largest sample is ``peak_dbfs`` relative to full scale, faded at both ends."""
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


def write_wav(path: Path, samples: np.ndarray, sample_rate_hz: int) -> str:
    """Write a mono 16-bit wav file, whole or not at all, and give its SHA-256."""
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
