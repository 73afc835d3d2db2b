"""Downloads are checked, go on where they broke off, and put nothing in place that is not whole."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mltk
from mltk.errors import DownloadError, MissingDependencyError, MltkError
from mltk.utils import archive_downloader as ad
from mltk.utils.archive_downloader import download_url, download_verify_extract, extract_archive


def zip_of(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tar_of(files: dict[str, bytes], mode: str = "w:gz", members: tuple[tarfile.TarInfo, ...] = ()) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in members:
            archive.addfile(info)
    return stream.getvalue()


FILES = {"root/a.txt": b"hi", "root/sub/b.txt": b"yo"}


class Server:
    """Serves ``files`` on this machine and keeps what was asked of it."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.breaks_off_after: int | None = None
        self.ranges = True
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                wanted = self.headers.get("Range")
                server.asked.append((self.path, wanted))
                content = server.files.get(self.path.partition("?")[0].lstrip("/"))
                if content is None:
                    self.send_error(404)
                    return
                tag = hashlib.md5(content).hexdigest()
                start = 0
                if wanted and server.ranges and self.headers.get("If-Range") == f'"{tag}"':
                    start = int(wanted.removeprefix("bytes=").rstrip("-"))
                    if start >= len(content):
                        self.send_error(416)
                        return
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(content) - start))
                self.send_header("ETag", f'"{tag}"')
                self.end_headers()
                body = content[start:]
                if server.breaks_off_after is not None:
                    body = body[: server.breaks_off_after]
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    made = Server()
    made.files["data.zip"] = zip_of(FILES)
    yield made
    made.http.shutdown()
    made.http.server_close()
    made.thread.join()


