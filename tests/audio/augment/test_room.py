"""Echoes of simulated rooms."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.audio.augment import room
from mltk.audio.augment.room import Room, impulse_response
from mltk.audio.generator import ParallelAudioDataGenerator

RATE_HZ = 16000
KITCHEN = Room((4.0, 3.0, 2.5), (1.0, 1.0, 1.2), (2.7, 2.1, 1.4), 0.7)


def decay_s(response: np.ndarray) -> float:
    """Time for a decay of 60 dB, from the slope between -5 and -25 dB (Schroeder, 1965)."""
    energy = np.cumsum(response[::-1].astype(float) ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-12)
    start, stop = int(np.argmax(level < -5)), int(np.argmax(level < -25))
    return 3 * (stop - start) / RATE_HZ


def test_the_first_echoes_come_from_the_walls() -> None:
    """One wall at a time: the place of the mirror image follows from the room's size."""
    response = impulse_response(KITCHEN, RATE_HZ)
    direct_m = np.linalg.norm(np.subtract(KITCHEN.speaker, KITCHEN.microphone))
    assert response[0] == pytest.approx(1.0, abs=0.05)
    for image in ((-1.0, 1.0, 1.2), (1.0, -1.0, 1.2), (7.0, 1.0, 1.2), (1.0, 5.0, 1.2)):
        distance_m = np.linalg.norm(np.subtract(image, KITCHEN.microphone))
        delay_s = (distance_m - direct_m) / 343
        place = round(delay_s * RATE_HZ)
        expected = -0.7 * direct_m / distance_m * np.exp(-8 * delay_s)
        assert response[place] == pytest.approx(expected, abs=0.03), image


def test_walls_without_reflection_are_a_field() -> None:
    response = impulse_response(KITCHEN._replace(reflection=0.0), RATE_HZ)
    np.testing.assert_allclose(response, [1.0])


def test_harder_walls_and_larger_rooms_echo_longer() -> None:
    soft, hard = (decay_s(impulse_response(KITCHEN._replace(reflection=r), RATE_HZ)) for r in (0.5, 0.9))
    assert 0.03 < soft < 0.2 < hard < 0.8
    larger = Room((8.0, 6.0, 3.5), (2.0, 2.0, 1.5), (6.0, 4.0, 1.5), 0.7)
    assert decay_s(impulse_response(larger, RATE_HZ)) > 1.3 * decay_s(impulse_response(KITCHEN, RATE_HZ))


def test_a_clip_in_a_room() -> None:
    click = np.zeros(4000, np.float32)
    click[1000] = -0.5
    heard = room.apply(click, KITCHEN, RATE_HZ)
    assert heard.dtype == np.float32
    assert heard.shape == click.shape
    np.testing.assert_allclose(heard[:1000], 0, atol=1e-6)
    assert heard[1000] == pytest.approx(-0.5, abs=0.03)
    response = impulse_response(KITCHEN, RATE_HZ)
    n = min(len(response), 3000)
    np.testing.assert_allclose(heard[1000 : 1000 + n] / heard[1000], response[:n] / response[0], atol=1e-4)
    assert room.apply(click, None, RATE_HZ) is click
    for samples in (0, 1, 2):
        assert room.apply(np.ones(samples, np.float32), KITCHEN, RATE_HZ).shape == (samples,)
    np.testing.assert_array_equal(room.apply(np.zeros(100, np.float32), KITCHEN, RATE_HZ), np.zeros(100))


def test_rooms_are_drawn_inside_their_walls() -> None:
    rng = np.random.default_rng(1)
    drawn = [room.draw(rng) for _ in range(400)]
    rooms = [r for r in drawn if r is not None]
    assert 150 < len(rooms) < 250
    for r in rooms:
        for place in (r.speaker, r.microphone):
            assert all(0 < x < size for x, size in zip(place, r.size, strict=True))
    times = [decay_s(impulse_response(r, RATE_HZ)) for r in rooms[:60]]
    assert min(times) < 0.1
    assert max(times) > 0.3
    assert room.draw(np.random.default_rng(5)) == room.draw(np.random.default_rng(5))


def test_as_an_effect_of_the_data_generator() -> None:
    rng = np.random.default_rng(2)
    datagen = ParallelAudioDataGenerator(frontend_enabled=False)
    datagen.add_augmentation(room.apply, room.draw)
    effect = datagen.functions.effects[0]
    sound = rng.normal(0, 0.1, 16000).astype(np.float32)
    heard = [effect(sound, rng, RATE_HZ) for _ in range(20)]
    assert 5 < sum(np.array_equal(x, sound) for x in heard) < 15
    assert all(x.shape == sound.shape and np.abs(x).max() <= 1 for x in heard)
