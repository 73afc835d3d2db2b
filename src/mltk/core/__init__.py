"""Import path of MLTK 0.20: ``import mltk.core as mltk``. The names live where the table says.

Names and submodules are imported when first used, so that loading a specification costs no more than it must.
"""

from __future__ import annotations

import importlib
from typing import Any

_PUBLIC = {
    "mltk.operations.evaluate": ["evaluate_autoencoder", "evaluate_classifier", "evaluate_model"],
    "mltk.operations.evaluation_results": [
        "AutoEncoderEvaluationResults",
        "ClassifierEvaluationResults",
        "EvaluationResults",
    ],
    "mltk.operations.load": ["load_tflite_model", "load_tflite_or_keras_model"],
    "mltk.operations.quantize": ["quantize_model"],
    "mltk.operations.summarize": ["summarize_model"],
    "mltk.operations.train": ["TrainingResults", "train_model"],
    "mltk.operations.update_params": ["update_model_parameters"],
    "mltk.spec.dataset": ["DataGeneratorDatasetMixin", "DatasetMixin", "MltkDataset"],
    "mltk.spec.evaluate": ["EvaluateAutoEncoderMixin", "EvaluateClassifierMixin", "EvaluateMixin"],
    "mltk.spec.events": ["MltkModelEvent"],
    "mltk.spec.loading": ["load_mltk_model", "load_mltk_model_with_path"],
    "mltk.spec.logs": ["get_mltk_logger", "set_mltk_logger"],
    "mltk.spec.model": ["MltkModel"],
    "mltk.spec.search": ["list_mltk_models"],
    "mltk.spec.train": ["TrainMixin"],
    "mltk.tflite.layer": ["TfliteLayer"],
    "mltk.tflite.layers": [
        "TfliteAddLayer",
        "TfliteConv2dLayer",
        "TfliteDepthwiseConv2dLayer",
        "TfliteDequantizeLayer",
        "TfliteFullyConnectedLayer",
        "TfliteMulLayer",
        "TflitePooling2dLayer",
        "TfliteQuantizeLayer",
        "TfliteReshapeLayer",
        "TfliteTransposeConvLayer",
    ],
    "mltk.tflite.lstm": ["TfliteUnidirectionalLstmLayer"],
    "mltk.tflite.model": ["TfliteModel"],
    "mltk.tflite.options": [
        "TfliteActivation",
        "TfliteAddLayerOptions",
        "TfliteConv2DLayerOptions",
        "TfliteDepthwiseConv2DLayerOptions",
        "TfliteFullyConnectedLayerOptions",
        "TfliteLayerOptions",
        "TfliteMulLayerOptions",
        "TflitePadding",
        "TflitePool2DLayerOptions",
        "TfliteTransposeConvLayerOptions",
        "TfliteUnidirectionalLstmLayerOptions",
    ],
    "mltk.tflite.parameters": ["TFLITE_METADATA_TAG", "TfliteModelParameters"],
    "mltk.tflite.params": [
        "TfliteConvParams",
        "TfliteDepthwiseConvParams",
        "TfliteFullyConnectedParams",
        "TflitePoolParams",
        "TfliteTransposeConvParams",
    ],
    "mltk.tflite.tensor": ["TfliteQuantization", "TfliteShape", "TfliteTensor"],
}
_SUBMODULES = ("keras", "model", "tflite_micro", "tflite_model", "tflite_model_parameters")
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"mltk.core.{name}")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'mltk.core' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF, *_SUBMODULES})
