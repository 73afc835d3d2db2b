"""Import path of MLTK 0.20: the classes of a specification, and functions that load models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mltk.core
from mltk._lazy import lazy_names

if TYPE_CHECKING:
    from mltk.core import *  # noqa: F403
    from mltk.core import KerasModel as KerasModel

_NAMES = (
    "AudioDatasetMixin",
    "DataGeneratorDatasetMixin",
    "DatasetMixin",
    "EvaluateAutoEncoderMixin",
    "EvaluateClassifierMixin",
    "EvaluateMixin",
    "ImageDatasetMixin",
    "MltkDataset",
    "MltkModel",
    "MltkModelEvent",
    "SshMixin",
    "TrainMixin",
    "WeightsAndBiasesMixin",
    "list_mltk_models",
    "load_mltk_model",
    "load_mltk_model_with_path",
    "load_tflite_model",
    "load_tflite_or_keras_model",
)

if not TYPE_CHECKING:
    _found = [name for name in _NAMES if name in mltk.core.__all__]
    __getattr__, __dir__, __all__ = lazy_names(
        __name__, {"mltk.core": [*_found, "KerasModel"]}, left_out=["KerasModel"]
    )
