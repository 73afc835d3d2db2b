from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.file_server import FileServer
from mltk.data.fetch import download
from mltk.data.fetch.download import fetch, verify_file
from mltk.data.fetch.unpack import fetch_and_unpack, unpack
from mltk.errors import ArchiveRefused, DownloadError, MissingDependencyError, OutputError

pytestmark = pytest.mark.usefixtures("dataset_dir")

DATA = np.random.default_rng(1).bytes(1_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


def files_in(folder: Path) -> list[str]:
    """Names of the files in a folder, but for notes and locks."""
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_a_file_is_fetched_once_and_verified(server: FileServer, dataset_dir: Path, algorithm: str) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    checksum = hashlib.new(algorithm, DATA).hexdigest().upper()
    for _ in range(2):
        path = fetch(f"{server.url}/a.bin?raw=1", checksum)
        assert path == dataset_dir / "downloads" / "a.bin"
        assert path.read_bytes() == DATA
    assert len(server.requests) == 1


def test_an_interrupted_download_goes_on_where_it_ended(server: FileServer) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    server.cut_after = [300_000, 200_000]
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA
    assert [r for _, r in server.requests] == ["", "bytes=300000-", "bytes=500000-"]


def test_a_later_run_goes_on_too(server: FileServer, dataset_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.cut_after = [400_000]
    with pytest.raises(DownloadError, match=r"a\.bin broke off after 400,000 of 1,000,000 bytes\.\nTry again"):
        fetch(f"{server.url}/a.bin", SHA256)
    assert files_in(dataset_dir / "downloads") == ["a.bin.part"]
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA
    assert server.requests[-1][1] == "bytes=400000-"
    assert files_in(dataset_dir / "downloads") == ["a.bin"]


def test_a_file_that_changed_meanwhile_is_begun_anew(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (server.folder / "a.bin").write_bytes(b"x" * 1_000_000)
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.cut_after = [400_000]
    with pytest.raises(DownloadError):
        fetch(f"{server.url}/a.bin", SHA256)
    (server.folder / "a.bin").write_bytes(DATA)
    server.etag = '"2"'
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_promise_of_the_same_bytes_nothing_is_appended(server: FileServer, etag: str | None) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    server.etag, server.cut_after = etag, [300_000]
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA
    assert [r for _, r in server.requests] == ["", ""]


def test_a_server_without_ranges_sends_it_whole(server: FileServer) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    server.ranges, server.cut_after = False, [300_000]
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA


def test_a_part_longer_than_the_file_is_thrown_away(server: FileServer, dataset_dir: Path) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    folder = dataset_dir / "downloads"
    folder.mkdir(parents=True)
    (folder / "a.bin.part").write_bytes(DATA + b"more")
    (folder / ".a.bin.part.json").write_text(f'{{"url": "{server.url}/a.bin", "validator": "\\"1\\""}}')
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA


def test_a_wrong_checksum_leaves_nothing_behind(server: FileServer, dataset_dir: Path) -> None:
    (server.folder / "a.bin").write_bytes(DATA[:-1] + b"!")
    with pytest.raises(DownloadError, match=f"its sha256 is [0-9a-f]{{64}}, not {SHA256}"):
        fetch(f"{server.url}/a.bin", SHA256)
    assert files_in(dataset_dir / "downloads") == []


def test_a_kept_file_that_was_damaged_is_fetched_again(server: FileServer) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    path = fetch(f"{server.url}/a.bin", SHA256)
    path.write_bytes(b"damaged")
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA


def test_what_is_missing_says_what_to_do(server: FileServer) -> None:
    with pytest.raises(DownloadError, match=r"404.*\n.*put b.bin into a folder, and set MLTK_DATASET_MIRROR"):
        fetch(f"{server.url}/b.bin")
    assert len(server.requests) == 1


def test_a_server_that_is_not_there(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    with pytest.raises(DownloadError, match="can't be downloaded"):
        fetch("http://127.0.0.1:9/a.bin")


def test_who_comes_second_waits_and_takes_what_is_there(server: FileServer, dataset_dir: Path) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: fetch(f"{server.url}/a.bin", SHA256), range(8)))
    assert {p.read_bytes() for p in paths} == {DATA}
    assert len(server.requests) == 1
    assert sorted(os.listdir(dataset_dir / "downloads")) == [".a.bin.json", "a.bin"]  # no lock is left behind


def test_a_file_in_parts_goes_on_where_it_ended(
    server: FileServer, dataset_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(3):
        (server.folder / f"a.bin.{i + 1:02d}").write_bytes(DATA[i * 400_000 : (i + 1) * 400_000])
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.cut_after = [400_000, 100_000]
    url = f"{server.url}/a.bin?mltk_chunk_count=3"
    with pytest.raises(DownloadError, match=r"a\.bin\.02 broke off after 100,000 of 400,000 bytes"):
        fetch(url, SHA256)
    assert fetch(url, SHA256).read_bytes() == DATA
    assert server.requests[2:] == [("/a.bin.01", "bytes=400000-"), ("/a.bin.02", "bytes=100000-"), ("/a.bin.03", "")]
    assert files_in(dataset_dir / "downloads") == ["a.bin"]
    with pytest.raises(DownloadError, match="number of parts"):
        fetch(f"{server.url}/b.bin?mltk_chunk_count=none")


def test_parts_that_make_another_file_are_not_kept(server: FileServer, dataset_dir: Path) -> None:
    for i in (1, 2):
        (server.folder / f"a.bin.{i:02d}").write_bytes(b"x")
    with pytest.raises(DownloadError, match="not the file that was wanted"):
        fetch(f"{server.url}/a.bin?mltk_chunk_count=2", SHA256)
    assert os.listdir(dataset_dir / "downloads") == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a.bin", "a.bin"])
def test_only_http(url: str) -> None:
    with pytest.raises(DownloadError, match="does not begin with http"):
        fetch(url, file_name="a.bin")


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://127.0.0.1/a/%2e%2e", "http://127.0.0.1/x%5c..%5cb"])
def test_an_address_without_a_file_name(url: str) -> None:
    with pytest.raises(DownloadError, match="doesn't end in a file's name"):
        fetch(url)


def test_a_checksum_of_no_kind(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="is not an MD5"):
        verify_file(tmp_path, "abc")


def test_a_mirror_folder_is_asked_first(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset_dir: Path
) -> None:
    (server.folder / "b.bin").write_bytes(DATA)
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    (mirror / "a.bin").write_bytes(DATA)
    monkeypatch.setenv("MLTK_DATASET_MIRROR", str(mirror))
    assert fetch("http://127.0.0.1:9/elsewhere/a.bin", SHA256).read_bytes() == DATA
    assert fetch(f"{server.url}/b.bin", SHA256).read_bytes() == DATA
    (mirror / "c.bin").write_bytes(b"wrong")
    with pytest.raises(DownloadError, match=r"c\.bin is not the file that was wanted"):
        fetch("http://127.0.0.1:9/c.bin", SHA256)
    assert files_in(dataset_dir / "downloads") == ["a.bin", "b.bin"]


def test_a_mirror_server_is_asked_first(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    (server.folder / "sub").mkdir()
    (server.folder / "sub" / "a.bin").write_bytes(DATA)
    (server.folder / "b.bin").write_bytes(DATA)
    monkeypatch.setenv("MLTK_DATASET_MIRROR", f"{server.url}/sub/")
    assert fetch("http://127.0.0.1:9/a.bin", SHA256).read_bytes() == DATA
    assert fetch(f"{server.url}/b.bin", SHA256).read_bytes() == DATA
    assert [path for path, _ in server.requests] == ["/sub/a.bin", "/sub/b.bin", "/b.bin"]


def make_tar(path: Path, members: list[tuple[str, bytes | str]], kind: str = "w:gz") -> None:
    """A tar; content that is a string is the target of a symbolic link."""
    with tarfile.open(path, kind) as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size, info.mode = len(content), 0o4777
                archive.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("kind", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_is_unpacked(tmp_path: Path, kind: str) -> None:
    make_tar(tmp_path / "a", [("top/x/1.txt", b"one"), ("top/2.txt", b"two")], kind)
    assert unpack(tmp_path / "a", tmp_path / "out" / "deep") == tmp_path / "out" / "deep"
    assert (tmp_path / "out/deep/top/x/1.txt").read_bytes() == b"one"
    assert (tmp_path / "out/deep/top/2.txt").stat().st_mode & 0o7777 == 0o644
    unpack(tmp_path / "a", tmp_path / "out" / "deep", remove_root_dir=True)
    assert sorted(p.name for p in (tmp_path / "out/deep").iterdir()) == ["2.txt", "x"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["deep"]


def test_a_zip_is_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as archive:
        archive.writestr("x/1.txt", "one")
    unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out/x/1.txt").read_bytes() == b"one"


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ([("good", b"1"), ("../evil", b"2")], "outside its folder: '../evil'"),
        ([("good", b"1"), ("/tmp/evil", b"2")], "outside its folder"),
        ([("a/../../evil", b"2")], "outside its folder"),
        ([("link", "/etc"), ("link/evil", b"2")], "holds a link or device: 'link'"),
        ([("link", "good")], "holds a link or device"),
    ],
)
def test_a_hostile_tar_is_refused(tmp_path: Path, members: list[tuple[str, bytes | str]], reason: str) -> None:
    make_tar(tmp_path / "evil.tar.gz", members)
    with pytest.raises(ArchiveRefused, match=reason):
        unpack(tmp_path / "evil.tar.gz", tmp_path / "out")
    assert not (tmp_path / "evil").exists()
    assert not (tmp_path / "out").exists()
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".out")] == []


@pytest.mark.parametrize("name", ["../evil", "/evil", "C:/evil", "..\\evil"])
def test_a_hostile_zip_is_refused(tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), "evil")
    with pytest.raises(ArchiveRefused, match="outside its folder"):
        unpack(tmp_path / "evil.zip", tmp_path / "out")


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveRefused, match="holds a link"):
        unpack(tmp_path / "evil.zip", tmp_path / "out")


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("zeros", bytes(70 << 20))
    with pytest.raises(ArchiveRefused, match="may be a decompression bomb"):
        unpack(tmp_path / "bomb.zip", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04rubbish", b"\x1f\x8b\x08rubbish"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ArchiveRefused, match=r"not a zip, tar or 7z|damaged"):
        unpack(tmp_path / "a", tmp_path / "out")


def test_a_truncated_archive_leaves_what_was_there(tmp_path: Path) -> None:
    make_tar(tmp_path / "a", [("x", DATA)])
    unpack(tmp_path / "a", tmp_path / "out")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes()[:500_000])
    with pytest.raises(ArchiveRefused, match="damaged"):
        unpack(tmp_path / "b", tmp_path / "out")
    assert (tmp_path / "out/x").read_bytes() == DATA


