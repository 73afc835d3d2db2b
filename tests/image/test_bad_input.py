"""Bad images and datasets: a clear error, or a skip that is counted and names the file."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from PIL import Image

import mltk
from helpers.image_folder import image_folder
from mltk.errors import DatasetError, SettingError
from mltk.image.generator import ParallelImageDataGenerator


@pytest.fixture
def folder(tmp_path):
    image_folder(tmp_path / "images", n=20)
    return tmp_path / "images"


def one_epoch(folder, epochs=1, **settings):
    generator = ParallelImageDataGenerator(**settings)
    batches = generator.flow_from_directory(str(folder), (8, 8), batch_size=8, shuffle=False)
    images = [np.concatenate([x for x, _ in batches]) for _ in range(epochs)]
    batches.shutdown()
    return images[0]


def gif(path):
    frames = [Image.fromarray(np.full((8, 8), k, np.uint8)) for k in (0, 200)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("0.png", lambda path: path.write_bytes(b"no image"), "can't be read as an image"),
        ("0.gif", gif, "is animated: it has 2 frames"),
        ("0.webp", gif, "is animated: it has 2 frames"),
    ],
)
def test_a_bad_file_is_skipped_once_by_name_and_replaced(folder, caplog, name, make, message):
    bad = folder / "a" / name
    bad.unlink(missing_ok=True)
    make(bad)
    with caplog.at_level(logging.WARNING, "mltk"):
        images = one_epoch(folder, epochs=2)
    assert caplog.text.count("Skipping") == 1
    assert str(bad) in caplog.text
    assert message in caplog.text
    assert len(images) == 40 + (name != "0.png")
    assert not np.isnan(images).any()


def test_too_many_bad_files_are_an_error_with_their_number(folder):
    for i in range(5):
        (folder / "a" / f"{i}.png").write_bytes(b"no image")
    with pytest.raises(DatasetError, match=r"3 of the 40 image files can't be read, .* 5.0% that may be skipped"):
        one_epoch(folder)


@pytest.mark.parametrize(
    ("mode", "shape", "message"),
    [
        ("CMYK", (8, 8, 4), "3 files have CMYK colors; they are converted to RGB"),
        ("16", (8, 8), "3 files have 16 bits, of which 8 are read"),
    ],
)
def test_what_is_lost_is_said_once_with_the_number_of_files(folder, caplog, mode, shape, message):
    for i in range(3):
        name = f"{i}.tif"
        pixels = np.zeros(shape, np.uint16 if mode == "16" else np.uint8)
        (Image.fromarray(pixels) if mode == "16" else Image.fromarray(pixels, mode)).save(folder / "b" / name)
    with caplog.at_level(logging.WARNING, "mltk"):
        one_epoch(folder, epochs=3)
    assert caplog.text.count(message) == 1
    assert str(folder / "b" / "0.tif") in caplog.text


def test_images_of_different_sizes_get_one_size(folder):
    Image.fromarray(np.zeros((50, 3, 3), np.uint8)).save(folder / "a" / "tall.png")
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(folder / "a" / "tiny.png")
    assert one_epoch(folder).shape == (42, 8, 8, 3)


def test_16_bits_are_kept_if_asked(folder):
    Image.fromarray(np.full((8, 8), 12345, np.uint16)).save(folder / "a" / "00.png")
    images = one_epoch(folder, bits=16, brightness_range=(2, 2))
    np.testing.assert_array_equal(images[1], np.full((8, 8, 3), 24690))
    np.testing.assert_array_equal(images[0, 0, 0], [0, 51400, 0])


def test_a_class_folder_without_images_is_an_error(folder):
    (folder / "c").mkdir()
    (folder / "c" / "notes.txt").write_text("none yet")
    with pytest.raises(DatasetError, match=r"Class 'c' of .* has no samples"):
        one_epoch(folder)


def test_a_folder_without_classes_is_an_error(tmp_path):
    image_folder(tmp_path, classes=("a",))
    with pytest.raises(DatasetError, match="There are no classes"):
        ParallelImageDataGenerator().flow_from_directory(str(tmp_path / "a"))


# -- of a specification ------------------------------------------------------------------------------------------------


class Spec(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    pass


def spec(folder, shape=(8, 8, 3), classes=("a", "b")):
    model = Spec(__file__)
    model.classes, model.input_shape = list(classes), shape
    model.dataset = str(folder)
    model.datagen = ParallelImageDataGenerator(validation_split=0.25)
    return model


def test_one_class_is_an_error_for_a_classifier(folder):
    model = spec(folder, classes=["a"])
    with pytest.raises(DatasetError, match="one class only, 'a': a classifier would always be right"):
        model.load_dataset("training")
    model.class_mode = "input"
    model.load_dataset("training")
    assert model.x.n == 15


def test_a_number_of_channels_that_no_image_has_is_an_error(folder):
    with pytest.raises(DatasetError, match="input_shape has 2 channels; images have 1"):
        spec(folder, (8, 8, 2)).load_dataset("training")


def test_a_function_that_returns_another_shape_is_an_error(folder):
    model = spec(folder)
    model.datagen = ParallelImageDataGenerator(debug=True, noaug_preprocessing_function=lambda params, x: x[:4])
    model.load_dataset("training")
    with pytest.raises(DatasetError, match=r"noaug_preprocessing_function\(\) returned an image of shape \(4, 8, 3\)"):
        model.x[0]


def test_an_unknown_color_mode_is_an_error(folder):
    with pytest.raises(SettingError, match="color_mode"):
        spec(folder).color_mode = "grey"


def test_a_class_that_the_folder_lacks_is_an_error(folder):
    with pytest.raises(DatasetError, match="There is no class 'bb'"):
        spec(folder, classes=["a", "bb"]).load_dataset("training")
