"""Small image files in class folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def image_folder(where: Path, n: int = 6, size: tuple[int, int] = (10, 12), classes=("a", "b")) -> str:
    """Make ``n`` color images of each class; image i of class k has the values (60 k + 5 i, 100, 10 i) everywhere."""
    for k, name in enumerate(classes):
        (where / name).mkdir(parents=True)
        for i in range(n):
            pixels = np.full((*size, 3), (60 * k + 5 * i, 100, 10 * i), np.uint8)
            Image.fromarray(pixels).save(where / name / f"{i}.png")
    return str(where)
