"""Choose the settings of a detector for a wanted rate of false accepts.

All combinations of averaging windows, suppressions and thresholds are counted on the same scores. Among those that are
rarely enough wrong, the combination that misses the fewest keywords is chosen.

A count is small, and the best of many combinations is partly lucky. So the count must be low enough that the true rate
is at most the wanted one with 80 % confidence. All higher thresholds must be rarely enough wrong too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mltk.audio.detector import DetectorSettings
from mltk.audio.streams.curve import Curve, Sweeper
from mltk.audio.streams.rates import poisson_at_most
from mltk.errors import EvaluationError

WINDOWS_MS = (0, 60, 100, 150, 200, 300, 400, 500, 750, 1000, 1500)
"""Averaging windows. 0 does not average: minimum_count 0."""

SUPPRESSIONS_MS = (0, 250, 500, 750, 1000, 1250, 1500, 2000)

CONFIDENCE = 0.8
"""Confidence that the true rate of false accepts is at most the wanted rate."""


@dataclass(frozen=True)
class Choice:
    """Settings that were chosen.

    Attributes:
        settings: The detector.
        curve: Its errors at all thresholds.
        n_tried: Number of combinations, each with 255 thresholds.
    """

    settings: DetectorSettings
    curve: Curve
    n_tried: int


def combinations(own: DetectorSettings, interval_ms: float) -> Iterator[DetectorSettings]:
    """Yield the settings to try, without their thresholds.

    Args:
        own: The model's settings, whose other values stay.
        interval_ms: Time from one inference to the next.
    """
    for window in sorted({*WINDOWS_MS, own.average_window_duration_ms}):
        fitting = int(window // interval_ms) + 1
        if window and fitting < 2:  # the same as no averaging
            continue
        # In a stream, the window always has the same number of results. The fewest results matter in the first moments.
        minimum = min(max(1, own.minimum_count), fitting) if window else 0
        for suppression in sorted({*SUPPRESSIONS_MS, own.suppression_ms}):
            yield replace(
                own,
                average_window_duration_ms=window,
                minimum_count=minimum,
                suppression_ms=suppression,
                detection_threshold_list=(),
            )


def most_false_accepts(expected: float) -> int:
    """Return the highest count that shows, with 80 % confidence, that no more are expected.

    Args:
        expected: False accepts that are expected at the wanted rate.

    Returns:
        The count; -1 if even a count of 0 does not show it.
    """
    count = -1
    while poisson_at_most(count + 1, expected) <= 1 - CONFIDENCE:
        count += 1
    return count


def choose_settings(
    sweeper: Sweeper, own: DetectorSettings, *, interval_ms: float, max_false_accepts_per_hour: float
) -> Choice:
    """Choose the settings that miss the fewest keywords, with at most the wanted rate of false accepts.

    Of equal settings, those with the fewest false accepts are chosen, then the fastest, then the shortest suppression.

    Args:
        sweeper: The scored recordings.
        own: The model's settings.
        interval_ms: Time from one inference to the next.
        max_false_accepts_per_hour: The wanted rate.

    Raises:
        EvaluationError: The recordings are too short for this rate or contain no keywords, or no setting has this rate.
    """
    most = most_false_accepts(max_false_accepts_per_hour * sweeper.hours)
    if most < 0:
        raise EvaluationError(
            f"{sweeper.hours:.3g} h of audio are too short to see a rate of {max_false_accepts_per_hour:g} false "
            "accepts an hour.",
            hint=f"Take at least {-math.log(1 - CONFIDENCE) / max_false_accepts_per_hour:.2g} h, better three "
            "times as much.",
        )
    if not sweeper.n_events.any():
        raise EvaluationError(
            "No keyword is said in the recordings, so nobody can tell which settings miss the fewest.",
            hint="Add recordings with keywords, and label files that say where they are.",
        )
    best: tuple[tuple[float, ...], Choice] | None = None
    fewest, n_tried = np.inf, 0
    for settings in combinations(own, interval_ms):
        n_tried += 1
        curve = sweeper.curve(settings)
        wrong = curve.false_accepts.sum(axis=1)
        fewest = min(fewest, wrong.min())
        worst_above = np.maximum.accumulate(wrong[::-1])[::-1]
        for threshold in np.flatnonzero((worst_above <= most) & (curve.hits.sum(axis=1) > 0)).tolist():
            key = (
                float(curve.false_rejects[threshold]),
                float(wrong[threshold]),
                float(curve.latency_ms[threshold]),
                float(settings.suppression_ms),
            )
            if best is None or key < best[0]:
                best = key, Choice(replace(settings, detection_threshold=threshold), curve, 0)
    if best is None:
        raise EvaluationError(
            f"No setting of the detector has at most {max_false_accepts_per_hour:g} false accepts an hour and detects "
            f"anything. The fewest are {fewest:.0f} in {sweeper.hours:.3g} h.",
            hint="Allow more false accepts, or train the model with the sounds that it hears wrongly: "
            "'mltk evaluate MODEL --stream' writes them as clips.",
        )
    return replace(best[1], n_tried=n_tried)
