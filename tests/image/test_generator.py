"""Batches of images from folders, with the parameters and the order of MLTK 0.20."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.image_folder import image_folder
from mltk.errors import DatasetError, SettingError
from mltk.image.generator import ParallelImageDataGenerator

ALL: dict[str, Any] = dict(
    rotation_range=20,
    width_shift_range=0.1,
    height_shift_range=2,
    shear_range=10,
    zoom_range=0.2,
    horizontal_flip=True,
    vertical_flip=True,
    brightness_range=(0.7, 1.3),
    contrast_range=(0.7, 1.3),
    channel_shift_range=20,
    noise=["gauss", "poisson", "s&p", "speckle"],
)


@pytest.fixture
def folder(tmp_path):
    return image_folder(tmp_path / "images")


def test_a_folder_becomes_batches_of_resized_images_with_one_hot_labels(folder):
    counts = {}
    batches = ParallelImageDataGenerator(rescale=1 / 255).flow_from_directory(
        folder, target_size=(8, 9), classes=["b", "a"], batch_size=5, shuffle=False, class_counts=counts
    )
    x, y = batches[0]
    assert x.shape == (5, 8, 9, 3)
    assert x.dtype == np.float32
    np.testing.assert_allclose(x[1, 0, 0], np.array([65, 100, 10]) / 255, atol=1e-6)
    np.testing.assert_array_equal(y, [[1, 0]] * 5)
    assert batches.class_indices == {"b": 0, "a": 1}
    assert counts == {"b": 6, "a": 6}
    assert [len(batches[i][0]) for i in range(len(batches))] == [5, 5, 2]


def test_the_validation_part_is_the_first_share_of_each_class(folder):
    generator = ParallelImageDataGenerator(validation_split=0.5)
    flow = {s: generator.flow_from_directory(folder, subset=s, shuffle=False) for s in ("training", "validation")}
    assert flow["validation"].filenames == ["a/0.png", "a/1.png", "a/2.png", "b/0.png", "b/1.png", "b/2.png"]
    assert flow["training"].filenames == ["a/3.png", "a/4.png", "a/5.png", "b/3.png", "b/4.png", "b/5.png"]


@pytest.mark.parametrize(("color_mode", "channels"), [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
def test_color_modes_decide_the_number_of_channels(folder, color_mode, channels):
    x, _ = ParallelImageDataGenerator().flow_from_directory(folder, (8, 8), color_mode, shuffle=False)[0]
    assert x.shape[-1] == channels
    first = {1: [round(100 * 0.587)], 3: [0, 100, 0], 4: [0, 100, 0, 255]}[channels]
    np.testing.assert_array_equal(x[0, 0, 0], first)


@pytest.mark.parametrize("mode", ["sparse", "binary"])
def test_other_class_modes_return_class_indices(folder, mode):
    _, y = ParallelImageDataGenerator().flow_from_directory(folder, (8, 8), class_mode=mode, shuffle=False)[0]
    np.testing.assert_array_equal(y, [0] * 6 + [1] * 6)


def test_class_mode_input_returns_the_images_as_labels(folder):
    x, y = ParallelImageDataGenerator().flow_from_directory(folder, (8, 8), class_mode="input")[0]
    np.testing.assert_array_equal(x, y)


def test_the_number_of_workers_does_not_change_a_batch(folder):
    def all_batches(cores):
        batches = ParallelImageDataGenerator(cores=cores, **ALL).flow_from_directory(
            folder, (16, 16), batch_size=4, seed=7
        )
        return [x for epoch in range(2) for x, _ in batches]

    for one, four in zip(all_batches(1), all_batches(4), strict=True):
        np.testing.assert_array_equal(one, four)


def test_each_epoch_draws_again(folder):
    batches = ParallelImageDataGenerator(**ALL).flow_from_directory(folder, (16, 16), batch_size=12, seed=7)
    first, second = next(batches)[0], None
    assert next(batches, None) is None
    second = next(batches)[0]
    assert abs(first - second).max() > 1


def test_validation_images_are_not_augmented_if_asked(folder):
    generator = ParallelImageDataGenerator(validation_split=0.5, validation_augmentation_enabled=False, **ALL)
    x, _ = generator.flow_from_directory(folder, (8, 8), subset="validation", shuffle=False)[0]
    np.testing.assert_array_equal(x[1], np.full((8, 8, 3), (5, 100, 10), np.float32))


def test_random_transforms_can_be_turned_off(folder):
    generator = ParallelImageDataGenerator(random_transforms_enabled=False, **ALL)
    x, _ = generator.flow_from_directory(folder, (8, 8), shuffle=False)[0]
    np.testing.assert_array_equal(x[1], np.full((8, 8, 3), (5, 100, 10), np.float32))


def test_own_functions_get_the_images_of_mltk_0_20(folder):
    seen = []

    def before(params, x):
        seen.append(("before", x.shape, x.dtype.name, params.target_size, params.class_indices))
        return x + 1

    def after(params, x):
        seen.append(("after", x.shape, x.dtype.name, float(x[0, 0, 1]), params.batch_shape))
        return x

    generator = ParallelImageDataGenerator(
        debug=True, noaug_preprocessing_function=before, preprocessing_function=after, rescale=0.5
    )
    x, _ = generator.flow_from_directory(folder, (8, 8), batch_size=4, shuffle=False)[0]
    assert seen[0] == ("before", (8, 8, 3), "uint8", (8, 8), {"a": 0, "b": 1})
    assert seen[4] == ("after", (8, 8, 3), "float32", 101.0, (4, 8, 8, 3))
    assert x[0, 0, 0, 1] == 50.5


def test_max_samples_per_class_limits_each_class(folder):
    batches = ParallelImageDataGenerator(max_samples_per_class=2).flow_from_directory(folder, (8, 8), shuffle=False)
    assert batches.filenames == ["a/0.png", "a/1.png", "b/0.png", "b/1.png"]


def test_augmented_images_can_be_saved(folder, tmp_path):
    generator = ParallelImageDataGenerator(save_to_dir=str(tmp_path / "out"), save_prefix="p-", save_format="png")
    generator.flow_from_directory(folder, (8, 8), batch_size=4, shuffle=False)[0]
    assert "p-a-0-0-0.png" in {path.name for path in (tmp_path / "out").iterdir()}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"noise": ["gaus"]}, "noise has the kind 'gaus'. Did you mean 'gauss'?"),
        ({"brightness_range": 3}, "brightness_range is 3"),
        ({"zoom_range": (1, 2, 3)}, "zoom_range is"),
        ({"width_shift_range": "x"}, "width_shift_range is 'x'"),
        ({"validation_split": 2}, "validation_split is 2"),
        ({"data_format": "channels_first"}, "data_format is 'channels_first'"),
    ],
)
def test_an_impossible_setting_is_an_error_that_names_it(setting, message):
    with pytest.raises(SettingError) as error:
        ParallelImageDataGenerator(**setting)
    assert message in str(error.value)


def test_an_impossible_argument_is_an_error(folder):
    generator = ParallelImageDataGenerator()
    with pytest.raises(DatasetError, match="color_mode is 'grey'"):
        generator.flow_from_directory(folder, (8, 8), "grey")
    with pytest.raises(DatasetError, match="target_size is"):
        generator.flow_from_directory(folder, (8,))
    with pytest.raises(DatasetError, match="interpolation is 'linear'"):
        generator.flow_from_directory(folder, (8, 8), interpolation="linear")


def test_without_interpolation_images_keep_their_sizes_until_a_function_cuts_them(tmp_path):
    image_folder(tmp_path, n=2, size=(10, 12), classes=("a",))
    image_folder(tmp_path, n=2, size=(20, 8), classes=("b",))
    seen = []

    def cut(params, x):
        seen.append((x.shape, params.target_size, params.batch_shape))
        return x[:6, :6]

    generator = ParallelImageDataGenerator(
        debug=True, preprocessing_function=cut, width_shift_range=0.25, rotation_range=5
    )
    batches = generator.flow_from_directory(
        str(tmp_path), (6, 6), batch_size=4, batch_shape=(4, 6, 6, 3), shuffle=False, interpolation=None
    )
    assert batches[0][0].shape == (4, 6, 6, 3)
    assert seen[0] == ((10, 12, 3), (6, 6), (4, 6, 6, 3))
    assert seen[3][0] == (20, 8, 3)
    generator.preprocessing_function = None
    batches = generator.flow_from_directory(str(tmp_path), (6, 6), batch_size=4, interpolation=None)
    with pytest.raises(DatasetError, match=r"2 different shapes, for example \(10, 12, 3\), \(20, 8, 3\)"):
        batches[0]
