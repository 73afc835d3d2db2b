"""Import path of MLTK 0.20; the classes live in `mltk.spec`."""

from mltk.operations.load import (
    load_tflite_model,
    load_tflite_or_keras_model,
)
from mltk.spec.dataset import (
    DataGeneratorDatasetMixin,
    DatasetMixin,
    MltkDataset,
)
from mltk.spec.evaluate import (
    EvaluateAutoEncoderMixin,
    EvaluateClassifierMixin,
    EvaluateMixin,
)
from mltk.spec.events import (
    MltkModelEvent,
)
from mltk.spec.loading import (
    load_mltk_model,
    load_mltk_model_with_path,
)
from mltk.spec.model import (
    MltkModel,
)
from mltk.spec.search import (
    list_mltk_models,
)
from mltk.spec.train import (
    TrainMixin,
)

__all__ = [
    "DataGeneratorDatasetMixin",
    "DatasetMixin",
    "EvaluateAutoEncoderMixin",
    "EvaluateClassifierMixin",
    "EvaluateMixin",
    "MltkDataset",
    "MltkModel",
    "MltkModelEvent",
    "TrainMixin",
    "list_mltk_models",
    "load_mltk_model",
    "load_mltk_model_with_path",
    "load_tflite_model",
    "load_tflite_or_keras_model",
]
