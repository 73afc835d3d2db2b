"""Scripts for MLTK 0.20 and before: removed modules of Keras 2, and items of callbacks that are None."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

import mltk
from mltk.errors import SpecificationError
from mltk.specification.older_scripts import older_script

MODEL = """
import mltk

class Own(mltk.MltkModel, mltk.TrainMixin, mltk.EvaluateMixin):
    pass

my_model = Own()
"""


def load(folder: Path, name: str, more: str) -> Any:
    (folder / f"{name}.py").write_text(MODEL + more)
    return mltk.load_mltk_model(str(folder / f"{name}.py"))


def test_items_of_a_callback_make_a_dict_of_it(tmp_path: Path, fresh_user_dir: Path) -> None:
    model = load(tmp_path, "items", "my_model.tensorboard['write_images'] = True\n")
    assert model.tensorboard == {"write_images": True}
    assert model.early_stopping is None
    assert load(tmp_path, "no_items", "x = my_model.tensorboard == {}\n").tensorboard is None


def test_items_of_a_setting_that_is_a_dict_are_added_to_its_default(tmp_path: Path, fresh_user_dir: Path) -> None:
    usual = load(tmp_path, "usual", "").tflite_converter
    text = "my_model.tflite_converter['inference_input_type'] = 'int8'\n"
    assert load(tmp_path, "changed", text).tflite_converter == {**usual, "inference_input_type": "int8"}
    assert usual["optimizations"]


def test_a_misspelled_item_is_still_an_error(tmp_path: Path, fresh_user_dir: Path) -> None:
    with pytest.raises(mltk.errors.SettingError, match="'write_image' is not one of its keys"):
        load(tmp_path, "misspelled", "my_model.tensorboard['write_image'] = True\n")


def test_a_script_that_sets_the_whole_dict_first_keeps_it(tmp_path: Path, fresh_user_dir: Path) -> None:
    code = "my_model.early_stopping = dict(patience=3)\nmy_model.early_stopping['monitor'] = 'loss'\n"
    assert load(tmp_path, "whole", code).early_stopping == {"patience": 3, "monitor": "loss"}


@pytest.mark.tf
def test_modules_that_keras_2_installed_are_found(tmp_path: Path, fresh_user_dir: Path) -> None:
    imports = (
        "from keras_preprocessing.image.utils import img_to_array, load_img\n"
        "from keras_preprocessing.image import ImageDataGenerator\n"
        "from keras_preprocessing import sequence\n"
        "from keras.utils.np_utils import to_categorical\n"
        "my_model.found = to_categorical([1], 2).tolist(), sequence.pad_sequences([[1]], 2).tolist()\n"
        "my_model.image = img_to_array(load_img(__file__.replace('.py', '.png'))).shape\n"
    )
    from PIL import Image

    Image.new("RGB", (5, 4)).save(tmp_path / "removed.png")
    model = load(tmp_path, "removed", imports)
    assert model.found == ([[0.0, 1.0]], [[0, 1]])
    assert model.image == (4, 5, 3)


def test_a_module_that_never_existed_is_an_error(tmp_path: Path, fresh_user_dir: Path) -> None:
    with pytest.raises(SpecificationError, match=r"No module named 'keras_preprocessing.audio'|not installed"):
        load(tmp_path, "never", "import keras_preprocessing.audio\n")


def test_an_installed_package_has_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keras_preprocessing.py").write_text("own = 3\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = {name: module for name, module in sys.modules.items() if name.startswith("keras_preprocessing")}
    for name in before:
        monkeypatch.delitem(sys.modules, name)
    with older_script(str(tmp_path / "none.py")):
        found = importlib.import_module("keras_preprocessing")
    assert found.own == 3
    del sys.modules["keras_preprocessing"]


def test_a_script_in_a_package_imports_its_neighbors(tmp_path: Path, fresh_user_dir: Path) -> None:
    folder = tmp_path / "own_models"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "helper.py").write_text("DESCRIPTION = 'from the neighbor'\n")
    model = load(folder, "neighbor", "from .helper import DESCRIPTION\nmy_model.description = DESCRIPTION\n")
    assert model.description == "from the neighbor"


def test_a_script_of_a_published_archive_imports_what_was_beside_it(tmp_path: Path, fresh_user_dir: Path) -> None:
    code = "from .fingerprint_signature_generator_dataset import euclidean_distance\n"
    model = load(tmp_path, "published", f"{code}my_model.description = euclidean_distance.__name__\n")
    assert model.description == "euclidean_distance"
    with pytest.raises(SpecificationError, match="attempted relative import with no known parent package"):
        load(tmp_path, "unpublished", "from .no_such_neighbor import x\n")
