"""Images in memory: ``flow`` as Keras has it, and datasets of a specification that are arrays."""

# mypy: disable-error-code="index"
# A loaded dataset may be of any kind.
from __future__ import annotations

import types

import numpy as np
import pytest

import mltk
from mltk.errors import DatasetError
from mltk.image.generator import ParallelImageDataGenerator

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (20, 6, 6, 3), dtype=np.uint8)
Y = np.arange(20) % 2


def test_flow_returns_the_labels_as_they_are_and_a_smaller_last_batch():
    batches = ParallelImageDataGenerator().flow(X, Y, batch_size=8, shuffle=False)
    got = list(batches)
    assert [len(x) for x, _ in got] == [8, 8, 4]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in got]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y in got]), Y)


def test_flow_without_labels_returns_images():
    assert ParallelImageDataGenerator().flow(X, batch_size=8)[0].shape == (8, 6, 6, 3)


def test_flow_shuffles_labels_weights_and_other_inputs_with_the_images():
    numbers = np.arange(20)
    x = np.broadcast_to(numbers[:, None, None, None], (20, 4, 4, 1)).astype(np.float32)
    batches = ParallelImageDataGenerator().flow((x, numbers * 2), numbers * 3, sample_weight=numbers * 4, seed=1)
    (images, others), y, weight = batches[0]
    first = images[:, 0, 0, 0]
    assert not np.array_equal(first, numbers)
    for values, factor in ((others, 2), (y, 3), (weight, 4)):
        np.testing.assert_array_equal(values, first * factor)


def test_the_first_images_are_for_validation():
    generator = ParallelImageDataGenerator(validation_split=0.25)
    x, _ = generator.flow(X, Y, subset="validation", shuffle=False)[0]
    np.testing.assert_array_equal(x, X[:5])
    assert generator.flow(X, Y, subset="training").n == 15


def test_a_split_that_separates_classes_is_an_error():
    generator = ParallelImageDataGenerator(validation_split=0.5)
    with pytest.raises(DatasetError, match=r"The first 10 samples, for validation, have 1 classes; the others have 2"):
        generator.flow(X, np.array([0] * 12 + [1] * 8), subset="training")


def test_floats_up_to_1_have_white_at_1():
    x = np.full((1, 8, 8, 1), 0.5, np.float32)
    bright = ParallelImageDataGenerator(brightness_range=(4, 4)).flow(x)[0]
    np.testing.assert_array_equal(bright, np.ones((1, 8, 8, 1)))
    salted = ParallelImageDataGenerator(noise=["s&p"]).flow(np.full((1, 64, 64, 1), 0.5, np.float32))[0]
    assert set(np.unique(salted)) == {0, 0.5, 1}


def test_images_may_have_any_number_of_channels():
    x = RNG.uniform(0, 255, (4, 8, 8, 6)).astype(np.float32)
    moved = ParallelImageDataGenerator().apply_transform(x[0], {"tx": 2})
    np.testing.assert_allclose(moved[:, :-2], x[0][:, 2:], atol=1e-2)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[..., 0], None, r"array of shape \(20, 6, 6\); images are \[samples, height, width, channels\]"),
        (X, Y[:3], r"x has 20 images, but y has the shape \(3,\)"),
        (X[:0], None, r"shape \(0, 6, 6, 3\)"),
        (np.array([["a"]]), None, "array of shape"),
    ],
)
def test_arrays_that_are_not_images_are_an_error(x, y, message):
    with pytest.raises(DatasetError, match=message):
        ParallelImageDataGenerator().flow(x, y)


def test_an_unknown_subset_is_an_error():
    with pytest.raises(DatasetError, match="subset is 'train'"):
        ParallelImageDataGenerator().flow(X, subset="train")
    with pytest.raises(DatasetError, match="validation_split is 0"):
        ParallelImageDataGenerator().flow(X, subset="validation")


# -- of a specification ------------------------------------------------------------------------------------------------


