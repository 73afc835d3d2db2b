"""A keyword spotter on hours of audio: false accepts an hour against false rejects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup

from mltk.report.blocks import Cell, command, empty, number, script, table, tiles
from mltk.report.facts import ModelFacts, Plain
from mltk.report.markup import element, join
from mltk.report.numbers import count, duration, figure, percent, rate
from mltk.report.page import Section

_MOST_ERRORS = 300
_VERDICTS = {"false accept": "nobody said a keyword", "repeat": "detected a second time"}


def streams(facts: ModelFacts) -> Section | None:
    """Return the curves over the thresholds and the figures of each keyword; None if no stream was evaluated."""
    results = facts.stream
    if results is None:
        return None
    curve = results["curve"]
    n = len(results["recordings"])
    kind = "joined from clips and noise" if results.get("is_joined") else f"{n} recording{'s' * (n != 1)}"
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
        element("p", f"{duration(float(results['hours']))} of audio, {kind}, with {count(results['n_keywords'])} "
                "keywords. The model and the post-processor run without a pause, as on the device."),
        tiles(_totals(results)),
        element("div", class_="stream-view"),
        _keywords(results["keywords"]),
        _errors(results),
        element("p", f"Detector: {described}.", class_="muted") if described else None,
        element("p", "Choose other settings: ", command(f"mltk tune {facts.command}"), class_="muted"),
    )  # fmt: skip
    return Section("stream", "Keywords in hours of audio", html, script("streams"), data, short="Stream")


def _curve(curve: Plain) -> dict[str, object]:
    return {"accepts": curve["false_accepts_per_hour"], "rejects": curve["false_reject_rate"]}


def _totals(results: Plain) -> Iterator[tuple[str, str, str]]:
    low, high = results["false_accepts_per_hour_interval"]
    bounds = f"{rate(low)} to {rate(high)} with 95 % certainty"
    yield "False accepts an hour", rate(results["false_accepts_per_hour"]), bounds
    if results["n_keywords"]:
        of = f"{count(results['false_rejects'])} of {count(results['n_keywords'])} keywords"
        yield "False rejects", percent(results["false_reject_rate"]), of
    latency = results["latency_ms"]
    median = latency.get("median")
    if median is not None:
        yield "Latency", f"{median:.0f} ms", f"median; 90 % within {count(latency.get('p90'))} ms"


def _keywords(keywords: Plain) -> Markup:
    rows = []
    for name, own in keywords.items():
        missed, latency = own["false_reject_rate"], own["median_latency_ms"]
        rows.append(
            [
                Cell(name, long=True),
                number(count(own["said"]), own["said"]),
                number(count(own["detected"]), own["detected"]),
                number("–" if missed is None else percent(missed), missed),
                number(rate(own["false_accepts_per_hour"]), own["false_accepts_per_hour"]),
                number("–" if latency is None else count(latency), latency),
            ]
        )
    head = ["keyword", "said", "detected", "false rejects", "false accepts an hour", "latency, ms"]
    return table(head, rows, caption="Each keyword, at the settings of the model")


def _errors(results: Plain) -> Markup | None:
    """Return what was heard wrongly: detections that are false accepts, and keywords that were missed."""
    if "detections" not in results:
        return None
    wrong = [_detection(d) for d in results["detections"] if d["verdict"] != "hit"]
    wrong += [_missed(m) for m in results.get("missed") or []]
    title = element("h3", "What was heard wrongly")
    if not wrong:
        return join(title, empty("Every detection is right, and no keyword was missed."))
    wrong.sort(key=lambda row: (str(row["recording"]), row["at"]))
    several = len(results["recordings"]) > 1
    rows = [
        [
            Cell(_clock(row["at"]), row["at"]),
            *([Cell(row["recording"], long=True)] if several else []),
            Cell(row["heard"]),
            Cell(row["said"]),
            number(count(row["score"]) if row["score"] is not None else "–", row["score"]),
            Cell(row["what"]),
        ]
        for row in wrong[:_MOST_ERRORS]
    ]
    more = len(wrong) - len(rows)
    head = ["time", *(["recording"] if several else []), "detected", "said", "score", "what happened"]
    caption = f"{len(wrong):,} errors at the settings of the model" + (
        f"; the first {len(rows)} are shown" if more else ""
    )
    n_clips = results.get("n_clips")
    clips = f"The command has written these seconds as {count(n_clips)} clips in class folders." if n_clips else ""
    printed = element("p", "On paper, the first 20 are shown.", class_="print-only muted") if len(rows) > 20 else None
    listed = element("div", table(head, rows, caption=caption, tall=True), printed, class_="errors")
    return join(title, listed, element("p", clips, class_="muted") if clips else None)


def _detection(d: Plain) -> dict[str, Any]:
    said = d.get("said")
    what = _VERDICTS.get(str(d["verdict"]), "taken for another keyword" if said else str(d["verdict"]))
    return {"recording": d["recording"], "at": float(d["time_s"]), "heard": d["keyword"], "said": said or "–",
            "score": d["score"], "what": what}  # fmt: skip


def _missed(m: Plain) -> dict[str, Any]:
    return {"recording": m["recording"], "at": float(m["start_s"]), "heard": "–", "said": m["keyword"], "score": None,
            "what": "missed"}  # fmt: skip


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}"
