"""PRELU, BATCH_MATMUL and GATHER: operators whose second input may be a constant or computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from mltk.codegen.lowering.context import Context, int16_lowering, lowering, require_int16
from mltk.codegen.lowering.elementwise import binary_axes, pad_front
from mltk.codegen.program import Params, Ref
from mltk.tflite.fixed_point import quantize_multiplier
from mltk.tflite.graph import Tensor

_INT32_MAX = (1 << 31) - 1


@lowering("PRELU")
@int16_lowering("PRELU")
def lower_prelu(context: Context) -> None:
    """PRELU: one multiplier above zero, and another with the slope below zero. The slopes are int8."""
    node = context.node
    x, slope, y = node.tensor(0), node.tensor(1), node.outputs[0]
    is_int16 = x.type_name == "INT16"
    if is_int16:
        require_int16(node, x, y)
    else:
        node.require_int8(x, y)
    node.require_int8(slope)
    ratio = np.float64(x.scale[0]) / np.float64(y.scale[0])
    above = quantize_multiplier(float(ratio))
    product = np.float64(x.scale[0]) * np.float64(slope.scale[0]) / np.float64(y.scale[0])
    below = quantize_multiplier(float(product))
    largest = 65535 if is_int16 else 255
    for (_, shift), most in ((above, largest), (below, largest * 255)):
        node.require(most << max(shift, 0) <= _INT32_MAX, "an output scale too fine")
    size, steps = binary_axes(node, x, slope, y)
    params = Params(
        "mltk_prelu",
        {
            "size": pad_front(size, 1, 4),
            "step_in": pad_front(steps[0], 0, 4),
            "step_slope": pad_front(steps[1], 0, 4),
            "zero_in": int(x.zero_point[0]),
            "zero_slope": int(slope.zero_point[0]),
            "zero_out": int(y.zero_point[0]),
            "multiplier": above[0],
            "shift": above[1],
            "multiplier_below": below[0],
            "shift_below": below[1],
        },
    )
    first, second, target = context.input(0), context.input(1), context.output()
    arguments = (params, Ref(first), Ref(second), Ref(target))
    places = (first,) if x.size == y.size else ()
    function = "mltk_prelu_s16" if is_int16 else "mltk_prelu_s8"
    context.call("mltk_prelu", function, *arguments, reads=(first, second), writes=(target,), in_place=places)


@lowering("BATCH_MATMUL")
@int16_lowering("BATCH_MATMUL")
def lower_batch_matmul(context: Context) -> None:
    """BATCH_MATMUL of two tensors of one type, each of which may be stored transposed."""
    node = context.node
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require(
        min(len(a.shape), len(b.shape)) >= 2 and max(len(a.shape), len(b.shape)) <= 5, "more than 5 dimensions"
    )
    left, right = _matrix(a, bool(node.option("adjX", False))), _matrix(b, bool(node.option("adjY", False)))
    (rows, depth), (also_depth, columns) = left["shape"], right["shape"]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    node.require(depth == also_depth and y.size == int(np.prod(batch)) * rows * columns, "matrices that do not fit")
    product = np.float64(np.float32(a.scale[0]) * np.float32(b.scale[0])) / np.float64(y.scale[0])
    multiplier, shift = quantize_multiplier(float(product))
    is_int16 = a.type_name == "INT16"
    if is_int16:
        require_int16(node, a, b, y)
        node.require(depth < 1 << 17 and -31 <= shift < 8, "an output scale too fine or too coarse")
        multiplier = (multiplier + (1 << 15)) >> 16 if multiplier < 0x7FFF0000 else 0x7FFF
        node.require((depth << 30) * multiplier >> (15 - shift) <= _INT32_MAX, "sums that may overflow int32")
    else:
        node.require_int8(a, b, y)
        node.require(depth * 255 * 255 << max(shift, 0) <= _INT32_MAX, "sums that may overflow int32")
    params = Params(
        "mltk_batch_matmul",
        {
            "batch": pad_front(list(batch), 1, 3),
            "step_a": pad_front(_steps(a, len(batch)), 0, 3),
            "step_b": pad_front(_steps(b, len(batch)), 0, 3),
            "rows": rows,
            "depth": depth,
            "columns": columns,
            "a_row": left["row"],
            "a_column": left["column"],
            "b_row": right["row"],
            "b_column": right["column"],
            "zero_a": int(a.zero_point[0]),
            "zero_b": int(b.zero_point[0]),
            "zero_out": int(y.zero_point[0]),
            "multiplier": multiplier,
            "shift": shift,
        },
    )
    first, second, target = context.input(0), context.input(1), context.output()
    arguments = (params, Ref(first), Ref(second), Ref(target))
    function = "mltk_batch_matmul_s16" if is_int16 else "mltk_batch_matmul_s8"
    context.call("mltk_batch_matmul", function, *arguments, reads=(first, second), writes=(target,))


def _matrix(t: Tensor, is_transposed: bool) -> dict[str, Any]:
    """Return the shape of the last two axes, and the distances of neighbors."""
    rows, columns = t.shape[-2:]
    if is_transposed:
        return {"shape": (columns, rows), "row": 1, "column": columns}
    return {"shape": (rows, columns), "row": columns, "column": 1}


def _steps(t: Tensor, rank: int) -> list[int]:
    """Return the distances of neighboring matrices; 0 where a matrix is repeated."""
    steps, step = [], t.shape[-2] * t.shape[-1]
    for size in reversed(t.shape[:-2]):
        steps.append(step if size > 1 else 0)
        step *= size
    return pad_front(steps[::-1], 0, rank)


@lowering("GATHER")
def lower_gather(context: Context) -> None:
    """GATHER along an axis, by int32 positions that are constant or computed."""
    node = context.node
    x, positions, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require(x.type_name in ("INT8", "FLOAT32") and y.type_name == x.type_name, f"{x.type_name} tensor")
    node.require(positions.type_name == "INT32", f"{positions.type_name} positions")
    rank = len(x.shape)
    axis, batch = node.option("axis", 0), node.option("batchDims", 0)
    axis, batch = axis + rank if axis < 0 else axis, batch + len(positions.shape) if batch < 0 else batch
    node.require(0 <= batch <= axis < rank and batch <= len(positions.shape), "axes outside the tensors")
    node.require(x.shape[:batch] == positions.shape[:batch], "positions that do not fit the tensor")
    if (given := node.static[1]) is not None:
        node.require(np.all((given >= 0) & (given < x.shape[axis])), "a position outside the tensor")
    sizes = {
        "batch": int(np.prod(x.shape[:batch])),
        "outer": int(np.prod(x.shape[batch:axis])),
        "axis": x.shape[axis],
        "positions": int(np.prod(positions.shape[batch:])),
        "bytes": int(np.prod(x.shape[axis + 1 :])) * (4 if x.type_name == "FLOAT32" else 1),
    }
    size = sizes["batch"] * sizes["outer"] * sizes["positions"] * sizes["bytes"]
    node.require(size == y.nbytes, "an output size that does not follow from its inputs")
    first, second, target = context.input(0), context.input(1), context.output()
    arguments = (Params("mltk_gather_sizes", sizes), Ref(first), Ref(second), Ref(target))
    context.call("mltk_gather", "mltk_gather", *arguments, reads=(first, second), writes=(target,))
