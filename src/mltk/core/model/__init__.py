"""Import path of MLTK 0.20: of `mltk.core`, what a specification is made of. Imported when first used."""

from __future__ import annotations

from typing import Any

import mltk.core

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

__all__ = [name for name in _NAMES if name in mltk.core.__all__]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'mltk.core.model' has no attribute {name!r}")
    return getattr(mltk.core, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
