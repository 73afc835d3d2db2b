"""Loading a specification: what goes wrong is told with its file and line."""

# mypy: disable-error-code="attr-defined"
# A loaded specification is a MltkModel; its mixins are not known to the type checker.
from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import mltk
from mltk.errors import ArchiveError, ModelNameError, ModelNotFoundError, SettingError, SpecificationError
from mltk.specification.events import MltkModelEvent

SPEC = """\
# @mltk_model
import mltk

class Mine(mltk.MltkModel, mltk.TrainMixin):
    pass

my_model = Mine()
my_model.epochs = 7
"""


def put(path: Path, text: str = SPEC) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def fails(path: Path, text: str) -> SpecificationError:
    put(path, text)
    with pytest.raises(SpecificationError) as e:
        mltk.load_mltk_model(str(path))
    return e.value


def test_by_name_path_and_itself(work: Path) -> None:
    path = put(work / "digits.py")
    by_name = mltk.load_mltk_model("digits")
    assert (by_name.name, by_name.epochs, by_name.test_mode_enabled) == ("digits", 7, False)
    assert by_name.model_specification_path == str(path)
    assert by_name.archive_path == str(work / "digits.mltk.zip")
    assert mltk.load_mltk_model(str(path)).name == "digits"
    assert mltk.load_mltk_model(path).name == "digits"  # type: ignore[arg-type]
    assert mltk.load_mltk_model("digits.py").model_specification_path == str(path)
    assert mltk.load_mltk_model_with_path(str(path)).name == "digits"
    assert mltk.load_mltk_model(by_name) is by_name


def test_dry_run(work: Path, tmp_path: Path) -> None:
    put(work / "digits.py")
    for model in (mltk.load_mltk_model("digits-test"), mltk.load_mltk_model("digits", test=True)):
        assert model.test_mode_enabled
        assert model.name == "digits"
        assert model.archive_path == str(work / "digits-test.mltk.zip")
        assert model.log_dir == str(tmp_path / "user" / "models" / "digits-test")
        assert model.tflite_log_dir_path.endswith("/digits-test/digits-test.tflite")
    loaded = mltk.load_mltk_model("digits")
    assert mltk.load_mltk_model(loaded, test=True).test_mode_enabled


def test_a_class_of_it_pickles(work: Path) -> None:
    put(work / "digits.py")
    model = mltk.load_mltk_model("digits")
    assert pickle.loads(pickle.dumps(model)).epochs == 7


def test_reload(work: Path) -> None:
    path = put(work / "digits.py")
    first = mltk.load_mltk_model("digits")
    path.write_text(SPEC.replace("epochs = 7", "epochs = 8888"))
    assert mltk.load_mltk_model("digits", reload=False) is first
    assert mltk.load_mltk_model("digits").epochs == 8888


def test_modules_beside_it_can_be_imported(work: Path) -> None:
    put(work / "deep" / "helper_of_digits.py", "N = 12\n")
    put(work / "deep" / "digits.py", SPEC + "from helper_of_digits import N\nmy_model.epochs = N\n")
    assert mltk.load_mltk_model("digits").epochs == 12


def test_a_model_called_like_a_loaded_module_does_not_take_its_place(work: Path) -> None:
    import json

    put(work / "json.py")
    assert mltk.load_mltk_model("json").name == "json"
    assert sys.modules["json"] is json


def test_events_of_loading(work: Path) -> None:
    put(
        work / "digits.py",
        SPEC + "my_model.add_event_handler('after_model_load', lambda m, logger: setattr(m, 'epochs', 99))\n",
    )
    assert mltk.load_mltk_model("digits").epochs == 99
    assert MltkModelEvent("after_model_load") is MltkModelEvent.AFTER_MODEL_LOAD


# -- what goes wrong -------------------------------------------------------------------------------------------------


def test_no_such_file(work: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"There is no file .*nothing\.py"):
        mltk.load_mltk_model(str(work / "nothing.py"))


