"""openmltk: machine learning on microcontrollers, from one model specification.

Names are imported when they are first used, so that ``import mltk`` costs next to nothing. A type checker and an IDE
read the imports under ``TYPE_CHECKING``; tests/test_public_api.py checks that they are those of the table.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mltk import _lazy

if TYPE_CHECKING:
    from mltk.audio.files import AudioFileError as AudioFileError
    from mltk.audio.frontend.features import AudioFeatureGenerator as AudioFeatureGenerator
    from mltk.audio.frontend.features import AudioFeatureStream as AudioFeatureStream
    from mltk.audio.frontend.features import FrontendError as FrontendError
    from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings as AudioFeatureGeneratorSettings
    from mltk.audio.generator import ParallelAudioDataGenerator as ParallelAudioDataGenerator
    from mltk.audio.mixin import AudioDatasetMixin as AudioDatasetMixin
    from mltk.audio.speech.dataset import SpeechDataset as SpeechDataset
    from mltk.audio.speech.engines.base import SpeechError as SpeechError
    from mltk.errors import ArchiveError as ArchiveError
    from mltk.errors import ArchiveRefused as ArchiveRefused
    from mltk.errors import DatasetError as DatasetError
    from mltk.errors import DownloadError as DownloadError
    from mltk.errors import EvaluationError as EvaluationError
    from mltk.errors import MissingDependencyError as MissingDependencyError
    from mltk.errors import MltkError as MltkError
    from mltk.errors import ModelNameError as ModelNameError
    from mltk.errors import ModelNotFoundError as ModelNotFoundError
    from mltk.errors import OutputError as OutputError
    from mltk.errors import ParameterError as ParameterError
    from mltk.errors import QuantizationError as QuantizationError
    from mltk.errors import RuntimeFailure as RuntimeFailure
    from mltk.errors import SettingError as SettingError
    from mltk.errors import SpecificationError as SpecificationError
    from mltk.errors import TfliteError as TfliteError
    from mltk.errors import TrainingError as TrainingError
    from mltk.errors import UnsupportedModelError as UnsupportedModelError
    from mltk.image.files import ImageFileError as ImageFileError
    from mltk.image.generator import ParallelImageDataGenerator as ParallelImageDataGenerator
    from mltk.image.mixin import ImageDatasetMixin as ImageDatasetMixin
    from mltk.micro.engines.run import BatchResult as BatchResult
    from mltk.micro.engines.run import run_batch as run_batch
    from mltk.micro.profile.budget import Budget as Budget
    from mltk.micro.profile.budget import OverBudget as OverBudget
    from mltk.micro.profile.layer_result import ProfilingLayerResult as ProfilingLayerResult
    from mltk.micro.profile.results import ProfilingModelResults as ProfilingModelResults
    from mltk.operations.compile import CompileResults as CompileResults
    from mltk.operations.compile import compile_model as compile_model
    from mltk.operations.evaluate import evaluate_autoencoder as evaluate_autoencoder
    from mltk.operations.evaluate import evaluate_classifier as evaluate_classifier
    from mltk.operations.evaluate import evaluate_model as evaluate_model
    from mltk.operations.evaluate_stream import evaluate_stream as evaluate_stream
    from mltk.operations.load_model import find_tflite_path as find_tflite_path
    from mltk.operations.load_model import load_tflite_model as load_tflite_model
    from mltk.operations.load_model import load_tflite_or_keras_model as load_tflite_or_keras_model
    from mltk.operations.parity import check_parity as check_parity
    from mltk.operations.profile import profile_model as profile_model
    from mltk.operations.quantize import quantize_model as quantize_model
    from mltk.operations.results.autoencoder import AutoEncoderEvaluationResults as AutoEncoderEvaluationResults
    from mltk.operations.results.classifier import ClassifierEvaluationResults as ClassifierEvaluationResults
    from mltk.operations.results.evaluation import EvaluationResults as EvaluationResults
    from mltk.operations.results.parity import ParityResults as ParityResults
    from mltk.operations.results.stream import StreamEvaluationResults as StreamEvaluationResults
    from mltk.operations.results.training import TrainingResults as TrainingResults
    from mltk.operations.results.tune import TuneResults as TuneResults
    from mltk.operations.summarize import summarize_model as summarize_model
    from mltk.operations.train import TrainingInterrupted as TrainingInterrupted
    from mltk.operations.train import train_model as train_model
    from mltk.operations.tune import tune_model as tune_model
    from mltk.operations.update_params import update_model_parameters as update_model_parameters
    from mltk.operations.view import view_model as view_model
    from mltk.specification.dataset_settings import DataGeneratorDatasetMixin as DataGeneratorDatasetMixin
    from mltk.specification.dataset_settings import DatasetMixin as DatasetMixin
    from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin as EvaluateAutoEncoderMixin
    from mltk.specification.evaluate_settings import EvaluateClassifierMixin as EvaluateClassifierMixin
    from mltk.specification.evaluate_settings import EvaluateMixin as EvaluateMixin
    from mltk.specification.events import MltkModelEvent as MltkModelEvent
    from mltk.specification.loading import load_mltk_model as load_mltk_model
    from mltk.specification.loading import load_mltk_model_with_path as load_mltk_model_with_path
    from mltk.specification.logs import get_mltk_logger as get_mltk_logger
    from mltk.specification.logs import set_mltk_logger as set_mltk_logger
    from mltk.specification.model import MltkModel as MltkModel
    from mltk.specification.own_dataset import MltkDataset as MltkDataset
    from mltk.specification.search import list_mltk_models as list_mltk_models
    from mltk.specification.ssh_settings import SshMixin as SshMixin
    from mltk.specification.tracking_settings import WeightsAndBiasesMixin as WeightsAndBiasesMixin
    from mltk.specification.train_settings import TrainMixin as TrainMixin
    from mltk.tflite.model import TfliteModel as TfliteModel
    from mltk.tflite.model_parameters import TFLITE_METADATA_TAG as TFLITE_METADATA_TAG
    from mltk.tflite.model_parameters import TfliteModelParameters as TfliteModelParameters
    from mltk.training.callbacks import StochasticWeightAveraging as StochasticWeightAveraging

__version__ = "1.0.0.dev1"

MLTK_DIR: str = os.path.dirname(os.path.abspath(__file__))
"""Folder of this package."""
MLTK_ROOT_DIR: str = os.path.dirname(MLTK_DIR)
"""Folder in which this package is installed."""

_PUBLIC = {
    "mltk.audio.files": ["AudioFileError"],
    "mltk.audio.frontend.features": ["AudioFeatureGenerator", "AudioFeatureStream", "FrontendError"],
    "mltk.audio.frontend.settings": ["AudioFeatureGeneratorSettings"],
    "mltk.audio.generator": ["ParallelAudioDataGenerator"],
    "mltk.audio.mixin": ["AudioDatasetMixin"],
    "mltk.audio.speech.dataset": ["SpeechDataset"],
    "mltk.audio.speech.engines.base": ["SpeechError"],
    "mltk.errors": [
        "ArchiveError",
        "ArchiveRefused",
        "DatasetError",
        "DownloadError",
        "EvaluationError",
        "MissingDependencyError",
        "MltkError",
        "ModelNameError",
        "ModelNotFoundError",
        "OutputError",
        "ParameterError",
        "QuantizationError",
        "RuntimeFailure",
        "SettingError",
        "SpecificationError",
        "TfliteError",
        "TrainingError",
        "UnsupportedModelError",
    ],
    "mltk.image.files": ["ImageFileError"],
    "mltk.image.generator": ["ParallelImageDataGenerator"],
    "mltk.image.mixin": ["ImageDatasetMixin"],
    "mltk.micro.engines.run": ["BatchResult", "run_batch"],
    "mltk.micro.profile.budget": ["Budget", "OverBudget"],
    "mltk.micro.profile.layer_result": ["ProfilingLayerResult"],
    "mltk.micro.profile.results": ["ProfilingModelResults"],
    "mltk.operations.compile": ["CompileResults", "compile_model"],
    "mltk.operations.evaluate": ["evaluate_autoencoder", "evaluate_classifier", "evaluate_model"],
    "mltk.operations.evaluate_stream": ["evaluate_stream"],
    "mltk.operations.load_model": ["find_tflite_path", "load_tflite_model", "load_tflite_or_keras_model"],
    "mltk.operations.parity": ["check_parity"],
    "mltk.operations.profile": ["profile_model"],
    "mltk.operations.quantize": ["quantize_model"],
    "mltk.operations.results.autoencoder": ["AutoEncoderEvaluationResults"],
    "mltk.operations.results.classifier": ["ClassifierEvaluationResults"],
    "mltk.operations.results.evaluation": ["EvaluationResults"],
    "mltk.operations.results.parity": ["ParityResults"],
    "mltk.operations.results.stream": ["StreamEvaluationResults"],
    "mltk.operations.results.training": ["TrainingResults"],
    "mltk.operations.results.tune": ["TuneResults"],
    "mltk.operations.summarize": ["summarize_model"],
    "mltk.operations.train": ["TrainingInterrupted", "train_model"],
    "mltk.operations.tune": ["tune_model"],
    "mltk.operations.update_params": ["update_model_parameters"],
    "mltk.operations.view": ["view_model"],
    "mltk.specification.dataset_settings": ["DataGeneratorDatasetMixin", "DatasetMixin"],
    "mltk.specification.evaluate_settings": ["EvaluateAutoEncoderMixin", "EvaluateClassifierMixin", "EvaluateMixin"],
    "mltk.specification.events": ["MltkModelEvent"],
    "mltk.specification.loading": ["load_mltk_model", "load_mltk_model_with_path"],
    "mltk.specification.logs": ["get_mltk_logger", "set_mltk_logger"],
    "mltk.specification.model": ["MltkModel"],
    "mltk.specification.own_dataset": ["MltkDataset"],
    "mltk.specification.search": ["list_mltk_models"],
    "mltk.specification.ssh_settings": ["SshMixin"],
    "mltk.specification.tracking_settings": ["WeightsAndBiasesMixin"],
    "mltk.specification.train_settings": ["TrainMixin"],
    "mltk.tflite.model": ["TfliteModel"],
    "mltk.tflite.model_parameters": ["TFLITE_METADATA_TAG", "TfliteModelParameters"],
    "mltk.training.callbacks": ["StochasticWeightAveraging"],
}


def disable_tensorflow() -> None:
    """For compatibility with MLTK 0.20; ignored. TensorFlow is imported where it is needed only."""


_NEEDS_KERAS = ("StochasticWeightAveraging",)

if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true"):
    # MLTK 0.20 set this variable, and scripts for it may. TensorFlow would use Keras 2, if tf_keras is installed.
    import logging

    os.environ["TF_USE_LEGACY_KERAS"] = "0"
    logging.getLogger("mltk").warning("openmltk uses Keras 3: TF_USE_LEGACY_KERAS=1 is ignored.")

_lazy.alias_table = "mltk.core.dataset_names"
if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = _lazy.lazy_names(__name__, _PUBLIC, left_out=_NEEDS_KERAS)
