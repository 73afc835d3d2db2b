"""The first argument of a user's own functions, as in MLTK 0.20."""

from __future__ import annotations

from dataclasses import dataclass

import numpy.typing as npt

from mltk.audio.sample_format import FrontendShape
from mltk.data.pipeline.hooks import UserFunction


@dataclass
class ParallelProcessParams:
    """Settings of the data generator and of ``flow_from_directory``, under the names of MLTK 0.20."""

    audio_data_generator: FrontendShape
    sample_rate: int
    sample_length_ms: int
    sample_shape: tuple[int, ...]
    save_to_dir: str | None
    save_prefix: str
    save_format: str
    subset: str | None
    class_indices: dict[str, int]
    dtype: npt.DTypeLike
    frontend_dtype: npt.DTypeLike
    directory: str
    class_mode: str | None
    get_batch_function: UserFunction | None
    noaug_preprocessing_function: UserFunction | None
    preprocessing_function: UserFunction | None
    postprocessing_function: UserFunction | None
    frontend_enabled: bool
    add_channel_dimension: bool
