"""Find checkpoints and weights files by name, without Keras and NumPy."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mltk.errors import SettingError, did_you_mean

_CHECKPOINT = re.compile(r"checkpoint-(\d+)\.npz")
_WEIGHTS = re.compile(r"weights-(\d+)(?:-(-?[\d.]+?(?:e[+-]?\d+)?))?(?:\.weights)?\.h5")
_HIGHER_IS_BETTER = (
    "acc",
    "auc",
    "precision",
    "recall",
    "f1",
    "fbeta",
    "fmeasure",
    "iou",
    "io_u",
    "r2",
    "psnr",
    "ssim",
    "similarity",
    "correlation",
    "sensitivity",
    "specificity",
    "true_positives",
    "true_negatives",
    "hit",
)


def checkpoint_path(folder: str, epoch: int) -> str:
    """Return the path of the checkpoint after ``epoch`` epochs."""
    return os.path.join(folder, f"checkpoint-{epoch:04d}.npz")


def list_checkpoints(folder: str) -> list[int]:
    """Return the number of finished epochs of each checkpoint in a folder, in ascending order."""
    if not os.path.isdir(folder):
        return []
    return sorted(int(m[1]) for m in map(_CHECKPOINT.fullmatch, os.listdir(folder)) if m)


def remove_unfinished(folder: str) -> None:
    """Remove the incomplete checkpoints that a killed run left in a folder."""
    for path in Path(folder).glob(".checkpoint-*.npz"):
        path.unlink(missing_ok=True)


def higher_is_better(monitor: str, mode: str = "auto") -> bool:
    """Return whether a higher value of a metric is better.

    Args:
        monitor: Name of the metric.
        mode: ``"min"``, ``"max"``, or ``"auto"``, which decides by the name.
    """
    if mode in ("min", "max"):
        return mode == "max"
    name = monitor.lower()
    return "loss" not in name and "error" not in name and any(word in name for word in _HIGHER_IS_BETTER)


def find_weights(folder: str, name: str, monitor: str, mode: str = "auto") -> str:
    """Return the path of a weights file.

    Args:
        folder: Folder of the weights.
        name: A path, a file name in the folder, or ``"best"``.
        monitor: Name of the metric that decides which weights are best.
        mode: Direction of the metric; see :func:`higher_is_better`.

    Raises:
        SettingError: There is no such file.
    """
    if name != "best":
        for path in (name, os.path.join(folder, name)):
            if os.path.isfile(path):
                return os.path.abspath(path)
        near = did_you_mean(name, os.listdir(folder) if os.path.isdir(folder) else [])
        raise SettingError(f"There is no weights file {name!r}, neither as a path nor in {folder}.", hint=near or None)
    found = []
    for file in os.listdir(folder) if os.path.isdir(folder) else []:
        match = _WEIGHTS.fullmatch(file)
        if match:
            found.append((float(match[2]) if match[2] else None, int(match[1]), file))
    if not found:
        raise SettingError(f"There are no weights in {folder}.", hint="Train the model first.")
    scored = [f for f in found if f[0] is not None] or found
    sign = 1 if higher_is_better(monitor, mode) else -1
    best = max(scored, key=lambda f: (sign * (f[0] or 0.0), f[1]))
    return os.path.join(folder, best[2])
