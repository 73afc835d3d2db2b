"""Operators that move values or find their places, as C code: the integers of TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np

from helpers.compiled_models import assert_as_tflm
from helpers.tflite_builder import ModelBuilder


def _blocks(rng: np.random.Generator) -> tuple[list[int], list[list[int]], tuple[int, ...], tuple[int, ...]]:
    """Block, border, and shape of the image and of the blocks."""
    block = [int(v) for v in rng.integers(1, 4, 2)]
    size = [int(rng.integers(1, 4)) * k for k in block]
    before = [int(rng.integers(0, min(n, 3))) for n in size]
    border = [[b, int(rng.integers(0, min(n - b, 2)))] for n, b in zip(size, before, strict=True)]
    channels = int(rng.integers(1, 5))
    image = (1, *(n - a - b for n, (a, b) in zip(size, border, strict=True)), channels)
    return block, border, image, (block[0] * block[1], *(n // k for n, k in zip(size, block, strict=True)), channels)


def test_images_to_batches_of_blocks_and_back(needs_tflm: None) -> None:
    rng, models = np.random.default_rng(3), []
    for _ in range(12):
        block, border, image, blocks = _blocks(rng)
        for name, shapes in (("SPACE_TO_BATCH_ND", (image, blocks)), ("BATCH_TO_SPACE_ND", (blocks, image))):
            b = ModelBuilder()
            x, y = (b.tensor(shape, scale=0.1, zero_point=7) for shape in shapes)
            b.operator(name, [x, b.constant(block), b.constant(border)], [y])
            models.append(b.build([x], [y]))
    assert assert_as_tflm(models, ["-O1"], 3) > len(models)


def test_blocks_of_pixels_to_channels_and_back(needs_tflm: None) -> None:
    rng, models = np.random.default_rng(4), []
    for _ in range(6):
        k, h, w, c = (int(v) for v in rng.integers(1, 5, 4))
        for name in ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH"):
            b = ModelBuilder()
            deep, large = (
                b.tensor((1, h, w, c * k * k), scale=0.1, zero_point=7),
                b.tensor((1, h * k, w * k, c), scale=0.1, zero_point=7),
            )
            x, y = (deep, large) if name == "DEPTH_TO_SPACE" else (large, deep)
            b.operator(name, [x], [y], (f"{name.title().replace('_', '')}Options", {"blockSize": k}))
            models.append(b.build([x], [y]))
    assert assert_as_tflm(models, ["-O1"], 3) > len(models)


def test_the_first_of_equal_values_wins(needs_tflm: None) -> None:
    models = []
    for name in ("ARG_MAX", "ARG_MIN"):
        b = ModelBuilder()
        x, y = b.tensor((3, 200), scale=0.1, zero_point=7), b.tensor((3,), "int32")
        b.operator(name, [x, b.constant([1])], [y], (f"{name.title().replace('_', '')}Options", {"outputType": 2}))
        models.append(b.build([x], [y]))
    assert assert_as_tflm(models, ["-O1"], 3) > len(models)
