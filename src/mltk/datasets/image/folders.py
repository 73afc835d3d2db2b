"""Writing arrays of images as a folder of class folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mltk.errors import MissingDependencyError

Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``((x_train, y_train), (x_test, y_test))``: images [n, height, width] or [n, height, width, 3], classes [n]."""


def write_class_folders(split: Split, classes: Sequence[str], folder: Path, *, clean: bool = False) -> Path:
    """``folder`` with ``<class>/<number>.png`` of all images, those for training first; made unless it is there.

    Raises:
        MissingDependencyError: what writes images is not installed.
    """
    if not clean and all((folder / name).is_dir() for name in classes):
        return folder
    try:
        from PIL import Image
    except ImportError as e:
        raise MissingDependencyError("Pillow, which writes images,", "train") from e
    (x_train, y_train), (x_test, y_test) = split
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
        content = Path(aside) / "content"
        counts = [0] * len(classes)
        for name in classes:
            (content / name).mkdir(parents=True)
        labels = [int(label) for y in (y_train, y_test) for label in np.ravel(y)]
        for image, index in zip((*x_train, *x_test), labels, strict=True):
            Image.fromarray(image).save(content / classes[index] / f"{counts[index]}.png")
            counts[index] += 1
        if folder.exists():
            os.replace(folder, Path(aside) / "old")
        os.replace(content, folder)
    return folder
