"""Background noise: a recording that starts again at its end."""

from __future__ import annotations

import numpy as np

from mltk.audio.augment import background_noise


def test_background_noise_starts_over_at_its_end() -> None:
    mixed = background_noise.apply(np.zeros(7, np.int16), np.array([10, 20, 30], np.int16), 0.5, 2 / 3)
    assert mixed.tolist() == [15, 5, 10, 15, 5, 10, 15]