def listing(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


# -- download, verify, extract -----------------------------------------------------------------------------------------


def test_into_a_folder_and_only_once(server: Server, work: Path, tmp_path: Path) -> None:
    url, digest = server.url + "data.zip", hashlib.sha256(server.files["data.zip"]).hexdigest()
    got = download_verify_extract(url, dest_dir="out", file_hash=digest.upper(), return_uptodate=True)
    assert got == (str(work / "out"), False)
    assert listing(work / "out") == ["data.zip-mltk.json", "root/a.txt", "root/sub/b.txt"]
    assert listing(tmp_path / "user") == ["downloads/data.zip"]
    assert download_verify_extract(url, dest_dir="out", file_hash=digest, return_uptodate=True)[1] is True
    assert len(server.asked) == 1
    (work / "out" / "data.zip-mltk.json").unlink()
    assert download_verify_extract(url, dest_dir="out", file_hash=digest) == str(work / "out")
    assert len(server.asked) == 1  # the download is there


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_digests(server: Server, algorithm: str) -> None:
    digest = hashlib.new(algorithm, server.files["data.zip"]).hexdigest()
    download_verify_extract(server.url + "data.zip", dest_dir="out", file_hash=digest)
    download_verify_extract(server.url + "data.zip", dest_dir="out2", file_hash=digest, file_hash_algorithm=algorithm)


def test_where_it_goes_by_default(server: Server, tmp_path: Path) -> None:
    user = tmp_path / "user"
    assert download_verify_extract(server.url + "data.zip") == str(user / "data")
    assert download_verify_extract(server.url + "data.zip", dest_subdir="sets/mine") == str(user / "sets" / "mine")
    server.files["x.tar.gz"] = tar_of(FILES)
    assert download_verify_extract(server.url + "x.tar.gz?dl=1") == str(user / "x")


def test_only_the_file(server: Server, work: Path, tmp_path: Path) -> None:
    got = download_verify_extract(server.url + "data.zip", dest_dir="out", extract=False, return_uptodate=True)
    assert got == (str(tmp_path / "user" / "downloads" / "data.zip"), False)
    assert Path(got[0]).read_bytes() == server.files["data.zip"]
    assert not (work / "out").exists()
    other = download_verify_extract(server.url + "data.zip", download_dir="d", archive_fname="mine.zip", extract=False)
    assert other == str(work / "d" / "mine.zip")


def test_without_the_folder_around_everything(server: Server, work: Path) -> None:
    download_verify_extract(server.url + "data.zip", dest_dir="out", remove_root_dir=True)
    assert listing(work / "out") == ["a.txt", "data.zip-mltk.json", "sub/b.txt"]


def test_archives_in_the_archive(server: Server, work: Path) -> None:
    server.files["nested.zip"] = zip_of({"deep/data.zip": server.files["data.zip"], "c.txt": b"c"})
    download_verify_extract(server.url + "nested.zip", dest_dir="out", extract_nested=True)
    assert listing(work / "out") == ["c.txt", "deep/root/a.txt", "deep/root/sub/b.txt", "nested.zip-mltk.json"]


def test_what_was_there_goes_or_stays(server: Server, work: Path) -> None:
    for clean in (True, False):
        folder = work / f"out{clean}"
        (folder / "root").mkdir(parents=True)
        (folder / "root" / "old.txt").write_text("old")
        (folder / "root" / "a.txt").write_text("old")
        download_verify_extract(server.url + "data.zip", dest_dir=str(folder), clean_dest_dir=clean)
        assert (folder / "root" / "old.txt").exists() is not clean
        assert (folder / "root" / "a.txt").read_text() == "hi"


def test_another_file_than_wanted(server: Server, work: Path, tmp_path: Path) -> None:
    (work / "out").mkdir()
    (work / "out" / "old.txt").write_text("old")
    with pytest.raises(DownloadError) as e:
        download_verify_extract(server.url + "data.zip", dest_dir="out", file_hash="0" * 40)
    found = hashlib.sha1(server.files["data.zip"]).hexdigest()
    assert f"is not the file that was wanted: its sha1 is {found}, not {'0' * 40}." in e.value.message
    assert isinstance(e.value, MltkError)
    assert isinstance(e.value, ValueError)
    assert listing(work / "out") == ["old.txt"]
    assert listing(tmp_path / "user") == []


def test_a_stale_download_is_replaced(server: Server, tmp_path: Path) -> None:
    downloads = tmp_path / "user" / "downloads"
    downloads.mkdir(parents=True)
    (downloads / "data.zip").write_bytes(b"stale")
    digest = hashlib.sha1(server.files["data.zip"]).hexdigest()
    download_verify_extract(server.url + "data.zip", dest_dir="out", file_hash=digest)
    assert (downloads / "data.zip").read_bytes() == server.files["data.zip"]


def test_there_is_one_download_error() -> None:
    assert mltk.DownloadError is DownloadError


def test_a_mirror_is_asked_first(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work / "mirror").mkdir()
    (work / "mirror" / "data.zip").write_bytes(zip_of(FILES))
    monkeypatch.setenv("MLTK_DATASET_MIRROR", str(work / "mirror"))
    download_verify_extract("http://127.0.0.1:9/data.zip", dest_dir="out")
    assert listing(work / "out") == ["data.zip-mltk.json", "root/a.txt", "root/sub/b.txt"]


def test_addresses_of_files(work: Path) -> None:
    (work / "data.zip").write_bytes(zip_of(FILES))
    assert download_url((work / "data.zip").as_uri(), "copy.zip") == str(work / "copy.zip")
    assert (work / "copy.zip").read_bytes() == (work / "data.zip").read_bytes()


def test_another_algorithm(server: Server) -> None:
    digest = hashlib.sha3_256(server.files["data.zip"]).hexdigest()
    download_verify_extract(server.url + "data.zip", dest_dir="out", file_hash=digest, file_hash_algorithm="sha3_256")
    with pytest.raises(DownloadError, match="its sha256 is"):
        download_verify_extract(server.url + "data.zip", dest_dir="out2", file_hash=digest, download_dir="d")


def test_a_damaged_archive_is_got_anew_the_next_time(server: Server, work: Path, tmp_path: Path) -> None:
    good = server.files["data.zip"]
    server.files["data.zip"] = good[:-30]
    with pytest.raises(DownloadError):
        download_verify_extract(server.url + "data.zip", dest_dir="out")
    server.files["data.zip"] = good
    download_verify_extract(server.url + "data.zip", dest_dir="out")
    assert "root/a.txt" in listing(work / "out")


# -- downloading -------------------------------------------------------------------------------------------------------


def test_a_download_that_broke_off_goes_on(server: Server, work: Path) -> None:
    server.files["big"] = content = os.urandom(1_000_000)
    server.breaks_off_after = 300_000
    for done in (300_000, 600_000, 900_000):
        with pytest.raises(DownloadError) as e:
            download_url(server.url + "big", "big")
        assert e.value.message == f"{server.url}big broke off after {done:,} of 1,000,000 bytes."
        assert e.value.hint == "Try again. The received bytes are kept."
        assert not (work / "big").exists()
    assert download_url(server.url + "big", "big") == str(work / "big")
    assert (work / "big").read_bytes() == content
    assert [r for _, r in server.asked] == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]
    assert listing(work) == ["big"]


