"""Normalization of finished samples, each sample separately. Nothing is random here."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

EPSILON = 1e-6


def normalize(
    x: npt.NDArray[Any],
    rescale: float | None = None,
    samplewise_center: bool = False,
    samplewise_std_normalization: bool = False,
    samplewise_normalize_range: tuple[float, float] | None = None,
    dtype: npt.DTypeLike | None = None,
) -> npt.NDArray[Any]:
    """Normalize one sample; the steps are applied in the order of the arguments.

    Args:
        x: Sample of any shape.
        rescale: Factor to multiply by.
        samplewise_center: Subtract the mean.
        samplewise_std_normalization: Divide by the standard deviation.
        samplewise_normalize_range: Scale linearly to ``(lowest, highest)``.
        dtype: Data type of the result; None is float32, or the data type of ``x`` if there is nothing to do.

    Returns:
        The normalized sample, with the shape of ``x``.
    """
    x = np.asarray(x)
    batch = normalize_batch(
        x[np.newaxis], rescale, samplewise_center, samplewise_std_normalization, samplewise_normalize_range
    )
    return np.asarray(batch[0] if dtype is None else batch[0].astype(dtype))


def normalize_batch(
    x: npt.NDArray[Any],
    rescale: float | None = None,
    center: bool = False,
    std_normalization: bool = False,
    normalize_range: tuple[float, float] | None = None,
) -> npt.NDArray[Any]:
    """Normalize each sample of a batch separately; see :func:`normalize`.

    Args:
        x: Samples [samples, ...].
        rescale: Factor to multiply by.
        center: Subtract the mean of each sample.
        std_normalization: Divide each sample by its standard deviation.
        normalize_range: Scale each sample linearly to ``(lowest, highest)``.

    Returns:
        float32 with the shape of ``x``; ``x`` itself if there is nothing to do.
    """
    if not (rescale or center or std_normalization or normalize_range):
        return x
    rows = x.reshape(len(x), -1).astype(np.float32)
    if rescale:
        rows *= np.float32(rescale)
    if center:
        rows -= rows.mean(axis=1, keepdims=True)
    if std_normalization:
        rows /= rows.std(axis=1, keepdims=True) + np.float32(EPSILON)
    if normalize_range is not None:
        low, high = (np.float32(v) for v in normalize_range)
        smallest = rows.min(axis=1, keepdims=True)
        extent = rows.max(axis=1, keepdims=True) - smallest
        rows = (rows - smallest) * ((high - low) / np.where(extent > 0, extent, 1)) + low
    return rows.reshape(x.shape)
