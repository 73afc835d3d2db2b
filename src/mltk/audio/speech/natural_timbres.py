"""Speakers drawn by number, for a synthesizer that computes spectra: one natural voice becomes many people.

Between people, the length of the vocal tract and the pitch differ most. Then come the strength of the formants, the
breath in the voice, and how lively a person speaks. All of these can be changed where a voice is still a spectrum of
its harmonics, a spectrum of its noise, and a pitch. The sounds and the movements between them stay those of the natural
voice. The ranges are those of adults and children in Peterson and Barney, "Control methods used in a study of the
vowels", JASA 24, 1952.
"""

from __future__ import annotations

import functools
import random
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.audio.speech.accents import FOREIGN_LANGUAGES
from mltk.audio.speech.timbres import PREFIX

Floats = npt.NDArray[np.float32]
VOICED_HZ = 40.0  # a lower pitch means that the frame has no voice
PITCHES_HZ = (55.0, 480.0)
SMOOTHING_HZ = 60.0
FORMANT_WIDTH_HZ = 500.0
_KNOTS_HZ = (0.0, 500.0, 1000.0, 1600.0, 2400.0, 3500.0, 5000.0, 8000.0, 12000.0)
_SMALLEST = 1e-9  # power of silence


@dataclass(frozen=True)
class Spectra:
    """A voice before it becomes a waveform; every array has one column for each frame.

    Attributes:
        harmonics: Logarithm of the magnitude of the voice's harmonics, float32 ``[bins, frames]``.
        rotation: Phase of the harmonics, in units of the network, float32 ``[bins, frames]``.
        noise: Logarithm of the magnitude of the noise, float32 ``[bins, frames]``.
        pitch_hz: Pitch in Hz, float32 ``[frames]``; below ``VOICED_HZ`` there is no voice.
    """

    harmonics: Floats
    rotation: Floats
    noise: Floats
    pitch_hz: Floats


@dataclass(frozen=True)
class Person:
    """What makes one speaker differ from another.

    Attributes:
        pitch_hz: Median pitch in Hz.
        tract: Factor of all formants' frequencies relative to the natural voice.
        formants: Further factor of the frequencies at each of ``_KNOTS_HZ``.
        gains_db: Gain at each of ``_KNOTS_HZ`` in dB.
        sharpness: Factor of the formants' strength in dB.
        breath_db: Gain of the noise in voiced sounds in dB.
        hiss_db: Gain of the sounds without voice in dB.
        liveliness: Factor of the movements of the pitch.
        jitter: Standard deviation of the pitch from frame to frame, as a share of the pitch.
        language: The speaker's own language, as a tag of eSpeak NG.
    """

    pitch_hz: float
    tract: float
    formants: tuple[float, ...]
    gains_db: tuple[float, ...]
    sharpness: float
    breath_db: float
    hiss_db: float
    liveliness: float
    jitter: float
    language: str


@functools.lru_cache(maxsize=4096)
def person(number: int) -> Person:
    """Draw a speaker; the same number always returns the same speaker."""
    draw = random.Random(f"natural {PREFIX}{number}")
    kind = draw.choices(("woman", "man", "child"), (0.42, 0.48, 0.10))[0]
    pitch, tract = {"woman": (205.0, 1.0), "man": (118.0, 0.86), "child": (270.0, 1.17)}[kind]
    tilt_db = draw.gauss(0, 1.5)  # for each octave above 1 kHz
    octaves = [np.log2(max(hz, 125.0) / 1000) for hz in _KNOTS_HZ]
    return Person(
        pitch_hz=float(np.clip(pitch * 2 ** draw.gauss(0, 0.22), 75, 380)),
        tract=tract * 2 ** draw.gauss(0, 0.07),
        formants=tuple(2 ** draw.gauss(0, 0.05) for _ in _KNOTS_HZ),
        gains_db=tuple(float(tilt_db * octave + draw.gauss(0, 2.5)) for octave in octaves),
        sharpness=draw.uniform(0.7, 1.25),
        breath_db=draw.choice((-20.0, -10.0, -6.0, 0.0, 3.0, 6.0)),
        hiss_db=draw.uniform(-10, 5),
        liveliness=draw.uniform(0.2, 1.5),
        jitter=draw.choice((0.0, 0.005, 0.01, 0.02, 0.04)),
        language="en-us" if draw.random() < 0.7 else draw.choice(FOREIGN_LANGUAGES),
    )


