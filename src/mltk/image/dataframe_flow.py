"""Batches of the image files that a table lists: the ``flow_from_dataframe`` method of the data generator."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.errors import DatasetError, did_you_mean
from mltk.files import printable
from mltk.image.files import IMAGE_FORMATS

CLASS_MODES = ("binary", "categorical", "input", "multi_output", "raw", "sparse", None)


class Table(NamedTuple):
    """The samples that a table lists.

    Attributes:
        names: Path of each file, relative to the folder.
        class_ids: Class of each sample; 0 if the labels are not classes.
        classes: Names of the classes; one name if the labels are not classes.
        targets: One array [samples, ...] for each output of the model.
        several: Whether the model has several outputs.
        weights: Weight of each sample, or None.
        left_out: Files that do not exist or are not images.
    """

    names: list[str]
    class_ids: list[int]
    classes: list[str]
    targets: list[npt.NDArray[Any]]
    several: bool
    weights: npt.NDArray[np.float32] | None
    left_out: list[str]


def read_table(
    dataframe: Any,
    directory: str,
    x_col: str,
    y_col: str | Sequence[str],
    weight_col: str | None,
    classes: Sequence[str] | None,
    class_mode: str | None,
    validate_filenames: bool,
) -> Table:
    """Read a table of file names and labels.

    Args:
        dataframe: A ``pandas.DataFrame``, or a dict of columns.
        directory: Folder that the names are relative to; may be empty.
        x_col: Column of the file names.
        y_col: Column of the labels; several columns for ``"multi_output"`` and ``"raw"``.
        weight_col: Column of the sample weights, or None.
        classes: Names of the classes to use, in the order of their indices; None is all, sorted.
        class_mode: Kind of the labels, one of :data:`CLASS_MODES`.
        validate_filenames: Leave out files that do not exist or are not images.

    Raises:
        DatasetError: A column is missing, or the labels do not fit the class mode.
    """
    if class_mode not in CLASS_MODES:
        near = did_you_mean(str(class_mode), [m for m in CLASS_MODES if m])
        raise DatasetError(f"class_mode is {class_mode!r}. {near}".rstrip(), hint=f"It can be one of {CLASS_MODES}.")
    names = [os.fspath(name) for name in _column(dataframe, x_col)]
    rows = np.arange(len(names))
    if validate_filenames:
        rows = np.array([i for i, name in enumerate(names) if _is_image(os.path.join(directory, name))], int)
    left_out = [names[i] for i in sorted(set(range(len(names))) - set(rows.tolist()))]
    columns = [y_col] if isinstance(y_col, str) else list(y_col)
    if class_mode in ("binary", "categorical", "sparse"):
        if len(columns) != 1:
            raise DatasetError(f"class_mode {class_mode!r} needs one y_col; it is {y_col!r}.")
        values = _column(dataframe, columns[0])
        found = _classes_of([values[i] for i in rows], classes)
        rows = np.array([i for i in rows if set(_as_list(values[i])) & set(found)], int)
        ids, targets = _class_targets([values[i] for i in rows], found, class_mode)
    else:
        found, ids = ["image"], [0] * len(rows)
        used = columns if class_mode in ("raw", "multi_output") else []
        targets = [_numbers(dataframe, name, rows) for name in used]
        if class_mode == "raw" and len(targets) > 1:
            targets = [np.stack(targets, axis=1)]
    weights = None if weight_col is None else np.asarray(_numbers(dataframe, weight_col, rows), np.float32)
    kept = [names[i] for i in rows]
    if not kept:
        example = f", for example {printable(os.path.join(directory, names[0]))}" if names else ""
        raise DatasetError(f"The table lists {len(names)} files, none of which can be used{example}.")
    return Table(kept, ids, found, targets, class_mode == "multi_output", weights, left_out)


def _column(dataframe: Any, name: str) -> list[Any]:
    try:
        return list(dataframe[name])
    except KeyError:
        known = [str(column) for column in dataframe]
        raise DatasetError(
            f"The table has no column {name!r}. {did_you_mean(name, known)}".rstrip(),
            hint=f"Its columns are {', '.join(known)}.",
        ) from None


def _numbers(dataframe: Any, name: str, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    values = _column(dataframe, name)
    chosen = [values[i] for i in rows]
    try:
        return np.stack([np.asarray(value) for value in chosen]) if chosen else np.empty(0)
    except ValueError:
        raise DatasetError(f"The values of column {name!r} do not have the same shape.") from None


def _is_image(path: str) -> bool:
    return path.lower().endswith(IMAGE_FORMATS) and os.path.isfile(path) and os.path.getsize(path) > 0


def _as_list(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]


def _classes_of(values: list[Any], classes: Sequence[str] | None) -> list[str]:
    if classes is not None:
        return [str(name) for name in classes]
    return sorted({name for value in values for name in _as_list(value)})


def _class_targets(values: list[Any], classes: list[str], class_mode: str) -> tuple[list[int], list[npt.NDArray[Any]]]:
    """Return the first class of each sample, and the labels: one-hot or with several ones, or class indices."""
    index = {name: i for i, name in enumerate(classes)}
    sets = [[index[name] for name in _as_list(value) if name in index] for value in values]
    first = [found[0] for found in sets]
    if class_mode == "binary" and len(classes) != 2:
        raise DatasetError(f'class_mode "binary" needs 2 classes; the table has {len(classes)}.')
    if class_mode == "categorical":
        rows = np.zeros((len(sets), len(classes)), np.float32)
        for row, found in zip(rows, sets, strict=True):
            row[found] = 1
        return first, [rows]
    if any(len(found) > 1 for found in sets):
        raise DatasetError(f'A sample has several classes; class_mode {class_mode!r} allows one. Use "categorical".')
    return first, [np.array(first, np.float32)]
