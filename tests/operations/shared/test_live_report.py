"""The page of a running training is on this machine, grows, and becomes the finished report."""

from __future__ import annotations

import html
import json
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from helpers.browser import Browser
from helpers.http import get
from mltk.operations.shared.live_report import LiveReport
from mltk.report.page import Section

pytestmark = pytest.mark.tf


def state_of(live: LiveReport) -> dict[str, Any]:
    status, content, _ = get(live.url, "/state.json")
    assert status == 200
    state: dict[str, Any] = json.loads(content)
    return state


def test_the_page_shows_the_state_and_then_the_report() -> None:
    with LiveReport("yes_no", [Section("model", "Model", "<p>17 k parameters</p>")], port=0, browser=False) as live:
        page = html.unescape(get(live.url, "/")[1].decode())
        assert "17 k parameters" in page
        assert "state.json" in page
        assert "connect-src 'self' data:" in page
        assert state_of(live)["stage"] == "preparing"
        live.state.add_epoch(1, {"loss": 0.5}, 1.0)
        assert state_of(live)["history"]["loss"] == [0.5]
        reader = threading.Timer(0.2, lambda: get(live.url, "/"))
        reader.start()
        live.finish("<html>the report</html>")
        assert state_of(live)["stage"] == "finished"
        assert get(live.url, "/")[1] == b"<html>the report</html>"
        assert get(live.url, "/other")[0] == 404


def test_a_training_that_fails_says_so_on_the_page() -> None:
    seen = []

    def fail() -> None:
        with LiveReport("yes_no", port=0, browser=False) as live:
            state_of(live)
            watcher = threading.Timer(0.3, lambda: seen.append(state_of(live)))
            watcher.start()
            raise ValueError("The loss is nan.\nLower the learning rate.")

    with pytest.raises(ValueError, match="nan"):
        fail()
    assert seen[0]["stage"] == "failed"
    assert seen[0]["error"] == "The loss is nan."


def test_the_page_grows_in_a_browser_and_becomes_the_report() -> None:
    with Browser() as browser, LiveReport("yes_no", port=0, browser=False) as live:
        page = browser.open(live.url)
        assert "Preparing" in page.evaluate("document.querySelector('.stage').innerText")
        live.state.set(stage="training", epochs=4, epoch=1, step=5, steps=10)
        page.wait_for("document.querySelector('.stage').innerText.startsWith('Epoch 1 of 4, batch 5 of 10')")
        for epoch in (1, 2):
            live.state.add_epoch(epoch, {"loss": 1 / epoch, "val_loss": 2 / epoch, "accuracy": 0.4 * epoch}, 3.0)
        live.state.set(epoch=3, step=0)
        page.wait_for("document.querySelectorAll('.curves canvas').length === 2")
        live.state.add_epoch(3, {"loss": 0.2, "val_loss": 0.9, "accuracy": 0.9}, 3.0)
        live.state.set(epoch=4)
        page.wait_for("document.querySelector('.stage').innerText.includes('about 3 s left')")
        page.evaluate("document.querySelector('.curves details').open = true")
        page.wait_for("document.querySelectorAll('.curves details tbody tr').length === 3")
        assert page.errors == []
        live.finish("<!doctype html><title>The report</title>")
        page.wait_for("document.title === 'The report'")


def test_the_finished_page_is_the_report_of_the_archive(tmp_path: Path) -> None:
    archive = tmp_path / "yes_no.mltk.zip"
    with LiveReport("yes_no", port=0, browser=False) as live:
        live.finish_with_report(None, "accuracy 94 % <of 10>")
        assert "accuracy 94 % &lt;of 10&gt;" in get(live.url, "/")[1].decode()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("report.html", "<html>archived</html>")
    with LiveReport("yes_no", port=0, browser=False) as live:
        live.finish_with_report(str(archive), "text")
        assert get(live.url, "/")[1] == b"<html>archived</html>"