def test_neither_script_nor_archive(work: Path) -> None:
    path = put(work / "deep" / "model.txt")
    with pytest.raises(SpecificationError, match="neither a specification script"):
        mltk.load_mltk_model(str(path))


def test_syntax_error(work: Path) -> None:
    e = fails(work / "broken.py", "# @mltk_model\nimport mltk\nx = (1,\ny = 2 2\n")
    assert e.message.startswith(f"{work / 'broken.py'}:")
    assert ": syntax error: " in e.message
    line = int(e.message.removeprefix(f"{work / 'broken.py'}:").split(":")[0])
    assert line in (3, 4)


def test_syntax_error_in_a_helper_names_the_helper(work: Path) -> None:
    put(work / "helper_that_is_broken.py", "ok = 1\ndef f(:\n")
    e = fails(work / "digits.py", SPEC + "import helper_that_is_broken\n")
    assert e.message.startswith(f"{work / 'helper_that_is_broken.py'}:2: syntax error")


@pytest.mark.parametrize("content", [b"# \xff\xfe\nx = 1\n", b"x = 1\0\n", b"# coding: nothing-such\nx = 1\n"])
def test_not_text(work: Path, content: bytes) -> None:
    path = work / "binary.py"
    path.write_bytes(content)
    with pytest.raises(SpecificationError) as e:
        mltk.load_mltk_model(str(path))
    assert str(path) in e.value.message
    assert "None" not in e.value.message


def test_an_exception_is_told_with_its_line_in_the_script(work: Path) -> None:
    e = fails(work / "digits.py", SPEC + "def f():\n    return {}['key']\nf()\n")
    assert e.message.startswith(f"{work / 'digits.py'}:10: KeyError: 'key'")
    assert "return {}['key']" in e.message
    assert "digits" not in sys.modules


def test_an_exception_in_a_library_is_told_with_the_line_that_called_it(work: Path) -> None:
    e = fails(work / "digits.py", SPEC + "import json\njson.loads('{')\n")
    assert e.message.startswith(f"{work / 'digits.py'}:10: JSONDecodeError")


def test_a_missing_module(work: Path) -> None:
    e = fails(work / "digits.py", "import nothing_such\n")
    assert "digits.py:1: ModuleNotFoundError: No module named 'nothing_such'" in e.message
    assert e.hint == "Install nothing_such, or put its file beside the specification."


def test_a_wrong_setting_comes_through_as_it_is(work: Path) -> None:
    put(work / "digits.py", SPEC + "my_model.epoch = 3\n")
    with pytest.raises(SettingError) as e:
        mltk.load_mltk_model("digits")
    assert e.value.message.startswith(f"{work / 'digits.py'}:9: epoch is not a setting of Mine")


def test_no_model(work: Path) -> None:
    e = fails(work / "empty.py", "# @mltk_model\nimport mltk\n")
    assert e.message == f"{work / 'empty.py'} makes no MltkModel."
    assert "my_model = MyModel()" in (e.hint or "")


def test_several_models(work: Path) -> None:
    text = SPEC.replace("my_model", "one") + "other = Mine()\n"
    e = fails(work / "two.py", text)
    assert e.message == f"{work / 'two.py'} makes several models: one, other."
    put(work / "two.py", text + "my_model = other\n")
    assert mltk.load_mltk_model("two").epochs == 100


def test_one_model_under_two_names(work: Path) -> None:
    put(work / "same.py", SPEC.replace("my_model", "one") + "other = one\n")
    assert mltk.load_mltk_model("same").epochs == 7


def test_a_model_imported_from_another_specification_does_not_count(work: Path) -> None:
    put(work / "base.py", SPEC.replace("my_model", "base_model"))
    put(work / "derived.py", "from base import base_model, Mine\nderived = Mine()\nderived.epochs = 55\n")
    assert mltk.load_mltk_model("derived").epochs == 55


