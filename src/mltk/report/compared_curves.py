"""The curves of several models in one plot: ROC, and false rejects against false accepts an hour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mltk.report.blocks import script
from mltk.report.facts import ModelFacts
from mltk.report.markup import element
from mltk.report.page import Section


def compared_curves(models: Sequence[ModelFacts], labels: Sequence[str]) -> Section | None:
    """Return the curves of all models that have them; None if fewer than two have the same kind of curve.

    Args:
        models: What is known of each model.
        labels: A label for each model.
    """
    roc, streams = [], []
    for i, (model, label) in enumerate(zip(models, labels, strict=True)):
        evaluation = model.main_evaluation
        if evaluation is not None and evaluation.evidence:
            roc.append({"label": label, "color": i, **_counts(evaluation.evidence)})
        if model.stream is not None and model.stream["n_keywords"]:
            streams.append({"label": label, "color": i, **_stream(model.stream)})
    data = {"roc": roc if len(roc) > 1 else [], "streams": streams if len(streams) > 1 else []}
    if not any(data.values()):
        return None
    html = element("div", class_="curves-view")
    return Section("curves", "Errors at all thresholds", html, script("compared_curves"), data, short="Curves")


def _counts(evidence: Any) -> dict[str, Any]:
    return {key: evidence[key] for key in ("kind", "classes", "positive", "negative")}


def _stream(results: Any) -> dict[str, Any]:
    curve = results["curve"]
    return {
        "hours": results["hours"],
        "accepts": curve["false_accepts_per_hour"],
        "rejects": curve["false_reject_rate"],
        "own": [results["false_accepts_per_hour"], results["false_reject_rate"]],
    }
