"""Read the text files of the magic wand dataset, and divide the recordings."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mltk.errors import DatasetError

GESTURES = ("wing", "ring", "slope")
NEGATIVE = "negative"
NEGATIVE_LENGTH = 120  # samples; longer recordings that are not a gesture are cut
N_SYNTHETIC = 100  # of each kind of synthetic negative
# The division that the dataset's authors published: each person is in one part.
VALIDATION_PEOPLE = {"lsj", "pengxl", "negative2", "negative7"}
TEST_PEOPLE = {"liucx", "zhangxy", "negative1", "negative8"}


class Recording(NamedTuple):
    """One movement.

    Args:
        gesture: Name of the gesture.
        person: Name of the person.
        samples: Acceleration on three axes in m/s² · 100, float32 ``[n, 3]``.
    """

    gesture: str
    person: str
    samples: np.ndarray


def read_recordings(folder: str | Path) -> list[Recording]:
    """Read all movements of a folder, and add synthetic movements that are not a gesture.

    The files are ``output_<gesture>_<person>.txt``. A line is ``x,y,z``; the line ``-,-,-`` begins a movement.

    Args:
        folder: Folder of the files, or a folder above it.

    Raises:
        DatasetError: There is no file, or a line is not three numbers.
    """
    found: list[Recording] = []
    for gesture in (*GESTURES, NEGATIVE):
        for path in sorted(Path(folder).rglob(f"output_{gesture}_*.txt")):
            person = path.stem.rpartition("_")[2]
            for samples in _movements(path):
                if gesture == NEGATIVE:
                    pieces = [samples[i : i + NEGATIVE_LENGTH] for i in range(0, len(samples), NEGATIVE_LENGTH)]
                    found += [Recording(NEGATIVE, f"negative{person}", piece) for piece in pieces if len(piece) > 1]
                else:
                    found.append(Recording(gesture, person, samples))
    if not found:
        raise DatasetError(f"There are no recordings (output_wing_*.txt, …) in {folder}.")
    return found + _synthetic_negatives()


def _movements(path: Path) -> list[np.ndarray]:
    movements: list[list[list[float]]] = [[]]
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        fields = [field.strip() for field in line.split(",")]
        if len(fields) != 3:
            continue
        if fields[0] == "-":
            movements.append([])
            continue
        try:
            movements[-1].append([float(field) for field in fields])
        except ValueError as e:
            raise DatasetError(f"{path}, line {number}: {e}") from e
    return [np.asarray(m, np.float32) for m in movements if m]


def _synthetic_negatives() -> list[Recording]:
    """Make steady drifts, large slow swings and trembling, which a model must not take for a gesture."""
    draw, found = np.random.default_rng(1), []
    t = np.arange(128)[:, None]
    for i in range(N_SYNTHETIC):
        person = "negative8" if i > 80 else "negative7" if i > 60 else "negative6"
        start = draw.uniform(-500, 500, 3)
        drift = start + t * draw.uniform(-6, 6, 3)
        swing = start + draw.uniform(500, 1500) * np.sin(2 * np.pi * t * draw.uniform(0.2, 2, 3) / 128)
        for samples in (drift, swing, np.broadcast_to(start, (128, 3))):
            noise = draw.uniform(-30, 30, (128, 3))
            found.append(Recording(NEGATIVE, person, (samples + noise).astype(np.float32)))
    return found


Parts = tuple[list[Recording], list[Recording], list[Recording]]


def split_by_person(recordings: list[Recording]) -> Parts:
    """Divide recordings for training, validation and testing, as the dataset's authors divided the people."""
    parts: Parts = ([], [], [])
    for recording in recordings:
        index = 1 if recording.person in VALIDATION_PEOPLE else 2 if recording.person in TEST_PEOPLE else 0
        parts[index].append(recording)
    return parts


def split_at_random(recordings: list[Recording], seed: int = 30) -> Parts:
    """Divide recordings at random: 60 % for training, 20 % for validation, 20 % for testing."""
    shuffled = random.Random(seed).sample(recordings, len(recordings))
    a, b = int(0.6 * len(shuffled)), int(0.8 * len(shuffled))
    return shuffled[:a], shuffled[a:b], shuffled[b:]
