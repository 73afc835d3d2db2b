"""A keyword spotter on hours of audio: false accepts an hour against false rejects."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from mltk.report.blocks import Cell, number, script, table, tiles
from mltk.report.facts import ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import count, figure, percent, short
from mltk.report.page import Section


def streams(facts: ModelFacts) -> Section | None:
    """Return the curves over the thresholds and the figures of each keyword; None if no stream was evaluated."""
    results = facts.stream
    if results is None:
        return None
    curve = results["curve"]
    kind = "joined from clips and noise" if results.get("is_joined") else f"{len(results['recordings'])} recordings"
    settings = results.get("settings") or {}
    described = ", ".join(f"{name} {figure(value)}" for name, value in settings.items())
    data = {
        "thresholds": curve["thresholds"],
        "hours": results["hours"],
        "own": settings.get("detection_threshold"),
        "all": _curve(curve),
        "keywords": {name: _curve(own) for name, own in curve["keywords"].items()},
        "latency": curve["mean_latency_ms"],
    }
    html = join(
        element("p", f"{figure(float(results['hours']))} hours of audio, {kind}, with {count(results['n_keywords'])} "
                "keywords. The model and the post-processor run without a pause, as on the device."),
        tiles(_totals(results)),
        element("div", class_="stream-view"),
        _keywords(results["keywords"]),
        element("p", f"Detector: {described}.", class_="muted") if described else None,
        element("p", "Choose other settings: ", element("code", f"mltk tune {facts.command}"), class_="muted"),
    )  # fmt: skip
    return Section("stream", "Keywords in hours of audio", html, script("streams"), data, short="Stream")


def _curve(curve: Plain) -> dict[str, object]:
    return {"accepts": curve["false_accepts_per_hour"], "rejects": curve["false_reject_rate"]}


def _totals(results: Plain) -> Iterator[tuple[str, str, str]]:
    low, high = results["false_accepts_per_hour_interval"]
    bounds = f"{short(low)} to {short(high)} with 95 % certainty"
    yield "False accepts an hour", short(results["false_accepts_per_hour"]), bounds
    yield (
        "False rejects",
        percent(results["false_reject_rate"]),
        (f"{count(results['false_rejects'])} of {count(results['n_keywords'])} keywords"),
    )
    latency = results["latency_ms"]
    median = latency.get("median")
    if median is not None:
        yield "Latency", f"{median:.0f} ms", f"median; 90 % within {count(latency.get('p90'))} ms"


def _keywords(keywords: Plain) -> Markup:
    rows = []
    for name, own in keywords.items():
        rate, latency = own["false_reject_rate"], own["median_latency_ms"]
        rows.append(
            [
                Cell(name, long=True),
                number(count(own["said"]), own["said"]),
                number(count(own["detected"]), own["detected"]),
                number(percent(rate), rate),
                number(short(own["false_accepts_per_hour"]), own["false_accepts_per_hour"]),
                number(count(latency), latency),
            ]
        )
    head = ["keyword", "said", "detected", "false rejects", "false accepts an hour", "latency, ms"]
    return table(head, rows, caption="Each keyword, at the settings of the model")
