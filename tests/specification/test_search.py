"""Models are found by reading text; nothing is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import mltk
from mltk.errors import ModelNotFoundError
from mltk.specification.search import find_model, iter_model_files, list_mltk_models, model_search_path
from mltk.user_settings import user_settings_path

MARK = "# @mltk_model\n"


def put(path: Path, text: str = MARK) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def own_models(**kwargs: bool) -> list[str]:
    """Those listed that are not the package's."""
    packaged = str(Path(mltk.__file__).parent)
    theirs = {name for name, path in iter_model_files() if path.startswith(packaged)}
    return [
        name for name in list_mltk_models(**kwargs) if name not in theirs and name.removesuffix("-test") not in theirs
    ]


def test_marked_files_are_listed_and_nothing_is_run(work: Path) -> None:
    put(work / "one.py", MARK + "raise SystemExit(1)\n")
    put(work / "below" / "two.py", "import nothing_such\n\n# my  @mltk_model here\n")
    put(work / "not_one.py", "# mltk_model\n")
    put(work / "not_python.txt")
    put(work / "an.mltk.zip", "not a zip")
    assert own_models() == ["one", "two"]
    assert own_models(test=True) == ["one-test", "two-test"]


def test_a_mark_far_down_or_across_a_block_is_found(work: Path) -> None:
    put(work / "far.py", "#" * 200_000 + MARK)
    for shift in range(14):
        put(work / f"across{shift}.py", "#" * (65536 - shift) + "@mltk_model")
    assert len(own_models()) == 15


def test_hidden_folders_environments_and_builds_are_left_out(work: Path) -> None:
    put(work / ".git" / "a.py")
    put(work / "build" / "b.py")
    put(work / "__pycache__" / "c.py")
    put(work / "node_modules" / "d.py")
    put(work / "my_env" / "lib" / "e.py")
    put(work / "my_env" / "pyvenv.cfg", "")
    put(work / "fine" / "f.py")
    assert own_models() == ["f"]


def test_loops_of_links_end(work: Path) -> None:
    put(work / "a" / "one.py")
    (work / "a" / "up").symlink_to(work)
    (work / "a" / "self").symlink_to(work / "a")
    (work / "dangling.py").symlink_to(work / "nowhere.py")
    (work / "dangling").symlink_to(work / "nowhere")
    assert own_models() == ["one"]


def test_linked_folders_are_searched(work: Path, tmp_path: Path) -> None:
    put(tmp_path / "elsewhere" / "one.py")
    (work / "link").symlink_to(tmp_path / "elsewhere")
    assert own_models() == ["one"]


def test_unreadable_files_are_left_out(work: Path) -> None:
    put(work / "one.py")
    (work / "folder.py").mkdir()
    (work / "loop.py").symlink_to(work / "loop.py")
    assert own_models() == ["one"]


def test_order_of_the_search_path(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [tmp_path / n for n in ("first", "env1", "env2")]
    for folder in folders:
        folder.mkdir()
    user_settings_path().parent.mkdir()
    user_settings_path().write_text(f"model_paths:\n  - {folders[0]}\n  - {tmp_path / 'missing'}\n  - {work}\n")
    monkeypatch.setenv("MLTK_MODEL_PATHS", f"{folders[1]}{os.pathsep}{folders[2]}{os.pathsep}")
    packaged = str(Path(mltk.__file__).parent / "models")
    assert model_search_path() == [str(folders[0]), str(work), str(folders[1]), str(folders[2]), packaged]
    user_settings_path().write_text(f"model_paths: {folders[0]}\n")
    assert model_search_path() == [str(folders[0]), str(work), str(folders[1]), str(folders[2]), packaged]


def test_home_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "home" / "specs").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MLTK_MODEL_PATHS", "~/specs")
    assert str(tmp_path / "home" / "specs") in model_search_path()


def test_a_name_in_an_earlier_folder_wins(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "other" / "one.py")
    monkeypatch.setenv("MLTK_MODEL_PATHS", str(tmp_path / "other"))
    assert find_model("one") == str(tmp_path / "other" / "one.py")
    mine = put(work / "deep" / "one.py")
    near = put(tmp_path / "other" / "two.py")
    assert find_model("two") == str(near)
    assert own_models() == ["one", "two"]
    mine.rename(work / "one.py")
    assert find_model("one") == str(work / "one.py")


def test_in_the_working_folder_the_mark_is_not_needed(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(work / "one.py", "")
    put(tmp_path / "other" / "two.py", "")
    monkeypatch.setenv("MLTK_MODEL_PATHS", str(tmp_path / "other"))
    assert find_model("one") == str(work / "one.py")
    with pytest.raises(ModelNotFoundError):
        find_model("two")


def test_test_suffix_means_the_same_specification(work: Path) -> None:
    put(work / "one.py")
    assert find_model("one-test") == str(work / "one.py")


def test_an_archive_is_found_where_there_is_no_script(work: Path) -> None:
    put(work / "deep" / "one.mltk.zip", "")
    assert find_model("one") == str(work / "deep" / "one.mltk.zip")
    put(work / "deeper" / "still" / "one.py")
    assert find_model("one") == str(work / "deeper" / "still" / "one.py")


def test_an_unknown_name_tells_the_nearest_and_where_was_looked(work: Path) -> None:
    put(work / "keyword_spotting.py")
    with pytest.raises(ModelNotFoundError) as e:
        find_model("keyword_spoting")
    assert e.value.message == "There is no model 'keyword_spoting' on the model search path."
    assert e.value.hint is not None
    assert "Did you mean 'keyword_spotting'" in e.value.hint
    assert str(work) in e.value.hint
    with pytest.raises(FileNotFoundError):
        find_model("qqqqqq")


def test_a_name_does_not_lead_out_of_the_search_path(work: Path, tmp_path: Path) -> None:
    put(tmp_path / "secret.py")
    with pytest.raises(ModelNotFoundError):
        find_model("")


def test_listing_imports_neither_the_models_nor_numpy(work: Path) -> None:
    put(work / "one.py", MARK + "import nothing_such\n")
    code = (
        "import sys, mltk; assert 'one' in mltk.list_mltk_models();"
        "bad = {'one', 'numpy', 'tensorflow', 'keras'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=work)
