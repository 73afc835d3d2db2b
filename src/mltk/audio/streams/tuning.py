"""Choose the settings of a detector for a wanted rate of false accepts.

The best of many combinations looks better on the audio that it was chosen on than it is. So the choice has two steps,
on different parts of the audio:

1. A quarter of the audio chooses averaging window and suppression: those that miss the fewest keywords, on average over
   several numbers of false accepts.
2. The other three quarters choose the threshold. From the highest threshold down, each must have so few false accepts
   that the true rate is at most the wanted one with 80 % confidence. The first threshold that fails ends the search.
   So no correction for the number of thresholds is necessary (a test of hypotheses in a fixed order).

The false accepts of the three quarters also say what to expect on other audio.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from mltk.audio.detector import DetectorSettings
from mltk.audio.streams.curve import Curve, Sweeper
from mltk.audio.streams.rates import poisson_at_most, poisson_interval
from mltk.errors import EvaluationError

WINDOWS_MS = (0, 60, 100, 150, 200, 300, 400, 500, 750, 1000, 1500)
"""Averaging windows. 0 does not average: minimum_count 0."""

SUPPRESSIONS_MS = (0, 250, 500, 750, 1000, 1250, 1500, 2000)

CONFIDENCE = 0.8
"""Confidence that the true rate of false accepts is at most the wanted rate."""

_FEWEST_COUNTS = 2


@dataclass(frozen=True)
class Choice:
    """Settings that were chosen.

    Attributes:
        settings: The detector.
        checked: Its errors at all thresholds on the part of the audio that chose the threshold, and nothing else.
        n_tried: Number of combinations of averaging window and suppression.
    """

    settings: DetectorSettings
    checked: Curve
    n_tried: int

    @property
    def false_accepts(self) -> int:
        """False accepts of the settings in `checked`."""
        return int(self.checked.false_accepts[self.settings.detection_threshold].sum())

    @property
    def false_rejects(self) -> int:
        """False rejects of the settings in `checked`."""
        return int(self.checked.false_rejects[self.settings.detection_threshold])

    @property
    def expected_per_hour(self) -> float:
        """False accepts to expect in an hour of other audio.

        The threshold was lowered until the next false accept would be too many. So the count alone is too low. It is
        right, on average, with one more (the mean of a gamma distribution).
        """
        return (self.false_accepts + 1) / self.checked.hours

    @property
    def expected_interval(self) -> tuple[float, float]:
        """Limits of the true rate with 95 % confidence, in false accepts an hour."""
        low, high = poisson_interval(self.false_accepts)
        return low / self.checked.hours, high / self.checked.hours


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
    """Choose settings that miss few keywords, with at most the wanted rate of false accepts.

    Of the thresholds with few enough false accepts, the one that misses the fewest keywords is chosen. Of equal
    thresholds, the one with the fewest false accepts is chosen, then the one that detects first.

    Args:
        sweeper: The scored recordings.
        own: The model's settings.
        interval_ms: Time from one inference to the next.
        max_false_accepts_per_hour: The wanted rate.

    Raises:
        EvaluationError: The recordings are too short for this rate or contain too few keywords, or no threshold has
            this rate.
    """
    quarter, rest = sweeper.split()
    most = most_false_accepts(max_false_accepts_per_hour * rest.hours)
    if most < 0:
        needed_h = -math.log(1 - CONFIDENCE) / max_false_accepts_per_hour * sweeper.hours / rest.hours
        raise EvaluationError(
            f"{sweeper.hours:.3g} h of audio are too short to see a rate of {max_false_accepts_per_hour:g} false "
            "accepts an hour.",
            hint=f"Take at least {needed_h:.2g} h, better three times as much.",
        )
    if not quarter.n_events.any() or not rest.n_events.any():
        n = int(sweeper.n_events.sum())
        raise EvaluationError(
            f"Too few keywords are said in the recordings ({n}), so nobody can tell which settings miss the fewest."
            if n
            else "No keyword is said in the recordings, so nobody can tell which settings miss the fewest.",
            hint="Add recordings with keywords, and label files that say where they are.",
        )
    tried = list(combinations(own, interval_ms))
    settings = min(tried, key=lambda c: _misses(quarter.curve(c), max_false_accepts_per_hour * quarter.hours))
    curve = rest.curve(settings)
    wrong = curve.false_accepts.sum(axis=1)
    allowed = np.flatnonzero((_worst_above(wrong) <= most) & (curve.hits.sum(axis=1) > 0)).tolist()
    if not allowed:
        raise EvaluationError(
            f"No threshold has at most {max_false_accepts_per_hour:g} false accepts an hour and detects anything. The "
            f"fewest are {wrong.min()} in {rest.hours:.3g} h.",
            hint="Allow more false accepts, give more audio, or train the model with the sounds that it hears wrongly: "
            "'mltk evaluate MODEL --stream' writes them as clips.",
        )
    best = min(allowed, key=lambda t: (curve.false_rejects[t], wrong[t], curve.latency_ms[t]))
    return Choice(replace(settings, detection_threshold=best), curve, len(tried))


def _worst_above(wrong: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for each threshold the most false accepts that it or a higher threshold has."""
    return np.maximum.accumulate(wrong[::-1])[::-1]


def _misses(curve: Curve, expected: float) -> float:
    """Return how many keywords are missed, on average over the numbers of false accepts up to twice the expected one.

    A single number of false accepts is a matter of luck, where few are expected.
    """
    worst = _worst_above(curve.false_accepts.sum(axis=1))
    n_events = int(curve.n_events.sum())
    counts = range(1 + max(_FEWEST_COUNTS, math.ceil(2 * expected)))
    return float(np.mean([curve.false_rejects[worst <= count].min(initial=n_events) for count in counts]))
