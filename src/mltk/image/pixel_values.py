"""How the pixels of a picture become the input of a model that is used outside of its specification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mltk.image.standardize import Statistics, standardize_images
from mltk.tflite.graph import Graph, Tensor

_PIXELS = 64.0
"""An input with a highest value above it takes pixels as they are."""


@dataclass(frozen=True)
class PixelValues:
    """What happens to pixels from 0 to 255.

    Attributes:
        rescale: Factor that pixels are multiplied by; 0 is none.
        offset: Added after that.
        mean_and_std: Subtract the mean of each picture, and divide by its standard deviation.
        note: What a person should know, because the model does not say it; empty if the model does.
        is_known: False if the scores may be wrong, because nothing says how pixels become the input.
    """

    rescale: float = 0.0
    offset: float = 0.0
    mean_and_std: bool = False
    note: str = ""
    is_known: bool = True

    def of(self, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Return pixels as the real values of the input.

        Args:
            pixels: uint8 ``[samples, height, width, channels]``.
        """
        values = standardize_images(
            pixels,
            np.dtype(np.float32),
            rescale=self.rescale,
            center=self.mean_and_std,
            std_normalization=self.mean_and_std,
            normalize_range=None,
            statistics=Statistics(),
        )
        return values + np.float32(self.offset) if self.offset else values


def pixel_values(parameters: Mapping[str, Any], graph: Graph) -> PixelValues:
    """Return how pixels become the input of a model.

    The parameters of the model say it, if its specification has a data generator for images. Otherwise the range of the
    quantized input says whether it takes pixels, values from 0 to 1, or values from -1 to 1.

    Args:
        parameters: The parameters that are stored in the model.
        graph: The model. Its first input is the picture.
    """
    rescale = float(parameters.get("samplewise_norm.rescale") or 0.0)
    both = bool(parameters.get("samplewise_norm.mean_and_std"))
    limits = _limits(graph)
    if rescale or both or limits is None or limits[1] > _PIXELS:
        return PixelValues(rescale, mean_and_std=both)
    low, high = limits
    unsaid = f"The model does not say how pixels become its input. The input takes values from {low:.3g} to {high:.3g}"
    if 0.5 <= high <= 1.5 and -0.1 <= low <= 0.1:
        return PixelValues(float(np.float32(1 / 255)), note=f"{unsaid}, so pixels are divided by 255.")
    if 0.5 <= high <= 1.5 and -1.5 <= low <= -0.5:
        return PixelValues(
            float(np.float32(2 / 255)), -1.0, note=f"{unsaid}, so black becomes -1, and white becomes 1."
        )
    return PixelValues(note=f"{unsaid}. Pixels are used as they are: the scores may be wrong.", is_known=False)


def _limits(graph: Graph) -> tuple[float, float] | None:
    """Return the lowest and the highest value that the input can have; None if it is not known."""
    x = graph.inputs[0]
    if x.dtype_str == "float32":
        x = _quantized(graph) or x
    if x.dtype is None or x.dtype.kind not in "iu" or x.scale.size != 1:
        return None
    zero = int(x.zero_point[0]) if x.zero_point.size else 0
    whole = np.iinfo(x.dtype)
    return float(x.scale[0]) * (whole.min - zero), float(x.scale[0]) * (whole.max - zero)


def _quantized(graph: Graph) -> Tensor | None:
    """Return the tensor to which the first operator quantizes a float input."""
    main = graph.main
    for operator in main.operators:
        if operator.name == "QUANTIZE" and operator.inputs[0] == main.inputs[0]:
            return main.tensors[operator.outputs[0]]
    return None
