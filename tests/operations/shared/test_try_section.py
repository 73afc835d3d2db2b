"""A report has a section in which the model runs, or which says why it can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from helpers.browser import Browser
from helpers.dense_models import dense_classifier
from helpers.listening_models import RATE, listening_model, sounds
from helpers.try_page import choose_files
from mltk.audio.files import write_audio
from mltk.operations.report import report_model
from mltk.operations.shared import try_section
from mltk.operations.shared.try_section import interpolation_of, try_sections
from mltk.tflite.model import TfliteModel


def test_the_model_listens_inside_its_report(tmp_path: Path) -> None:
    (tmp_path / "ear.tflite").write_bytes(listening_model())
    path = report_model(str(tmp_path / "ear.tflite"), output=tmp_path / "ear.html", parity=False)
    sound = Path(write_audio(str(tmp_path / "a.wav"), sounds(2.0), RATE)).read_bytes()
    with Browser() as browser:
        page = browser.open(Path(path).as_uri())
        page.wait_for("document.querySelector('.try-it').tried !== undefined")
        ((name, found),) = choose_files(page, {"a.wav": sound})
        assert name == "a.wav"
        assert " at 0." in found
        assert page.errors == []
        assert page.outside == []


def test_a_model_that_can_not_run_in_a_page_has_a_section_that_says_why() -> None:
    (section,) = try_sections(TfliteModel(listening_model(logits=True)), "ear", {})
    assert section.id == "try-it"
    assert "This model can't be tried in a page." in section.html
    assert section.script == ""
    assert try_sections(None, "ear", {}) == []


def test_a_large_model_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(try_section, "_LARGEST_MODEL", 100)
    (section,) = try_sections(dense_classifier((20, 24, 3)), "eye", {})
    assert "bytes, too many for a report" in section.html
    assert section.script == ""


def test_pictures_are_resized_as_the_specification_says() -> None:
    manifest: dict[str, Any] = {"settings": {"interpolation": "lanczos"}}
    (section,) = try_sections(dense_classifier((20, 24, 3)), "eye", manifest)
    assert isinstance(section.data, dict)
    assert section.data["interpolation"] == "lanczos"
    for other in (
        {},
        {"settings": None},
        {"settings": {"interpolation": None}},
        {"settings": {"interpolation": ["x"]}},
    ):
        assert interpolation_of(other) == "bilinear"
