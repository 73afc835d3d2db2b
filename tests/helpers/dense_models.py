"""Classifiers of any input with one dense layer, as ``.tflite``."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.listening_models import CLASSES
from helpers.tflite_builder import ModelBuilder
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import TfliteModelParameters


def dense_classifier(
    shape: tuple[int, ...], *, scale: float = 1.0, zero: int = -128, logits: bool = False, **parameters: Any
) -> TfliteModel:
    """Return a classifier of :data:`CLASSES` with one dense layer."""
    rng, b, n = np.random.default_rng(5), ModelBuilder(), int(np.prod(shape))
    x = b.tensor((1, *shape), scale=scale, zero_point=zero)
    weights = b.constant(rng.integers(-127, 128, (3, n)), np.int8, scale=0.01)
    bias = b.constant(np.zeros(3, np.int32), np.int32, scale=0.01 * scale)
    dense = b.tensor((1, 3), scale=8.0 * scale, zero_point=0)
    b.operator("FULLY_CONNECTED", [x, weights, bias], [dense], ("FullyConnectedOptions", {}), version=4)
    y = dense if logits else b.tensor((1, 3), scale=1 / 256, zero_point=-128)
    if not logits:
        b.operator("SOFTMAX", [dense], [y], ("SoftmaxOptions", {"beta": 0.02 / scale}), version=2)
    given = {"classes": CLASSES, **parameters}
    stored = TfliteModelParameters({k: v for k, v in given.items() if v is not None})
    return TfliteModel(bytes(stored.add_to_tflite_flatbuffer(b.build([x], [y]))))
