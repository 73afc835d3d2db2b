"""Pooling, reductions and resizing."""

from __future__ import annotations

from typing import Any

import numpy as np

from mltk.codegen.lowering.context import Context, lowering, require_int16
from mltk.codegen.lowering.elementwise import merged_axes, pad_front
from mltk.codegen.program import Constant, Params, Ref
from mltk.micro.exact.convolution import Window, window
from mltk.micro.exact.node import Node, activation_range
from mltk.tflite.fixed_point import quantize_multiplier


def _require_same_quantization(node: Node) -> None:
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    same = x.scale[0] == y.scale[0] and x.zero_point[0] == y.zero_point[0]
    node.require(same, "input and output are quantized differently")


@lowering("AVERAGE_POOL_2D", "MAX_POOL_2D")
def lower_pool(context: Context) -> None:
    """Pooling over the part of the window inside the image."""
    node = context.node
    _require_same_quantization(node)
    x, y = node.tensor(0), node.outputs[0]
    size = (node.option("filterHeight", 1), node.option("filterWidth", 1))
    node.require(min(size) > 0, "an empty window")
    win = window(node, size, x, y)
    node.require(y.shape == (x.shape[0], *win.out, x.shape[3]), "an output size that does not follow from its input")
    inside = all((win.out[i] - 1) * win.stride[i] - win.before[i] < win.image[i] for i in (0, 1))
    node.require(inside and all(b < k for b, k in zip(win.before, size, strict=True)), "a window outside the image")
    low, high = activation_range(node, y)
    params = Params(
        "mltk_pool",
        {
            "batch": x.shape[0],
            "in_height": x.shape[1],
            "in_width": x.shape[2],
            "channels": x.shape[3],
            "out_height": win.out[0],
            "out_width": win.out[1],
            "kernel_height": size[0],
            "kernel_width": size[1],
            "stride_height": win.stride[0],
            "stride_width": win.stride[1],
            "pad_top": win.before[0],
            "pad_left": win.before[1],
            "low": low,
            "high": high,
        },
    )
    source, target = context.input(0), context.output()
    function = "mltk_average_pool_2d_s8" if node.op.name == "AVERAGE_POOL_2D" else "mltk_max_pool_2d_s8"
    in_place = (source,) if _never_overtakes(win) else ()
    arguments = (params, Ref(source), Ref(target))
    context.call("mltk_pool", function, *arguments, reads=(source,), writes=(target,), in_place=in_place)


def _never_overtakes(win: Window) -> bool:
    """Return whether each window begins at or behind the place of its output: the kernel can work in place."""
    first = [np.maximum(0, np.arange(win.out[i]) * win.stride[i] - win.before[i]) for i in (0, 1)]
    begins = first[0][:, None] * win.image[1] + first[1][None, :]
    return bool(np.all(begins.ravel() >= np.arange(begins.size)))


_REDUCTIONS = {
    "MEAN": "mltk_mean_s8",
    "SUM": "mltk_mean_s8",
    "REDUCE_MAX": "mltk_reduce_max_s8",
    "REDUCE_MIN": "mltk_reduce_min_s8",
}


