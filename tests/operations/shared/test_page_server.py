"""Pages with a model are served on this machine only, and may request nothing."""

from __future__ import annotations

import threading
import webbrowser

import pytest

from helpers.http import get
from mltk.browser.try_it import TryIt
from mltk.operations.shared.page_server import page_of, serve


def test_a_page_is_served_until_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, answers = [], []

    def visit(url: str) -> None:
        opened.append(url)
        answers.extend([get(url, "/"), get(url, "/other")])

    monkeypatch.setattr(webbrowser, "open", lambda url: threading.Thread(target=visit, args=[url]).start())
    page = page_of("eär", TryIt("<p>content</p>"))
    url = serve(page, "It", port=0, browser=True, timeout=2)
    assert opened == [url]
    (status, content, headers), other = answers
    assert status == 200
    assert "<h1>eär</h1>" in content.decode()
    assert "<p>content</p>" in content.decode()
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "'wasm-unsafe-eval'" in headers["Content-Security-Policy"]
    assert other[0] == 404


def test_without_a_browser_none_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("a browser was opened"))
    assert serve("page", "It", port=0, browser=False, timeout=0.1).startswith("http://127.0.0.1:")
