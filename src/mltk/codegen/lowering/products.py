"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED."""

from __future__ import annotations

from typing import Any

import numpy as np

from mltk.codegen.lowering.context import Context, lowering
from mltk.codegen.program import Constant, Params, Ref, Scratch
from mltk.micro.exact.convolution import Window, window
from mltk.micro.exact.fixed_point import quantize_multipliers
from mltk.micro.exact.node import Node, activation_range
from mltk.tflite.graph import Tensor
from mltk.tflite.types import TfliteActivation

_INT32_MAX = (1 << 31) - 1


def requantization(
    node: Node,
    x: Tensor,
    w: Tensor,
    rows: np.ndarray,
    bias: np.ndarray | None,
    *,
    fold_zero_point: bool,
    single_precision_scale: bool = False,
    has_activation: bool = True,
) -> dict[str, Any]:
    """Return the members of ``mltk_requantization``.

    Args:
        node: The operator.
        x: The input.
        w: The weights.
        rows: The weights as (channels, K).
        bias: int32, one for each channel; None if there is no bias.
        fold_zero_point: Subtract the input's zero point times the sum of the weights from the bias.
        single_precision_scale: Multiply the scales of input and weights as 32-bit floats.
        has_activation: The operator may have a fused activation.
    """
    y = node.outputs[0]
    node.require_int8(x, y)
    channels = len(rows)
    node.require(w.type_name == "INT8" and rows.dtype == np.int8, f"{w.type_name} weights")
    node.require(w.scale.size in (1, channels), "weights neither quantized per tensor nor per channel")
    node.require(not np.any(w.zero_point), "weights with a zero point")
    wide = rows.astype(np.int64)
    offsets = np.zeros(channels, np.int64) if bias is None else bias.astype(np.int64)
    node.require(offsets.size == channels, "a bias of another size")
    if single_precision_scale:
        real = np.full(channels, np.float64(np.float32(x.scale[0]) * np.float32(w.scale[0])) / np.float64(y.scale[0]))
    else:
        scales = np.broadcast_to(w.scale.astype(np.float64), channels)
        real = np.float64(x.scale[0]) * scales / np.float64(y.scale[0])
    multiplier, shift = quantize_multipliers(real)
    magnitude = np.abs(wide).sum(axis=1) * 255 + np.abs(offsets)
    node.require(np.all(magnitude << np.maximum(shift, 0) <= _INT32_MAX), "sums that may overflow int32")
    # Kernels double sums before they scale them down, where this is exact.
    needs_all_bits = (shift < 0) & (2 * magnitude > _INT32_MAX)
    if fold_zero_point:
        offsets = offsets - int(x.zero_point[0]) * wide.sum(axis=1)
        node.require(np.all(np.abs(offsets) <= _INT32_MAX), "a bias that may overflow int32")
    activation = activation_range(node, y) if has_activation else (-128, 127)
    return {
        "bias": Constant("bias", offsets.astype(np.int32)),
        "multiplier": Constant("multiplier", multiplier.astype(np.int32)),
        "shift": Constant("shift", np.where(needs_all_bits, shift + 64, shift).astype(np.int8)),
        "zero_point": int(y.zero_point[0]),
        "low": activation[0],
        "high": activation[1],
    }


def _bias(node: Node, i: int) -> np.ndarray | None:
    if len(node.inputs) <= i or node.inputs[i] is None:
        return None
    node.require(node.tensor(i).type_name == "INT32", "a bias that is not int32")
    return node.constant(i).ravel()


def _geometry(x: Tensor, y: Tensor, win: Window) -> dict[str, Any]:
    return {
        "batch": x.shape[0],
        "in_height": x.shape[1],
        "in_width": x.shape[2],
        "in_channels": x.shape[3],
        "out_height": y.shape[1],
        "out_width": y.shape[2],
        "out_channels": y.shape[3],
        "kernel_height": win.kernel[0],
        "kernel_width": win.kernel[1],
        "stride_height": win.stride[0],
        "stride_width": win.stride[1],
        "dilation_height": win.dilation[0],
        "dilation_width": win.dilation[1],
        "pad_top": win.before[0],
        "pad_left": win.before[1],
        "in_zero_point": int(x.zero_point[0]),
    }


