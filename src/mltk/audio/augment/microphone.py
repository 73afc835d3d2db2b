"""Microphones: a clip as another microphone, loudspeaker or telephone line would pass it on.

A microphone in a case has a frequency response with slopes and humps, and does not hear the lowest and the highest
frequencies. A telephone line passes 300 to 3400 Hz (ITU-T G.712). For the data generator::

    my_model.datagen.add_augmentation(microphone.apply, microphone.draw)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

KNOTS_HZ = (62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
TELEPHONE_HZ = (300.0, 3400.0)
_SLOPE_DB = 12.0  # for each octave outside of the band
_LOWEST_DB = -60.0


class Microphone(NamedTuple):
    """How a microphone changes a sound.

    Attributes:
        band_hz: Lowest and highest frequency that pass.
        gains_db: Gain at each of :data:`KNOTS_HZ` in dB; linear in between, over octaves.
    """

    band_hz: tuple[float, float]
    gains_db: tuple[float, ...]


def draw(rng: np.random.Generator) -> Microphone | None:
    """Draw a microphone: a quarter is perfect, an eighth is a telephone.

    Args:
        rng: Generator to draw from.

    Returns:
        The microphone; None changes nothing.
    """
    kind = rng.random()
    if kind < 0.25:
        return None
    band = TELEPHONE_HZ if kind < 0.375 else (float(rng.uniform(20, 250)), float(rng.uniform(3500, 12000)))
    tilt = rng.normal(0, 1.5) * (np.arange(len(KNOTS_HZ)) - 4)
    return Microphone(band, tuple(float(gain) for gain in tilt + rng.normal(0, 2.5, len(KNOTS_HZ))))


def response(microphone: Microphone, frequencies_hz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the factor of the amplitude at each frequency.

    Args:
        microphone: The microphone.
        frequencies_hz: [n] frequencies in Hz.

    Returns:
        [n] factors.
    """
    hz = np.maximum(frequencies_hz, 1.0)
    low, high = microphone.band_hz
    octaves_outside = np.maximum(0, np.log2(low / hz)) + np.maximum(0, np.log2(hz / high))
    gains_db = np.interp(np.log2(hz), np.log2(KNOTS_HZ), microphone.gains_db) - _SLOPE_DB * octaves_outside
    return 10 ** (np.maximum(gains_db, _LOWEST_DB) / 20)


def apply(clip: npt.NDArray[np.float32], microphone: Microphone | None, sample_rate_hz: int) -> npt.NDArray[np.float32]:
    """Pass a clip through a microphone. The loudest sample stays as loud as it was.

    Args:
        clip: float ``[samples]``.
        microphone: The microphone; None changes nothing.
        sample_rate_hz: Sample rate of the clip in Hz.

    Returns:
        float32 ``[samples]``.
    """
    clip = np.asarray(clip, np.float32)
    if microphone is None or not len(clip):
        return clip
    n = 1 << (2 * len(clip) - 1).bit_length()  # twice as long, so that the end does not come back at the beginning
    factors = response(microphone, np.asarray(np.fft.rfftfreq(n, 1 / sample_rate_hz), np.float64))
    heard = np.fft.irfft(np.fft.rfft(clip, n) * factors, n)[: len(clip)]
    peak = float(np.abs(heard).max())
    return (heard * (float(np.abs(clip).max()) / peak if peak else 1.0)).astype(np.float32)
