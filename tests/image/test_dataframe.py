"""Images that a table lists. A dict of columns is read as a pandas.DataFrame is."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from helpers.image_folder import image_folder
from mltk.errors import DatasetError
from mltk.image.generator import ParallelImageDataGenerator


@pytest.fixture
def folder(tmp_path):
    return image_folder(tmp_path)


TABLE: dict[str, list[Any]] = {
    "filename": ["a/0.png", "b/0.png", "b/1.png", "a/1.png"],
    "class": ["cat", "dog", "dog", "cat"],
    "age": [1.5, 2.5, 3.5, 4.5],
    "weight": [1, 2, 3, 4],
}


def first_batch(folder, table=TABLE, **options):
    flow = ParallelImageDataGenerator().flow_from_dataframe
    return flow(table, folder, target_size=(4, 5), shuffle=False, **options)[0]


@pytest.mark.parametrize(
    ("class_mode", "y_col", "expected"),
    [
        ("categorical", "class", [[1, 0], [0, 1], [0, 1], [1, 0]]),
        ("binary", "class", [0, 1, 1, 0]),
        ("sparse", "class", [0, 1, 1, 0]),
        ("raw", "age", [1.5, 2.5, 3.5, 4.5]),
        ("raw", ["age", "weight"], [[1.5, 1], [2.5, 2], [3.5, 3], [4.5, 4]]),
    ],
)
def test_labels_are_those_of_the_class_mode(folder, class_mode, y_col, expected):
    x, y = first_batch(folder, class_mode=class_mode, y_col=y_col)
    assert x.shape == (4, 4, 5, 3)
    np.testing.assert_array_equal(x[:, 0, 0, 0], [0, 60, 65, 5])
    np.testing.assert_array_equal(y, expected)


def test_several_outputs_are_a_list_of_arrays(folder):
    _, y = first_batch(folder, class_mode="multi_output", y_col=["age", "weight"])
    assert [list(part) for part in y] == [TABLE["age"], TABLE["weight"]]


def test_a_sample_may_have_several_classes(folder):
    table = {"filename": TABLE["filename"], "class": [["cat", "dog"], ["dog"], ["bird"], ["cat"]]}
    _, y = first_batch(folder, table)
    np.testing.assert_array_equal(y, [[0, 1, 1], [0, 0, 1], [1, 0, 0], [0, 1, 0]])


def test_images_alone_or_as_labels(folder):
    assert first_batch(folder, class_mode=None).shape == (4, 4, 5, 3)
    x, y = first_batch(folder, class_mode="input")
    np.testing.assert_array_equal(x, y)


def test_weights_are_the_third_part_of_a_batch(folder):
    assert list(first_batch(folder, weight_col="weight")[2]) == [1, 2, 3, 4]


def test_classes_choose_rows_and_their_order(folder):
    x, y = first_batch(folder, classes=["dog"])
    assert len(x) == 2
    np.testing.assert_array_equal(y, [[1], [1]])


def test_files_that_do_not_exist_are_left_out_and_named(folder, caplog):
    table = {"filename": [*TABLE["filename"], "a/missing.png"], "class": [*TABLE["class"], "cat"]}
    with caplog.at_level(logging.WARNING, "mltk"):
        x, _ = first_batch(folder, table)
    assert len(x) == 4
    assert "1 files of the table do not exist or are not images, and are left out, for example a/missing.png" in (
        caplog.text
    )


def test_the_first_rows_are_for_validation(folder):
    generator = ParallelImageDataGenerator(validation_split=0.5)
    flow = {
        s: generator.flow_from_dataframe(TABLE, folder, target_size=(4, 4), subset=s)
        for s in ("training", "validation")
    }
    assert flow["validation"].filenames == ["a/0.png", "b/0.png"]
    assert flow["training"].filenames == ["b/1.png", "a/1.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y_col": "clas"}, r"no column 'clas'\. Did you mean 'class'"),
        ({"class_mode": "other"}, "class_mode is 'other'"),
        ({"class_mode": "binary", "classes": ["cat"]}, "needs 2 classes; the table has 1"),
        ({"class_mode": "sparse", "y_col": ["class", "age"]}, "needs one y_col"),
        ({"classes": ["bird"]}, "lists 4 files, none of which can be used"),
    ],
)
def test_what_does_not_fit_is_an_error(folder, options, message):
    with pytest.raises(DatasetError, match=message):
        first_batch(folder, **options)
