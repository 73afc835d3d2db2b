"""Import path of MLTK 0.20: of `mltk.core`, what a specification is made of. Imported when first used."""

from __future__ import annotations

import mltk.core
from mltk._lazy import lazy_names

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


__getattr__, __dir__, __all__ = lazy_names(
    __name__, {"mltk.core": [name for name in _NAMES if name in mltk.core.__all__]}
)
