"""Pictures and sounds that stand inside a page: PNG and WAV as Base64."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

_PNG_START = b"\x89PNG\r\n\x1a\n"
_GRAY, _RGB, _PALETTE = 0, 2, 3
_HEAT_STOPS = ((0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191))
"""Colors from low to high, of rising brightness."""
MAX_SOUND_S = 10.0
"""Longest sound that is embedded, in seconds; a longer one is cut."""


def png(image: npt.NDArray[np.uint8], *, heat: bool = False) -> str:
    """Encode a picture as PNG in Base64.

    Args:
        image: uint8 ``[height, width]`` or ``[height, width, 3]``.
        heat: Show gray values as colors, from black over red to light yellow.
    """
    pixels = np.ascontiguousarray(image, np.uint8)
    height, width = pixels.shape[:2]
    kind = _RGB if pixels.ndim == 3 else _PALETTE if heat else _GRAY
    rows = np.zeros((height, pixels[0].size + 1), np.uint8)  # each row begins with its filter, none
    rows[:, 1:] = pixels.reshape(height, -1)
    palette = _chunk(b"PLTE", _heat_palette()) if kind == _PALETTE else b""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))
    content = _PNG_START + header + palette + _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)) + _chunk(b"IEND", b"")
    return base64.b64encode(content).decode("ascii")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _heat_palette() -> bytes:
    stops = np.array(_HEAT_STOPS, float)
    at = np.linspace(0, len(stops) - 1, 256)
    colors = [np.interp(at, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.stack(colors, axis=1).round().astype(np.uint8).tobytes()


def wav(samples: npt.NDArray[np.int16], sample_rate_hz: int) -> str:
    """Encode a sound as 16-bit WAV with one channel, in Base64. At most `MAX_SOUND_S` seconds of it.

    Args:
        samples: int16 ``[samples]``.
        sample_rate_hz: Sample rate in Hz.
    """
    data = np.ascontiguousarray(samples[: int(MAX_SOUND_S * sample_rate_hz)], "<i2").tobytes()
    rate = sample_rate_hz
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16)
    header = struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + struct.pack("<4sI", b"data", len(data))
    return base64.b64encode(header + data).decode("ascii")


def to_pixels(values: npt.NDArray[Any], low: float | None = None, high: float | None = None) -> npt.NDArray[np.uint8]:
    """Return values as gray values, the lowest black and the highest white.

    Args:
        values: Any shape.
        low: What is black; by default the lowest value.
        high: What is white; by default the highest value.
    """
    numbers = np.nan_to_num(np.asarray(values, np.float64), posinf=0, neginf=0)
    bottom = float(numbers.min(initial=np.inf)) if low is None else low
    top = float(numbers.max(initial=-np.inf)) if high is None else high
    scaled = (numbers - bottom) * (255.0 / max(top - bottom, 1e-12))
    return scaled.round().clip(0, 255).astype(np.uint8)
