"""Decoded images stay in memory up to a limit; the others are decoded again."""

from __future__ import annotations

import pickle
import sys

import numpy as np
import pytest

from helpers.image_folder import image_folder
from mltk.errors import DatasetError, MissingDependencyError
from mltk.image import files, image_bank
from mltk.image.augment.opencv import opencv
from mltk.image.generator import ParallelImageDataGenerator
from mltk.image.image_bank import ImageBank
from mltk.image.image_format import ImageFormat

WANTED = ImageFormat(10, 12, 3)


@pytest.fixture
def paths(tmp_path):
    folder = image_folder(tmp_path, n=6, classes=("a",))
    return [f"{folder}/a/{i}.png" for i in range(6)]


@pytest.fixture
def decoded(monkeypatch):
    """Count how often each file is decoded."""
    counts = {}

    def read(path, *rest):
        counts[path] = counts.get(path, 0) + 1
        return original(path, *rest)

    original = files.read_image
    monkeypatch.setattr(image_bank, "read_image", read)
    return counts


def test_images_within_the_limit_are_decoded_once(paths, decoded):
    bank = ImageBank(paths, WANTED)
    for _ in range(3):
        assert bank.ensure(np.arange(6)).all()
        assert [int(image[0, 0, 0]) for image in bank.samples(np.arange(6))] == [0, 5, 10, 15, 20, 25]
    assert set(decoded.values()) == {1}


def test_images_beyond_the_limit_are_decoded_once_for_each_use(paths, decoded):
    bank = ImageBank(paths, WANTED, memory_limit_bytes=0)
    for _ in range(3):
        assert bank.ensure(np.arange(6)).all()
        assert [int(image[0, 0, 0]) for image in bank.samples(np.arange(6))] == [0, 5, 10, 15, 20, 25]
    assert set(decoded.values()) == {3}


def test_batches_do_not_depend_on_the_limit(tmp_path):
    folder = image_folder(tmp_path, n=20)

    def two_epochs(limit):
        generator = ParallelImageDataGenerator(rotation_range=20, memory_limit_bytes=limit)
        batches = generator.flow_from_directory(folder, (8, 8), batch_size=7, seed=3)
        return np.concatenate([x for _ in range(2) for x, _ in batches])

    np.testing.assert_array_equal(two_epochs(0), two_epochs(1 << 30))


def test_a_file_that_vanishes_is_an_error_that_names_it(paths, tmp_path):
    bank = ImageBank(paths, WANTED, memory_limit_bytes=0)
    bank.samples(np.arange(6))
    (tmp_path / "a" / "3.png").unlink()
    with pytest.raises(DatasetError, match=r"There is no image file .*3\.png"):
        bank.samples(np.arange(6))


def test_a_pickled_bank_decodes_again(paths):
    bank = ImageBank(paths, WANTED)
    bank.ensure_all()
    copy = pickle.loads(pickle.dumps(bank))
    assert copy.sample(2)[0, 0, 2] == 20
    images = ImageBank.of(np.arange(6 * 360, dtype=np.float32).reshape(6, 10, 12, 3), WANTED)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(images)).sample(2), images.sample(2))


def test_without_opencv_or_pillow_the_error_names_the_extra(tmp_path, monkeypatch):
    folder = image_folder(tmp_path)
    opencv.cache_clear()
    monkeypatch.setitem(sys.modules, "cv2", None)
    batches = ParallelImageDataGenerator(rotation_range=20).flow_from_directory(folder, (8, 8), seed=1)
    with pytest.raises(MissingDependencyError, match=r"OpenCV.*\n?.*openmltk\[image\]"):
        batches[0]
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match=r"Pillow.*\n?.*openmltk\[image\]"):
        ParallelImageDataGenerator().flow_from_directory(folder, (8, 8), seed=1)[0]
    opencv.cache_clear()
