"""Made-up sounds and what can be measured of them, for the tests of effects."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.audio_folder import RATE, tone
from mltk.audio.files import to_int16

TONE = to_int16(tone(440, 1.0))
"""int16 [1 s] of 440 Hz at :data:`RATE`."""


def frequency(clip: npt.NDArray[Any], rate: int = RATE) -> float:
    """Return the frequency of the strongest component in Hz."""
    spectrum = np.abs(np.fft.rfft(clip * np.hanning(len(clip)), 1 << 17))
    return float(spectrum.argmax() * rate / (1 << 17))


def level(clip: npt.NDArray[Any]) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(clip.astype(np.float64)))))


def vowel(pitch_hz: float | None, formants: tuple[float, ...]) -> npt.NDArray[np.int16]:
    """Return int16 [1 s]: pulses through resonances; noise in place of pulses if there is no pitch, as in a whisper."""
    if pitch_hz is None:
        clip = np.random.default_rng(0).normal(size=RATE)
    else:
        clip = np.diff(np.floor(pitch_hz / RATE * np.arange(RATE)), prepend=0)
    for formant in formants:
        radius = np.exp(-np.pi * 100 / RATE)
        a1, a2 = -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2
        out = np.zeros(RATE + 2)
        for i, x in enumerate(clip):
            out[i] = x - a1 * out[i - 1] - a2 * out[i - 2]
        clip = out[:RATE]
    return to_int16(0.4 * clip / np.abs(clip).max())
