"""A page that runs a model, in a real browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from helpers.browser import Browser, Page
from mltk.browser.try_it import TryIt
from mltk.report.page import Section, render

_OPEN = """(async () => {
  const files = FILES.map(([name, text]) => new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name));
  const choose = document.querySelector(".try-it input[type=file]"), chosen = new DataTransfer();
  files.forEach((file) => chosen.items.add(file));
  choose.files = chosen.files;
  choose.dispatchEvent(new Event("change"));
})()"""
PAGE = "document.querySelector('.try-it')"
TRIED = f"{PAGE}.tried"


def open_page(browser: Browser, fragment: TryIt, folder: Path) -> Page:
    """Open a page with only this part."""
    path = folder / "page.html"
    section = Section("try-it", "Try it", fragment.html, fragment.script, fragment.data)
    path.write_text(render("A model", [section]), encoding="utf-8")
    page = browser.open(path.as_uri())
    page.wait_for(f"{TRIED} !== undefined || {PAGE}.querySelector('[role=alert]') !== null")
    return page


def choose_files(page: Page, files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Choose files as a person does, and return the rows of the table: name → what was found."""
    before = page.evaluate("document.querySelectorAll('.try-files tbody tr').length")
    encoded = [[name, base64.b64encode(data).decode()] for name, data in files.items()]
    page.evaluate(_OPEN.replace("FILES", json.dumps(encoded)))
    rows = "[...document.querySelectorAll('.try-files tbody tr')].map((r) => [...r.cells].map((c) => c.textContent))"
    done = f"(({rows}).length === {before + len(files)} && ({rows}).every((r) => r[1] !== '…'))"
    page.wait_for(done, 60)
    return [(name, text) for name, text in page.evaluate(rows)][before:]


def int16_of(page: Page, expression: str) -> npt.NDArray[np.int16]:
    """Return int16 values of the page."""
    return np.array(page.evaluate(f"[...{expression}]"), np.int16)


def status(page: Page) -> str:
    """Return what the page says."""
    text: Any = page.evaluate("document.querySelector('.try-status').textContent")
    return str(text)
