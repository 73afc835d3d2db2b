"""Vocal tract length perturbation: formants moved, as if a larger or a smaller person spoke at the same pitch.

Jaitly and Hinton, "Vocal tract length perturbation (VTLP) improves speech recognition", ICML workshop on deep learning
for audio, speech and language processing, 2013. They warp the frequency axis of the filterbank, by the factor up to
4.8 kHz and linearly from there to the Nyquist frequency. Here the spectral envelope of the audio is warped by the same
function, so that whatever comes after hears it; the harmonics stay where they are. The envelope is known to some
150 Hz: a first formant that should move by less than that moves by half of it or more. In C, in
``mltk/native/formants.c``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.audio.augment._native import effects_for_rate
from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: Range | None) -> npt.NDArray[np.float64]:
    """[n] factors of the formants' frequencies, 1 changing nothing; the paper uses 0.9 to 1.1."""
    return uniform(rng, n, span, 1.0)


def apply(clip: npt.NDArray[np.int16], sample_rate_hz: int, factor: float) -> npt.NDArray[np.int16]:
    """int16 [samples]."""
    return effects_for_rate(sample_rate_hz).warp(clip, vtlp=factor)