class Spec(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    pass


def spec(dataset, **settings):
    model = Spec(__file__)
    model.classes = ["no", "yes"]
    model.input_shape = (6, 6, 3)
    model.batch_size = 20
    model.dataset = dataset
    model.datagen = ParallelImageDataGenerator(rescale=1 / 255, **settings)
    return model


def module_of(result):
    module = types.ModuleType("fake")
    module.__dict__["load_data"] = lambda: result
    return module


SPLIT = ((X, Y), (X[:6], Y[:6]))


@pytest.mark.parametrize(
    "dataset",
    [SPLIT, module_of(SPLIT), lambda: SPLIT, lambda: (*SPLIT[0], *SPLIT[1])],
    ids=["tuples", "module", "function", "function of four arrays"],
)
def test_separate_test_images_are_for_validation_and_evaluation(dataset):
    model = spec(dataset)
    model.load_dataset("training")
    assert (model.x.n, model.validation_data.n) == (20, 6)
    assert model.class_counts["training"] == {"no": 10, "yes": 10}
    assert "yes : 10" in model.summarize_dataset()
    model.unload_dataset()
    assert model.x is None
    assert model.validation_data is None
    model.load_dataset("evaluation")
    x, y = model.x[0]
    np.testing.assert_allclose(x, X[:6] / np.float32(255), rtol=1e-6)
    np.testing.assert_array_equal(y, np.eye(2)[Y[:6]])


def test_one_pair_of_arrays_is_split_by_validation_split():
    model = spec((X, Y), validation_split=0.2)
    model.load_dataset("training")
    assert (model.x.n, model.validation_data.n) == (16, 4)
    model.unload_dataset()
    model.load_dataset("evaluation")
    assert model.x.n == 4


def test_evaluation_images_are_normalized_but_not_augmented():
    model = spec(SPLIT, rotation_range=90, noise=["speckle"])
    model.load_dataset("evaluation")
    np.testing.assert_allclose(model.x[0][0], X[:6] / np.float32(255), rtol=1e-6)


@pytest.mark.parametrize(
    ("labels", "class_mode", "first"),
    [
        (Y[:, None], "categorical", [0, 1]),
        (np.eye(2)[Y], "categorical", [0, 1]),
        (np.array(["no", "yes"])[Y], "categorical", [0, 1]),
        (Y, "sparse", 1),
        (Y[:, None], "binary", 1),
    ],
)
def test_labels_of_every_kind_become_those_of_the_class_mode(labels, class_mode, first):
    model = spec((X, labels))
    model.class_mode, model.shuffle = class_mode, False
    model.load_dataset("training")
    np.testing.assert_array_equal(model.x[0][1][1], first)
    assert model.class_counts["training"] == {"no": 10, "yes": 10}


def test_labels_out_of_range_are_an_error():
    with pytest.raises(DatasetError, match=r"10 labels are out of range, for example 2; there are 2 classes"):
        spec((X, Y * 2)).load_dataset("training")


def test_a_wrong_number_of_channels_is_an_error():
    with pytest.raises(DatasetError, match=r"images of the dataset have 1 channels; input_shape has 3"):
        spec((X[..., :1], Y)).load_dataset("training")


def test_a_dry_run_takes_some_images_of_each_class():
    model = spec((np.repeat(X, 3, 0), np.repeat(Y, 3)))
    model.load_dataset("training", test=True)
    assert model.class_counts["training"] == {"no": 10, "yes": 10}


def test_class_mode_input_makes_the_images_the_labels():
    model = spec((X, Y))
    model.class_mode = "input"
    model.load_dataset("training")
    x, y = model.x[0]
    np.testing.assert_array_equal(x, y)


def test_sample_weights_of_the_specification_stay():
    model = spec((X, Y))
    model.sample_weight = np.arange(20)
    model.shuffle = False
    for _ in range(2):
        model.load_dataset("training")
        np.testing.assert_array_equal(model.x[0][2], np.arange(20))
        model.unload_dataset()
    np.testing.assert_array_equal(model.sample_weight, np.arange(20))


class BySubset(mltk.MltkDataset):
    """Returns 20 images for training, and 6 others for evaluation."""

    def load_dataset(self, subset, test=False, **kwargs):
        return SPLIT[0] if subset == "training" else SPLIT[1]


def by_subset(subset):
    return SPLIT[0] if subset == "training" else SPLIT[1]


@pytest.mark.parametrize("dataset", [BySubset(), by_subset], ids=["MltkDataset", "function"])
def test_samples_of_a_subset_are_not_split_again(dataset):
    model = spec(dataset, validation_split=0.25)
    model.load_dataset("training")
    assert (model.x.n, model.validation_data.n) == (15, 5)
    model.unload_dataset()
    model.load_dataset("evaluation")
    assert model.x.n == 6