@pytest.mark.parametrize("why", ["the server can't", "the file changed"])
def test_else_it_begins_anew(server: Server, work: Path, why: str) -> None:
    server.files["big"] = os.urandom(100_000)
    server.breaks_off_after = 30_000
    with pytest.raises(DownloadError):
        download_url(server.url + "big", "big")
    server.breaks_off_after = None
    if why == "the server can't":
        server.ranges = False
    else:
        server.files["big"] = os.urandom(100_000)
    download_url(server.url + "big", "big")
    assert (work / "big").read_bytes() == server.files["big"]


def test_a_file_in_parts(server: Server, work: Path) -> None:
    data = server.files.pop("data.zip")
    for i in range(3):
        server.files[f"data.zip.{i + 1:02d}"] = data[i * 100 : (i + 1) * 100 if i < 2 else None]
    download_verify_extract(f"{server.url}data.zip{ad.MLTK_CHUNK_DELIMITER}3", dest_dir="out")
    assert "root/a.txt" in listing(work / "out")
    assert listing(work.parent / "user") == ["downloads/data.zip"]


def test_progress(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    server.files["big"] = bytes(500_000)
    download_url(server.url + "big", "big", show_progress=True)
    assert capsys.readouterr().out.endswith("\r0.5 MB of 0.5 MB\n")


def test_what_is_not_there(server: Server, work: Path) -> None:
    with pytest.raises(DownloadError, match="can't be downloaded: the server says 404 Not Found"):
        download_url(server.url + "nothing.zip", "x")
    server.http.shutdown()
    server.http.server_close()
    with pytest.raises(DownloadError, match="can't be downloaded"):
        download_url(server.url + "data.zip", "x")
    for url in ("data.zip", "gopher://x/data.zip", "C:/data.zip"):
        with pytest.raises(DownloadError, match="does not begin with http"):
            download_url(url, "x")
    with pytest.raises(DownloadError, match="has no file name"):
        download_verify_extract("http://127.0.0.1/")
    assert listing(work) == []


# -- extracting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", zip_of(FILES)),
        ("a.tar", tar_of(FILES, "w")),
        ("a.tar.gz", tar_of(FILES, "w:gz")),
        ("a.tar.bz2", tar_of(FILES, "w:bz2")),
        ("a.tar.xz", tar_of(FILES, "w:xz")),
        ("a.of_any_name", tar_of(FILES)),
    ],
)
def test_kinds_of_archives(name: str, data: bytes, work: Path) -> None:
    (work / name).write_bytes(data)
    assert ad.verify_extract(name, dest_dir="out", file_hash=hashlib.md5(data).hexdigest()) == str(work / "out")
    assert listing(work / "out") == [f"{name}-mltk.json", "root/a.txt", "root/sub/b.txt"]
    (work / "out" / "root" / "a.txt").write_text("changed")
    ad.verify_extract(name, dest_dir="out", file_hash=hashlib.md5(data).hexdigest())
    assert (work / "out" / "root" / "a.txt").read_text() == "changed"
    assert json.loads((work / "out" / f"{name}-mltk.json").read_text())["size"] == len(data)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def fifo() -> tarfile.TarInfo:
    info = tarfile.TarInfo("pipe")
    info.type = tarfile.FIFOTYPE
    return info


