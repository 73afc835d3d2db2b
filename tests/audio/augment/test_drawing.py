"""What the effects draw depends on the generator alone."""

from __future__ import annotations

import numpy as np

from mltk.audio.augment import loudness, offset, pitch, speed, vtlp


def test_drawing_is_fixed_by_the_generator_and_stays_in_range() -> None:
    def draw():
        rng = np.random.default_rng(3)
        return speed.draw(rng, 50, (0.8, 1.2)), pitch.draw(rng, 50, (-2, 3)), vtlp.draw(rng, 50, None)

    speeds, semitones, lengths = draw()
    assert all(np.array_equal(a, b) for a, b in zip(draw(), (speeds, semitones, lengths), strict=True))
    assert speeds.min() >= 0.8
    assert speeds.max() <= 1.2
    assert set(semitones) == {-2, -1, 0, 1, 2, 3}
    assert (lengths == 1).all()


def test_turning_an_effect_off_leaves_what_the_others_draw() -> None:
    def places(loud):
        rng = np.random.default_rng(3)
        loudness.draw(rng, 5, loud)
        return offset.draw(rng, 5, (0.0, 1.0))

    assert np.array_equal(places(None), places((0.5, 1.0)))
