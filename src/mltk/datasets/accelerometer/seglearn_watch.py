"""Seven shoulder exercises, recorded with a watch by ten people: acceleration and rotation, six axes at 50 Hz.

Burns et al., "Shoulder physiotherapy exercise recognition: machine learning the inertial signals from a smartwatch",
Physiological Measurement 39, 2018 (arXiv:1802.01489). The recordings are a file in the package seglearn, under the BSD
license: 140 recordings of about 20 repetitions, each person with the left and the right arm.

The file is read without importing seglearn, which does not import with every version of scikit-learn.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mltk.errors import DatasetError, MissingDependencyError

EXERCISES = ("PEN", "ABD", "FEL", "IR", "ER", "TRAP", "ROW")
"""Pendulum, abduction, forward elevation, internal rotation, external rotation, trapezius extension, upright row."""
AXES = ("ax", "ay", "az", "wx", "wy", "wz")
"""Acceleration in g, then angular velocity in rad/s."""
SAMPLE_RATE_HZ = 50
PEOPLE = tuple(range(1, 11))

_FILE = "watch_dataset.npy"
_SHA256 = "eb122f23cdf06ef6bd6c6c5312958ec5cf9d038e2e6d457b8081662c75a42537"


class WatchRecording(NamedTuple):
    """One person who repeats one exercise with one arm.

    Args:
        exercise: Index into `EXERCISES`.
        person: Number of the person, 1 to 10.
        is_right: Whether the watch is on the right arm.
        samples: Float32 ``[n, 6]``, the axes in the order of `AXES`.
    """

    exercise: int
    person: int
    is_right: bool
    samples: np.ndarray


def load_recordings(path: str | Path | None = None) -> list[WatchRecording]:
    """Read all recordings.

    Args:
        path: The file ``watch_dataset.npy``; by default the file of the installed package seglearn.

    Raises:
        MissingDependencyError: seglearn is not installed.
        DatasetError: The file does not exist, or it is not the published file.
    """
    file = Path(path) if path is not None else _installed_file()
    try:
        content = file.read_bytes()
    except OSError as e:
        raise DatasetError(f"{file} can't be read: {e.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != _SHA256:  # it is a pickle, so nothing else may be loaded
        raise DatasetError(
            f"{file} is not the published file: its SHA-256 differs.",
            hint="Install seglearn again: pip install seglearn",
        )
    data = np.load(io.BytesIO(content), allow_pickle=True).item()
    return [
        WatchRecording(int(exercise), int(person), bool(side), np.asarray(samples, np.float32))
        for samples, exercise, person, side in zip(data["X"], data["y"], data["subject"], data["side"], strict=True)
    ]


def _installed_file() -> Path:
    found = importlib.util.find_spec("seglearn")  # which does not run it
    if found is None or found.origin is None:
        raise MissingDependencyError("seglearn", "examples")
    return Path(found.origin).parent / "data" / _FILE
