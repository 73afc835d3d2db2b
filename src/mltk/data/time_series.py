"""Cut recordings of sensors into windows, divide the windows by person, and vary them.

    windows = cut_recordings(recordings, labels, groups=people, length=100, step=25)
    test = windows.of_groups([9, 10])

Neighboring windows of a recording overlap and are much alike. Windows of a person are alike too. If some of these
windows are in the training data and some in the evaluation data, the evaluation is too good. Divide windows by group.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.splitting import select_groups
from mltk.errors import DatasetError

Array = npt.NDArray[Any]


def cut_windows(samples: Array, length: int, step: int | None = None) -> Array:
    """Cut a recording into windows of one length.

    The rest at the end, which is shorter than a window, is left out.

    Args:
        samples: Recording ``[n, …]``: the first dimension is the time.
        length: Samples of a window.
        step: Samples from the start of a window to the start of the next; None is ``length``, without overlap.

    Returns:
        A new array ``[windows, length, …]``, of the dtype of ``samples``. A recording that is shorter than a window has
        no windows.

    Raises:
        DatasetError: ``length`` or ``step`` is less than 1, or ``samples`` is not an array.
    """
    step = length if step is None else step
    if length < 1 or step < 1:
        raise DatasetError(
            f"The length of a window is {length} samples and the step is {step} samples.",
            hint="Both must be at least 1.",
        )
    samples = np.asarray(samples)
    if samples.ndim < 1:
        raise DatasetError("A recording needs at least one dimension, the time.")
    starts = range(0, len(samples) - length + 1, step)
    if not starts:
        return np.empty((0, length, *samples.shape[1:]), samples.dtype)
    return np.stack([samples[start : start + length] for start in starts])


def decimate(samples: Array, factor: int) -> Array:
    """Divide the sample rate by a whole number: each new sample is the mean of ``factor`` samples.

    A firmware can compute the same with one sum for each axis. The mean is a simple low-pass filter.

    Args:
        samples: Recording ``[n, …]``.
        factor: Number of samples that become one.

    Returns:
        Array ``[n // factor, …]``. The rest at the end is left out.

    Raises:
        DatasetError: ``factor`` is less than 1.
    """
    if factor < 1:
        raise DatasetError(f"The factor is {factor}; it must be at least 1.")
    n = len(samples) // factor
    mean: Array = np.asarray(samples)[: n * factor].reshape(n, factor, *np.shape(samples)[1:]).mean(axis=1)
    return mean


def turn_sensors(windows: Array, draw: np.random.Generator, *, degrees: float) -> Array:
    """Return windows as if the sensors were mounted a little turned: all vectors of a window are rotated alike.

    Args:
        windows: Windows ``[windows, time, axes]``; each three axes are the x, y and z of one sensor, such as the
            acceleration and then the angular velocity.
        draw: Draws the direction and the angle of each window.
        degrees: Largest angle.

    Returns:
        Float32 array of the same shape.

    Raises:
        DatasetError: The number of axes is not a multiple of three.
    """
    n, _, axes = windows.shape
    if axes % 3:
        raise DatasetError(f"The windows have {axes} axes; sensors that can be turned have three axes each.")
    direction = draw.normal(size=(n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    angle = np.deg2rad(draw.uniform(0, degrees, n))[:, None, None]
    cross = np.cross(direction[:, None, :], np.eye(3))  # Rodrigues' formula
    rotation = (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).astype(np.float32)
    turned = [np.asarray(windows[..., i : i + 3], np.float32) @ rotation for i in range(0, axes, 3)]
    return np.concatenate(turned, axis=-1)


@dataclass(frozen=True)
class Windows:
    """Windows of several recordings."""

    x: Array
    """Windows ``[windows, length, …]``."""
    y: Array
    """Label of each window, ``[windows]``."""
    groups: Array
    """Group of each window, such as the person or the device that was recorded, ``[windows]``."""

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.x)

    def take(self, index: Any) -> Windows:
        """Return the windows at ``index``, which is anything that indexes a NumPy array."""
        return Windows(self.x[index], self.y[index], self.groups[index])

    def of_groups(self, groups: Iterable[Hashable]) -> Windows:
        """Return the windows of these groups.

        Args:
            groups: The groups.

        Raises:
            DatasetError: There are no windows of one of the groups.
        """
        wanted = list(groups)
        known = set(self.groups.tolist())
        missing = [group for group in wanted if group not in known]
        if missing:
            raise DatasetError(
                f"There are no windows of the group {missing[0]!r}.",
                hint=f"The groups are {', '.join(map(repr, sorted(known, key=str)))}.",
            )
        return self.take(np.isin(self.groups, np.array(wanted)))

    def of_labels(self, labels: Iterable[Hashable]) -> Windows:
        """Return the windows with these labels; there may be none."""
        return self.take(np.isin(self.y, np.array(list(labels))))

    def hold_out(self, share: float) -> tuple[Windows, Windows]:
        """Divide the windows into two parts, so that no group is in both.

        The choice of groups depends on their names only. It changes little when groups are added.

        Args:
            share: Share of the windows in the second part, about, 0 to 1.

        Returns:
            The windows to train with, and the windows that are held out.

        Raises:
            DatasetError: There is only one group.
        """
        names, counts = np.unique(self.groups.astype(str), return_counts=True)
        if len(names) < 2:
            raise DatasetError(
                f"All windows are of one group ({', '.join(names)}), so that they can't be divided by group."
            )
        chosen = select_groups(dict(zip(names.tolist(), counts.tolist(), strict=True)), share)
        held_out = np.isin(self.groups.astype(str), list(chosen))
        return self.take(~held_out), self.take(held_out)


def cut_recordings(
    recordings: Sequence[Array],
    labels: Sequence[Any] | Array,
    *,
    length: int,
    step: int | None = None,
    groups: Sequence[Hashable] | Array | None = None,
) -> Windows:
    """Cut recordings into windows. Each window has the label and the group of its recording.

    Args:
        recordings: Arrays ``[n, …]``; ``n`` may differ, the other dimensions may not.
        labels: Label of each recording.
        length: Samples of a window.
        step: Samples from the start of a window to the start of the next; None is ``length``.
        groups: Group of each recording, such as the person. By default each recording is a group.

    Returns:
        The windows, in the order of the recordings.

    Raises:
        DatasetError: The arguments do not fit each other, or no recording is as long as a window.
    """
    names = list(range(len(recordings))) if groups is None else list(groups)
    if not len(recordings) == len(labels) == len(names):
        raise DatasetError(f"There are {len(recordings)} recordings, {len(labels)} labels and {len(names)} groups.")
    shapes = {np.shape(recording)[1:] for recording in recordings}
    if len(shapes) > 1:
        raise DatasetError(
            f"The recordings have different numbers of channels: {', '.join(map(str, sorted(shapes)))}.",
            hint="Every recording needs the same axes, in the same order.",
        )
    cut = [cut_windows(recording, length, step) for recording in recordings]
    n = [len(windows) for windows in cut]
    if not sum(n):
        longest = max((len(recording) for recording in recordings), default=0)
        raise DatasetError(
            f"No recording has {length} samples; the longest of {len(recordings)} recordings has {longest}.",
            hint="Choose shorter windows, or check the sample rate.",
        )
    return Windows(np.concatenate(cut), np.repeat(np.asarray(labels), n), np.repeat(np.asarray(names), n))
