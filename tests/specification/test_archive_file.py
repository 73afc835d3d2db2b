"""The archive: read with suspicion, written whole or not at all."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import re
import signal
import stat
import struct
import subprocess
import sys
import textwrap
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import mltk
from mltk.errors import ArchiveError, MltkError, OutputError
from mltk.files import check_writable
from mltk.specification import archive_file as module
from mltk.specification.archive_file import ArchiveReader, update_archive, write_archive

MEMBERS: dict[str, bytes | str] = {
    "m.py": b"print('never run')\n",
    "m.tflite": bytes(range(256)) * 8,
    "eval/tflite/results.json": b"{}",
    "eval/tflite/plot.png": b"png",
    "eval/keras/results.json": b"{}",
}


@pytest.fixture
def path(work: Path) -> str:
    """A good archive."""
    target = str(work / "m.mltk.zip")
    write_archive(target, MEMBERS, {"name": "m", "model_version": 3})
    return target


def files_below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def make(path: Path, entries: list[tuple[Any, bytes]]) -> str:
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name, content in entries:
            archive.writestr(name, content)
    return str(path)


# -- the good case ---------------------------------------------------------------------------------------------------


def test_round_trip(path: str, work: Path) -> None:
    with ArchiveReader(path) as archive:
        assert archive.names == [*sorted(MEMBERS), "manifest.json"]
        for name, content in MEMBERS.items():
            assert archive.read(name) == content
        assert archive.manifest()["name"] == "m"
        archive.verify()
        target = archive.extract("eval/tflite/plot.png", str(work / "out"))
    assert Path(target) == work / "out" / "eval" / "tflite" / "plot.png"
    assert Path(target).read_bytes() == b"png"
    assert files_below(work / "out") == ["eval", "eval/tflite", "eval/tflite/plot.png"]


def test_members_from_files(work: Path) -> None:
    (work / "source.txt").write_text("hello")
    write_archive(str(work / "m.mltk.zip"), {"a/b.txt": str(work / "source.txt")}, {})
    with ArchiveReader(work / "m.mltk.zip") as archive:
        assert archive.read("a/b.txt") == b"hello"


def test_the_archive_is_readable_as_its_maker_would_have_it(path: str) -> None:
    mask = os.umask(0o022)
    os.umask(mask)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o666 & ~mask


def test_update_keeps_the_rest(path: str) -> None:
    update_archive(path, {"m.tflite": b"new", "extra.txt": b"more"}, {"model_version": 4})
    with ArchiveReader(path) as archive:
        archive.verify()
        assert archive.read("m.tflite") == b"new"
        assert archive.read("extra.txt") == b"more"
        assert archive.manifest()["name"] == "m"
        assert archive.manifest()["model_version"] == 4
        for name in ("m.py", "eval/tflite/plot.png", "eval/keras/results.json"):
            assert archive.read(name) == MEMBERS[name]


def test_update_replaces_a_folder_as_a_whole(path: str) -> None:
    update_archive(path, {"eval/tflite/results.json": b"[]"})
    with ArchiveReader(path) as archive:
        assert "eval/tflite/plot.png" not in archive.names
        assert archive.read("eval/tflite/results.json") == b"[]"
        assert archive.read("eval/keras/results.json") == b"{}"


def test_update_of_an_archive_without_manifest(work: Path) -> None:
    path = make(work / "old.mltk.zip", [("old.py", b"x"), ("old.tflite", b"y")])
    update_archive(path, {"old.tflite": b"z"})
    with ArchiveReader(path) as archive:
        archive.verify()
        assert (archive.read("old.py"), archive.read("old.tflite")) == (b"x", b"z")


def test_an_archive_of_0_20_has_no_manifest(work: Path) -> None:
    with ArchiveReader(make(work / "old.mltk.zip", [("old.py", b"x"), ("train/", b"")])) as archive:
        assert archive.manifest() == {}
        assert archive.names == ["old.py"]
        archive.verify()


def test_is_archive(path: str) -> None:
    assert module.is_archive(Path(path).read_bytes())
    assert not module.is_archive(b"TFL3")


# -- what is asked for is not there ----------------------------------------------------------------------------------


def test_there_is_no_archive(work: Path) -> None:
    with pytest.raises(ArchiveError) as e:
        ArchiveReader(work / "m.mltk.zip")
    assert e.value.message == f"There is no archive {work / 'm.mltk.zip'}."
    assert e.value.hint == "Train the model first."


def test_there_is_no_such_member(path: str) -> None:
    with ArchiveReader(path) as archive:
        with pytest.raises(ArchiveError) as e:
            archive.read("m.tflit")
        assert e.value.message == f"{path} has no member 'm.tflit'."
        assert "Did you mean 'm.tflite'" in (e.value.hint or "")
        with pytest.raises(ArchiveError, match="has no member"):
            archive.extract("../m.py", "out")
    assert not os.path.exists("out")


def test_a_folder_in_place_of_an_archive(work: Path) -> None:
    (work / "m.mltk.zip").mkdir()
    with pytest.raises(ArchiveError, match=r"m\.mltk\.zip"):
        ArchiveReader(work / "m.mltk.zip")


# -- hostile ---------------------------------------------------------------------------------------------------------


def link_entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE: dict[str, tuple[list[tuple[Any, bytes]], str]] = {
    "up": ([("../evil.txt", b"x")], "leads outside"),
    "up inside": ([("a/../../evil.txt", b"x")], "leads outside"),
    "absolute": ([("/tmp/evil.txt", b"x")], "leads outside"),
    "backslash": ([("..\\evil.txt", b"x")], "leads outside"),
    "drive": ([("C:evil.txt", b"x")], "leads outside"),
    "the folder itself": ([("./", b"x"), (".", b"x")], "leads outside"),
    "link": ([(link_entry("evil"), b"/etc/passwd")], "is a link"),
    "device": ([("fine", b"x")], "is not a file"),
    "twice": ([("a.txt", b"x"), ("a.txt", b"y")], "is there twice"),
    "twice by another spelling": ([("b/a.txt", b"x"), ("b//a.txt", b"y")], "is there twice"),
    "file and folder": ([("a", b"x"), ("a/b", b"y")], "is both a file and a folder"),
    "long": ([("a/" * 5000 + "b", b"x")], "has a name of 10001 characters"),
}
HOSTILE["device"][0][0] = (zipfile.ZipInfo("fifo"), b"")
HOSTILE["device"][0][0][0].external_attr = (stat.S_IFIFO | 0o600) << 16


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_names_are_refused_and_nothing_is_written(kind: str, work: Path, tmp_path: Path) -> None:
    entries, why = HOSTILE[kind]
    path = make(work / "m.mltk.zip", [("m.py", b"import mltk"), *entries])
    before = files_below(tmp_path)
    with pytest.raises(ArchiveError, match=why) as e:
        ArchiveReader(path)
    assert e.value.message.startswith(f"{path} is refused: member ")
    assert (e.value.hint or "").startswith("Nothing was written.")
    with pytest.raises(ArchiveError):
        mltk.load_mltk_model(path)
    assert files_below(tmp_path) == before


def test_a_name_with_a_null_is_refused(path: str, work: Path) -> None:
    data = Path(path).read_bytes().replace(b"m.tflite", b"m.t\0lite")
    Path(path).write_bytes(data)
    with ArchiveReader(path) as archive, pytest.raises(ArchiveError):  # cut at the null by zipfile, then missing
        archive.extract("m.tflite", str(work / "out"))
    assert not (work / "out").exists()


def test_encrypted_members_are_refused(path: str) -> None:
    data = bytearray(Path(path).read_bytes())
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    Path(path).write_bytes(data)
    with pytest.raises(ArchiveError, match="is encrypted"):
        ArchiveReader(path)


def test_a_bomb_is_refused_by_its_ratio(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_RATIO_FREE_BYTES", 1 << 16)
    path = make(work / "m.mltk.zip", [("zeros", bytes(1 << 20))])
    with pytest.raises(ArchiveError, match=r"member 'zeros' would unpack to 1,048,576 bytes from"):
        ArchiveReader(path)


def test_what_packs_well_is_no_bomb(work: Path) -> None:
    with ArchiveReader(make(work / "m.mltk.zip", [("log.txt", b"epoch 1\n" * 100_000)])) as archive:
        assert len(archive.read("log.txt")) == 800_000


def test_a_bomb_is_refused_by_its_size(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_TOTAL_BYTES", 1000)
    noise = random.Random(0).randbytes(600)
    path = make(work / "m.mltk.zip", [("a", noise), ("b", noise)])
    with pytest.raises(ArchiveError, match="would unpack to"):
        ArchiveReader(path)


def test_too_many_members_are_refused(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MEMBERS", 3)
    path = make(work / "m.mltk.zip", [(f"f{i}", b"") for i in range(4)])
    with pytest.raises(ArchiveError, match="it has 4 members, more than 3"):
        ArchiveReader(path)


def test_a_member_that_unpacks_to_more_than_it_says_is_refused(work: Path) -> None:
    path = work / "m.mltk.zip"
    make(path, [("m.txt", bytes(100_000))])
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + offset, 10)
    path.write_bytes(data)
    with ArchiveReader(path) as archive, pytest.raises(ArchiveError, match=r"is damaged|is refused"):
        archive.extract("m.txt", str(work / "out"))
    assert not (work / "out").exists()


# -- damaged ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip at all"])
def test_what_is_no_zip(content: bytes, work: Path) -> None:
    (work / "m.mltk.zip").write_bytes(content)
    with pytest.raises(ArchiveError, match="is not a model archive, or it is damaged"):
        ArchiveReader(work / "m.mltk.zip")


def read_all(data: bytes, target: Path) -> None:
    """Use an archive in every way; only an ArchiveError may come of it."""
    target.write_bytes(data)
    with suppress(ArchiveError), ArchiveReader(target) as archive:
        for name in archive.names:
            assert not os.path.isabs(name)
            assert ".." not in name.split("/")
            archive.read(name)
        archive.manifest()
        archive.verify()


def test_truncated_at_any_byte(path: str, work: Path) -> None:
    data = Path(path).read_bytes()
    target = work / "cut.mltk.zip"
    for length in range(len(data)):
        target.write_bytes(data[:length])
        with pytest.raises(ArchiveError):
            ArchiveReader(target)


def test_any_bit_flipped_gives_an_error_or_the_content(path: str, work: Path) -> None:
    data = Path(path).read_bytes()
    rng = random.Random(0)
    for _ in range(1500):
        damaged = bytearray(data)
        for _ in range(rng.choice((1, 1, 3))):
            damaged[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        read_all(bytes(damaged), work / "damaged.mltk.zip")


def test_a_damaged_member_leaves_nothing_written(path: str, work: Path) -> None:
    data = bytearray(Path(path).read_bytes())
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("m.tflite").header_offset + 30 + len("m.tflite")
    data[start + 5] ^= 0xFF
    Path(path).write_bytes(data)
    with ArchiveReader(path) as reader, pytest.raises(ArchiveError, match=r"is damaged: member 'm\.tflite'"):
        reader.extract("m.tflite", str(work / "out"))
    assert not (work / "out").exists()


def test_verify_finds_a_changed_member(path: str, work: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        entries = [(i.filename, archive.read(i)) for i in archive.infolist()]
    changed = [(n, b"changed" if n == "m.py" else c) for n, c in entries]
    path = make(work / "c.mltk.zip", changed)
    with (
        ArchiveReader(path) as reader,
        pytest.raises(ArchiveError, match=re.escape("member 'm.py' is not what the manifest says")),
    ):
        reader.verify()
    missing = [(n, c) for n, c in entries if n != "m.py"]
    path = make(work / "d.mltk.zip", missing)
    with ArchiveReader(path) as reader, pytest.raises(ArchiveError, match=re.escape("has no member 'm.py'")):
        reader.verify()


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[1, 2]", b"3"])
def test_a_manifest_that_is_none(text: bytes, work: Path) -> None:
    path = make(work / "m.mltk.zip", [("manifest.json", text)])
    with ArchiveReader(path) as archive, pytest.raises(ArchiveError, match="its manifest is not"):
        archive.manifest()


# -- writing -----------------------------------------------------------------------------------------------------------


class FullDisk(io.FileIO):
    """A file on a disk with room for 100 bytes."""

    written = 0

    def write(self, data: Any) -> int:
        FullDisk.written += len(data)
        if FullDisk.written > 100:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data) or 0


@pytest.mark.parametrize(
    "change", [lambda path, members: write_archive(path, members, {}), update_archive], ids=["write", "update"]
)
def test_a_full_disk_leaves_the_old_archive(
    path: str, work: Path, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    before, listing = Path(path).read_bytes(), files_below(work)
    real = io.open

    def on_a_full_disk(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        return FullDisk(file, "w+") if "w" in mode else real(file, mode, *args, **kwargs)

    FullDisk.written = 0
    monkeypatch.setattr(zipfile.io, "open", on_a_full_disk)  # type: ignore[attr-defined]
    with pytest.raises(OutputError) as e:
        change(path, {"a": random.Random(0).randbytes(1000)})
    monkeypatch.undo()
    assert e.value.message == f"Can't write {path}: No space left on device."
    assert Path(path).read_bytes() == before
    assert files_below(work) == listing


def test_a_missing_source_is_named(work: Path) -> None:
    with pytest.raises(OutputError) as e:
        write_archive(str(work / "m.mltk.zip"), {"a": str(work / "missing.txt")}, {})
    assert str(work / "missing.txt") in e.value.message
    assert files_below(work) == []


def test_killed_while_writing_leaves_the_old_archive(path: str, work: Path) -> None:
    before = Path(path).read_bytes()
    code = f"""
        import os, signal, zipfile
        from mltk.specification import archive_file as archive
        real = zipfile.ZipFile.writestr
        def writestr(self, name, *args):
            real(self, name, *args)
            if str(name) == "b":
                self.fp.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        zipfile.ZipFile.writestr = writestr
        archive.write_archive({path!r}, {{"a": b"1", "b": b"2", "c": b"3"}}, {{}})
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert Path(path).read_bytes() == before
    assert [p.name for p in work.iterdir() if p.name.endswith(".mltk.zip")] == ["m.mltk.zip"]
    write_archive(path, {"a": b"1"}, {})  # what was left behind is in nobody's way
    with ArchiveReader(path) as archive:
        assert archive.read("a") == b"1"


def test_an_unwritable_folder(work: Path) -> None:
    (work / "file").write_text("")
    with pytest.raises(OutputError, match="Can't write"):
        write_archive(str(work / "file" / "m.mltk.zip"), {}, {})
    with pytest.raises(OutputError, match="Can't write") as e:
        check_writable(str(work / "file" / "m.mltk.zip"))
    assert "Make the folder writable" in (e.value.hint or "")
    assert isinstance(e.value, MltkError)


def test_manifest_of_odd_values_is_json(work: Path) -> None:
    write_archive(str(work / "m.mltk.zip"), {}, {"path": Path("/a"), "set": {1}})
    with ArchiveReader(work / "m.mltk.zip") as archive:
        assert json.loads(archive.read("manifest.json"))["path"] == "/a"
