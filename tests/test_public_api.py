"""The public interface is this one list: change it on purpose."""

# mypy: disable-error-code="attr-defined"
# The names are made when they are first used; the type checker does not see them all.
from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mltk
from mltk import errors

PUBLIC = [
    "ArchiveError",
    "ArchiveRefused",
    "AudioDatasetMixin",
    "AudioFeatureGenerator",
    "AudioFeatureGeneratorSettings",
    "AudioFeatureStream",
    "AudioFileError",
    "AutoEncoderEvaluationResults",
    "BatchResult",
    "Budget",
    "ClassifierEvaluationResults",
    "CompileResults",
    "DataGeneratorDatasetMixin",
    "DatasetError",
    "DatasetMixin",
    "DownloadError",
    "EvaluateAutoEncoderMixin",
    "EvaluateClassifierMixin",
    "EvaluateMixin",
    "EvaluationError",
    "EvaluationResults",
    "FrontendError",
    "ImageDatasetMixin",
    "ImageFileError",
    "MissingDependencyError",
    "MltkDataset",
    "MltkError",
    "MltkModel",
    "MltkModelEvent",
    "ModelNameError",
    "ModelNotFoundError",
    "OutputError",
    "OverBudget",
    "ParallelAudioDataGenerator",
    "ParallelImageDataGenerator",
    "ParameterError",
    "ParityResults",
    "ProfilingLayerResult",
    "ProfilingModelResults",
    "QuantizationError",
    "RuntimeFailure",
    "SettingError",
    "SpecificationError",
    "SpeechDataset",
    "SpeechError",
    "SshMixin",
    "StreamEvaluationResults",
    "TFLITE_METADATA_TAG",
    "TfliteError",
    "TfliteModel",
    "TfliteModelParameters",
    "TrainMixin",
    "TrainingError",
    "TrainingInterrupted",
    "TrainingResults",
    "TuneResults",
    "UnsupportedModelError",
    "WeightsAndBiasesMixin",
    "check_parity",
    "compile_model",
    "evaluate_autoencoder",
    "evaluate_classifier",
    "evaluate_model",
    "evaluate_stream",
    "find_tflite_path",
    "get_mltk_logger",
    "list_mltk_models",
    "load_mltk_model",
    "load_mltk_model_with_path",
    "load_tflite_model",
    "load_tflite_or_keras_model",
    "profile_model",
    "quantize_model",
    "run_batch",
    "set_mltk_logger",
    "summarize_model",
    "train_model",
    "tune_model",
    "update_model_parameters",
    "view_model",
]
NEEDS_KERAS = ["StochasticWeightAveraging"]


def test_the_list() -> None:
    assert mltk.__all__ == PUBLIC
    assert {*PUBLIC, *NEEDS_KERAS} <= set(dir(mltk))


def static_names(path: Path) -> dict[str, str]:
    """Name → module of the imports under ``if TYPE_CHECKING:`` in the root of a package."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    block = next(n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, "without 'as', the name is private to a type checker"
            found[alias.name] = node.module or ""
    return found


@pytest.mark.parametrize("package", ["mltk", "mltk.tflite", "mltk.micro"])
def test_a_type_checker_sees_the_same_names_from_the_same_modules(package: str) -> None:
    module = importlib.import_module(package)
    static = static_names(Path(module.__file__ or ""))
    table = module._PUBLIC if package == "mltk" else module._NAMES
    assert static == {name: source for source, names in table.items() for name in names}
    assert set(static) - set(module.__all__) == (set(NEEDS_KERAS) if package == "mltk" else set())


def test_every_error_is_public_and_drawn_in_the_tree() -> None:
    classes = [v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, errors.MltkError)]
    tree = errors.__doc__ or ""
    for error in classes:
        assert getattr(mltk, error.__name__) is error
        assert len(re.findall(rf"\b{error.__name__}\b", tree)) == 1, error


@pytest.mark.tf
@pytest.mark.parametrize("name", NEEDS_KERAS)
def test_what_needs_keras_is_there_and_documented(name: str) -> None:
    assert getattr(mltk, name).__doc__


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


@pytest.mark.parametrize("value", ["1", "true", "0", None])
def test_importing_settles_on_keras_3(value: str | None) -> None:
    code = "import os, mltk; print(os.environ.get('TF_USE_LEGACY_KERAS'))"
    environment = {k: v for k, v in os.environ.items() if k != "TF_USE_LEGACY_KERAS"}
    environment |= {} if value is None else {"TF_USE_LEGACY_KERAS": value}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    legacy = value in ("1", "true")
    assert done.stdout.strip() == ("0" if legacy else str(value))
    assert done.stderr.strip() == ("openmltk uses Keras 3: TF_USE_LEGACY_KERAS=1 is ignored." if legacy else "")
