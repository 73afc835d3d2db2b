"""openmltk: machine learning on microcontrollers, from one model specification.

Names are imported when first used, so that ``import mltk`` costs next to nothing.
"""

from __future__ import annotations

from mltk._lazy import lazy_names

__version__ = "1.0.0.dev0"

_PUBLIC = {
    "mltk.audio.frontend": ["AudioFeatureGenerator", "AudioFeatureGeneratorSettings"],
    "mltk.audio.generator": ["ParallelAudioDataGenerator"],
    "mltk.audio.mixin": ["AudioDatasetMixin"],
    "mltk.errors": ["MltkError"],
    "mltk.operations.evaluate": ["evaluate_autoencoder", "evaluate_classifier", "evaluate_model"],
    "mltk.operations.results.evaluation": [
        "AutoEncoderEvaluationResults",
        "ClassifierEvaluationResults",
        "EvaluationResults",
    ],
    "mltk.operations.load_model": ["find_tflite_path", "load_tflite_model", "load_tflite_or_keras_model"],
    "mltk.micro.profile.layer_result": ["ProfilingLayerResult"],
    "mltk.micro.profile.results": ["ProfilingModelResults"],
    "mltk.operations.profile": ["profile_model"],
    "mltk.operations.quantize": ["quantize_model"],
    "mltk.operations.summarize": ["summarize_model"],
    "mltk.operations.train": ["TrainingResults", "train_model"],
    "mltk.operations.update_params": ["update_model_parameters"],
    "mltk.operations.view": ["view_model"],
    "mltk.specification.dataset_settings": ["DataGeneratorDatasetMixin", "DatasetMixin", "MltkDataset"],
    "mltk.specification.evaluate_settings": ["EvaluateAutoEncoderMixin", "EvaluateClassifierMixin", "EvaluateMixin"],
    "mltk.specification.events": ["MltkModelEvent"],
    "mltk.specification.loading": ["load_mltk_model", "load_mltk_model_with_path"],
    "mltk.specification.logs": ["get_mltk_logger", "set_mltk_logger"],
    "mltk.specification.model": ["MltkModel"],
    "mltk.specification.search": ["list_mltk_models"],
    "mltk.specification.train_settings": ["TrainMixin"],
    "mltk.tflite.model": ["TfliteModel"],
    "mltk.tflite.model_parameters": ["TFLITE_METADATA_TAG", "TfliteModelParameters"],
}

__getattr__, __dir__, __all__ = lazy_names(__name__, _PUBLIC)
