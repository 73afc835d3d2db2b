"""Files and folders are written whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mltk.errors import OutputError
from mltk.files import check_writable, make_folder, replacing, replacing_folder, write_file


def files_below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_disk_that_is_full_when_a_file_is_closed(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="No space left on device"),
        replacing(str(tmp_path / "a.txt")),
        open("/dev/full", "w") as stream,
    ):
        stream.write("x")
    assert files_below(tmp_path) == []


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")

    def half(path: str) -> None:
        Path(path).write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), replacing(str(tmp_path / "a.txt")) as temporary:
        half(temporary)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert files_below(tmp_path) == ["a.txt"]


def test_an_error_of_our_own_while_writing_comes_through_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"^that other file$"), replacing(str(tmp_path / "a.txt")):
        raise OutputError("that other file")
    assert files_below(tmp_path) == []


def test_check_writable_leaves_nothing(tmp_path: Path) -> None:
    check_writable(str(tmp_path / "m.mltk.zip"))
    assert files_below(tmp_path) == []


def test_a_link_stays_a_link_and_permissions_stay(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "real.txt").chmod(0o640)
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_file(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "real.txt").stat().st_mode) == 0o640


def test_a_new_file_gets_its_permissions_without_a_change_of_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plain.txt").touch()
    # Reading the umask sets it for a moment, for all threads: two that write at once could leave it changed.
    monkeypatch.delattr(os, "umask")
    write_file(tmp_path / "a.txt", "x")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


def test_only_a_durable_file_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    for durable in (True, False):
        with replacing(tmp_path / "a.txt", durable=durable) as temporary:
            Path(temporary).write_text(str(durable))
        assert (tmp_path / "a.txt").read_text() == str(durable)
    assert len(synced) == 1
    assert files_below(tmp_path) == ["a.txt"]


def test_write_file(tmp_path: Path) -> None:
    write_file(str(tmp_path / "a.txt"), "ä")
    assert (tmp_path / "a.txt").read_bytes() == "ä".encode()
    write_file(str(tmp_path / "a.txt"), b"\0")
    assert (tmp_path / "a.txt").read_bytes() == b"\0"
    assert files_below(tmp_path) == ["a.txt"]


def test_make_folder_makes_the_folders_above_and_returns_the_path(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b") == str(tmp_path / "a" / "b")
    assert make_folder(str(tmp_path / "a" / "b")) == str(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as e:
        make_folder(tmp_path / "file" / "below", what="log folder", hint="Choose another.")
    assert e.value.message == f"The log folder {tmp_path}/file/below can't be made: Not a directory."
    assert e.value.hint == "Choose another."


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    target = tmp_path / "above" / "a"
    with replacing_folder(target) as temporary:
        Path(temporary, "new.txt").write_text("new")
        assert not target.exists()
    assert files_below(tmp_path) == ["above", "above/a", "above/a/new.txt"]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.txt").write_text("old")
    with replacing_folder(tmp_path / "a") as temporary:
        Path(temporary, "new.txt").write_text("new")
        assert files_below(tmp_path / "a") == ["old.txt"]
    assert files_below(tmp_path) == ["a", "a/new.txt"]


def test_an_error_while_filling_a_folder_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.txt").write_text("old")

    def half(path: str) -> None:
        Path(path, "half.txt").write_text("half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), replacing_folder(tmp_path / "a") as temporary:
        half(temporary)
    assert files_below(tmp_path) == ["a", "a/old.txt"]


def test_an_old_folder_returns_when_the_new_one_can_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old.txt").write_text("old")
    real = os.replace

    def replace(source: str, target: str) -> None:
        if os.path.basename(source) == "content":
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OutputError, match=r"Can't write .*/a: Input/output error\."), replacing_folder(tmp_path / "a"):
        pass
    assert files_below(tmp_path) == ["a", "a/old.txt"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with replacing_folder(tmp_path / "link") as temporary:
        Path(temporary, "new.txt").write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert files_below(tmp_path / "real") == ["new.txt"]
