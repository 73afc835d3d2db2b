"""Every name that scripts for MLTK 0.20 may import is there, with its members and parameters.

``data/names_0_20.json`` lists them: module → name → members of a class, or parameters of a function.
"""

# mypy: disable-error-code="attr-defined"
# The names are made when they are first used; the type checker does not see them all.
from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mltk.core.dataset_names import ALIASES

NAMES: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "names_0_20.json").read_text())

ON_INSTANCES = {
    # Members that an instance gets when it is made, so that the class doesn't have them.
    "TfliteMicroModel": {"is_profiler_enabled", "is_recorder_enabled", "is_tensor_recorder_enabled", "layer_errors"},
}
HEAVY = ("mltk.core.keras",)


def cases(*, heavy: bool) -> list[Any]:
    return [
        pytest.param(module, name, id=f"{module}.{name}")
        for module, names in NAMES.items()
        for name in names
        if module.startswith(HEAVY) is heavy
    ]


def check(module: str, name: str) -> None:
    found = getattr(importlib.import_module(module), name)
    expected = NAMES[module][name]
    missing = [m for m in expected.get("members", ()) if not hasattr(found, m)]
    assert set(missing) <= ON_INSTANCES.get(name, set())
    if expected.get("parameters", ["*args"])[0:1] != ["*args"]:
        parameters = inspect.signature(found).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        wanted = [p for p in expected["parameters"] if not p.startswith("*")]
        unknown = [p for p in wanted if p not in parameters]
        assert not unknown or takes_any
        if wanted and not unknown:  # scripts give the first ones by position
            assert [p for p in parameters if p in wanted] == wanted
        extra = [p for p in parameters.values() if p.name not in wanted and p.default is p.empty]
        assert all(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in extra)


@pytest.mark.parametrize(("module", "name"), cases(heavy=False))
def test_name(module: str, name: str) -> None:
    check(module, name)


@pytest.mark.tf
@pytest.mark.parametrize(("module", "name"), cases(heavy=True))
def test_name_that_needs_keras(module: str, name: str) -> None:
    check(module, name)


@pytest.mark.parametrize(
    "script",
    [
        "import mltk.core as mltk; mltk.MltkModel",
        "import mltk.core as mltk_core; mltk_core.TfliteModel; mltk_core.tflite_model.TfliteLayer",
        "from mltk import core as mltk_core; mltk_core.TrainMixin; mltk_core.model.MltkModelEvent",
        "from mltk.core import MltkModel, TrainMixin, DatasetMixin, EvaluateClassifierMixin",
        "import mltk.core; mltk.core.load_mltk_model; mltk.core.tflite_model_parameters.TFLITE_METADATA_TAG",
        "from mltk.core.model import MltkModel, MltkModelEvent",
        "from mltk.core.tflite_model import TfliteModel, TfliteConv2dLayer",
        "from mltk.core import *; MltkModel, TfliteModel, train_model",
        "from mltk.utils.path import create_user_dir, fullpath",
        "from mltk.utils.archive_downloader import download_verify_extract",
        "from mltk.utils.python import as_list, prepend_exception_msg",
        "from mltk import cli; cli.get_logger, cli.print_info; from mltk.cli import handle_exception, abort",
        "import mltk; mltk.train_model, mltk.MltkModel",
        "from mltk import MLTK_DIR, MLTK_ROOT_DIR, disable_tensorflow; disable_tensorflow()",
        "from mltk.core import TfliteOpCode; TfliteOpCode.CONV_2D",
    ],
)
def test_ways_to_import_that_need_no_tensorflow(script: str) -> None:
    code = f"{script}\nimport sys; assert not {{'tensorflow', 'keras'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.tf
def test_keras_parts_by_attribute() -> None:
    import mltk.core as mltk_core

    assert mltk_core.keras.losses.ContrastiveLoss
    from mltk.core.keras.callbacks import SteppedLearnRateScheduler
    from mltk.training.callbacks import SteppedLearnRateScheduler as real

    assert SteppedLearnRateScheduler is real
    assert "losses" in dir(mltk_core.keras)
    with pytest.raises(AttributeError):
        _ = mltk_core.keras.nothing


@pytest.mark.tf
def test_names_of_keras() -> None:
    import keras

    import mltk.core
    from mltk.core.keras import DataSequence, KerasModel, Sequence, array_to_img, img_to_array, load_img

    assert mltk.core.KerasModel is mltk.core.model.KerasModel is KerasModel is keras.Model
    assert issubclass(DataSequence, keras.utils.PyDataset)
    assert Sequence is DataSequence
    image = array_to_img([[[0.0, 128.0, 255.0]]], scale=False)
    assert img_to_array(image).tolist() == [[[0, 128, 255]]]
    assert list(inspect.signature(load_img).parameters)[:3] == ["path", "grayscale", "color_mode"]


