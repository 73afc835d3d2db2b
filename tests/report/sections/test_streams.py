"""The section about hours of audio: figures, and a threshold that is moved in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from helpers.browser import Browser
from helpers.made_facts import made_facts
from mltk.report.model_report import model_report
from mltk.report.sections.streams import streams


def results() -> dict[str, Any]:
    thresholds = np.arange(256)
    accepts, rejects = np.round(200 * np.exp(-thresholds / 30)), (thresholds / 256) ** 2
    curve = {"false_accepts_per_hour": accepts.tolist(), "false_reject_rate": rejects.tolist()}
    latency: list[float | None] = [300.0] * 255
    return {
        "hours": 2.0, "is_joined": True, "recordings": ["joined"], "n_keywords": 80, "false_rejects": 20,
        "false_accepts_per_hour": 3.5, "false_accepts_per_hour_interval": [1.5, 7.0], "false_reject_rate": 0.25,
        "latency_ms": {"median": 295.0, "p90": 404.8}, "settings": {"detection_threshold": 128},
        "keywords": {"<i>yes</i>": {"said": 80, "detected": 60, "false_reject_rate": 0.25,
                                    "false_accepts_per_hour": 3.5, "median_latency_ms": None}},
        "curve": {**curve, "thresholds": thresholds.tolist(), "mean_latency_ms": [*latency, None],
                  "keywords": {"<i>yes</i>": curve}},
    }  # fmt: skip


def test_the_figures_have_their_bounds_and_say_how_the_sound_was_made() -> None:
    section = streams(made_facts(stream=results()))
    assert section is not None
    for text in ("2 hours of audio, joined from clips and noise", "1.5 to 7 with 95 % certainty", "25.0 %", "295 ms",
                 "mltk tune made", "&lt;i&gt;yes&lt;/i&gt;"):  # fmt: skip
        assert text in section.html
    assert streams(made_facts()) is None


def test_the_threshold_shows_the_point_of_the_curve(tmp_path: Path) -> None:
    made = results()
    (tmp_path / "page.html").write_text(model_report(made_facts(stream=made)), encoding="utf-8")
    sentence = "document.querySelector('#stream .stream-view p').innerText"
    with Browser() as browser:
        page = browser.open((tmp_path / "page.html").as_uri())
        assert page.errors == []
        assert page.evaluate(sentence).startswith(
            "A threshold of 128 has 3 false accepts an hour, 25.0 % false rejects"
        )
        page.evaluate("document.querySelector('#stream input').value = 255")
        page.evaluate("document.querySelector('#stream input').dispatchEvent(new Event('input'))")
        assert page.evaluate(sentence) == "A threshold of 255 has 0 false accepts an hour, 99.2 % false rejects."
