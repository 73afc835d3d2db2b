"""Vocal tract length perturbation: moves the formants, as if a larger or smaller person spoke at the same pitch.

Jaitly and Hinton, "Vocal tract length perturbation (VTLP) improves speech recognition", ICML workshop on deep learning
for audio, speech and language processing, 2013. They warp the frequency axis of the filterbank: by the factor up to
4.8 kHz, and linearly from there to the Nyquist frequency. Here the same function warps the spectral envelope of the
audio, so that everything after this effect sees it; the harmonics stay where they are.

The resolution of the envelope is about 150 Hz. A first formant that should move by less than that moves by half of it
or more. The C code is in ``mltk/native/formants.c``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.audio.augment._native import effects_for_rate
from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: Range | None) -> npt.NDArray[np.float64]:
    """Draw factors of the formants' frequencies.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        span: Range of the factors; the paper uses (0.9, 1.1). None turns the effect off.

    Returns:
        [n] factors; 1 changes nothing.
    """
    return uniform(rng, n, span, 1.0)


def apply(clip: npt.NDArray[np.int16], sample_rate_hz: int, factor: float) -> npt.NDArray[np.int16]:
    """Move the formants of a clip.

    Args:
        clip: int16 [samples].
        sample_rate_hz: Sample rate of the clip in Hz.
        factor: Factor of the formants' frequencies.

    Returns:
        int16 [samples].
    """
    return effects_for_rate(sample_rate_hz).warp(clip, vtlp=factor)
