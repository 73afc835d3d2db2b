"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int8, as matrix products of whole numbers in floating point.

Every sum of products stays below 2²⁴ in magnitude, so the floating-point result is the integer. For larger sums,
float64 is used, which is exact up to 2⁵³. The input's zero point is folded into the bias. Padding is filled with the
zero point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mltk.micro.exact.fixed_point import quantize_multipliers
from mltk.micro.exact.node import Kernel, Node, activation_range, kernel
from mltk.micro.exact.requantize import Requantizer
from mltk.tflite.graph import Tensor

# Bytes of patches that are multiplied at a time. The patches and their product stay in a core's cache.
_CACHE_BYTES = 1 << 20
_FLOAT32_EXACT = 1 << 24


@dataclass(frozen=True)
class _Weights:
    """int8 weights as whole numbers in floating point, shape (K, channels), and the requantizer of their products."""

    matrix: np.ndarray
    requantizer: Requantizer

    @property
    def dtype(self) -> np.dtype:
        return self.matrix.dtype


def _weights(node: Node, weights: np.ndarray, *, single_precision_scale: bool = False) -> _Weights:
    """Prepare weights.

    Args:
        node: The operator.
        weights: int8, shape (K, channels).
        single_precision_scale: Multiply the scales of input and weights as 32-bit floats.
    """
    x, w, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require_int8(x, y)
    node.require(w.type_name == "INT8", f"{w.type_name} weights")
    channels = weights.shape[1]
    node.require(w.scale.size in (1, channels), "weights neither quantized per tensor nor per channel")
    node.require(not np.any(w.zero_point), "weights with a zero point")
    has_bias = len(node.inputs) > 2 and node.inputs[2] is not None
    bias = node.constant(2).astype(np.int64) if has_bias else np.zeros(channels, np.int64)
    node.require(not has_bias or node.tensor(2).type_name == "INT32", "a bias that is not int32")
    node.require(bias.size == channels, "a bias of another size")
    if single_precision_scale:
        product = np.float64(np.float32(x.scale[0]) * np.float32(w.scale[0]))
        real = np.full(channels, product / np.float64(y.scale[0]))
    else:
        scales = np.broadcast_to(w.scale.astype(np.float64), channels)
        real = np.float64(x.scale[0]) * scales / np.float64(y.scale[0])
    multiplier, shift = quantize_multipliers(real)

    wide = weights.astype(np.int64)
    zero = int(x.zero_point[0])
    folded = bias - zero * wide.sum(axis=0)
    # |x| ≤ 128 in the product as it is computed here; |x − zero point| ≤ 255 in TFLM's accumulator.
    product_bound = int(np.abs(wide).sum(axis=0).max(initial=0)) * 128
    bound = int((np.abs(wide).sum(axis=0) * 255 + np.abs(bias)).max(initial=0))
    node.require(bound < 1 << 31, "sums that may overflow int32")
    low, high = activation_range(node, y)
    requantizer = Requantizer(
        multiplier, shift, folded, zero_point=int(y.zero_point[0]), low=low, high=high, bound=bound
    )
    dtype = np.float32 if product_bound < _FLOAT32_EXACT else np.float64
    return _Weights(np.ascontiguousarray(weights.astype(dtype)), requantizer)