@pytest.mark.tf
def test_an_image_is_loaded_with_0_20s_arguments(tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    from mltk.core.keras import ImageDataGenerator, img_to_array, load_img

    Image.fromarray(np.full((4, 6, 3), 100, np.uint8)).save(tmp_path / "gray.png")
    image = load_img(str(tmp_path / "gray.png"), grayscale=True, target_size=(2, 3))
    assert img_to_array(image).tolist() == [[[100]] * 3] * 2
    batch = next(ImageDataGenerator(rescale=0.5).flow(np.full((1, 2, 2, 1), 3.0), batch_size=1))
    assert batch.tolist() == [[[[1.5]] * 2] * 2]


@pytest.mark.tf
def test_the_keras_file_of_an_0_20_archive_is_loaded(tmp_path: Path) -> None:
    import zipfile

    from mltk.core.keras import KerasModel, load_keras_model

    with zipfile.ZipFile(Path(__file__).parent / "data" / "tiny_blobs.mltk.zip") as archive:
        archive.extract("tiny_blobs.h5", tmp_path)
    model = load_keras_model(str(tmp_path / "tiny_blobs.h5"), compile=False)
    assert isinstance(model, KerasModel)


@pytest.mark.parametrize(
    "name",
    [
        "compile_model",
        "evaluate_autoencoder",
        "evaluate_classifier",
        "evaluate_model",
        "profile_model",
        "quantize_model",
        "summarize_model",
        "train_model",
        "update_model_parameters",
        "view_model",
    ],
)
def test_a_module_with_the_name_of_its_function(name: str) -> None:
    code = (
        f"import mltk.core\nfrom mltk.core.{name} import {name} as function\n"
        f"assert callable(mltk.core.{name})\n"
        f"try: mltk.core.{name}(unknown_argument=1)\n"
        "except TypeError as e: assert function.__name__ in str(e), e\n"
        "else: raise AssertionError"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_there_is_no_compiler_for_an_accelerator() -> None:
    import mltk.core
    from mltk.errors import MltkError

    with pytest.raises(MltkError, match=r"There is no compiler for the accelerator 'mvp'"):
        mltk.core.compile_model("model.tflite", "mvp")


def test_labels_of_scores() -> None:
    from mltk.core.utils import convert_y_to_labels

    assert convert_y_to_labels([[0, 1], [1, 0]]).tolist() == [1, 0]
    assert convert_y_to_labels([[0.25], [0.5]]).tolist() == [0.25, 0.5]
    assert convert_y_to_labels([2, 0]).tolist() == [2, 0]


@pytest.mark.parametrize(
    "script",
    [
        "from mltk.core.model.model import MltkModel, MltkModelEvent",
        "from mltk.core.model.model_event import MltkModelEvent",
        "from mltk.core.model.model_utils import load_mltk_model, list_mltk_models, find_model_specification_file",
        "from mltk.core.model.mixins.ssh_mixin import SshMixin",
        "from mltk.core.model.mixins.dataset_mixin import DatasetMixin, MltkDataset",
        "from mltk.core.model.mixins.image_dataset_mixin import ImageDatasetMixin",
        "from mltk.core.model.mixins.audio_dataset_mixin import AudioDatasetMixin",
        "from mltk.core.model.mixins.train_mixin import TrainMixin",
        "from mltk.core.model.mixins.weights_and_biases_mixin import WeightsAndBiasesMixin",
        "from mltk.core.model.mixins.evaluate_autoencoder_mixin import EvaluateAutoEncoderMixin",
        "from mltk.core.preprocess.audio.audio_feature_generator.audio_feature_generator import AudioFeatureGenerator",
        "from mltk.core.preprocess.audio.parallel_generator.parallel_generator import ParallelAudioDataGenerator",
        "from mltk.core.evaluation_results import EvaluationResults",
        "from mltk.core.training_results import TrainingResults",
        "from mltk.core.preprocess.utils.list_directory import list_dataset_directory, split_file_list",
        "from mltk.core.preprocess.utils.normalize import normalize",
        "from mltk.core.utils import get_mltk_logger, set_mltk_logger, ArchiveFileNotFoundError",
    ],
)
def test_import_paths_of_modules(script: str) -> None:
    exec(script, {})


def test_the_folders_of_the_package() -> None:
    import mltk

    assert str(Path(mltk.__file__).parent) == mltk.MLTK_DIR
    assert str(Path(mltk.__file__).parent.parent) == mltk.MLTK_ROOT_DIR


@pytest.mark.parametrize(
    ("module", "name", "source"),
    [(module, name, source) for module, names in ALIASES.items() for name, source in names.items()],
)
def test_a_dataset_module_offers_what_0_20_imported_there(module: str, name: str, source: str) -> None:
    dataset = importlib.import_module(module)
    assert getattr(dataset, name) is getattr(importlib.import_module(source), name)
    with pytest.raises(AttributeError, match=f"module '{module}' has no attribute 'nothing'"):
        _ = dataset.nothing


def test_names_of_0_20_in_dataset_modules_do_not_depend_on_what_is_imported() -> None:
    code = "from mltk.datasets.audio.yes_no import VoiceRate, download_verify_extract, load_data"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_classes_are_the_same_by_every_path() -> None:
    import mltk
    import mltk.core
    from mltk.core.model import MltkModel
    from mltk.specification.model import MltkModel as real

    assert mltk.MltkModel is mltk.core.MltkModel is MltkModel is real
    assert set(mltk.__all__) < set(mltk.core.__all__)
    with pytest.raises(AttributeError, match=r"module 'mltk\.core' has no attribute 'nothing'"):
        _ = mltk.core.nothing
