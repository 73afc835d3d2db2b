"""Names of MLTK 0.20: loggers, labels, and an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.errors import ArchiveError as ArchiveFileNotFoundError
from mltk.specification.logs import get_mltk_logger, set_mltk_logger

__all__ = ["ArchiveFileNotFoundError", "convert_y_to_labels", "get_mltk_logger", "set_mltk_logger"]


def convert_y_to_labels(y: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the labels of one-hot rows.

    Args:
        y: One-hot rows or scores ``[samples, classes]``. Labels ``[samples]`` or ``[samples, 1]`` stay as they are.

    Returns:
        The labels ``[samples]``.
    """
    labels = np.asarray(y)
    if labels.ndim <= 1:
        return labels
    if labels.ndim == 2 and labels.shape[1] == 1:
        return labels[:, 0]
    found: npt.NDArray[Any] = np.argmax(labels, axis=-1)
    return found
