"""Pooling and reductions on int8: AVERAGE_POOL_2D, MAX_POOL_2D, MEAN, SUM, REDUCE_MAX, REDUCE_MIN."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mltk.micro.exact.convolution import Window, window
from mltk.micro.exact.fixed_point import multiply_by_quantized_multiplier
from mltk.micro.exact.node import Kernel, Node, activation_range, kernel
from mltk.tflite.fixed_point import quantize_multiplier

# Elements of a window. Each is a separate step. Global pooling of 112×112 has 12,544.
_MAX_PLACES = 1 << 16


def _same_quantization(node: Node) -> None:
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    same = x.scale[0] == y.scale[0] and x.zero_point[0] == y.zero_point[0]
    node.require(same, "input and output are quantized differently")


def _places(node: Node) -> tuple[Window, list[tuple[slice, slice, slice]]]:
    """Return the window, and for each of its elements the part of the padded image that it covers at all positions."""
    size = (node.option("filterHeight", 1), node.option("filterWidth", 1))
    node.require(min(size) > 0, "an empty window")
    x, y = node.tensor(0), node.outputs[0]
    win = window(node, size, x, y)
    node.require(y.shape == (x.shape[0], *win.out, x.shape[3]), "an output size that doesn't follow from its input")
    node.require(size[0] * size[1] <= _MAX_PLACES, "a window of too many places")
    node.require_feasible(operations=size[0] * size[1] * y.size)
    (down, right), (height, width) = win.stride, win.out
    return win, [
        (slice(None), slice(i, i + (height - 1) * down + 1, down), slice(j, j + (width - 1) * right + 1, right))
        for i in range(size[0])
        for j in range(size[1])
    ]


def _padder(win: Window, fill: int, dtype: type) -> Callable[[np.ndarray], np.ndarray]:
    h, w = win.padded
    top, left = win.before
    # Rows and columns that no window covers are cut off.
    height, width = min(win.image[0], h - top), min(win.image[1], w - left)

    def pad(images: np.ndarray) -> np.ndarray:
        padded: np.ndarray = np.full((len(images), h, w, images.shape[-1]), fill, dtype)
        padded[:, top : top + height, left : left + width] = images[:, :height, :width]
        return padded

    return pad


@kernel("AVERAGE_POOL_2D")
def build_average_pool(node: Node) -> Kernel:
    """Build the mean over the window's part inside the image. Halves are rounded away from zero."""
    _same_quantization(node)
    low, high = activation_range(node, node.outputs[0])
    win, places = _places(node)
    pad = _padder(win, 0, np.int32)
    ones = pad(np.ones((1, *win.image, 1), np.int8))
    count = sum(ones[p] for p in places)
    node.require(np.all(count > 0), "a window that lies outside the image")

    def run(x: np.ndarray) -> list[np.ndarray]:
        images = x.reshape(-1, *win.image, x.shape[-1])
        if len(places) == win.image[0] * win.image[1] and win.out == (1, 1) and win.before == (0, 0):
            total = images.sum(axis=(1, 2), keepdims=True, dtype=np.int32)
        else:
            padded = pad(images)
            total = sum(padded[p] for p in places)
        magnitude = (np.abs(total) + count // 2) // count
        out = np.clip(np.where(total > 0, magnitude, -magnitude), low, high).astype(np.int8)
        return [out.reshape(*x.shape[:2], *out.shape[1:])]

    return run


@kernel("MAX_POOL_2D")
def build_max_pool(node: Node) -> Kernel:
    """Build the largest value in the window's part inside the image."""
    _same_quantization(node)
    low, high = activation_range(node, node.outputs[0])
    win, places = _places(node)
    pad = _padder(win, -128, np.int8)

    def run(x: np.ndarray) -> list[np.ndarray]:
        padded = pad(x.reshape(-1, *win.image, x.shape[-1]))
        out = padded[places[0]].copy()
        for place in places[1:]:
            np.maximum(out, padded[place], out=out)
        np.clip(out, low, high, out=out)
        return [out.reshape(*x.shape[:2], *out.shape[1:])]

    return run


def _axes(node: Node) -> tuple[int, ...]:
    rank = len(node.tensor(0).shape)
    axes = {int(a) % rank if rank else 0 for a in np.ravel(node.constant(1))}
    return tuple(sorted(axes))


@kernel("MEAN", "SUM")
def build_mean(node: Node) -> Kernel:
    """Build the sum over axes. For MEAN, the multiplier includes the division by the number of elements."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    axes = _axes(node)
    n = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    node.require(0 < n < 1 << 23, "a reduction over nothing or too much")
    multiplier, shift = quantize_multiplier(float(np.float64(x.scale[0]) / np.float64(y.scale[0])))
    if node.op.name == "MEAN":
        down = min(n.bit_length() - 1, 32, 31 + shift)
        multiplier, shift = (multiplier << down) // n, shift - down
    zero_in, zero_out = int(x.zero_point[0]), int(y.zero_point[0])

    def run(values: np.ndarray) -> list[np.ndarray]:
        total = values.sum(axis=tuple(a + 1 for a in axes), dtype=np.int64) - zero_in * n
        out = multiply_by_quantized_multiplier(total, multiplier, shift) + zero_out
        return [np.clip(out, -128, 127).astype(np.int8).reshape(len(values), *y.shape)]

    return run


@kernel("REDUCE_MAX", "REDUCE_MIN")
def build_reduce_max(node: Node) -> Kernel:
    """Build the largest or smallest value over axes."""
    _same_quantization(node)
    axes, y = tuple(a + 1 for a in _axes(node)), node.outputs[0]
    reduce = np.max if node.op.name == "REDUCE_MAX" else np.min
    return lambda x: [reduce(x, axis=axes).reshape(len(x), *y.shape)]
