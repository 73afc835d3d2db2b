"""``mltk view``: a server on this machine that gives Netron's pages and one model, and nothing else."""

from __future__ import annotations

import importlib.util
import socket
import threading
import urllib.parse
from pathlib import Path

import pytest

import mltk
from helpers.http import get
from mltk.errors import ArchiveError, MissingDependencyError, ModelNotFoundError
from mltk.operations import view
from mltk.operations.shared.local_server import LocalServer
from mltk.specification.archive_file import ArchiveReader


@pytest.fixture
def pages(tmp_path: Path) -> Path:
    """A folder with pages like Netron's, and a file beside it that nobody may have."""
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "index.html").write_text('<head>\n<meta name="version" content="9.9.9">\n</head>')
    (folder / "view.js").write_text("draw()")
    (folder / "server.py").write_text("secret")
    (tmp_path / "outside.js").write_text("secret")
    return folder


def served(pages: view.GraphPages) -> LocalServer:
    return LocalServer(pages, port=0, headers=pages.headers)


def test_answers_with_pages_and_model_and_shuts_down(pages):
    with served(view.GraphPages(pages, "my model.tflite", b"TFL3")) as server:
        assert server.url.startswith("http://127.0.0.1:")
        status, page, headers = get(server.url, "/")
        assert status == 200
        assert b'<meta name="file" content="/data/my%20model.tflite">' in page
        assert b'content="0.0.0"' in page
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert get(server.url, "/data/my%20model.tflite")[:2] == (200, b"TFL3")
        assert get(server.url, "/view.js")[:2] == (200, b"draw()")
        assert get(server.url, "/view.js", "HEAD")[:2] == (200, b"")
        port = urllib.parse.urlparse(server.url).port
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5)


@pytest.mark.parametrize("path", ["/server.py", "/../outside.js", "/%2e%2e/outside.js", "/data/other", "/nothing.js"])
def test_gives_nothing_else(pages, path):
    with served(view.GraphPages(pages, "m.tflite", b"TFL3")) as server:
        assert get(server.url, path)[0] == 404


def test_names_cannot_break_the_page(pages):
    with served(view.GraphPages(pages, '"><script>x</script>.tflite', b"TFL3")) as server:
        assert b"<script>" not in get(server.url, "/")[1]


def test_missing_netron_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="Netron") as e:
        mltk.view_model("model.tflite")
    assert "openmltk[view]" in e.value.hint


def test_finds_the_file_to_show(trained):
    archive = trained.parent / "toy_spec.mltk.zip"
    name, data = view.model_file(str(archive))
    assert name == "toy_spec.keras"
    assert data[:2] == b"PK"
    name, data = view.model_file(str(archive), tflite=True)
    assert name == "toy_spec.tflite"
    with ArchiveReader(archive) as reader:
        assert data == reader.read("toy_spec.tflite")
    (trained.parent / "m.tflite").write_bytes(data)
    assert view.model_file(str(trained.parent / "m.tflite")) == ("m.tflite", data)
    archive.unlink()
    with pytest.raises(ArchiveError, match="has not been trained"):
        view.model_file(str(trained))
    with pytest.raises(ModelNotFoundError):
        view.model_file(str(trained.parent / "none.tflite"))


@pytest.mark.skipif(importlib.util.find_spec("netron") is None, reason="Netron is not installed")
def test_netron_is_served_and_the_browser_opened(trained, monkeypatch):
    opened, before = [], set(threading.enumerate())

    def look(url: str) -> bool:
        opened.append((url, *get(url, "/")[:2], get(url, "/data/toy_spec.tflite")[0], get(url, "/tflite.js")[0]))
        return True

    monkeypatch.setattr("webbrowser.open", look)
    url = mltk.view_model(str(trained.parent / "toy_spec.mltk.zip"), port=0, tflite=True, timeout=0.01)
    assert opened[0][:2] == (url, 200)
    assert opened[0][3:] == (200, 200)
    assert b'<meta name="version" content="0.0.0">' in opened[0][2]
    assert not [t for t in set(threading.enumerate()) - before if "serve_forever" in t.name]
