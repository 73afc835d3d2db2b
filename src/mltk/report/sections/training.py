"""Training curves: each metric over the epochs, training and validation in one plot."""

from __future__ import annotations

from markupsafe import Markup

from mltk.report.blocks import empty, script, table
from mltk.report.facts import ModelFacts
from mltk.report.markup import element, join
from mltk.report.numbers import figure
from mltk.report.page import Section

_FIRST = ("loss", "accuracy")
_WIDE = 20.0
"""Ratio of the highest to the lowest loss above which the axis is logarithmic."""


def training(facts: ModelFacts) -> Section | None:
    """Return the curves; None for a ``.tflite`` alone."""
    if not facts.has_archive:
        return None
    history = {name: values for name, values in facts.history.items() if values}
    if not history:
        text = "The archive has no training history."
        return Section("training", "Training", empty(text, f"mltk train {facts.command}"))
    names = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    names = [name for name in names if name != "learning_rate" or len(set(history[name])) > 1]
    unknown = [name for name in names if not _known(name, history)]
    names = [name for name in names if name not in unknown]
    names.sort(key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    data = {
        "epochs": max(len(values) for values in history.values()),
        "plots": [_plot(name, history) for name in names],
        "weights": facts.weights.get("epoch"),
    }
    described = facts.weights.get("description")
    html = join(
        element("p", f"The weights are those {described}.") if described else None,
        element("p", f"No epoch has a finite value of {', '.join(unknown)}.") if unknown else None,
        element("div", class_="plots"),
        _last_figures(history, facts.weights.get("epoch")),
    )
    return Section("training", "Training", html, script("training"), data)


def _known(name: str, history: dict[str, list[float]]) -> bool:
    return any(v is not None for key in (name, f"val_{name}") for v in history.get(key, []))


def _plot(name: str, history: dict[str, list[float]]) -> dict[str, object]:
    series = [
        (title, history[key]) for key, title in ((name, "training"), (f"val_{name}", "validation")) if key in history
    ]
    values = [v for _, found in series for v in found]
    log = name.endswith(("loss", "learning_rate")) and all(v and v > 0 for v in values)
    log = log and max(values) > _WIDE * min(values)
    return {"name": name, "log": log, "series": [{"label": title, "values": found} for title, found in series]}


def _last_figures(history: dict[str, list[float]], epoch: object) -> Markup:
    head = ["metric", "best", "at epoch", "last epoch"]
    at = epoch if isinstance(epoch, int) and epoch > 0 else None
    if at is not None:
        head.append("weights used")
    rows = []
    for name, values in history.items():
        known = [(v, i) for i, v in enumerate(values) if v is not None]
        if not known or name == "learning_rate":
            continue
        best, i = max(known, key=lambda k: (k[0], -k[1])) if "acc" in name or "auc" in name.lower() else min(known)
        row = [name, figure(best), str(i + 1), figure(known[-1][0])]
        if at is not None:
            row.append(figure(values[at - 1]) if at <= len(values) else "")
        rows.append(row)
    return element(
        "details", element("summary", "Best and last figures"), table(head, rows, caption="Figures of the training run")
    )
