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
    for text in ("2 hours of audio, joined from clips and noise", "1.5 to 7 with 95\u00a0% certainty", "25.0 %",
                 "295 ms", "mltk tune made", "&lt;i&gt;yes&lt;/i&gt;"):  # fmt: skip
        assert text in section.html
    assert streams(made_facts()) is None


def test_what_was_heard_wrongly_is_listed_in_the_order_of_time() -> None:
    made = results()
    detection = {"recording": "joined", "keyword": "yes", "score": 201, "said": None, "latency_ms": None}
    made["detections"] = [
        {**detection, "time_s": 5.0, "verdict": "hit", "said": "yes"},
        {**detection, "time_s": 3725.25, "verdict": "false accept"},
        {**detection, "time_s": 70.0, "verdict": "repeat", "said": "yes"},
        {**detection, "time_s": 80.0, "verdict": "confusion", "said": "no"},
    ]
    made["missed"] = [{"recording": "joined", "start_s": 75.5, "end_s": 76.0, "keyword": "<i>up</i>"}]
    section = streams(made_facts(stream=made))
    assert section is not None
    assert "4 errors at the settings of the model" in section.html
    expected = ("0:01:10.0", "detected a second time", "0:01:15.5", "missed", "0:01:20.0", "taken for another keyword",
                "1:02:05.2", "nobody said a keyword")  # fmt: skip
    places = [section.html.index(text) for text in expected]
    assert places == sorted(places)
    assert "&lt;i&gt;up&lt;/i&gt;" in section.html
    made["detections"], made["missed"] = made["detections"][:1], []
    section = streams(made_facts(stream=made))
    assert section is not None
    assert "Every detection is right, and no keyword was missed." in section.html


def test_audio_without_a_keyword_has_no_rate_of_false_rejects(tmp_path: Path) -> None:
    made = results()
    made |= {"hours": 1.0, "n_keywords": 0, "false_rejects": 0, "false_reject_rate": None, "is_joined": False}
    made["curve"]["false_reject_rate"] = [None] * 256
    made["curve"]["mean_latency_ms"] = [None] * 256
    (tmp_path / "page.html").write_text(model_report(made_facts(stream=made)), encoding="utf-8")
    with Browser() as browser:
        page = browser.open((tmp_path / "page.html").as_uri())
        assert page.errors == []
        text = page.evaluate("document.querySelector('#stream').innerText")
        assert page.evaluate("[...document.querySelectorAll('#stream .plot')].length") == 1
    assert "1 hour of audio, 1 recording, with 0 keywords" in text
    assert "A threshold of 128 has 3 false accepts an hour." in text
    assert "unknown" not in text


def test_the_threshold_shows_the_point_of_the_curve(tmp_path: Path) -> None:
    made = results()
    (tmp_path / "page.html").write_text(model_report(made_facts(stream=made)), encoding="utf-8")
    sentence = "document.querySelector('#stream .stream-view p').innerText"
    with Browser() as browser:
        page = browser.open((tmp_path / "page.html").as_uri())
        assert page.errors == []
        titles = page.evaluate("[...document.querySelectorAll('#stream figcaption')].map(e => e.innerText)")
        assert titles[-1] == "Latency at each threshold"
        # Rates begin at 0: no axis has a tick below it.
        scale = (
            "Math.min(...mltkReport.plots.flatMap(p => [p.scales.x, p.scales.y].filter(s => s.asinh && s.distr === 4)"
        )
        assert page.evaluate(scale + ".map(s => s.min)))") == 0
        assert page.evaluate(sentence).startswith(
            "A threshold of 128 has 3 false accepts an hour, 25.0 % false rejects"
        )
        page.evaluate("document.querySelector('#stream input').value = 255")
        page.evaluate("document.querySelector('#stream input').dispatchEvent(new Event('input'))")
        assert page.evaluate(sentence) == "A threshold of 255 has 0 false accepts an hour, 99.2 % false rejects."
