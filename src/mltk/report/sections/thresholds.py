"""Thresholds to move by hand: ROC, precision and recall, and the distribution of the scores."""

from __future__ import annotations

from typing import Any

from mltk.report.blocks import empty, script
from mltk.report.facts import EvaluationFacts, ModelFacts
from mltk.report.markup import element
from mltk.report.page import Section

_WITHOUT_SCORES = ("generic", "custom")
"""Types of models whose results are figures alone, such as those of a regression."""


def thresholds(facts: ModelFacts) -> Section | None:
    """Return the curves of every evaluation with evidence; None if no classes were evaluated."""
    if all(e.results.get("model_type") in _WITHOUT_SCORES for e in facts.evaluations):
        return None
    main = facts.main_evaluation
    shown = sorted((e for e in facts.evaluations if e.evidence), key=lambda e: e is not main)
    if not shown:
        text = "The scores of the samples are not in the archive, so that there are no curves."
        return Section(
            "thresholds", "Scores and thresholds", empty(text, f"mltk evaluate {facts.command}"), short="Scores"
        )
    html = element("div", class_="threshold-view")
    data = {"evaluations": [_data(e) for e in shown]}
    return Section("thresholds", "Scores and thresholds", html, script("thresholds"), data, short="Scores")


def _data(evaluation: EvaluationFacts) -> dict[str, Any]:
    evidence = evaluation.evidence or {}
    return {
        "title": evaluation.title,
        "best": evaluation.results.get("overall_best_threshold"),
        **{key: evidence[key] for key in ("kind", "classes", "edges", "positive", "negative")},
    }
