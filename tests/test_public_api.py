"""The public interface is this one list: change it on purpose."""

from __future__ import annotations

import subprocess
import sys

import pytest

import mltk

PUBLIC = [
    "AudioDatasetMixin",
    "AudioFeatureGenerator",
    "AudioFeatureGeneratorSettings",
    "AutoEncoderEvaluationResults",
    "ClassifierEvaluationResults",
    "DataGeneratorDatasetMixin",
    "DatasetMixin",
    "EvaluateAutoEncoderMixin",
    "EvaluateClassifierMixin",
    "EvaluateMixin",
    "EvaluationResults",
    "MltkDataset",
    "MltkError",
    "MltkModel",
    "MltkModelEvent",
    "ParallelAudioDataGenerator",
    "ProfilingLayerResult",
    "ProfilingModelResults",
    "TFLITE_METADATA_TAG",
    "TfliteModel",
    "TfliteModelParameters",
    "TrainMixin",
    "TrainingResults",
    "evaluate_autoencoder",
    "evaluate_classifier",
    "evaluate_model",
    "find_tflite_path",
    "get_mltk_logger",
    "list_mltk_models",
    "load_mltk_model",
    "load_mltk_model_with_path",
    "load_tflite_model",
    "load_tflite_or_keras_model",
    "profile_model",
    "quantize_model",
    "set_mltk_logger",
    "summarize_model",
    "train_model",
    "update_model_parameters",
    "view_model",
]


def test_the_list() -> None:
    assert mltk.__all__ == PUBLIC
    assert set(PUBLIC) <= set(dir(mltk))


@pytest.mark.parametrize("name", PUBLIC)
def test_each_is_there_and_documented(name: str) -> None:
    value = getattr(mltk, name)
    if not isinstance(value, str):
        assert (value.__doc__ or "").strip()


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'mltk' has no attribute 'train_modle'"):
        _ = mltk.train_modle


def test_importing_it_imports_next_to_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import mltk;"
        "new = {m.partition('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names);"
        "assert new == {'mltk'}, new"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_of_it_needs_no_tensorflow() -> None:
    code = (
        "import sys, mltk\nfor n in mltk.__all__: getattr(mltk, n)\n"
        "assert not {'tensorflow', 'keras', 'matplotlib', 'sklearn', 'typer'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
