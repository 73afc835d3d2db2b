"""Windows of recordings: none is lost, none is in two parts, and turning sensors keeps lengths and angles."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.data.time_series import Windows, cut_recordings, cut_windows, decimate, turn_sensors
from mltk.errors import DatasetError


def test_windows_begin_every_step_and_are_copies() -> None:
    samples = np.arange(20).reshape(10, 2)
    windows = cut_windows(samples, 4, 3)
    assert windows.tolist() == [samples[i : i + 4].tolist() for i in (0, 3, 6)]
    windows[0] = -1
    assert samples.min() == 0
    assert cut_windows(samples, 5).shape == (2, 5, 2)
    assert cut_windows(samples, 11).shape == (0, 11, 2)
    assert cut_windows(np.arange(6, dtype=np.int16), 3).dtype == np.int16


@pytest.mark.parametrize(("length", "step"), [(0, 1), (3, 0), (-1, None)])
def test_a_window_of_nothing_is_an_error(length: int, step: int | None) -> None:
    with pytest.raises(DatasetError, match="length of a window is"):
        cut_windows(np.zeros(10), length, step)


def test_decimation_is_the_mean() -> None:
    assert decimate(np.array([[0.0, 1], [2, 3], [4, 5], [9, 9], [100, 100]]), 2).tolist() == [[1, 2], [6.5, 7]]
    with pytest.raises(DatasetError, match="factor is 0"):
        decimate(np.zeros(4), 0)


def test_each_window_has_the_label_and_group_of_its_recording() -> None:
    recordings = [np.full((n, 3), i) for i, n in enumerate((10, 3, 7))]
    windows = cut_recordings(recordings, ["a", "b", "c"], groups=[7, 8, 7], length=5, step=2)
    assert windows.x[:, 0, 0].tolist() == [0, 0, 0, 2, 2]
    assert windows.y.tolist() == ["a"] * 3 + ["c"] * 2
    assert windows.groups.tolist() == [7] * 5
    assert len(windows.of_labels(["c", "x"])) == 2
    assert cut_recordings(recordings, [0, 1, 2], length=3).groups.tolist() == [0, 0, 0, 1, 2, 2]


@pytest.mark.parametrize(
    ("recordings", "labels", "words"),
    [
        ([np.zeros((9, 3))], [1, 2], "1 recordings, 2 labels and 1 groups"),
        ([np.zeros((9, 3)), np.zeros((9, 6))], [1, 2], r"different numbers of channels: \(3,\), \(6,\)"),
        (
            [np.zeros((9, 3)), np.zeros((4, 3))],
            [1, 2],
            "No recording has 10 samples; the longest of 2 recordings has 9",
        ),
        ([], [], "the longest of 0 recordings has 0"),
    ],
)
def test_recordings_that_do_not_fit_are_named(recordings: list[np.ndarray], labels: list[int], words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        cut_recordings(recordings, labels, length=10)


def people(n: int, each: int = 10) -> Windows:
    return Windows(np.arange(n * each), np.zeros(n * each), np.repeat(np.arange(n), each))


def test_no_group_is_in_two_parts() -> None:
    training, held_out = people(20).hold_out(0.2)
    assert len(training) + len(held_out) == 200
    assert not set(training.groups) & set(held_out.groups)
    assert len(held_out) == 40
    again, _ = people(20).hold_out(0.2)
    assert again.x.tolist() == training.x.tolist()
    with pytest.raises(DatasetError, match="All windows are of one group"):
        people(1).hold_out(0.2)


def test_a_group_that_does_not_exist_is_an_error() -> None:
    assert people(3).of_groups([2, 0]).x.tolist() == [*range(10), *range(20, 30)]
    with pytest.raises(DatasetError, match="no windows of the group 3") as e:
        people(3).of_groups([1, 3])
    assert e.value.hint == "The groups are 0, 1, 2."


def test_turned_sensors_keep_lengths_and_angles() -> None:
    x = np.random.default_rng(0).normal(size=(50, 8, 6)).astype(np.float32)
    turned = turn_sensors(x, np.random.default_rng(1), degrees=40)
    assert turned.dtype == np.float32
    for part in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(
            np.linalg.norm(turned[..., part], axis=-1), np.linalg.norm(x[..., part], axis=-1), rtol=1e-5
        )
    between = (turned[..., :3] * turned[..., 3:]).sum(-1)
    np.testing.assert_allclose(between, (x[..., :3] * x[..., 3:]).sum(-1), atol=1e-4)
    cosine = (turned[..., :3] * x[..., :3]).sum(-1) / (x[..., :3] ** 2).sum(-1)
    assert cosine.min() > np.cos(np.deg2rad(40.01))
    assert cosine.mean() < 0.99
    np.testing.assert_allclose(turn_sensors(x, np.random.default_rng(1), degrees=0), x, atol=1e-6)
    with pytest.raises(DatasetError, match="have 4 axes"):
        turn_sensors(x[..., :4], np.random.default_rng(1), degrees=10)
