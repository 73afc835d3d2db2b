"""From the settings of a dataset to the arguments of ``keras.Model.fit``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from mltk.errors import DatasetError, SettingError
from mltk.training.inputs import RepeatablePyDataset, class_weights, fit_inputs

pytestmark = pytest.mark.tf


@dataclass
class Settings:
    """The settings that decide what to train with."""

    x: Any = None
    y: Any = None
    sample_weight: Any = None
    validation_data: Any = None
    name: str = "toy"
    classes: list[str] = field(default_factory=lambda: ["red", "green", "blue"])
    class_weights: Any = None
    class_counts: dict[str, dict[Any, int]] = field(default_factory=dict)
    batch_size: int = 4
    shuffle: bool = True
    steps_per_epoch: int | None = None
    validation_split: float = 0.0
    validation_steps: int | None = None
    validation_batch_size: int | None = None
    validation_freq: int = 1

    @property
    def n_classes(self) -> int:
        return len(self.classes)


def numbers(n: int = 10) -> dict[str, Any]:
    """Samples ``[n, 1]`` that are their own labels ``[n]``."""
    return {"x": np.arange(n, dtype=np.float32)[:, None], "y": np.arange(n) % 3}


def first_samples(inputs: dict[str, Any], batches: int) -> list[float]:
    """The samples of the first batches that ``fit`` would see."""
    stream = inputs["x"]
    found = list(stream.take(batches)) if hasattr(stream, "take") else [next(stream) for _ in range(batches)]
    return [float(v) for batch in found for v in np.asarray(batch[0]).ravel()]


class Batches:
    """Three batches of two samples, without any base class; counts the epochs that ended."""

    def __init__(self, workers: int = 1) -> None:
        self.ends = 0
        self.workers = workers

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return np.full((2, 1), index, np.float32), np.random.random(2)

    def on_epoch_end(self) -> None:
        self.ends += 1


# -- arrays ----------------------------------------------------------------------------------------------------


def test_an_epoch_of_arrays_has_each_sample_once() -> None:
    inputs = fit_inputs(Settings(**numbers()), seed=1, first_epoch=0)
    assert inputs["steps_per_epoch"] == 3
    assert sorted(first_samples(inputs, 3)) == list(range(10))


def test_the_order_depends_on_the_seed() -> None:
    orders = [first_samples(fit_inputs(Settings(**numbers()), seed=s, first_epoch=0), 3) for s in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert first_samples(fit_inputs(Settings(**numbers(), shuffle=False), seed=1, first_epoch=0), 3) == list(range(10))


def test_a_later_epoch_begins_where_the_earlier_ones_end() -> None:
    whole = first_samples(fit_inputs(Settings(**numbers()), seed=1, first_epoch=0), 9)
    assert first_samples(fit_inputs(Settings(**numbers()), seed=1, first_epoch=2), 3) == whole[20:]


def test_steps_that_do_not_divide_the_samples_go_on_in_the_next_pass() -> None:
    settings = Settings(**numbers(), shuffle=False, steps_per_epoch=2)
    assert first_samples(fit_inputs(settings, seed=1, first_epoch=1), 2) == [8, 9, 0, 1, 2, 3]


def test_sample_weights_are_the_third_part_of_a_batch() -> None:
    inputs = fit_inputs(Settings(**numbers(), sample_weight=np.arange(10) / 10, shuffle=False), seed=1, first_epoch=0)
    batch = next(iter(inputs["x"]))
    np.testing.assert_allclose(batch[2], [0, 0.1, 0.2, 0.3])


def test_the_split_also_splits_the_weights() -> None:
    settings = Settings(**numbers(), sample_weight=np.arange(10) / 10, validation_split=0.2, shuffle=False)
    inputs = fit_inputs(settings, seed=1, first_epoch=0)
    assert inputs["steps_per_epoch"] == 2
    x, y, weight = next(iter(inputs["validation_data"]))
    np.testing.assert_array_equal(x, [[8], [9]])
    np.testing.assert_array_equal(y, [2, 0])
    np.testing.assert_allclose(weight, [0.8, 0.9])


def test_given_validation_data_comes_before_the_split() -> None:
    data = (np.full((2, 1), 7.0, np.float32), np.zeros(2))
    inputs = fit_inputs(Settings(**numbers(), validation_data=data, validation_split=0.2), seed=1, first_epoch=0)
    np.testing.assert_array_equal(next(iter(inputs["validation_data"]))[0], data[0])


def test_without_validation_data_the_frequency_does_not_matter() -> None:
    assert fit_inputs(Settings(**numbers(), validation_freq=3), seed=1, first_epoch=0)["validation_freq"] == 1
    settings = Settings(**numbers(), validation_freq=3, validation_split=0.5)
    assert fit_inputs(settings, seed=1, first_epoch=0)["validation_freq"] == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "toy has no training data"),
        ({"x": np.zeros((3, 1))}, "toy has samples, but no labels"),
        ({"x": np.zeros((3, 1)), "y": np.zeros(2)}, "There are 3 samples, but 2 labels"),
        ({"x": np.zeros((0, 1)), "y": np.zeros(0)}, "The training dataset of toy is empty"),
        ({"x": 3.5}, "Cannot train with an object of type float"),
        ({"x": iter([])}, "the length of an epoch is unknown"),
        ({"x": iter([]), "steps_per_epoch": 2}, "The training generator of toy is empty"),
        ({**numbers(), "validation_split": 0.95}, "the dataset has 10 samples"),
        ({**numbers(), "validation_data": (np.zeros((0, 1)), np.zeros(0))}, "The validation data is empty"),
    ],
)
def test_data_that_cannot_be_trained_with(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        fit_inputs(Settings(**settings), seed=1, first_epoch=0)


# -- tf.data and generators ------------------------------------------------------------------------------------


def test_a_tf_dataset_is_one_long_stream() -> None:
    data = tf.data.Dataset.from_tensor_slices(tuple(numbers(6).values())).batch(2)
    inputs = fit_inputs(Settings(x=data), seed=1, first_epoch=0)
    assert inputs["steps_per_epoch"] == 3
    assert first_samples(inputs, 5) == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    inputs = fit_inputs(Settings(x=data, steps_per_epoch=2), seed=1, first_epoch=1)
    assert first_samples(inputs, 2) == [4, 5, 0, 1]


def test_an_endless_tf_dataset_needs_steps() -> None:
    data = tf.data.Dataset.from_tensor_slices(tuple(numbers(6).values())).batch(2).repeat()
    with pytest.raises(DatasetError, match="repeats without end"):
        fit_inputs(Settings(x=data), seed=1, first_epoch=0)
    assert first_samples(fit_inputs(Settings(x=data, steps_per_epoch=2), seed=1, first_epoch=1), 1) == [4, 5]


def test_a_generator_is_advanced_over_the_finished_epochs() -> None:
    def batches() -> Any:
        for i in range(9):
            yield [np.full((1, 1), i), np.zeros(1)]

    inputs = fit_inputs(Settings(x=batches, steps_per_epoch=2), seed=1, first_epoch=3)
    batch = next(inputs["x"])
    assert isinstance(batch, tuple), "Keras takes lists for several inputs"
    assert batch[0][0, 0] == 6


# -- PyDataset ---------------------------------------------------------------------------------------------------


def order(data: RepeatablePyDataset) -> list[int]:
    return [int(data[i][0][0, 0]) for i in range(len(data))]


def epochs(data: RepeatablePyDataset, n: int) -> list[list[int]]:
    """The orders of ``n`` epochs, as Keras goes through them."""
    data.on_epoch_end()  # Keras calls it once before the first epoch
    found = []
    for _ in range(n):
        found.append(order(data))
        data.on_epoch_end()
    return found


def test_a_py_dataset_resumes_in_the_same_order() -> None:
    straight = epochs(RepeatablePyDataset(Batches(), True, 5, 0), 4)
    assert all(sorted(o) == [0, 1, 2] for o in straight)
    assert len({tuple(o) for o in straight}) > 1
    inner = Batches()
    assert epochs(RepeatablePyDataset(inner, True, 5, 2), 2) == straight[2:]
    assert inner.ends == 4, "the ends of the finished epochs count"


def test_a_py_dataset_with_steps_continues_in_order() -> None:
    assert epochs(RepeatablePyDataset(Batches(), False, 5, 0, steps=2), 3) == [[0, 1], [2, 0], [1, 2]]
    assert epochs(RepeatablePyDataset(Batches(), False, 5, 0, steps=4), 2) == [[0, 1, 2, 0], [1, 2, 0, 1]]


def test_what_a_batch_draws_depends_on_epoch_and_index() -> None:
    data = RepeatablePyDataset(Batches(), False, 5, 0)
    first = [data[i][1] for i in (0, 1, 0)]
    np.testing.assert_array_equal(first[0], first[2])
    assert not np.array_equal(first[0], first[1])


def test_several_workers_are_not_seeded() -> None:
    data = RepeatablePyDataset(Batches(workers=2), False, 5, 0)
    assert not np.array_equal(data[0][1], data[0][1])


def test_an_empty_py_dataset_is_an_error() -> None:
    class Empty(Batches):
        def __len__(self) -> int:
            return 0

    with pytest.raises(DatasetError, match="The training dataset of toy is empty"):
        fit_inputs(Settings(x=Empty()), seed=1, first_epoch=0)


# -- class weights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, None),
        ({}, None),
        ([1, 2, 3], {0: 1.0, 1: 2.0, 2: 3.0}),
        ({"green": 2, 2: 0.5}, {1: 2.0, 2: 0.5}),
        ("balanced", {0: 8 / 12, 1: 8 / 6, 2: 8 / 6}),
    ],
)
def test_class_weights(given: Any, expected: dict[int, float] | None) -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 2, 2])
    assert class_weights(Settings(class_weights=given), labels) == expected


def test_balanced_weights_of_one_hot_labels_and_of_counts() -> None:
    labels = np.eye(3)[[0, 0, 1, 2]]
    expected = {0: 4 / 6, 1: 4 / 3, 2: 4 / 3}
    assert class_weights(Settings(class_weights="balanced"), labels) == expected
    counts = {"training": {"red": 2, "green": 1, "blue": 1}}
    assert class_weights(Settings(class_weights="balanced", class_counts=counts), None) == expected


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        ({"gren": 1}, "there is no class 'gren'", "'green'"),
        ("even", "'even' is unknown", "'balanced'"),
        ("balanced", "the number of samples of each class", "class_counts"),
    ],
)
def test_class_weights_that_cannot_be_used(given: Any, message: str, hint: str) -> None:
    with pytest.raises(SettingError, match=message) as e:
        class_weights(Settings(class_weights=given), None)
    assert hint in (e.value.hint or "")
