from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from dataset_file_server import FileServer

from mltk.data import download
from mltk.data.download import DownloadError, fetch, verify_file
from mltk.data.unpack import ArchiveRefused, fetch_and_unpack, unpack
from mltk.errors import MltkError

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
    with pytest.raises(DownloadError, match=r"400000 of 1000000 bytes.*\n.*goes on from there"):
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
    with pytest.raises(DownloadError, match=f"its SHA256 is [0-9a-f]{{64}}, not {SHA256}"):
        fetch(f"{server.url}/a.bin", SHA256)
    assert files_in(dataset_dir / "downloads") == []


def test_a_kept_file_that_was_damaged_is_fetched_again(server: FileServer) -> None:
    (server.folder / "a.bin").write_bytes(DATA)
    path = fetch(f"{server.url}/a.bin", SHA256)
    path.write_bytes(b"damaged")
    assert fetch(f"{server.url}/a.bin", SHA256).read_bytes() == DATA


def test_what_is_missing_says_what_to_do(server: FileServer) -> None:
    with pytest.raises(DownloadError, match=r"404.*\n.*put b.bin into a folder and set MLTK_DATASET_MIRROR"):
        fetch(f"{server.url}/b.bin")
    assert len(server.requests) == 1


def test_a_server_that_is_not_there(server: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 2)
    with pytest.raises(DownloadError, match="can't be downloaded"):
        fetch("http://127.0.0.1:9/a.bin")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/a.bin", "a.bin"])
def test_only_http(url: str) -> None:
    with pytest.raises(DownloadError, match="is not an http"):
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
    with pytest.raises(ArchiveRefused, match="may be a bomb"):
        unpack(tmp_path / "bomb.zip", tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04rubbish", b"\x1f\x8b\x08rubbish"])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(ArchiveRefused, match=r"no zip, tar or 7z|damaged"):
        unpack(tmp_path / "a", tmp_path / "out")


def test_a_truncated_archive_leaves_what_was_there(tmp_path: Path) -> None:
    make_tar(tmp_path / "a", [("x", DATA)])
    unpack(tmp_path / "a", tmp_path / "out")
    (tmp_path / "b").write_bytes((tmp_path / "a").read_bytes()[:500_000])
    with pytest.raises(ArchiveRefused, match="damaged"):
        unpack(tmp_path / "b", tmp_path / "out")
    assert (tmp_path / "out/x").read_bytes() == DATA


def test_7z(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    py7zr = pytest.importorskip("py7zr")
    (tmp_path / "x").write_bytes(b"one")
    with py7zr.SevenZipFile(tmp_path / "a.7z", "w") as archive:
        archive.write(tmp_path / "x", "top/x")
    unpack(tmp_path / "a.7z", tmp_path / "out", remove_root_dir=True)
    assert (tmp_path / "out/x").read_bytes() == b"one"


def test_7z_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "py7zr", None)
    (tmp_path / "a.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\x00\x04")
    with pytest.raises(MltkError, match="pip install py7zr"):
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
