"""Detections from a stream of scores: what turns a classifier of clips into a listener.

::

    settings = DetectorSettings.from_parameters(model_parameters)
    detections = Detector(settings, classes).feed(scores, times_ms)

A model that runs many times a second sees one word several times, each time at another place in the clip. The detector
averages its scores over a window, compares the average with a threshold, and waits after a detection. The algorithm is
the one that TensorFlow published with its micro_speech example. All arithmetic is in integers.

``mltk/device/detector.c`` is the same algorithm for the device. Tests compare both detection for detection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.errors import SettingError

MAX_SCORE = 255
"""The highest score. A score is a probability in steps of 1/256."""

_LIMITS_MS = (0, 1_000_000)


@dataclass(frozen=True)
class DetectorSettings:
    """When scores are a detection. Names, units and defaults are the model parameters of MLTK 0.20.

    Attributes:
        average_window_duration_ms: Scores of this time are averaged.
        detection_threshold: The averaged score must be above it, 0 to 255; 255 is never.
        detection_threshold_list: One threshold for each class in place of ``detection_threshold``; empty if there is
            none.
        suppression_ms: After a detection, nothing is detected for this time.
        minimum_count: Fewest results in the window. With 0 the newest scores are not averaged.
        latency_ms: Time from one inference to the next. It is rounded to steps of the audio frontend.
        volume_gain: Factor for the audio samples; 0 changes nothing.

    Raises:
        SettingError: A value is impossible.
    """

    average_window_duration_ms: int = 1000
    detection_threshold: int = 160
    detection_threshold_list: tuple[int, ...] = ()
    suppression_ms: int = 750
    minimum_count: int = 3
    latency_ms: int = 100
    volume_gain: float = 0.0

    def __post_init__(self) -> None:
        _check("average_window_duration_ms", self.average_window_duration_ms, *_LIMITS_MS)
        _check("detection_threshold", self.detection_threshold, 0, MAX_SCORE)
        for threshold in self.detection_threshold_list:
            _check("detection_threshold_list", threshold, 0, MAX_SCORE)
        _check("suppression_ms", self.suppression_ms, *_LIMITS_MS)
        _check("minimum_count", self.minimum_count, 0, 10_000)
        _check("latency_ms", self.latency_ms, *_LIMITS_MS)
        if not 0 <= self.volume_gain <= 128:
            raise SettingError(f"volume_gain is {self.volume_gain!r}; it must be 0 to 128.")

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> DetectorSettings:
        """Read the settings from a model's parameters.

        Args:
            parameters: Model parameters. Other names are ignored. A setting that is missing has its default.

        Raises:
            SettingError: A value is impossible.
        """
        found: dict[str, Any] = {}
        for field in fields(cls):
            if field.name not in parameters:
                continue
            value = parameters[field.name]
            if field.name == "volume_gain":
                found[field.name] = _number(field.name, value)
            elif field.name == "detection_threshold_list":
                if not isinstance(value, Sequence) or isinstance(value, str | bytes):
                    raise SettingError(f"detection_threshold_list is {value!r}; it must be a list of integers.")
                found[field.name] = tuple(_integer(field.name, item) for item in value)
            else:
                found[field.name] = _integer(field.name, value)
        return cls(**found)

    def thresholds(self, classes: Sequence[str]) -> npt.NDArray[np.uint8]:
        """Return the threshold of each class.

        Args:
            classes: Names of the classes.

        Returns:
            uint8 [classes]; 255, which no score exceeds, for classes whose name begins with ``_``.

        Raises:
            SettingError: ``detection_threshold_list`` has another length.
        """
        wanted = self.detection_threshold_list or (self.detection_threshold,) * len(classes)
        if len(wanted) != len(classes):
            raise SettingError(
                f"detection_threshold_list has {len(wanted)} values, but the model has {len(classes)} classes.",
                hint="Give one threshold for each class.",
            )
        return np.array(
            [MAX_SCORE if name.startswith("_") else t for name, t in zip(classes, wanted, strict=True)], np.uint8
        )


@dataclass(frozen=True)
class Detection:
    """A word or event that was detected.

    Attributes:
        class_index: Position in the model's classes.
        class_name: Name of the class.
        score: Averaged score, 1 to 255.
        time_ms: End of the audio that the newest scores were computed from, in ms since the stream began.
    """

    class_index: int
    class_name: str
    score: int
    time_ms: int


class Detector:
    """Finds detections in a stream of scores. A whole recording may be one call.

    Args:
        settings: When scores are a detection.
        classes: Names of the classes, in the order of the model's outputs. A class whose name begins with ``_`` is
            never a detection.

    Raises:
        SettingError: ``settings`` has thresholds for another number of classes.
    """

    def __init__(self, settings: DetectorSettings, classes: Sequence[str]) -> None:
        self._settings = settings
        self._classes = list(classes)
        self._thresholds = settings.thresholds(classes).astype(np.int64)
        self.reset()

    def reset(self) -> None:
        """Forget the stream."""
        self._scores = np.empty((0, len(self._classes)), np.uint8)
        self._times = np.empty(0, np.int64)
        self._detected_at: int | None = None

    def feed(self, scores: npt.ArrayLike, times_ms: npt.ArrayLike) -> list[Detection]:
        """Process the next scores of the stream.

        Args:
            scores: uint8 [results, classes]: see :func:`to_scores`.
            times_ms: [results]: Time of each result in ms since the stream began. It never decreases.

        Returns:
            The detections, in order.

        Raises:
            ValueError: The shapes do not fit, or a time decreases.
        """
        new, new_times = np.asarray(scores), np.asarray(times_ms, np.int64)
        if new.dtype != np.uint8 or new.ndim != 2 or new.shape != (new_times.size, len(self._classes)):
            raise ValueError(
                f"The scores are {new.dtype} {list(new.shape)}; they must be uint8 "
                f"[{new_times.size}, {len(self._classes)}]: a row for each time, a column for each class."
            )
        n_old = len(self._times)
        all_scores, times = np.concatenate([self._scores, new]), np.concatenate([self._times, new_times.ravel()])
        if np.any(np.diff(times) < 0):
            raise ValueError("The times of the results decrease.")
        tops, levels = averages(self._settings, all_scores, times)
        passed = levels > self._thresholds[tops]
        passed[:n_old] = False
        detections = []
        candidates = np.flatnonzero(passed)
        k = self._next_candidate(times[candidates])
        while k < len(candidates):
            i = int(candidates[k])
            self._detected_at = int(times[i])
            top = int(tops[i])
            detections.append(Detection(top, self._classes[top], int(levels[i]), self._detected_at))
            k = self._next_candidate(times[candidates])
        self._keep(all_scores, times)
        return detections

    def _next_candidate(self, times: npt.NDArray[np.int64]) -> int:
        """Return the position of the first time that is not suppressed."""
        if self._detected_at is None:
            return 0
        return int(np.searchsorted(times, self._detected_at + self._settings.suppression_ms, side="right"))

    def _keep(self, scores: npt.NDArray[np.uint8], times: npt.NDArray[np.int64]) -> None:
        """Keep what the next results are averaged with."""
        if len(times):
            first = np.searchsorted(times, times[-1] - self._settings.average_window_duration_ms, side="left")
            self._scores, self._times = scores[first:].copy(), times[first:].copy()


class Averages(NamedTuple):
    """What the detector compares with its thresholds, for each result.

    Attributes:
        tops: int64 [results]: The class with the highest average; the first of several.
        levels: int64 [results]: This average, 0 to 255; 0, which is above no threshold, if the window has too few
            results.
    """

    tops: npt.NDArray[np.int64]
    levels: npt.NDArray[np.int64]


def averages(settings: DetectorSettings, scores: npt.NDArray[np.uint8], times: npt.NDArray[np.int64]) -> Averages:
    """Average the scores of a stream over the window. The thresholds and the suppression do not matter here.

    Args:
        settings: The window and its fewest results.
        scores: uint8 [results, classes].
        times: int64 [results]: Time of each result in ms. It never decreases.
    """
    window, minimum = settings.average_window_duration_ms, settings.minimum_count
    newest = np.arange(len(times))
    first = np.searchsorted(times, times - window, side="left") if minimum else newest
    counts = newest - first + 1
    until = np.zeros((len(times) + 1, scores.shape[1]), np.int64)
    np.cumsum(scores, axis=0, dtype=np.int64, out=until[1:])
    sums = until[1:] - until[first]
    tops = sums.argmax(axis=1)
    levels = sums[newest, tops] // counts
    if minimum:
        levels[(counts < minimum) | (times - times[first] < window // 4)] = 0
    return Averages(tops, levels)


def to_scores(outputs: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Convert a model's probabilities to scores.

    Args:
        outputs: int8 with scale 1/256 and zero point -128, uint8 with scale 1/256 and zero point 0, or floats from 0
            to 1.

    Returns:
        uint8 of the same shape, in steps of 1/256.

    Raises:
        ValueError: The data type is another one.
    """
    array = np.asarray(outputs)
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.int8:
        return (array.astype(np.int16) + 128).astype(np.uint8)
    if array.dtype.kind == "f":
        steps = np.nan_to_num(array.astype(np.float32) * np.float32(256), nan=0.0)
        clipped: npt.NDArray[np.float32] = np.clip(steps, 0, MAX_SCORE)
        return clipped.astype(np.uint8)
    raise ValueError(f"The outputs are {array.dtype}; scores are computed from int8, uint8 and floats.")


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SettingError(f"{name} is {value!r}; it must be {low} to {high}.")


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SettingError(f"{name} is {value!r}; it must be a number.")
    return float(value)


def _integer(name: str, value: Any) -> int:
    number = _number(name, value)
    if not number.is_integer():
        raise SettingError(f"{name} is {value!r}; it must be an integer.")
    return int(number)
