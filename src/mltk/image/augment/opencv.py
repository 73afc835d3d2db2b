"""OpenCV, imported when it is first used."""

from __future__ import annotations

import functools
from typing import Any

from mltk.errors import MissingDependencyError


@functools.cache
def opencv() -> Any:
    """Return the module ``cv2``.

    Raises:
        MissingDependencyError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise MissingDependencyError("OpenCV, which augments images,", "image") from None
    return cv2
