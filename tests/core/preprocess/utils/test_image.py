"""MLTK 0.20's functions that read and write one image, and load a folder of images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from helpers.image_folder import image_folder
from mltk.core.preprocess.utils.image import read_image_file, write_image_file
from mltk.errors import DatasetError
from mltk.image.files import ImageFileError


def test_reading_keeps_or_converts_the_channels(tmp_path):
    path = tmp_path / "x.png"
    Image.fromarray(np.full((4, 5, 3), (10, 20, 30), np.uint8)).save(path)
    assert read_image_file(str(path), return_numpy=True).shape == (4, 5, 3)
    assert (read_image_file(str(path), return_numpy=True) * -1).dtype == np.int16  # as in NumPy 1
    gray = read_image_file(np.array(str(path)), 1, return_numpy=True)
    assert (gray.shape, gray.dtype, gray[0, 0, 0]) == ((4, 5, 1), np.uint8, 18)
    assert list(read_image_file(str(path), 4, True)[0, 0]) == [10, 20, 30, 255]


def test_16_bits_become_8(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.full((2, 2), 257 * 50, np.uint16)).save(path)
    assert np.unique(read_image_file(str(path), return_numpy=True)) == [50]


def test_what_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(ImageFileError, match="There is no image file"):
        read_image_file(str(tmp_path / "no.png"), return_numpy=True)
    with pytest.raises(DatasetError, match="target_channels is 2"):
        read_image_file("x.png", 2)


@pytest.mark.parametrize(
    ("image", "auto_scale", "extremes"),
    [
        (np.array([[0, 200]], np.uint8), True, (0, 200)),
        (np.array([[-128, 127]], np.int8), True, (0, 255)),
        (np.array([[0.2, 1.0]]), True, (51, 255)),
        (np.array([[20.0, 200.0]]), True, (26, 255)),
        (np.array([[-3.0, 3.0]]), True, (0, 255)),
        (np.array([[20.0, 300.0]]), False, (20, 255)),
        (np.zeros((1, 2)), True, (0, 0)),
    ],
)
def test_values_are_scaled_if_asked(tmp_path, image, auto_scale, extremes):
    path = write_image_file(str(tmp_path / "x.png"), image[..., np.newaxis], auto_scale)
    read = read_image_file(path, return_numpy=True)
    assert (read.min(), read.max()) == extremes


def test_a_path_without_an_extension_is_a_folder(tmp_path):
    path = write_image_file(str(tmp_path / "out"), np.zeros((2, 2, 3), np.uint8))
    assert path.startswith(str(tmp_path / "out"))
    assert path.endswith(".jpg")


def test_each_image_of_a_batch_is_a_file(tmp_path):
    paths = write_image_file(str(tmp_path / "b.png"), np.zeros((3, 2, 2, 1), np.uint8), batch_size=3)
    assert [p.rsplit("/", 1)[1] for p in paths] == ["b-0.png", "b-1.png", "b-2.png"]
    with pytest.raises(DatasetError, match="The batch has 3 images; batch_size is 2"):
        write_image_file(str(tmp_path / "b.png"), np.zeros((3, 2, 2, 1), np.uint8), batch_size=2)


@pytest.mark.tf
def test_a_folder_becomes_two_datasets(tmp_path):
    from mltk.core.preprocess.utils.tf_dataset import load_image_directory

    folder = image_folder(tmp_path / "images")
    counts = {}
    images, labels = load_image_directory(
        folder, ["b", "a"], return_image_data=True, onehot_encode=True, class_counts=counts
    )
    first = next(iter(images)).numpy()
    assert (first.shape, first.dtype, list(first[0, 0])) == ((10, 12, 3), np.uint8, [60, 100, 0])
    np.testing.assert_array_equal(np.stack(list(labels.as_numpy_iterator())), [[1, 0]] * 6 + [[0, 1]] * 6)
    assert counts == {"b": 6, "a": 6}
    paths, _ = load_image_directory(folder, ["a"], split=(0, 0.5))
    assert [p.decode()[-7:] for p in paths.as_numpy_iterator()] == ["a/0.png", "a/1.png", "a/2.png"]


@pytest.mark.tf
def test_images_are_read_and_written_in_a_graph(tmp_path):
    import tensorflow as tf

    folder = image_folder(tmp_path / "images", classes=("a",))
    out = str(tmp_path / "copy.png")
    images = tf.data.Dataset.from_tensor_slices([f"{folder}/a/2.png"]).map(lambda p: read_image_file(p, 3))
    written = list(images.map(lambda x: write_image_file(out, x)).as_numpy_iterator())
    assert written == [out.encode()]
    np.testing.assert_array_equal(
        read_image_file(out, return_numpy=True), read_image_file(f"{folder}/a/2.png", return_numpy=True)
    )
    assert read_image_file(out).numpy().shape == (10, 12, 3)
