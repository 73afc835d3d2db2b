"""Finding checkpoints and weights files by name; needs neither Keras nor NumPy."""

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
    """Path of the checkpoint after ``epoch`` epochs."""
    return os.path.join(folder, f"checkpoint-{epoch:04d}.npz")


def list_checkpoints(folder: str) -> list[int]:
    """Numbers of epochs done of the checkpoints in ``folder``, ascending."""
    if not os.path.isdir(folder):
        return []
    return sorted(int(m[1]) for m in map(_CHECKPOINT.fullmatch, os.listdir(folder)) if m)


def remove_unfinished(folder: str) -> None:
    """Remove what a killed run was about to write into ``folder``."""
    for path in Path(folder).glob(".checkpoint-*.npz"):
        path.unlink(missing_ok=True)


def higher_is_better(monitor: str, mode: str = "auto") -> bool:
    """Direction of a metric: ``mode`` if it is "min" or "max", else guessed from the metric's name."""
    if mode in ("min", "max"):
        return mode == "max"
    name = monitor.lower()
    return "loss" not in name and "error" not in name and any(word in name for word in _HIGHER_IS_BETTER)


def find_weights(folder: str, name: str, monitor: str, mode: str = "auto") -> str:
    """Path of weights file ``name``: a path, a file in ``folder``, or ``"best"``.

    Raises:
        SettingError: there is none such.
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
