"""Normalization of finished images: each image separately, or with the mean and deviation of a dataset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.normalize import EPSILON, normalize_batch
from mltk.image.augment.opencv import opencv

Array = npt.NDArray[Any]


@dataclass
class Statistics:
    """Mean and deviation of a dataset, which ``fit`` of the data generator computes.

    Attributes:
        mean: float32 [1, 1, channels]: Subtracted from each image; None is nothing.
        std: float32 [1, 1, channels]: Each image is divided by it; None is nothing.
        whitening: float32 [values, values]: ZCA matrix that the values of an image are multiplied by; None is nothing.
    """

    mean: Array | None = None
    std: Array | None = None
    whitening: Array | None = None


def fit_statistics(
    images: Array, *, center: bool, std_normalization: bool, whitening: bool, zca_epsilon: float
) -> Statistics:
    """Compute the statistics of a dataset.

    Args:
        images: float32 [samples, height, width, channels].
        center: Compute the mean.
        std_normalization: Compute the standard deviation.
        whitening: Compute the ZCA matrix of the normalized images.
        zca_epsilon: Added to the variances before their square root is taken.
    """
    found = Statistics()
    x = images.astype(np.float32)
    if center:
        found.mean = x.mean(axis=(0, 1, 2), keepdims=True)[0]
        x -= found.mean
    if std_normalization:
        found.std = x.std(axis=(0, 1, 2), keepdims=True)[0]
        x /= found.std + np.float32(EPSILON)
    if whitening:
        flat = x.reshape(len(x), -1)
        variances, axes = np.linalg.eigh(flat.T @ flat / len(flat))
        found.whitening = ((axes / np.sqrt(np.maximum(variances, 0) + zca_epsilon)) @ axes.T).astype(np.float32)
    return found


def standardize_images(
    samples: Array,
    dtype: np.dtype[Any],
    *,
    rescale: float | None,
    center: bool,
    std_normalization: bool,
    normalize_range: tuple[float, float] | None,
    statistics: Statistics,
) -> Array:
    """Normalize images.

    Args:
        samples: [n, ...].
        dtype: Data type of the result. Values are rounded to an integer type, and limited to its range.
        rescale: Factor to multiply by.
        center: Subtract the mean of each image.
        std_normalization: Divide each image by its standard deviation.
        normalize_range: Scale each image linearly to ``(lowest, highest)``.
        statistics: Mean and deviation of the dataset.

    Returns:
        ``dtype`` [n, ...], a new array.
    """
    x = samples
    if normalize_range is not None:
        x = normalize_batch(samples, rescale, center, std_normalization, normalize_range)
    elif rescale or center or std_normalization:
        x = _normalized(samples, rescale or 1.0, center, std_normalization)
    if statistics.mean is not None:
        x = x - statistics.mean
    if statistics.std is not None:
        x = x / (statistics.std + np.float32(EPSILON))
    if statistics.whitening is not None:
        x = (x.reshape(len(x), -1) @ statistics.whitening).reshape(x.shape)
    if dtype.kind in "iu" and x.dtype.kind == "f":
        limits = np.iinfo(dtype)
        return np.clip(np.rint(x), limits.min, limits.max).astype(dtype)
    return x.astype(dtype, copy=x is samples)


def _normalized(samples: Array, rescale: float, center: bool, std_normalization: bool) -> npt.NDArray[np.float32]:
    """Return ``(rescale * x - mean) / deviation`` of each image as float32: one image at a time stays in the cache."""
    if not (center or std_normalization):
        return np.multiply(samples, np.float32(rescale), dtype=np.float32)
    finished = np.empty(samples.shape, np.float32)
    for x, out in zip(samples, finished, strict=True):
        mean, deviation = _mean_and_deviation(x)
        factor = rescale
        if std_normalization:
            factor /= abs(rescale) * deviation + EPSILON
        np.subtract(x, np.float32(mean if center else 0), out=out)
        out *= np.float32(factor)
    return finished


def _mean_and_deviation(image: Array) -> tuple[float, float]:
    values = np.ascontiguousarray(image).reshape(-1, 1)
    mean, deviation = opencv().meanStdDev(values)
    return float(mean[0, 0]), float(deviation[0, 0])