@lowering(*_REDUCTIONS)
def lower_reduction(context: Context) -> None:
    """MEAN, SUM, REDUCE_MAX and REDUCE_MIN over axes."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    is_int16 = x.type_name == "INT16" and node.op.name in ("MEAN", "SUM")
    if is_int16:
        require_int16(node, x, y)
    else:
        node.require_int8(x, y)
    rank = len(x.shape)
    axes = sorted({int(a) % rank for a in np.ravel(node.constant(1))}) if rank else []
    n = int(np.prod([x.shape[a] for a in axes], dtype=np.int64))
    node.require(0 < n < 1 << 23, "a reduction over nothing or too much")
    multiplier = shift = offset = zero = 0
    if node.op.name in ("MEAN", "SUM"):
        multiplier, shift = quantize_multiplier(float(np.float64(x.scale[0]) / np.float64(y.scale[0])))
        if node.op.name == "MEAN":
            # The division by the number of elements is a part of the multiplier.
            down = min(n.bit_length() - 1, 32, 31 + shift)
            multiplier, shift = (multiplier << down) // n, shift - down
        node.require(multiplier > 0 and shift >= -31, "an output scale too coarse")
        largest = 65535 if is_int16 else 255
        node.require(largest * n << max(shift, 0) < 1 << 31, "sums that may overflow int32")
        offset, zero = -int(x.zero_point[0]) * n, int(y.zero_point[0])
    else:
        _require_same_quantization(node)
    steps = [int(np.prod(x.shape[i + 1 :], dtype=np.int64)) for i in range(rank)]
    kept = merged_axes(*_selected(x.shape, steps, [i for i in range(rank) if i not in axes]))
    summed = merged_axes(*_selected(x.shape, steps, axes))
    node.require(max(len(kept[0]), len(summed[0])) <= 4, "a reduction of too many dimensions")
    params = Params(
        "mltk_reduction",
        {
            "kept": pad_front(kept[0], 1, 4),
            "kept_step": pad_front(kept[1][0], 0, 4),
            "summed": pad_front(summed[0], 1, 4),
            "summed_step": pad_front(summed[1][0], 0, 4),
            "offset": offset,
            "multiplier": multiplier,
            "shift": shift,
            "zero_point": zero,
        },
    )
    source, target = context.input(0), context.output()
    arguments = (params, Ref(source), Ref(target))
    function = "mltk_mean_s16" if is_int16 else _REDUCTIONS[node.op.name]
    context.call("mltk_reduce", function, *arguments, reads=(source,), writes=(target,))


@lowering("ARG_MAX", "ARG_MIN")
def lower_arg_max(context: Context) -> None:
    """ARG_MAX and ARG_MIN along the last axis; int32 out. The first of equal values wins."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x)
    rank = len(x.shape)
    node.require(int(node.constant(1).ravel()[0]) % rank == rank - 1, "an axis other than the last")
    node.require(y.type_name == "INT32" and y.size * x.shape[-1] == x.size, f"{y.type_name} output")
    source, target = context.input(0), context.output()
    function = "mltk_arg_max_s8" if node.op.name == "ARG_MAX" else "mltk_arg_min_s8"
    arguments = (Ref(source), Ref(target), y.size, x.shape[-1])
    context.call("mltk_reduce", function, *arguments, reads=(source,), writes=(target,))


def _selected(shape: tuple[int, ...], steps: list[int], axes: list[int]) -> tuple[tuple[int, ...], list[list[int]]]:
    return tuple(shape[a] for a in axes), [[steps[a] for a in axes]]


@lowering("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
def lower_resize(context: Context) -> None:
    """Resizing images."""
    node = context.node
    _require_same_quantization(node)
    x, y = node.tensor(0), node.outputs[0]
    node.require(len(x.shape) == 4 and y.shape == (x.shape[0], *y.shape[1:3], x.shape[3]), "an inconsistent size")
    corners, half = bool(node.option("alignCorners", False)), bool(node.option("halfPixelCenters", False))
    fields = {
        "batch": x.shape[0],
        "in_height": x.shape[1],
        "in_width": x.shape[2],
        "channels": x.shape[3],
        "out_height": y.shape[1],
        "out_width": y.shape[2],
    }
    if node.op.name == "RESIZE_BILINEAR":
        steps = [_bilinear_step(x.shape[i], y.shape[i], corners) for i in (1, 2)]
        more: dict[str, Any] = {
            "step_y": steps[0],
            "step_x": steps[1],
            "half_pixel_centers": int(half),
            "rows": 0,
            "columns": 0,
        }
        function = "mltk_resize_bilinear_s8"
    else:
        places = [_nearest(x.shape[i], y.shape[i], corners, half) for i in (1, 2)]
        more = {
            "step_y": 0,
            "step_x": 0,
            "half_pixel_centers": 0,
            "rows": Constant("rows", places[0]),
            "columns": Constant("columns", places[1]),
        }
        function = "mltk_resize_nearest_neighbor_s8"
    source, target = context.input(0), context.output()
    params = Params("mltk_resize", {**fields, **more})
    context.call("mltk_resize", function, params, Ref(source), Ref(target), reads=(source,), writes=(target,))


def _bilinear_step(size: int, out: int, corners: bool) -> int:
    if corners and out > 1:
        return (1024 * (size - 1) + (out - 1) // 2) // (out - 1)
    return (1024 * size + out // 2) // out


def _nearest(size: int, out: int, corners: bool, half: bool) -> np.ndarray:
    f32 = np.float32
    scale = f32(size - 1) / f32(out - 1) if corners and out > 1 else f32(size) / f32(out)
    position = (np.arange(out).astype(f32) + f32(0.5 if half else 0.0)) * scale
    # TFLM rounds halves away from zero. No position is negative.
    found = np.floor(position.astype(np.float64) + 0.5) if corners else np.floor(position)
    return np.clip(found, 0, size - 1).astype(np.int16)