@dataclass(frozen=True)
class Window:
    """How a kernel moves over an image. Every pair is (height, width).

    Attributes:
        kernel: Size of the kernel.
        stride: Step between positions.
        dilation: Distance of the kernel's elements.
        image: Size of the input.
        out: Number of positions.
        before: Padding before the image, as TFLM computes it.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    image: tuple[int, int]
    out: tuple[int, int]
    before: tuple[int, int]

    @property
    def padded(self) -> tuple[int, int]:
        """Size of the image with all padding that the kernel reaches."""
        h, w = (
            max(
                self.before[i] + self.image[i],
                (self.out[i] - 1) * self.stride[i] + (self.kernel[i] - 1) * self.dilation[i] + 1,
            )
            for i in (0, 1)
        )
        return h, w

    @property
    def is_pointwise(self) -> bool:
        """Whether it is a 1×1 kernel that visits each pixel once, in order."""
        return self.kernel == (1, 1) and self.stride == (1, 1) and self.image == self.out


def window(node: Node, kernel_size: tuple[int, int], x: Tensor, y: Tensor) -> Window:
    """Return the window of a convolution or pooling node."""
    node.require(len(x.shape) == 4 and len(y.shape) == 4, "not four-dimensional")
    stride = (node.option("strideH", 1), node.option("strideW", 1))
    dilation = (node.option("dilationHFactor", 1), node.option("dilationWFactor", 1))
    node.require(min(*stride, *dilation) > 0, "a stride or dilation that is not positive")
    image, out = (x.shape[1], x.shape[2]), (y.shape[1], y.shape[2])
    before = [0, 0]
    same = node.option("padding", 0) == 0
    for i in (0, 1):
        reach = (kernel_size[i] - 1) * dilation[i] + 1
        expected = -(-image[i] // stride[i]) if same else (image[i] - reach) // stride[i] + 1
        node.require(out[i] == expected, "an output size that doesn't follow from its input")
        before[i] = max((out[i] - 1) * stride[i] + reach - image[i], 0) // 2
    # A window with one position never moves.
    stride = (stride[0] if out[0] > 1 else 1, stride[1] if out[1] > 1 else 1)
    win = Window(kernel_size, stride, dilation, image, out, (before[0], before[1]))
    node.require_feasible(elements=win.padded[0] * win.padded[1] * x.shape[3])
    return win


class _Convolution:
    def __init__(self, weights: _Weights, win: Window, channels_in: int, zero: int) -> None:
        self._weights, self._win, self._c = weights, win, channels_in
        self._zero = zero
        self._n = 0

    def _allocate(self, n: int) -> None:
        win, dtype = self._win, self._weights.dtype
        h, w = win.padded
        rows = n * win.out[0] * win.out[1]
        self._n = n
        self._padded = np.full((n, h, w, self._c), self._zero, dtype)
        self._columns = np.empty((rows, self._weights.matrix.shape[0]), dtype)
        self._product = np.empty((rows, self._weights.matrix.shape[1]), dtype)
        self._scratch = np.empty(2 * self._product.size)
        s = self._padded.strides
        self._patches = np.lib.stride_tricks.as_strided(
            self._padded,
            (n, *win.out, *win.kernel, self._c),
            (
                s[0],
                s[1] * win.stride[0],
                s[2] * win.stride[1],
                s[1] * win.dilation[0],
                s[2] * win.dilation[1],
                s[3],
            ),
        )

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        win, matrix = self._win, self._weights.matrix
        images = x.reshape(-1, *win.image, self._c)
        pixels = win.out[0] * win.out[1]
        out = np.empty((len(images) * pixels, matrix.shape[1]), np.int8)
        per_image = pixels * (matrix.shape[0] + 5 * matrix.shape[1]) * matrix.itemsize
        chunk = max(1, min(len(images), _CACHE_BYTES // per_image))
        if self._n < chunk:
            self._allocate(chunk)
        for first in range(0, len(images), chunk):
            n = min(chunk, len(images) - first)
            rows = n * pixels
            columns = self._fill(images[first : first + n], n, rows)
            product = np.matmul(columns, matrix, out=self._product[:rows])
            target = out[first * pixels : first * pixels + rows]
            self._weights.requantizer.apply(product, target, self._scratch)
        return [out.reshape(*x.shape[:2], *win.out, matrix.shape[1])]

    def _fill(self, images: np.ndarray, n: int, rows: int) -> np.ndarray:
        win = self._win
        columns = self._columns[:rows]
        if win.is_pointwise:
            np.copyto(columns.reshape(images.shape), images)
            return columns
        top, left = win.before
        height, width = (min(win.image[i], win.padded[i] - win.before[i]) for i in (0, 1))
        np.copyto(self._padded[:n, top : top + height, left : left + width], images[:, :height, :width])
        np.copyto(columns.reshape(n, *win.out, *win.kernel, self._c), self._patches[:n])
        return columns


@kernel("CONV_2D")
def build_conv_2d(node: Node) -> Kernel:
    """Build a convolution. The weights are (out, height, width, in). Grouped convolutions are not exact."""
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require(w.ndim == 4 and w.shape[3] == x.shape[-1], "a grouped convolution")
    win = window(node, (w.shape[1], w.shape[2]), x, y)
    node.require(y.shape == (x.shape[0], *win.out, w.shape[0]), "an output size that doesn't follow from the weights")
    inner = w.shape[1] * w.shape[2] * w.shape[3]
    node.require_feasible(elements=win.out[0] * win.out[1] * inner, operations=y.size * inner)
    weights = _weights(node, w.reshape(w.shape[0], -1).T)
    return _Convolution(weights, win, x.shape[3], int(x.zero_point[0]))


class _DepthwiseConvolution:
    """Sums shifted images, each times one weight per channel. There is no matrix product, so BLAS is not used.

    A whole row of pixels is multiplied at a time by the repeated weights of the channels. For a stride, the columns of
    the image are first sorted by their remainder, so that the columns of an output row are side by side.
    """

    def __init__(self, weights: _Weights, win: Window, channels_in: int, multiplier: int, zero: int) -> None:
        self._weights, self._win, self._c, self._multiplier = weights, win, channels_in, multiplier
        self._zero = zero
        self._rows_of_weights = np.tile(weights.matrix, win.out[1])  # (kernel size, out width × channels)

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        win, channels, dtype = self._win, self._weights.matrix.shape[1], self._weights.dtype
        images = x.reshape(-1, *win.image, self._c)
        out = np.empty((len(images), *win.out, channels), np.int8)
        (h, w), step = win.padded, win.stride[1]
        chunk = max(1, min(len(images), _CACHE_BYTES // (4 * h * w * channels * dtype.itemsize)))
        row = win.out[1] * channels
        sorted_columns = np.full((step, chunk, h, -(-w // step), channels), self._zero, dtype)
        total, term = (np.empty((chunk, win.out[0], row), dtype) for _ in range(2))
        scratch = np.empty(2 * total.size)
        for first in range(0, len(images), chunk):
            n = min(chunk, len(images) - first)
            self._sort(images[first : first + n], sorted_columns[:, :n])
            self._sum(sorted_columns[:, :n].reshape(step, n, h, -1), total[:n], term[:n])
            target = out[first : first + n].reshape(-1, channels)
            self._weights.requantizer.apply(total[:n].reshape(-1, channels), target, scratch)
        return [out.reshape(*x.shape[:2], *win.out, channels)]

    def _sort(self, images: np.ndarray, sorted_columns: np.ndarray) -> None:
        """Write ``images`` (n, height, width, in) behind their padding."""
        (top, left), (h, w), step = self._win.before, self._win.padded, self._win.stride[1]
        height, width = min(images.shape[1], h - top), min(images.shape[2], w - left)
        if self._multiplier > 1:
            images = np.repeat(images, self._multiplier, axis=-1)
        for remainder in range(step):
            skipped = (remainder - left) % step  # the first image column that lands here
            source = images[:, :height, skipped:width:step]
            start = (left + skipped) // step
            np.copyto(sorted_columns[remainder, :, top : top + height, start : start + source.shape[2]], source)

    def _sum(self, columns: np.ndarray, total: np.ndarray, term: np.ndarray) -> None:
        win, row = self._win, total.shape[2]
        channels = row // win.out[1]
        for k, weight in enumerate(self._rows_of_weights):
            i, j = (k // win.kernel[1]) * win.dilation[0], (k % win.kernel[1]) * win.dilation[1]
            start = j // win.stride[1] * channels
            seen = columns[j % win.stride[1], :, i : i + (win.out[0] - 1) * win.stride[0] + 1 : win.stride[0]]
            np.multiply(seen[..., start : start + row], weight, out=term if k else total)
            if k:
                np.add(total, term, out=total)


@kernel("DEPTHWISE_CONV_2D")
def build_depthwise_conv_2d(node: Node) -> Kernel:
    """Build a depthwise convolution. The weights are (1, height, width, out), and out = in × multiplier."""
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require(w.ndim == 4 and w.shape[0] == 1, "weights of another form")
    multiplier, rest = divmod(w.shape[3], x.shape[-1])
    node.require(rest == 0, "a depth multiplier that is not whole")
    win = window(node, (w.shape[1], w.shape[2]), x, y)
    node.require(y.shape == (x.shape[0], *win.out, w.shape[3]), "an output size that doesn't follow from the weights")
    node.require_feasible(
        elements=win.padded[0] * win.padded[1] * w.shape[3], operations=y.size * w.shape[1] * w.shape[2]
    )
    node.require_feasible(elements=w.size * win.out[1])
    weights = _weights(node, w.reshape(-1, w.shape[3]))
    return _DepthwiseConvolution(weights, win, x.shape[3], multiplier, int(x.zero_point[0]))


@kernel("FULLY_CONNECTED")
def build_fully_connected(node: Node) -> Kernel:
    """Build a dense layer. The weights are (units, K). Every K values of the input are a row."""
    w, y = node.constant(1), node.outputs[0]
    node.require(w.ndim == 2, "weights that are not a matrix")
    node.require(node.option("weightsFormat", 0) == 0, "shuffled weights")
    node.require(node.tensor(0).size % w.shape[1] == 0, "an input that doesn't fit the weights")
    outputs = node.tensor(0).size // w.shape[1] * w.shape[0]
    node.require(outputs == y.size, "an output size that doesn't follow from the weights")
    node.require_feasible(operations=outputs * w.shape[1])
    # Per tensor, TFLM multiplies the two scales in single precision.
    weights = _weights(node, w.T, single_precision_scale=node.tensor(1).scale.size == 1)

    def run(x: np.ndarray) -> list[np.ndarray]:
        rows = x.reshape(-1, w.shape[1]).astype(weights.dtype)
        product = rows @ weights.matrix
        out = np.empty(product.shape, np.int8)
        weights.requantizer.apply(product, out)
        return [out.reshape(len(x), *y.shape)]

    return run
