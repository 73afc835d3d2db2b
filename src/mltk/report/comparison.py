"""Models side by side on one page: figures, curves, classes, cost, and the settings that differ."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from markupsafe import Markup

from mltk.report.blocks import Cell, empty, notes, number, script, table
from mltk.report.compared_curves import compared_curves
from mltk.report.facts import ModelFacts
from mltk.report.guard import guarded
from mltk.report.markup import element, join
from mltk.report.numbers import count, figure, interval, n_bytes, percent, rate, seconds, short, unbroken
from mltk.report.page import Section, render

Figure = tuple[str, list[float | None], Callable[[float | None], str], int]
"""Title, a value for each model, how to write it, and 1 if more is better, -1 if less is better, 0 if neither."""
_LONGEST = 120
_QUALITY = ("Accuracy", "ROC", "False")
"""Figures of models with different classes that are not better or worse."""


def comparison(models: Sequence[ModelFacts]) -> str:
    """Return the comparison of models as HTML.

    Args:
        models: What is known of each model.
    """
    labels = labels_of(models)
    parts = {
        "summary": _summary, "training": _training, "curves": compared_curves, "trade": _trade, "classes": _classes,
        "settings": _settings,
    }  # fmt: skip
    built = [guarded(name, functools.partial(part, models, labels)) for name, part in parts.items()]
    subtitle = f"{len(models)} models side by side"
    return render(
        ", ".join(labels), [s for s in built if s is not None], subtitle=subtitle, footer="Made with openmltk."
    )


def labels_of(models: Sequence[ModelFacts]) -> list[str]:
    """Return a different label for each model: its name, or what stands for it in commands, or its number."""
    for options in ([m.name for m in models], [_tail(m.command) for m in models]):
        if len(set(options)) == len(options):
            return options
    return [f"{m.name} ({i + 1})" for i, m in enumerate(models)]


def _tail(path: str) -> str:
    return os.sep.join(path.split(os.sep)[-2:]).removesuffix(".mltk.zip").removesuffix(".tflite")


def _accuracy(facts: ModelFacts, key: str) -> float | None:
    evaluation = facts.evaluation(key)
    value = evaluation.results.get("overall_accuracy") if evaluation else None
    return value if isinstance(value, int | float) else None


def _area(facts: ModelFacts) -> float | None:
    evaluation = facts.main_evaluation
    results = evaluation.results if evaluation else {}
    value = results.get("roc_auc_avg", results.get("overall_roc_auc"))
    return value if isinstance(value, int | float) else None


def _samples(facts: ModelFacts) -> float | None:
    evaluation = facts.main_evaluation
    return (evaluation.n_samples or None) if evaluation else None


def _figures(models: Sequence[ModelFacts]) -> Iterator[Figure]:
    yield "Accuracy, .tflite", [_accuracy(m, "tflite") for m in models], percent, 1
    yield "Accuracy, Keras model", [_accuracy(m, "keras") for m in models], percent, 1
    yield "ROC AUC, mean of the classes", [_area(m) for m in models], lambda v: percent(v, 2), 1
    yield "Samples of the evaluation", [_samples(m) for m in models], count, 0
    yield "False accepts an hour", [_of_stream(m, "false_accepts_per_hour") for m in models], rate, -1
    yield "False rejects", [_of_stream(m, "false_reject_rate") for m in models], percent, -1
    yield "Flash, .tflite", [m.tflite_bytes for m in models], n_bytes, -1
    yield "RAM, tensor arena", [m.arena_bytes for m in models], n_bytes, -1
    yield "Multiply-accumulates", [_total(m, 0, "macs") for m in models], short, -1
    targets = max((len(m.costs) for m in models), default=0)
    for i in range(targets):
        title = next(str(m.costs[i]["summary"].get("target")) for m in models if len(m.costs) > i)
        yield f"Time, {title}", [_total(m, i, "time") for m in models], seconds, -1
    yield "Epochs", [m.manifest.get("epochs") for m in models], count, 0


def _of_stream(facts: ModelFacts, key: str) -> float | None:
    value = (facts.stream or {}).get(key)
    return value if isinstance(value, int | float) else None


def _total(facts: ModelFacts, i: int, key: str) -> float | None:
    return facts.costs[i]["summary"].get(key) if len(facts.costs) > i else None


def _summary(models: Sequence[ModelFacts], labels: Sequence[str]) -> Section:
    rows = []
    comparable = _same_classes(models)
    same_streams = len(_streams(models)) < 2
    for title, values, write, direction in _figures(models):
        if all(v is None for v in values):
            continue
        known = [v for v in values if v is not None]
        if (title.startswith(_QUALITY) and not comparable) or (title.startswith("False") and not same_streams):
            direction = 0
        best = (max if direction > 0 else min)(known) if direction and len(set(known)) > 1 else None
        cells = (_marked("–" if v is None else write(v), v, v is not None and v == best) for v in values)
        rows.append([Cell(title, long=True), *cells])
    html = join(
        element("p", unbroken(_headline(models, labels)), class_="verdict"),
        table(["figure", *labels], rows, caption="The best figure of each row is marked with ★", sortable=False),
        notes(_warnings(models, labels)),
    )
    return Section("summary", "Side by side", html)


def _marked(text: str, value: float | None, best: bool) -> Cell:
    return number(f"★ {text}" if best else text, value)


def _headline(models: Sequence[ModelFacts], labels: Sequence[str]) -> str:
    found = [
        (accuracy, int(_samples(m) or 0), label)
        for m, label in zip(models, labels, strict=True)
        if (accuracy := _accuracy(m, "tflite") if _accuracy(m, "tflite") is not None else _accuracy(m, "keras"))
        is not None
    ]
    if len(found) < 2:
        return "Fewer than two of the models have an accuracy."
    found.sort(key=lambda item: -item[0])
    if not _same_classes(models):
        return "The models have different classes, so that their accuracies can't be compared."
    (first, n, label), (second, n_second, other) = found[:2]
    text = f"{label} has the highest accuracy: {percent(first)}, then {other}: {percent(second)}."
    if n and n_second and interval(second, n_second)[1] >= interval(first, n)[0]:
        text += (
            f" With {n:,} and {n_second:,} samples, this difference may be chance."
            if n != n_second
            else (f" With {n:,} samples, this difference may be chance.")
        )
    return text


def _warnings(models: Sequence[ModelFacts], labels: Sequence[str]) -> Iterator[tuple[str, str]]:
    counts = {_samples(m) for m in models} - {None}
    if len(counts) > 1 and _same_classes(models):
        text = "The models were evaluated on different numbers of samples: compare their accuracies with care."
        yield "warn", text
    if len(_streams(models)) > 1:
        yield "warn", "The streams differ: their false accepts and false rejects are not comparable."
    digests = {str((m.manifest.get("dataset") or {}).get("sha256")) for m in models}
    if len(digests) > 1:
        yield "", "The models were trained with different data."
    for m, label in zip(models, labels, strict=True):
        if not m.has_archive:
            yield "", f"{label} is a .tflite without its archive: how it was trained and how good it is, is not known."
        elif m.main_evaluation is None:
            yield "warn", f"{label} is not evaluated. Run: mltk evaluate {m.command}"


def _streams(models: Sequence[ModelFacts]) -> set[tuple[Any, ...]]:
    """Return what tells the streams apart on which the models were evaluated."""
    found = [m.stream for m in models if m.stream]
    return {(s["hours"], s["n_keywords"], len(s["recordings"])) for s in found}


def _same_classes(models: Sequence[ModelFacts]) -> bool:
    """Return whether all models whose classes are known have the same classes."""
    known = [(m.manifest.get("settings") or {}).get("classes") for m in models]
    return len({json.dumps(classes) for classes in known if classes is not None}) < 2


def _training(models: Sequence[ModelFacts], labels: Sequence[str]) -> Section | None:
    metrics = list(dict.fromkeys(k.removeprefix("val_") for m in models for k in m.history))
    plots = []
    for metric in [m for m in ("loss", "accuracy") if m in metrics]:
        series = []
        for i, (m, label) in enumerate(zip(models, labels, strict=True)):
            for key, kind in ((metric, "training"), (f"val_{metric}", "validation")):
                if any(v is not None for v in m.history.get(key) or []):
                    series.append(
                        {"label": f"{label}, {kind}", "values": m.history[key], "color": i, "dash": key != metric}
                    )
        if series:
            plots.append({"name": metric, "series": series})
    if not plots:
        return None
    html = element("div", class_="plots")
    return Section("training", "Training", html, script("compared_training"), {"plots": plots})


def _trade(models: Sequence[ModelFacts], labels: Sequence[str]) -> Section | None:
    points = [
        {"label": label, "x": size, "y": accuracy, "time": _total(m, 0, "time"), "color": i}
        for i, (m, label) in enumerate(zip(models, labels, strict=True))
        if (accuracy := _accuracy(m, "tflite")) is not None and (size := m.tflite_bytes) is not None
    ]
    if len(points) < 2:
        return None
    html = element("div", class_="plots")
    return Section("trade", "Accuracy against cost", html, script("trade"), {"points": points}, short="Cost")


def _classes(models: Sequence[ModelFacts], labels: Sequence[str]) -> Section | None:
    evaluations = [m.main_evaluation for m in models]
    results = [e.results if e else {} for e in evaluations]
    names = list(dict.fromkeys(str(c) for r in results if r.get("class_accuracies") for c in r["classes"]))
    if not names:
        return None
    rows = []
    for name in names:
        recalls = [
            dict(zip(map(str, r["classes"]), r["class_accuracies"], strict=True)).get(name)
            if r.get("class_accuracies") else None
            for r in results
        ]  # fmt: skip
        known = [v for v in recalls if v is not None]
        best = max(known) if len(set(known)) > 1 else None
        cells = (_marked("–" if v is None else percent(v), v, v is not None and v == best) for v in recalls)
        rows.append([Cell(name, long=True), *cells])
    html = table(
        ["class", *labels], rows, caption="Recall of each class: share of its samples that are recognized", tall=True
    )
    return Section("classes", "Each class", html, short="Classes")


def _settings(models: Sequence[ModelFacts], labels: Sequence[str]) -> Section:
    settings = [m.manifest.get("settings") or {} for m in models]
    names = list(dict.fromkeys(k for s in settings for k in s))
    rows = []
    for name in names:
        values = [_text(s.get(name)) if name in s else "–" for s in settings]
        if len(set(values)) > 1 and name != "log_dir":
            rows.append([Cell(name), *(Cell(v, long=True) for v in values)])
    html: Markup = table(["setting", *labels], rows) if rows else empty("All settings are equal.")
    return Section("settings", "Settings that differ", html, short="Settings")


def _text(value: Any) -> str:
    if value is None:
        return "none"
    text = figure(value) if isinstance(value, int | float | str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
