"""The first argument of a user's own functions, as in MLTK 0.20."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from mltk.data.pipeline.generator import ParallelDataGenerator
from mltk.data.pipeline.hooks import UserFunction
from mltk.data.splitting import Split


@dataclass
class ParallelProcessParams:
    """Settings of the data generator and of ``flow_from_directory``, under the names of MLTK 0.20."""

    image_data_generator: ParallelDataGenerator[Any, Any]
    target_size: tuple[int, int]
    batch_shape: tuple[int, ...]
    color_mode: str
    data_format: str
    save_to_dir: str | None
    save_prefix: str
    save_format: str
    subset: str | None
    interpolation: str
    class_indices: dict[str, int]
    dtype: npt.DTypeLike
    directory: str
    class_mode: str | None
    get_batch_function: UserFunction | None
    preprocessing_function: UserFunction | None
    noaug_preprocessing_function: UserFunction | None
    validation_split: float = 0.0
    split: Split | None = None

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_indices)
