"""The report of one model: complete, safe against names, and there even if data are damaged."""

from __future__ import annotations

import re

import pytest

from helpers.made_facts import anomaly_facts, classifier_facts, made_facts
from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.report.model_report import model_report
from mltk.report.page import Section

HOSTILE = "</script><script>alert(1)</script>"


def sections(page: str) -> list[str]:
    return re.findall(r'<section id="([^"]+)"', page)


def test_a_classifier_has_all_sections() -> None:
    page = model_report(made_facts())
    first = ["summary", "training", "confusion", "thresholds", "mistakes"]
    assert sections(page) == [*first, "cost", "memory", "quantization", "parity", "making"]
    assert "can't be shown" not in page
    assert "Knows &lt;i&gt;animals&lt;/i&gt;, version 2" in page
    assert "owl/&lt;i&gt;1&lt;/i&gt;.wav" in page


def test_what_is_missing_is_said_with_the_command_that_adds_it() -> None:
    page = model_report(ModelFacts("yes_no", "yes_no"))
    assert sections(page) == ["summary", "training", "cost", "memory", "quantization", "parity", "making"]
    for command in ("mltk train yes_no", "mltk quantize yes_no", "mltk report yes_no"):
        assert f"<code>{command}</code>" in page


def test_a_tflite_alone_is_not_told_to_train() -> None:
    page = model_report(ModelFacts("yes_no", "yes_no.tflite", has_archive=False))
    assert sections(page) == ["summary", "cost", "memory", "parity"]
    assert "mltk train" not in page


def test_a_regression_has_figures_and_no_scores() -> None:
    results = {"model_type": "generic", "n_samples": 200, "loss": 0.01, "mae": 0.0891}
    page = model_report(made_facts(evaluations=(EvaluationFacts("tflite", results),)))
    assert "thresholds" not in sections(page)
    assert "<dt>MAE, .tflite</dt><dd>0.0891</dd>" in page


def test_metrics_that_are_never_finite_are_named_and_not_drawn() -> None:
    page = model_report(made_facts(history={"loss": [None, None], "accuracy": [0.1, 0.2]}))
    assert "No epoch has a finite value of loss." in page
    assert '"plots":[{"name":"accuracy"' in page


def test_an_autoencoder_has_scores_but_no_confusions() -> None:
    found = sections(model_report(made_facts(evaluations=(anomaly_facts(),))))
    assert "thresholds" in found
    assert "confusion" not in found


def test_names_never_become_html() -> None:
    evaluation = classifier_facts(classes=[HOSTILE, "b", "c"])
    manifest = {
        "description": HOSTILE,
        "settings": {HOSTILE: HOSTILE, "classes": [HOSTILE]},
        "versions": {HOSTILE: HOSTILE},
    }
    page = model_report(made_facts(HOSTILE, manifest=manifest, evaluations=(evaluation,), source=HOSTILE))
    assert HOSTILE not in page
    assert "can't be shown" not in page


@pytest.mark.parametrize(
    "evidence",
    [
        {"kind": "classes"},
        {"kind": "classes", "classes": ["a"], "edges": [0, 1], "positive": 3, "negative": [], "decisions": [],
         "samples": [{"true": 9}]},
        {"kind": "classes", "classes": ["a"], "samples": [{"number": 1, "true": 0, "predicted": 0, "scores": [],
         "media": {"picture": '" onerror="alert(1)'}}]},
    ],
)  # fmt: skip
def test_damaged_data_cost_their_section_and_not_the_report(evidence: dict[str, object]) -> None:
    evaluation = EvaluationFacts("tflite", classifier_facts().results, evidence)
    page = model_report(made_facts(evaluations=(evaluation,)))
    assert "because its data in the archive are damaged" in page
    assert "onerror" not in page
    assert "making" in sections(page)


def test_more_sections_stand_after_the_summary() -> None:
    page = model_report(made_facts(), [Section("try-it", "Try it", "<p>here</p>")])
    assert sections(page)[:2] == ["summary", "try-it"]