def test_a_name_with_other_characters(work: Path) -> None:
    path = put(work / "my-model.py")
    with pytest.raises(ModelNameError) as e:
        mltk.load_mltk_model(str(path))
    assert e.value.hint == "Rename the file to my_model.py"


def test_a_script_that_stops_python_stops_it(work: Path) -> None:
    put(work / "digits.py", "import sys\nsys.exit(3)\n")
    with pytest.raises(SystemExit):
        mltk.load_mltk_model("digits")


def test_without_a_script_a_path_must_be_given() -> None:
    code = "import mltk\nclass M(mltk.MltkModel): pass\ntry: M()\nexcept mltk.MltkError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "can't find the script that it belongs to" in done.stdout
    assert "MltkModel('my_model.py')" in done.stdout


def test_run_as_a_script(work: Path) -> None:
    path = put(work / "digits.py", SPEC + "print(my_model.name, my_model.model_specification_path)\n")
    done = subprocess.run([sys.executable, path.name], capture_output=True, text=True, check=True, cwd=work)
    assert done.stdout.split() == ["digits", str(path)]


def test_made_by_a_helper_it_belongs_to_the_helper_unless_told(work: Path) -> None:
    put(
        work / "factory_of_models.py",
        "import mltk\nclass M(mltk.MltkModel): pass\ndef make(path): return M(path)\n",
    )
    put(work / "digits.py", "from factory_of_models import make\nmodel = make(__file__)\n")
    assert mltk.load_mltk_model("digits").name == "digits"


# -- archives --------------------------------------------------------------------------------------------------------


def put_archive(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_from_an_archive(work: Path, tmp_path: Path) -> None:
    path = put_archive(work / "digits.mltk.zip", {"digits.py": SPEC})
    model = mltk.load_mltk_model(str(path))
    assert (model.name, model.epochs, model.archive_path) == ("digits", 7, str(path))
    assert Path(model.model_specification_path).is_relative_to(tmp_path / "user" / "extracted")
    assert sorted(os.listdir(work)) == ["digits.mltk.zip"]
    assert mltk.load_mltk_model("digits").archive_path == str(path)


def test_from_the_archive_of_a_dry_run(work: Path) -> None:
    path = put_archive(work / "digits-test.mltk.zip", {"digits.py": SPEC})
    model = mltk.load_mltk_model(str(path))
    assert model.test_mode_enabled
    assert model.archive_path == str(path)


def test_from_a_renamed_archive(work: Path) -> None:
    path = put_archive(work / "renamed.mltk.zip", {"digits.py": SPEC, "train/log.txt": ""})
    model = mltk.load_mltk_model(str(path))
    assert (model.name, model.archive_path) == ("digits", str(path))


def test_from_an_archive_without_a_specification(work: Path) -> None:
    path = put_archive(work / "digits.mltk.zip", {"a.py": SPEC, "b.py": SPEC})
    with pytest.raises(SpecificationError, match=r"has no specification digits\.py"):
        mltk.load_mltk_model(str(path))


def test_from_what_is_no_archive(work: Path) -> None:
    path = put(work / "digits.mltk.zip", "not a zip")
    with pytest.raises(ArchiveError, match="is not a model archive, or it is damaged"):
        mltk.load_mltk_model(str(path))


def test_a_dry_run_of_an_archive_writes_to_one_of_its_own(work: Path) -> None:
    path = put_archive(work / "digits.mltk.zip", {"digits.py": SPEC})
    model = mltk.load_mltk_model(str(path), test=True)
    assert model.archive_path == str(work / "digits-test.mltk.zip")


def test_loading_needs_no_tensorflow(work: Path) -> None:
    put(work / "digits.py")
    code = """
        import sys, mltk
        mltk.load_mltk_model("digits")
        assert not {"tensorflow", "keras", "numpy"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, cwd=work)