def zip_with_link() -> bytes:
    info = zipfile.ZipInfo("evil")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(info, "/etc/passwd")
    return stream.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        zip_of({"fine.txt": b"", "../evil.txt": b""}),
        zip_of({"/evil.txt": b""}),
        zip_of({"..\\evil.txt": b""}),
        zip_of({"C:\\evil.txt": b""}),
        zip_with_link(),
        tar_of({"fine.txt": b"", "../evil.txt": b""}),
        tar_of({"/evil.txt": b""}),
        tar_of({"a/../../evil.txt": b""}),
        tar_of({}, members=(link("evil", "/etc/passwd"),)),
        tar_of({}, members=(link("evil", "../../up"),)),
        tar_of({}, members=(link("evil", "/etc/passwd", tarfile.LNKTYPE),)),
        tar_of({}, members=(fifo(),)),
        zip_of(FILES)[:-10],
        tar_of(FILES)[:-20],
        b"neither",
        b"",
    ],
    ids=range(16),  # not by the bytes, which hold a time: each process would name the test differently
)
def test_hostile_and_damaged_archives_leave_the_folder_as_it_was(data: bytes, work: Path, tmp_path: Path) -> None:
    (work / "evil.archive").write_bytes(data)
    (work / "out").mkdir()
    (work / "out" / "old.txt").write_text("old")
    before = listing(tmp_path)
    with pytest.raises(DownloadError, match=r"evil\.archive"):
        extract_archive("evil.archive", "out")
    assert listing(tmp_path) == before


def test_a_link_inside_the_archive_is_fine(work: Path) -> None:
    (work / "a.tar").write_bytes(tar_of({"real.txt": b"x"}, members=(link("link.txt", "real.txt"),)))
    extract_archive("a.tar", "out")
    assert (work / "out" / "link.txt").read_text() == "x"


def test_a_bomb_is_refused(work: Path) -> None:
    (work / "bomb.zip").write_bytes(zip_of({"bomb.zip": zip_of({"zeros": bytes(80 << 20)})}))
    with pytest.raises(DownloadError, match="may be a decompression bomb"):
        extract_archive("bomb.zip", "out", extract_nested=True)
    assert listing(work) == ["bomb.zip"]


def test_7z(server: Server, work: Path) -> None:
    py7zr = pytest.importorskip("py7zr")
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w") as archive:
        for name, content in FILES.items():
            archive.writestr(content, name)
    server.files["data.7z"] = stream.getvalue()
    server.files["nested.zip"] = zip_of({"deep/data.7z": stream.getvalue()})
    download_verify_extract(server.url + "data.7z", dest_dir="out", remove_root_dir=True)
    assert listing(work / "out") == ["a.txt", "data.7z-mltk.json", "sub/b.txt"]
    download_verify_extract(server.url + "nested.zip", dest_dir="out", extract_nested=True)
    assert listing(work / "out") == ["deep/root/a.txt", "deep/root/sub/b.txt", "nested.zip-mltk.json"]


def test_without_what_extracts_7z_the_download_is_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "py7zr", None)
    server.files["data.7z"] = b"7z\xbc\xaf\x27\x1c\x00\x04"
    with pytest.raises(MissingDependencyError, match=r"openmltk\[datasets\]"):
        download_verify_extract(server.url + "data.7z", dest_dir="out")
    assert listing(tmp_path / "user") == ["downloads/data.7z"]


def test_cleaning_by_a_function(work: Path) -> None:
    (work / "a.zip").write_bytes(zip_of({"a.txt": b"x"}))
    (work / "out").mkdir()
    (work / "out" / "keep.txt").write_text("")
    calls: list = []
    extract_archive("a.zip", "out", clean_dest_dir=calls.append)
    assert calls == [str(work / "out")]
    assert listing(work / "out") == ["a.txt", "keep.txt"]


def test_a_missing_archive() -> None:
    with pytest.raises(DownloadError, match="There is no file"):
        extract_archive("missing.zip", "out")
    with pytest.raises(DownloadError, match="There is no file"):
        ad.verify_extract("missing.zip", dest_dir="out")


def test_verify_functions(work: Path) -> None:
    (work / "a").write_bytes(b"abc")
    ad.verify_sha1("a", "A9993E364706816ABA3E25717850C26C9CD0D89D")
    ad.verify_sha256("a", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    for check in (ad.verify_sha1, ad.verify_sha256):
        with pytest.raises(DownloadError, match="is not the file that was wanted"):
            check("a", "00")
    with pytest.raises(DownloadError, match="it has 5 digits"):
        ad.verify_file_hash("a", "12345", "auto")
