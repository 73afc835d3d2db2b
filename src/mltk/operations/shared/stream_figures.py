"""The figures of a spotter at one setting of its detector, from what happened in each recording."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mltk.audio.detector import DetectorSettings
from mltk.audio.streams.curve import Sweeper
from mltk.audio.streams.labels import Event
from mltk.audio.streams.matching import Judged, Verdict, judge
from mltk.audio.streams.rates import poisson_interval, share_interval
from mltk.operations.shared.streams import ScoredStream


@dataclass(frozen=True)
class Outcome:
    """What happened in one recording.

    Attributes:
        name: Name of the recording.
        events: The keywords that were said.
        end_ms: The end of each.
        detected: Whether each was detected.
        detections: The detections, in order.
    """

    name: str
    events: Sequence[Event]
    end_ms: Sequence[int]
    detected: Sequence[bool]
    detections: Sequence[Judged]


def outcomes_of(scored: ScoredStream, sweeper: Sweeper, detector: DetectorSettings) -> list[Outcome]:
    """Run the detector.

    Args:
        scored: The scores.
        sweeper: The same recordings.
        detector: Settings of the detector.
    """
    limits = detector.thresholds(scored.listening.classes)
    outcomes = []
    for one, (candidates, events) in zip(scored.recordings, sweeper.pairs(detector), strict=True):
        detections, detected = judge(candidates, events, limits, detector.suppression_ms)
        recording = one.recording
        ends = events.end_ms.tolist()
        outcomes.append(Outcome(recording.name, recording.events, ends, detected.tolist(), detections))
    return outcomes


def stream_figures(outcomes: Sequence[Outcome], classes: Sequence[str], hours: float) -> dict[str, Any]:
    """Return the figures by name, as `StreamEvaluationResults` has them.

    Args:
        outcomes: What happened in each recording.
        classes: Classes of the model.
        hours: Hours of audio.
    """
    detections = [_detection(one, d, classes) for one in outcomes for d in one.detections]
    said = [_said(one, i, classes) for one in outcomes for i in range(len(one.events))]
    missed = [{k: v for k, v in event.items() if k != "detected"} for event in said if not event["detected"]]
    verdicts = Counter(d["verdict"] for d in detections)
    n_wrong = len(detections) - verdicts[Verdict.HIT]
    keywords = [name for name in classes if not name.startswith("_")]
    return {
        "n_keywords": len(said),
        "n_detections": len(detections),
        "false_rejects": len(missed),
        "false_reject_rate": len(missed) / len(said) if said else float("nan"),
        "false_reject_rate_interval": share_interval(len(missed), len(said)),
        "false_accepts": n_wrong,
        "false_accepts_per_hour": n_wrong / hours,
        "false_accepts_per_hour_interval": tuple(limit / hours for limit in poisson_interval(n_wrong)),
        "repeats": verdicts[Verdict.REPEAT],
        "confusions": verdicts[Verdict.CONFUSION],
        "confusion": _confusion(detections),
        "latency_ms": _latency(detections),
        "keywords": {name: _of_keyword(name, detections, said, hours) for name in keywords},
        "detections": detections,
        "missed": missed,
    }


def _detection(one: Outcome, d: Judged, classes: Sequence[str]) -> dict[str, Any]:
    event = None if d.event is None else one.events[d.event]
    is_hit = d.verdict is Verdict.HIT and d.event is not None
    return {
        "recording": one.name,
        "time_s": d.time_ms / 1000,
        "keyword": classes[d.class_index],
        "score": d.score,
        "verdict": str(d.verdict),
        "said": None if event is None else classes[event.class_index],
        "latency_ms": d.time_ms - one.end_ms[d.event] if is_hit and d.event is not None else None,
    }


def _said(one: Outcome, i: int, classes: Sequence[str]) -> dict[str, Any]:
    event = one.events[i]
    return {
        "recording": one.name,
        "start_s": event.start_s,
        "end_s": event.end_s,
        "keyword": classes[event.class_index],
        "detected": bool(one.detected[i]),
    }


def _confusion(detections: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Return how often each keyword was detected as each other one: said → detected → number."""
    found: dict[str, dict[str, int]] = {}
    for d in detections:
        if d["verdict"] == Verdict.CONFUSION:
            row = found.setdefault(d["said"], {})
            row[d["keyword"]] = row.get(d["keyword"], 0) + 1
    return found


def _latency(detections: Sequence[dict[str, Any]]) -> dict[str, float]:
    values = [d["latency_ms"] for d in detections if d["latency_ms"] is not None]
    if not values:
        return {"mean": float("nan"), "median": float("nan"), "p90": float("nan")}
    return {
        "mean": float(np.mean(values)),
        "median": float(np.median(values)),
        "p90": float(np.percentile(values, 90)),
    }


def _of_keyword(
    name: str, detections: Sequence[dict[str, Any]], said: Sequence[dict[str, Any]], hours: float
) -> dict[str, Any]:
    own = [event for event in said if event["keyword"] == name]
    found = [d for d in detections if d["keyword"] == name]
    n_detected = sum(event["detected"] for event in own)
    n_wrong = sum(d["verdict"] != Verdict.HIT for d in found)
    return {
        "said": len(own),
        "detected": n_detected,
        "false_reject_rate": (len(own) - n_detected) / len(own) if own else float("nan"),
        "false_accepts": n_wrong,
        "false_accepts_per_hour": n_wrong / hours,
        "median_latency_ms": _latency(found)["median"],
    }
