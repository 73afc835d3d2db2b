"""The types that mypy and an IDE see: names of ``mltk``, settings of a specification."""

from __future__ import annotations

import re
import sysconfig
from pathlib import Path

import pytest

import mltk

mypy_api = pytest.importorskip("mypy.api")

SCRIPT = """
import logging
from typing import Any, assert_type
import mltk
import mltk.core as core

class Model(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    pass

my_model = Model()

# names
assert_type(mltk.train_model(my_model), mltk.TrainingResults)
assert_type(mltk.load_mltk_model("yes_no"), mltk.MltkModel)
assert_type(mltk.list_mltk_models(), list[str])
assert_type(mltk.get_mltk_logger(), logging.Logger)
assert_type(mltk.MltkModelEvent("after_train"), mltk.MltkModelEvent)
assert_type(mltk.TFLITE_METADATA_TAG, str)
assert_type(mltk.MltkError("message").hint, str | None)
assert_type(mltk.TfliteModel.load_flatbuffer_file("a.tflite"), mltk.TfliteModel)
assert_type(mltk.check_parity("a.tflite"), mltk.ParityResults)
assert_type(mltk.AudioFeatureGeneratorSettings(), mltk.AudioFeatureGeneratorSettings)
assert_type(mltk.profile_model("a.tflite"), mltk.ProfilingModelResults)
assert_type(core.train_model(my_model), mltk.TrainingResults)

# settings
assert_type(my_model.epochs, int)
assert_type(my_model.classes, list[str])
assert_type(my_model.input_shape, tuple[int | None, ...])
assert_type(my_model.log_dir, str)
assert_type(my_model.seed, int | None)
assert_type(my_model.early_stopping, dict[str, Any] | None)
assert_type(my_model.validation_split, float)
assert_type(my_model.follow_links, bool)
my_model.epochs = 3
my_model.classes = ["yes", "no"]
my_model.checkpoint = dict(monitor="val_loss")
"""
WRONG = """
import mltk

class Model(mltk.MltkModel, mltk.TrainMixin):
    pass

my_model = Model()
my_model.epochs = "many"  # line 8
my_model.epoch = 3  # line 9
mltk.train_modle(my_model)  # line 10
my_model.validation_split = 0.1  # line 11
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what mypy remembers of the package; used by every test of this module."""
    return tmp_path_factory.mktemp("mypy")


def check(path: Path, script: str, cache: Path) -> list[str]:
    """What mypy says about a script of a user, line by line."""
    path.write_text(script, encoding="utf-8")
    source = Path(mltk.__file__).resolve().parent.parent
    installed = source == Path(sysconfig.get_path("purelib")).resolve()  # mypy finds it, and refuses to be told where
    mypy_path = "" if installed else f"mypy_path = {source}\n"
    config = cache / "mypy.ini"
    # follow_imports = silent keeps the errors of the sources themselves out of this test.
    config.write_text(
        f"[mypy]\n{mypy_path}strict = True\nfollow_imports = silent\n"
        "[mypy-tensorflow.*,keras.*,ai_edge_litert.*,tflite_micro.*,sklearn.*,matplotlib.*,flatbuffers.*,yaml.*]\n"
        "ignore_missing_imports = True\nfollow_imports = skip\n"
    )
    out, err, status = mypy_api.run(
        ["--config-file", str(config), "--cache-dir", str(cache), "--no-error-summary", str(path)]
    )
    assert not err
    assert status in (0, 1), "mypy did not come to a verdict"
    return list(out.splitlines())


def test_names_and_settings_have_their_types(tmp_path: Path, cache: Path) -> None:
    assert check(tmp_path / "model.py", SCRIPT, cache) == []


def test_wrong_types_and_misspelled_names_are_found(tmp_path: Path, cache: Path) -> None:
    found = check(tmp_path / "model.py", WRONG, cache)
    lines = [int(re.search(r":(\d+): error", line)[1]) for line in found if " error: " in line]  # type: ignore[index]
    assert lines == [8, 9, 10, 11]