def _padded(rows: np.ndarray, size: int, n: int) -> np.ndarray:
    """Return weights with zeros up to ``size`` columns and ``n`` rows."""
    padded = np.zeros((n, size), np.int8)
    padded[: len(rows), : rows.shape[1]] = rows
    return padded


@lowering("CONV_2D")
def lower_conv_2d(context: Context) -> None:
    """CONV_2D. The weights are (out, height, width, in / groups)."""
    node = context.node
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require_int8(x, y)
    node.require(len(x.shape) == 4 and w.ndim == 4, "not four-dimensional")
    node.require(x.shape[3] % w.shape[3] == 0, "channels that do not fit the weights")
    groups = x.shape[3] // w.shape[3]
    node.require(w.shape[0] % groups == 0, "channels that do not fit the groups")
    _conv_2d(context, w, groups)


def _conv_2d(context: Context, w: np.ndarray, groups: int) -> None:
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    win = window(node, (w.shape[1], w.shape[2]), x, y)
    node.require(y.shape == (x.shape[0], *win.out, w.shape[0]), "an output size that does not follow from the weights")
    rows = w.reshape(len(w), -1)
    out = requantization(node, x, node.tensor(1), rows, _bias(node, 2), fold_zero_point=True)
    row = -(-rows.shape[1] // 4) * 4
    # The kernel takes two rows of a group at a time. With an odd number of them, it reads one behind the last.
    n = len(rows) + len(rows) // groups % 2
    weights = Constant("weights", _padded(rows, row, n))
    fields = {**_geometry(x, y, win), "groups": groups, "row": row, "weights": weights, "out": out}
    source, target = context.input(0), context.output()
    if win.is_pointwise and groups == 1 and x.shape[3] == row:
        function, scratch = "mltk_pointwise_conv_2d_s8", Scratch(4 * row, "int16_t")
    else:
        function, scratch = "mltk_conv_2d_s8", Scratch(5 * row, "int16_t")
    arguments = (Params("mltk_conv", fields), Ref(source), Ref(target), scratch)
    context.call("mltk_conv", function, *arguments, reads=(source,), writes=(target,))


@lowering("DEPTHWISE_CONV_2D")
def lower_depthwise_conv_2d(context: Context) -> None:
    """DEPTHWISE_CONV_2D. The weights are (1, height, width, out), and out = in × multiplier."""
    node = context.node
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require_int8(x, y)
    node.require(len(x.shape) == 4 and w.ndim == 4 and w.shape[0] == 1, "weights of another form")
    node.require(w.shape[3] % x.shape[3] == 0, "a depth multiplier that is not whole")
    if x.shape[3] == 1:  # an ordinary convolution, which needs no plane
        _conv_2d(context, np.ascontiguousarray(w.transpose(3, 1, 2, 0)), 1)
        return
    win = window(node, (w.shape[1], w.shape[2]), x, y)
    node.require(y.shape == (x.shape[0], *win.out, w.shape[3]), "an output size that does not follow from the weights")
    rows = np.ascontiguousarray(w.reshape(-1, w.shape[3]).T)
    out = requantization(node, x, node.tensor(1), rows, _bias(node, 2), fold_zero_point=True)
    # The kernel computes rows of outputs, and long rows cost less.
    axes = (1, 0) if win.out[0] > win.out[1] else (0, 1)
    kernel, stride, dilation = (_ordered(v, axes) for v in (win.kernel, win.stride, win.dilation))
    before, image, size = (_ordered(v, axes) for v in (win.before, win.image, win.out))
    height, width = (max(win.padded[i], win.before[i] + win.image[i]) for i in axes)
    in_steps = _ordered((x.shape[2] * x.shape[3], x.shape[3]), axes)
    out_steps = _ordered((y.shape[2] * y.shape[3], y.shape[3]), axes)
    weights = w[0].transpose(*axes, 2).reshape(-1, w.shape[3])
    is_simple = kernel == (3, 3) and dilation == (1, 1) and stride[1] == 1
    node.require(height <= 32767 and width <= 32767, "a border that is too wide")
    params = Params(
        "mltk_depthwise_conv",
        {
            "batch": x.shape[0],
            "in_height": image[0],
            "in_width": image[1],
            "in_channels": x.shape[3],
            "out_height": size[0],
            "out_width": size[1],
            "out_channels": y.shape[3],
            "kernel_height": kernel[0],
            "kernel_width": kernel[1],
            "stride_height": stride[0],
            "stride_width": stride[1],
            "dilation_height": dilation[0],
            "dilation_width": dilation[1],
            "pad_top": before[0],
            "pad_left": before[1],
            "plane_height": height,
            "plane_width": width,
            "in_zero_point": int(x.zero_point[0]),
            "is_simple_3x3": int(is_simple),
            "in_step_y": in_steps[0],
            "in_step_x": in_steps[1],
            "out_step_y": out_steps[0],
            "out_step_x": out_steps[1],
            "weights": Constant("weights", np.ascontiguousarray(weights)),
            "out": out,
        },
    )
    source, target = context.input(0), context.output()
    values = kernel[0] * -(-kernel[1] // 2) * 2 + height * width + 2
    context.call(
        "mltk_depthwise_conv",
        "mltk_depthwise_conv_2d_s8",
        params,
        Ref(source),
        Ref(target),
        Scratch(2 * values, "int16_t"),
        reads=(source,),
        writes=(target,),
        in_place=(source,) if x.shape == y.shape else (),
    )


def _ordered(pair: tuple[int, int], axes: tuple[int, int]) -> tuple[int, int]:
    return pair[axes[0]], pair[axes[1]]


@lowering("TRANSPOSE_CONV")
def lower_transpose_conv(context: Context) -> None:
    """TRANSPOSE_CONV. Inputs: the output's shape, weights (out, height, width, in), values and bias."""
    node = context.node
    w, x, y = node.constant(1), node.tensor(2), node.outputs[0]
    node.require_int8(x, y)
    node.require(len(x.shape) == 4 and w.ndim == 4 and w.shape[3] == x.shape[3], "channels that do not fit")
    node.require(node.option("fusedActivationFunction", 0) == TfliteActivation.NONE, "a fused activation")
    kernel, stride = w.shape[1:3], (node.option("strideH", 1), node.option("strideW", 1))
    node.require(min(stride) > 0 and y.shape == (x.shape[0], *y.shape[1:3], w.shape[0]), "an inconsistent size")
    cut = [max(0, (x.shape[1 + i] - 1) * stride[i] + kernel[i] - y.shape[1 + i]) // 2 for i in (0, 1)]
    win = Window(kernel, stride, (1, 1), (x.shape[1], x.shape[2]), (y.shape[1], y.shape[2]), (cut[0], cut[1]))
    rows = w.reshape(len(w), -1)
    out = requantization(node, x, node.tensor(1), rows, _bias(node, 3), fold_zero_point=False, has_activation=False)
    params = Params(
        "mltk_conv",
        {
            **_geometry(x, y, win),
            "groups": 1,
            "row": 0,
            "weights": Constant("weights", w),
            "out": out,
        },
    )
    source, target = context.input(2), context.output()
    context.call(
        "mltk_transpose_conv",
        "mltk_transpose_conv_s8",
        params,
        Ref(source),
        Ref(target),
        reads=(source,),
        writes=(target,),
    )


@lowering("FULLY_CONNECTED")
def lower_fully_connected(context: Context) -> None:
    """FULLY_CONNECTED. The weights are (units, K). Every K values of the input are a row."""
    node = context.node
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require_int8(x, y)
    node.require(w.ndim == 2, "weights that are not a matrix")
    node.require(node.option("weightsFormat", 0) == 0, "shuffled weights")
    node.require(x.size % w.shape[1] == 0, "an input that does not fit the weights")
    rows = x.size // w.shape[1]
    node.require(rows * w.shape[0] == y.size, "an output size that does not follow from the weights")
    scale = node.tensor(1).scale.size == 1
    out = requantization(node, x, node.tensor(1), w, _bias(node, 2), fold_zero_point=True, single_precision_scale=scale)
    params = Params(
        "mltk_fully_connected",
        {
            "rows": rows,
            "in_size": w.shape[1],
            "out_size": w.shape[0],
            "weights": Constant("weights", _padded(w, w.shape[1], len(w) + len(w) % 2)),
            "out": out,
        },
    )
    source, target = context.input(0), context.output()
    arguments = (params, Ref(source), Ref(target))
    context.call("mltk_fully_connected", "mltk_fully_connected_s8", *arguments, reads=(source,), writes=(target,))