def damaged_tar(compress: object) -> bytes:
    """A tar with one byte near its end that changed after it was compressed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("x")
        info.size = len(DATA)
        archive.addfile(info, io.BytesIO(DATA))
    data = bytearray(compress(stream.getvalue()))  # type: ignore[operator]
    data[-200] ^= 0xFF
    return bytes(data)


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_what_the_decoders_find_is_said(tmp_path: Path, compress: object) -> None:
    (tmp_path / "a").write_bytes(damaged_tar(compress))
    with pytest.raises(ArchiveRefused, match="a is damaged"):
        unpack(tmp_path / "a", tmp_path / "out")
    assert os.listdir(tmp_path) == ["a"]


def test_a_full_disk_is_no_fault_of_the_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tar(tmp_path / "a", [("x", DATA)])
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=500_000))
    with pytest.raises(OutputError, match=r"^a unpacks to more than the 0 MiB that are free\.$"):
        unpack(tmp_path / "a", tmp_path / "out")


def test_names_in_each_others_way_are_the_fault_of_the_archive(tmp_path: Path) -> None:
    make_tar(tmp_path / "a", [("x", b"1"), ("x/y", b"2")])
    with pytest.raises(ArchiveRefused, match="a is damaged"):
        unpack(tmp_path / "a", tmp_path / "out")


def test_what_is_in_the_way(tmp_path: Path) -> None:
    make_tar(tmp_path / "a", [("x", b"1")])
    (tmp_path / "out").write_text("mine")
    with pytest.raises(OutputError, match="that is a file"):
        unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
    with pytest.raises(ArchiveRefused, match="There is no file"):
        unpack(tmp_path / "b", tmp_path / "other")


def test_into_a_folder_that_stays(tmp_path: Path) -> None:
    make_tar(tmp_path / "a", [("x/new", b"new"), ("y", b"new"), ("z/new", b"new")])
    out = tmp_path / "elsewhere"
    for folder in ("x", "y"):
        (out / folder).mkdir(parents=True)
        (out / folder / "old").write_bytes(b"old")
    (out / "z").write_bytes(b"old")
    (tmp_path / "out").symlink_to(out)
    unpack(tmp_path / "a", tmp_path / "out", clean=False)
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*")) == ["x", "x/new", "x/old", "y", "z", "z/new"]
    unpack(tmp_path / "a", tmp_path / "out")
    assert (tmp_path / "out").is_symlink()
    assert not (out / "x/old").exists()


def test_archives_of_programs_keep_links_inside_and_what_can_be_run(tmp_path: Path) -> None:
    make_tar(tmp_path / "a", [("top/link", "bin/run"), ("top/bin/run", b"#!")])
    unpack(tmp_path / "a", tmp_path / "out", programs=True, remove_root_dir=True)
    assert os.readlink(tmp_path / "out/link") == "bin/run"
    assert (tmp_path / "out/link").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    ("members", "remove_root_dir"),
    [
        ([("link", "/etc")], False),
        ([("link", "../up")], False),
        ([("top/link", "../beside")], True),  # inside the archive, but not once the level is left out
        ([("d/link", "../x"), ("d/file", b""), ("link/evil", b"2"), ("link", "..")], False),
    ],
)
def test_links_that_lead_outside_are_refused(
    tmp_path: Path, members: list[tuple[str, bytes | str]], remove_root_dir: bool
) -> None:
    make_tar(tmp_path / "evil.tar.gz", members)
    with pytest.raises(ArchiveRefused, match=r"evil\.tar\.gz"):
        unpack(tmp_path / "evil.tar.gz", tmp_path / "out", programs=True, remove_root_dir=remove_root_dir)
    assert os.listdir(tmp_path) == ["evil.tar.gz"]


def test_a_hard_link_to_a_link_elsewhere_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        for name, target, kind in (
            ("a/b/link", "../../x", tarfile.SYMTYPE),
            ("link", "a/b/link", tarfile.LNKTYPE),
            ("link/evil", "x", tarfile.SYMTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.linkname, info.type = target, kind
            archive.addfile(info)
    with pytest.raises(ArchiveRefused):
        unpack(tmp_path / "evil.tar", tmp_path / "out", programs=True)
    assert os.listdir(tmp_path) == ["evil.tar"]


def test_archives_in_the_archive_count_against_the_same_limit(tmp_path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(40 << 20))
    for copies in (1, 2):
        with zipfile.ZipFile(tmp_path / "a", "w", zipfile.ZIP_DEFLATED) as archive:
            for i in range(copies):
                archive.writestr(f"{i}/b.zip", inner.getvalue())
        if copies == 1:
            unpack(tmp_path / "a", tmp_path / "out", nested=True)
            assert sorted(p.name for p in (tmp_path / "out/0").iterdir()) == ["zeros"]
        else:
            with pytest.raises(ArchiveRefused, match="a unpacks to far more than its size"):
                unpack(tmp_path / "a", tmp_path / "out", nested=True)


def make_7z(path: Path, files: dict[str, bytes], rename: tuple[str, str] = ("", "")) -> None:
    """A 7z; ``rename`` is put into the header afterwards, since py7zr writes no hostile names."""
    py7zr = pytest.importorskip("py7zr")
    with py7zr.SevenZipFile(path, "w") as archive:
        archive.set_encoded_header_mode(False)
        for name, content in files.items():
            archive.writestr(content, name)
    if rename[0]:
        old, new = (name.encode("utf-16-le") for name in rename)
        assert len(old) == len(new)
        data = bytearray(path.read_bytes().replace(old, new))
        offset, size = struct.unpack_from("<QQ", data, 12)
        struct.pack_into("<I", data, 28, zlib.crc32(data[32 + offset : 32 + offset + size]))
        struct.pack_into("<I", data, 8, zlib.crc32(data[12:32]))
        path.write_bytes(data)


def test_7z(tmp_path: Path) -> None:
    py7zr = pytest.importorskip("py7zr")
    (tmp_path / "x").write_bytes(b"one")
    (tmp_path / "x").chmod(0o6755)
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.write(tmp_path / "x", "top/x")
        archive.writestr(b"", "top/sub/empty")
    unpack(tmp_path / "a.7z", tmp_path / "out", remove_root_dir=True)
    assert (tmp_path / "out/x").read_bytes() == b"one"
    assert (tmp_path / "out/x").stat().st_mode & 0o7777 == 0o644
    assert (tmp_path / "out/sub/empty").read_bytes() == b""
    unpack(tmp_path / "a.7z", tmp_path / "out", programs=True)
    assert (tmp_path / "out/top/x").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("name", ["../evil", "/tmp/evil", "..\\evil", "C:\\evil", "a/../../evil"])
def test_a_hostile_7z_is_refused(tmp_path: Path, name: str) -> None:
    make_7z(tmp_path / "evil.7z", {"good": b"1", "n" * len(name): b"2"}, ("n" * len(name), name))
    with pytest.raises(ArchiveRefused, match="outside its folder"):
        unpack(tmp_path / "evil.7z", tmp_path / "out")
    assert os.listdir(tmp_path) == ["evil.7z"]


def test_a_link_in_a_7z_is_refused(tmp_path: Path) -> None:
    py7zr = pytest.importorskip("py7zr")
    (tmp_path / "link").symlink_to("good")
    (tmp_path / "good").write_bytes(b"1")
    with py7zr.SevenZipFile(tmp_path / "evil.7z", "w") as archive:
        archive.write(tmp_path / "good", "good")
        archive.write(tmp_path / "link", "link")
    for programs in (False, True):
        with pytest.raises(ArchiveRefused, match="holds a link or device: 'link'"):
            unpack(tmp_path / "evil.7z", tmp_path / "out", programs=programs)


def test_a_7z_bomb_is_refused(tmp_path: Path) -> None:
    make_7z(tmp_path / "bomb.7z", {"zeros": bytes(70 << 20)})
    with pytest.raises(ArchiveRefused, match="may be a decompression bomb"):
        unpack(tmp_path / "bomb.7z", tmp_path / "out")


def test_a_damaged_7z_never_fails_otherwise(tmp_path: Path) -> None:
    make_7z(tmp_path / "a.7z", {"a/b": DATA[:300], "c": b"hello" * 100})
    data = (tmp_path / "a.7z").read_bytes()
    offset, size = struct.unpack_from("<QQ", data, 12)
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(100):
        damaged = bytearray(data)
        damaged[rng.integers(32, len(data))] = rng.integers(256)
        # With right checksums, so that the header is read.
        struct.pack_into("<I", damaged, 28, zlib.crc32(damaged[32 + offset : 32 + offset + size]))
        struct.pack_into("<I", damaged, 8, zlib.crc32(damaged[12:32]))
        (tmp_path / "a.7z").write_bytes(damaged)
        try:
            unpack(tmp_path / "a.7z", tmp_path / "out")
        except ArchiveRefused:
            refused += 1
    assert refused > 50
    assert set(os.listdir(tmp_path)) <= {"a.7z", "out"}


def test_7z_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "py7zr", None)
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04")
    with pytest.raises(MissingDependencyError, match=r"py7zr(.|\n)*pip install 'openmltk\[datasets\]'"):
        unpack(tmp_path / "a.7z", tmp_path / "out")


def test_fetch_and_unpack_does_it_once(server: FileServer, dataset_dir: Path) -> None:
    make_tar(server.folder / "a.tgz", [("top/x", b"one")])
    checksum = hashlib.sha1((server.folder / "a.tgz").read_bytes()).hexdigest()
    folder = fetch_and_unpack(f"{server.url}/a.tgz", checksum, dataset_dir / "sets/a")
    assert folder == dataset_dir / "sets/a"
    (folder / "top/mine").write_text("kept")
    assert fetch_and_unpack(f"{server.url}/a.tgz", checksum, dataset_dir / "sets/a") == folder
    assert (folder / "top/mine").exists()
    fetch_and_unpack(f"{server.url}/a.tgz", checksum, dataset_dir / "sets/a", clean=True)
    assert not (folder / "top/mine").exists()
    assert len(server.requests) == 1