def spoken_by(
    who: Person, spectra: Spectra, sample_rate_hz: int, seed: str, *, pitch: float = 1.0, liveliness: float = 1.0
) -> Spectra:
    """Change who speaks.

    Args:
        who: The speaker.
        spectra: The natural voice.
        sample_rate_hz: Sample rate of the voice in Hz; the last bin is half of it.
        seed: Seed of what differs between utterances: rhythm and intonation.
        pitch: Further factor of the pitch.
        liveliness: Further factor of the movements of the pitch.

    Returns:
        Spectra of the same shape.
    """
    rng = np.random.default_rng(list(seed.encode()))
    spectra = _with_rhythm(spectra, rng)
    n_bins = len(spectra.harmonics)
    move = _warp(who, n_bins, sample_rate_hz)
    narrow, wide = (
        _smoothing(n_bins, sample_rate_hz, SMOOTHING_HZ),
        _smoothing(n_bins, sample_rate_hz, FORMANT_WIDTH_HZ),
    )
    voiced = spectra.pitch_hz > VOICED_HZ
    noise_gain = np.where(voiced, 10 ** (who.breath_db / 10), 10 ** (who.hiss_db / 10)).astype(np.float32)
    harmonics = _log(move.apply(narrow @ _power(spectra.harmonics)))
    smooth = wide @ harmonics
    harmonics = (smooth + np.float32(who.sharpness) * (harmonics - smooth)).astype(np.float32, copy=False)
    return Spectra(
        harmonics=harmonics + move.gains,
        rotation=spectra.rotation[move.nearest],
        noise=_log(move.apply(narrow @ (_power(spectra.noise) * noise_gain))) + move.gains,
        pitch_hz=_pitches(who, spectra.pitch_hz, rng, pitch, liveliness),
    )


def _power(logarithm: Floats) -> Floats:
    return np.exp(2 * np.clip(logarithm, -10, 7), dtype=np.float32)


def _log(power: Floats) -> Floats:
    return (0.5 * np.log(np.maximum(power, _SMALLEST))).astype(np.float32)


class _Move(NamedTuple):
    """Moves a spectrum along the frequency: where each bin comes from."""

    low: npt.NDArray[np.intp]
    """``[bins]``: the bin below the place."""
    share: Floats
    """``[bins, 1]``: share of the bin above the place."""
    gains: Floats
    """``[bins, 1]``: gain of each bin, as a logarithm of the amplitude."""

    @property
    def nearest(self) -> npt.NDArray[np.intp]:
        return self.low + (self.share[:, 0] > 0.5)

    def apply(self, power: Floats) -> Floats:
        return power[self.low] * (1 - self.share) + power[self.low + 1] * self.share


@functools.lru_cache(maxsize=1024)
def _warp(who: Person, n_bins: int, sample_rate_hz: int) -> _Move:
    """Return what moves the formants of a person."""
    hz = np.linspace(0, sample_rate_hz / 2, n_bins)
    source = hz / (who.tract * np.interp(hz, _KNOTS_HZ, who.formants))
    place = np.minimum(np.maximum.accumulate(source) / hz[1], n_bins - 1)
    low = np.minimum(place.astype(np.intp), n_bins - 2)
    gains = np.interp(hz, _KNOTS_HZ, who.gains_db) * np.log(10) / 20
    return _Move(low, (place - low).astype(np.float32)[:, None], gains.astype(np.float32)[:, None])


@functools.lru_cache(maxsize=4)
def _smoothing(n_bins: int, sample_rate_hz: int, width_hz: float) -> Floats:
    """Return a matrix ``[bins, bins]`` whose rows are bell curves; each sums to 1."""
    hz = np.linspace(0, sample_rate_hz / 2, n_bins)
    bells = np.exp(-0.5 * ((hz - hz[:, None]) / width_hz) ** 2)
    smoothing: Floats = (bells / bells.sum(axis=1, keepdims=True)).astype(np.float32)
    return smoothing


def _with_rhythm(spectra: Spectra, rng: np.random.Generator) -> Spectra:
    """Say some parts of the utterance slower and others faster."""
    n = len(spectra.pitch_hz)
    if n < 2:
        return spectra
    steps = np.interp(np.linspace(0, 4, n), np.arange(5), 2 ** rng.normal(0, 0.3, 5))
    at = np.concatenate([[0.0], np.cumsum(steps[1:])])
    at *= (n - 1) / at[-1]
    low = np.minimum(at.astype(np.intp), n - 2)
    share = (at - low).astype(np.float32)

    def between(frames: Floats) -> Floats:
        return frames[..., low] * (1 - share) + frames[..., low + 1] * share

    nearest = np.rint(at).astype(np.intp)
    return Spectra(
        between(spectra.harmonics), spectra.rotation[:, nearest], between(spectra.noise), spectra.pitch_hz[nearest]
    )


def _pitches(who: Person, hz: Floats, rng: np.random.Generator, pitch: float, liveliness: float) -> Floats:
    """Move the pitch to the speaker's, with another melody."""
    voiced = hz > VOICED_HZ
    if not voiced.any():
        return hz
    melody = np.zeros(len(hz))
    melody[voiced] = np.log2(hz[voiced] / np.median(hz[voiced]))
    slope = rng.choice((-0.4, -0.15, 0.0, 0.15, 0.5)) * np.linspace(-0.5, 0.5, len(hz))
    octaves = who.liveliness * liveliness * melody + slope + np.log2(1 + who.jitter * rng.uniform(-1.7, 1.7, len(hz)))
    moved = np.clip(who.pitch_hz * pitch * 2**octaves, *PITCHES_HZ)
    return np.where(voiced, moved, 0).astype(np.float32)
