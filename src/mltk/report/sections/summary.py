"""The first screen: the verdict, and the figures that matter."""

from __future__ import annotations

from collections.abc import Iterator

from mltk.report.blocks import notes, tiles
from mltk.report.facts import EvaluationFacts, ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import count, figure, n_bytes, percent, rate, seconds, short, unbroken
from mltk.report.page import Section
from mltk.report.verdict import headline, verdict

_MOST_TARGETS = 2
_ABBREVIATIONS = ("auc", "mae", "mape", "mse", "msle", "rmse")


def summary(facts: ModelFacts) -> Section:
    """Return the summary."""
    html = join(
        element("p", unbroken(headline(facts)), class_="verdict"),
        tiles([*_accuracy(facts), *_stream(facts), *_size(facts), *_time(facts)]),
        notes((level, unbroken(text)) for level, text in verdict(facts)),
    )
    return Section("summary", "Summary", html)


def _accuracy(facts: ModelFacts) -> Iterator[tuple[str, str, str]]:
    for evaluation in facts.evaluations:
        if evaluation.is_own_data:
            continue
        results = evaluation.results
        n = evaluation.n_samples
        samples = f"{n:,} samples" if n else ""
        if results.get("model_type") == "auto_encoder":
            yield f"ROC AUC, {_short(evaluation)}", percent(results.get("overall_roc_auc")), samples
        elif results.get("overall_accuracy") is not None:
            yield f"Accuracy, {_short(evaluation)}", percent(results["overall_accuracy"]), samples
        else:
            yield from _figures(results, _short(evaluation))


def _short(evaluation: EvaluationFacts) -> str:
    return ".tflite" if evaluation.is_tflite else "Keras"


def _figures(results: Plain, title: str) -> Iterator[tuple[str, str, str]]:
    shown = [(k, v) for k, v in results.items() if isinstance(v, float)]
    for name, value in shown[:3]:
        text = percent(value) if "accuracy" in name else figure(value)
        words = name.upper() if name in _ABBREVIATIONS else name.replace("_", " ").capitalize()
        yield f"{words}, {title}", text, ""


def _stream(facts: ModelFacts) -> Iterator[tuple[str, str, str]]:
    results = facts.stream
    if results is not None:
        rejects = f"{percent(results.get('false_reject_rate'))} false rejects" if results.get("n_keywords") else ""
        yield "False accepts an hour", rate(results.get("false_accepts_per_hour")), rejects


def _size(facts: ModelFacts) -> Iterator[tuple[str, str, str]]:
    if facts.tflite_bytes is not None:
        yield "Flash, .tflite", n_bytes(facts.tflite_bytes), f"{count(facts.tflite_bytes)} bytes"
    if facts.arena_bytes:
        yield "RAM, tensor arena", n_bytes(facts.arena_bytes), facts.arena_source.replace("stored", "recorded")
    for cost in facts.costs[:1]:
        total = cost["summary"]
        yield "Multiply-accumulates", short(total.get("macs")), f"{total.get('n_layers')} layers"


def _time(facts: ModelFacts) -> Iterator[tuple[str, str, str]]:
    for cost in facts.costs[:_MOST_TARGETS]:
        total, details = cost["summary"], cost["details"]
        error = details.get("time_error")
        bar = f"estimate, ± {error * 100:.0f} %" if error is not None else "estimate"
        if total.get("time"):
            yield f"Time, {details.get('core', details.get('target'))}", seconds(total["time"]), bar
        elif total.get("time_at_least"):
            yield f"Time, {details.get('core')}", f"> {seconds(total['time_at_least'])}", "a layer is not counted"
