"""Pairs of fingerprints: synthesized ridges stand in for the pictures of a sensor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mltk
from mltk.errors import DatasetError
from mltk.models.siliconlabs import fingerprint_signature_generator_dataset as fingerprints

Dataset = fingerprints.FingerprintSignatureGeneratorDataset


def ridges(finger: int, take: int) -> np.ndarray:
    """Circles around a place that differs between fingers, with the noise of one picture."""
    draw = np.random.default_rng([finger, take])
    y, x = np.mgrid[0:192, 0:192]
    distance = np.hypot(x - 60 - 8 * finger - take, y - 90 + take)
    return np.clip(128 + 60 * np.sin(distance / 3) + draw.normal(0, 8, x.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five fingers, three pictures each, and one picture of nothing."""
    monkeypatch.setenv("MLTK_DATASET_DIR", str(tmp_path / "datasets"))
    for finger in range(5):
        (tmp_path / "sensor" / f"finger{finger}").mkdir(parents=True)
        for take in range(3):
            Image.fromarray(ridges(finger, take)).save(tmp_path / "sensor" / f"finger{finger}" / f"{take}.png")
    Image.fromarray(np.full((192, 192), 255, np.uint8)).save(tmp_path / "sensor" / "finger0" / "blank.png")
    return tmp_path / "sensor"


def test_the_filter_is_that_of_0_20() -> None:
    dataset = Dataset("x", None)
    assert dataset.sharpen_gain == 32
    assert dataset.sharpen_filter.tolist() == [
        [-2, -3, -3, -3, -2],
        [-3, -3, -3, -3, -3],
        [-3, -3, 100, -3, -3],
        [-3, -3, -3, -3, -3],
        [-2, -3, -3, -3, -2],
    ]


def test_a_blank_picture_is_left_out(folder: Path) -> None:
    dataset = Dataset(str(folder), None)
    prepared = dataset.load_data()
    assert len(dataset.list_all_samples(str(folder), flatten=True)) == 16
    assert len(dataset.list_all_samples(prepared, flatten=True)) == 15
    assert not dataset.verify_sample(np.full((192, 192), 255, np.uint8))
    assert "whole: 0 dark and 36864 light pixels; they may differ by 12288" in dataset.previous_verify_msg


def test_pairs_match_within_a_finger_and_no_finger_is_in_both_parts(folder: Path) -> None:
    dataset = Dataset(str(folder), None, nomatch_multiplier=2)
    root = dataset.load_data()
    parts = {}
    for split in ((0.0, 0.4), (0.4, 1.0)):
        matches = dataset.list_valid_filenames_in_directory(root, "match", [], split, False, None)[1]
        others = dataset.list_valid_filenames_in_directory(root, "no-match", [], split, False, None)[1]
        assert all(Path(a).parent == Path(b).parent for a, b in matches)
        assert all(Path(a).parent != Path(b).parent for a, b in others)
        parts[split] = {Path(name).parent for pair in matches + others for name in pair}
    assert [len(fingers) for fingers in parts.values()] == [2, 3]
    assert not set.intersection(*parts.values())


class Siamese(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin):
    """A model of pairs."""


def siamese(folder: Path) -> Any:
    model = Siamese()
    model.dataset = Dataset(str(folder), None, nomatch_multiplier=2)
    model.class_mode, model.classes = "binary", ["match", "no-match"]
    model.input_shape = (96, 96, 1)
    model.batch_size, model.seed = 8, 3
    model.datagen = mltk.ParallelImageDataGenerator(width_shift_range=5, validation_split=0.4, noise=["gauss"])
    return model


def test_batches_are_pairs_with_their_own_augmentation(folder: Path) -> None:
    model = siamese(folder)
    model.load_dataset("training")
    (first, second), y = model.x.batch(0, 0)
    assert first.shape == second.shape == (8, 96, 96, 1)
    assert set(y) <= {0, 1}
    assert model.class_counts["training"] == {"match": 9, "no-match": 18}
    order = model.x.first.order(0)
    assert np.array_equal(order, model.x.second.order(0))
    again = siamese(folder)
    again.load_dataset("training")
    (same, _), labels = again.x.batch(0, 0)
    assert np.array_equal(same, first)
    assert np.array_equal(labels, y)
    plain = siamese(folder)
    plain.load_dataset("validation")
    assert plain.x.class_counts == {"match": 6, "no-match": 12}
    model.unload_dataset()


def test_a_missing_folder_says_what_to_do() -> None:
    with pytest.raises(DatasetError, match=r"The folder of fingerprints /nowhere does not exist") as error:
        Dataset("/nowhere", None).load_data()
    assert "one folder for each finger" in str(error.value.hint)
