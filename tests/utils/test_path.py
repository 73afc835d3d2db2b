"""Helpers for paths, loggers and digests."""

from __future__ import annotations

import datetime
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from mltk.utils import hasher, path
from mltk.utils.logger import get_logger


@pytest.fixture
def tree(work: Path) -> Path:
    (work / "tree" / "a" / "b").mkdir(parents=True)
    (work / "tree" / "a" / "x.txt").write_text("x")
    (work / "tree" / "a" / "b" / "y.py").write_text("y")
    return work / "tree"


def test_names(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/me")
    monkeypatch.setenv("WHERE", "there")
    assert path.fullpath("~/x") == "/home/of/me/x"
    assert path.fullpath("$WHERE/../x") == str(work / "x")
    assert path.fullpath("x", cwd="/q") == "/q/x"
    assert [path.extension(p) for p in ("a/b.TXT", "a/b.tar.gz", "x", "a.b/c")] == ["txt", "gz", "", ""]
    assert [path.has_filename(p) for p in ("a/b.txt", "a/b", "a.b/")] == [True, False, False]
    assert path.get_username()


def test_making_folders(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert path.create_dir("a/b") == str(work / "a" / "b")
    assert path.create_dir("c/d.txt") == str(work / "c" / "d.txt")
    assert sorted(os.listdir(work)) == ["a", "c"]
    assert os.listdir(work / "c") == []
    assert path.create_user_dir() == str(tmp_path / "user")
    assert path.create_user_dir("x/y") == str(tmp_path / "user" / "x" / "y")
    assert path.create_user_dir("x", base_dir="base") == str(work / "base" / "x")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert Path(path.create_tempdir("t")).is_relative_to(tmp_path)
    assert os.path.isdir(path.create_tempdir("t"))


def test_removing_and_copying(tree: Path, work: Path) -> None:
    path.copy_directory(str(tree), "copy", exclude_dirs=["b"])
    assert path.recursive_listdir("copy", return_relative_paths=True) == ["a/x.txt"]
    path.copy_directory(str(tree), "copy")
    assert path.recursive_listdir("copy", return_relative_paths=True) == ["a/b/y.py", "a/x.txt"]
    (work / "copy" / "link").symlink_to(tree)
    path.clean_directory("copy")
    assert os.listdir("copy") == []
    assert (tree / "a" / "x.txt").exists()
    path.remove_directory("copy")
    path.remove_directory("copy")
    path.clean_directory("copy")
    assert not os.path.exists("copy")


def test_listing(tree: Path) -> None:
    assert path.recursive_listdir(str(tree)) == [str(tree / "a" / "b" / "y.py"), str(tree / "a" / "x.txt")]
    for regex in (r".*\.py", lambda p: p.endswith("py")):
        assert path.recursive_listdir(str(tree), regex=regex, return_relative_paths=True) == ["a/b/y.py"]
    assert path.recursive_listdir(str(tree), regex="y") == []
    (tree / "a" / "up").symlink_to(tree)
    assert path.recursive_listdir(str(tree), return_relative_paths=True) == ["a/b/y.py", "a/x.txt"]


def test_walking(tree: Path) -> None:
    top, first = (str(tree), ["a"], []), (str(tree / "a"), ["b"], ["x.txt"])
    walked = [[(r, list(d), f) for r, d, f in path.walk_with_depth(str(tree), depth=n)] for n in (0, 1, 2)]
    assert walked[0] == [top]
    assert walked[1] == [top, first]
    assert walked[2] == [top, first, (str(tree / "a" / "b"), [], ["y.py"])]


def test_case(tree: Path) -> None:
    assert path.get_actual_path(str(tree / "A" / "X.TXT")) == str(tree / "a" / "x.txt")
    assert path.get_actual_path(str(tree / "a")) == str(tree / "a")
    assert path.get_actual_path(str(tree / "none" / "x")) is None


def test_times(work: Path) -> None:
    for name, year in (("old", 2001), ("new", 2002)):
        (work / name).write_text("")
        path.set_file_last_modified(name, datetime.datetime(year, 1, 1))
    assert path.file_is_newer("new", "old")
    assert not path.file_is_newer("old", "new")
    assert path.file_is_newer("old", "missing")
    assert not path.file_is_newer("missing", "old")
    path.set_file_last_modified("old")
    assert path.file_is_newer("old", "new")
    assert not path.file_is_in_use("old")
    assert not path.file_is_in_use("missing")


def test_pushd(work: Path) -> None:
    (work / "below").mkdir()
    with path.pushd("below"):
        assert os.getcwd() == str(work / "below")
    assert os.getcwd() == str(work)
    with pytest.raises(KeyError), path.pushd("below"):
        raise KeyError
    assert os.getcwd() == str(work)


def test_user_settings(tmp_path: Path) -> None:
    assert path.get_user_setting("model_paths", "none") == "none"
    path.add_user_setting("model_paths", ["a"])
    path.add_user_setting("ä", {"b": 1})
    assert path.get_user_setting("model_paths") == ["a"]
    assert (tmp_path / "user" / "user_settings.yaml").read_text() == "model_paths:\n- a\nä:\n  b: 1\n"


# -- loggers -----------------------------------------------------------------------------------------------------------


def test_loggers(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logger = get_logger("logger_of_test", console=True, log_file="logs/log.txt")
    again = get_logger("logger_of_test", console=True)
    assert again is logger
    logger.debug("detail")
    logger.info("hello")
    for handler in list(logger.handlers):
        handler.close()
        logger.removeHandler(handler)
    assert capsys.readouterr().out == "hello\n"
    text = (work / "logs" / "log.txt").read_text()
    assert "DEBUG detail" in text
    assert "INFO hello" in text
    child = get_logger("child_of_test", parent=logger, base_level=logging.WARNING)
    assert child.parent is logger
    assert not child.isEnabledFor(logging.INFO)


# -- digests -----------------------------------------------------------------------------------------------------------


def test_file_digests(work: Path) -> None:
    (work / "a").write_bytes(b"abc")
    assert hasher.hash_file("a") == "900150983cd24fb0d6963f7d28e17f72"
    assert hasher.hash_file("a", "sha1") == "a9993e364706816aba3e25717850c26c9cd0d89d"
    assert hasher.hash_file("a", include_filename=True) != hasher.hash_file("a")


def test_value_digests() -> None:
    assert hasher.generate_hash("a") == "0cc175b9c0f1b6a831c399e269772661"
    assert hasher.generate_hash({"a": 1, "b": 2}) == hasher.generate_hash({"b": 2, "a": 1})
    assert hasher.generate_hash({"x", "y"}) == hasher.generate_hash({"y", "x"})
    assert hasher.generate_hash(np.zeros(3)) != hasher.generate_hash(np.zeros(3, np.int8))
    assert hasher.generate_hash([1, "a", None]) == hasher.generate_hash((1, "a", None))
    assert hasher.generate_hash(len) == hasher.generate_hash(len)

    class Voice:
        def hashable_value(self) -> str:
            return "a"

    assert hasher.generate_hash(Voice()) == hasher.generate_hash("a")
    one = hasher.hash_object("a")
    assert hasher.hash_object("b", hasher=one) is one
    assert one.hexdigest() == hasher.generate_hash("ab")
