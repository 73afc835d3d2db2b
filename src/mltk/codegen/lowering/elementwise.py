"""Functions of one value (as tables), of two values, and SOFTMAX."""

from __future__ import annotations

import itertools

import numpy as np

from mltk.codegen.lowering.context import Context, lowering
from mltk.codegen.program import Constant, Params, Ref
from mltk.micro.exact import fixed_point as fx
from mltk.micro.exact.node import BUILDERS, Node, activation_range
from mltk.tflite.fixed_point import quantize_multiplier
from mltk.tflite.graph import Tensor

_INT8 = np.arange(-128, 128).astype(np.int8)
_RANK = 4  # of the binary kernels
_FLOAT_FUNCTIONS = {"NEG": "mltk_neg_f32", "SQUARE": "mltk_square_f32"}  # the converter leaves them in float


@lowering("LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "ELU", "HARD_SWISH", "ABS", "NEG", "RSQRT", "SQUARE")
def lower_function(context: Context) -> None:
    """A function of one int8 value: the table that the exact kernels use."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    if node.op.name in _FLOAT_FUNCTIONS and x.type_name == y.type_name == "FLOAT32":
        source, target = context.input(0), context.output()
        arguments = (Ref(source), Ref(target), x.size)
        function = _FLOAT_FUNCTIONS[node.op.name]
        context.call("mltk_float", function, *arguments, reads=(source,), writes=(target,), in_place=(source,))
        return
    node.require(node.op.name in BUILDERS, "a function without an exact kernel")
    node.require_int8(x, y)
    _lookup(context)


@lowering("QUANTIZE")
def lower_quantize(context: Context) -> None:
    """QUANTIZE: float32 to int8, or int8 to int8 or uint8 of another scale."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    if x.type_name == "FLOAT32":
        node.require_int8(y)
        _require_usual_scale(node, float(y.scale[0]))
        source, target = context.input(0), context.output()
        arguments = (float(y.scale[0]), int(y.zero_point[0]), Ref(source), Ref(target), x.size)
        # Each value is read before its place is written.
        context.call(
            "mltk_convert", "mltk_quantize_f32", *arguments, reads=(source,), writes=(target,), in_place=(source,)
        )
        return
    _lookup(context)


@lowering("DEQUANTIZE")
def lower_dequantize(context: Context) -> None:
    """DEQUANTIZE: int8 to float32."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x)
    node.require(y.type_name == "FLOAT32", f"{y.type_name} output")
    _require_usual_scale(node, float(x.scale[0]))
    source, target = context.input(0), context.output()
    arguments = (float(x.scale[0]), int(x.zero_point[0]), Ref(source), Ref(target), x.size)
    context.call("mltk_convert", "mltk_dequantize_f32", *arguments, reads=(source,), writes=(target,))


def _require_usual_scale(node: Node, scale: float) -> None:
    """Require a scale for which the kernels need no care for the smallest and largest floats."""
    node.require(2.0**-90 < scale < 2.0**90, f"the scale {scale}")


def _lookup(context: Context) -> None:
    node = context.node
    table = BUILDERS[node.op.name](node)(_INT8[None])[0].ravel()
    source, target = context.input(0), context.output()
    context.call(
        "mltk_elementwise",
        "mltk_lookup_s8",
        Constant("table", table.view(np.int8)),
        Ref(source),
        Ref(target),
        node.tensor(0).size,
        reads=(source,),
        writes=(target,),
        in_place=(source,),
    )


@lowering("ADD", "SUB")
def lower_add(context: Context) -> None:
    """ADD and SUB: both inputs are scaled to twice the larger scale with 20 more bits."""
    node = context.node
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require_int8(a, b, y)
    signs = [1, 1 if node.op.name == "ADD" else -1]
    order = (0, 1) if a.scale[0] >= b.scale[0] else (1, 0)
    small = node.tensor(order[1])
    twice = 2.0 * max(float(a.scale[0]), float(b.scale[0]))
    mb, my = (quantize_multiplier(r) for r in (float(small.scale[0]) / twice, twice / ((1 << 20) * float(y.scale[0]))))
    node.require(my[1] < 0, "an output scale too fine")
    fields = {
        "sign_a": signs[order[0]],
        "sign_b": signs[order[1]],
        "multiplier_b": mb[0],
        "shift_b": mb[1],
        "multiplier_out": my[0],
        "shift_out": my[1],
    }
    _binary(context, "mltk_add_s8", fields, activation_range(node, y), order)


@lowering("MUL")
def lower_mul(context: Context) -> None:
    """MUL: the product of both inputs, scaled to the output."""
    node = context.node
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require_int8(a, b, y)
    real = np.float64(a.scale[0]) * np.float64(b.scale[0]) / np.float64(y.scale[0])
    my = quantize_multiplier(float(real))
    node.require(65025 << max(my[1], 0) < 1 << 31, "an output scale too fine")
    fields = {"multiplier_out": my[0], "shift_out": my[1]}
    _binary(context, "mltk_mul_s8", fields, activation_range(node, y))


@lowering("SQUARED_DIFFERENCE")
def lower_squared_difference(context: Context) -> None:
    """SQUARED_DIFFERENCE: both inputs are scaled to twice the larger scale with 7 more bits."""
    node = context.node
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require_int8(a, b, y)
    order = (0, 1) if a.scale[0] >= b.scale[0] else (1, 0)
    small = node.tensor(order[1])
    twice = 2.0 * max(float(a.scale[0]), float(b.scale[0]))
    mb, my = (
        quantize_multiplier(r) for r in (float(small.scale[0]) / twice, twice**2 / ((1 << 14) * float(y.scale[0])))
    )
    node.require(my[1] <= 0, "an output scale too fine")
    fields = {"multiplier_b": mb[0], "shift_b": mb[1], "multiplier_out": my[0], "shift_out": my[1]}
    _binary(context, "mltk_squared_difference_s8", fields, (-128, 127), order, family="mltk_squared_difference")


@lowering("MAXIMUM", "MINIMUM")
def lower_maximum(context: Context) -> None:
    """MAXIMUM and MINIMUM. TFLM does not rescale."""
    node = context.node
    node.require_int8(node.tensor(0), node.tensor(1), node.outputs[0])
    _binary(context, "mltk_maximum_s8" if node.op.name == "MAXIMUM" else "mltk_minimum_s8", {}, (-128, 127))


def _binary(
    context: Context,
    function: str,
    fields: dict[str, int],
    limits: tuple[int, int],
    order: tuple[int, int] = (0, 1),
    *,
    family: str = "mltk_elementwise",
) -> None:
    """Append a call of a kernel with two inputs. ``order`` tells which inputs are the kernel's first and second."""
    node = context.node
    a, b, y = node.tensor(order[0]), node.tensor(order[1]), node.outputs[0]
    size, steps = binary_axes(node, a, b, y)
    first, second = (context.input(i) for i in order)
    whole = tuple(t for t, v in ((first, a), (second, b)) if v.size == y.size)
    params = Params(
        "mltk_binary",
        {
            "size": pad_front(size, 1, _RANK),
            "step_a": pad_front(steps[0], 0, _RANK),
            "step_b": pad_front(steps[1], 0, _RANK),
            "zero_a": int(a.zero_point[0]),
            "zero_b": int(b.zero_point[0]),
            "zero_out": int(y.zero_point[0]),
            **fields,
            "low": limits[0],
            "high": limits[1],
        },
    )
    target = context.output()
    arguments = (params, Ref(first), Ref(second), Ref(target))
    context.call(family, function, *arguments, reads=(first, second), writes=(target,), in_place=whole)


def binary_axes(node: Node, a: Tensor, b: Tensor, y: Tensor) -> tuple[list[int], list[list[int]]]:
    """Return the axes that an operator with two inputs runs over: sizes, and for each input the steps."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    node.require(int(np.prod(shape)) == y.size, "an output size that does not follow from its inputs")
    size, steps = merged_axes(shape, [_steps(t.shape, shape) for t in (a, b)])
    node.require(len(size) <= _RANK, "broadcasting over too many dimensions")
    return size, steps


def _steps(shape: tuple[int, ...], whole: tuple[int, ...]) -> list[int]:
    """Return the distance of neighbors along each axis of ``whole``; 0 where the value is repeated."""
    padded = (1,) * (len(whole) - len(shape)) + tuple(shape)
    steps, step = [], 1
    for size in reversed(padded):
        steps.append(step if size > 1 else 0)
        step *= size
    return steps[::-1]


def merged_axes(shape: tuple[int, ...], steps: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Merge neighboring axes that are one axis for all arrays, and drop axes of size 1.

    Args:
        shape: Size of each axis.
        steps: For each array, the distance of neighbors along each axis.

    Returns:
        The merged sizes and steps.
    """
    axes: list[tuple[int, tuple[int, ...]]] = []
    for size, step in zip(shape, zip(*steps, strict=True), strict=True):
        if size == 1:
            continue
        if axes and all(outer == inner * size for outer, inner in zip(axes[-1][1], step, strict=True)):
            axes[-1] = (axes[-1][0] * size, step)
        else:
            axes.append((size, step))
    return [size for size, _ in axes], [[step[i] for _, step in axes] for i in range(len(steps))]


def pad_front(values: list[int], fill: int, rank: int) -> list[int]:
    """Return ``values`` with ``fill`` before them, so that there are ``rank``."""
    return [*itertools.repeat(fill, rank - len(values)), *values]


@lowering("SOFTMAX")
def lower_softmax(context: Context) -> None:
    """SOFTMAX over the last axis, int8 in and out."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    node.require(float(y.scale[0]) == 1 / 256 and int(y.zero_point[0]) == -128, "an output scale other than 1/256")
    node.require(len(x.shape) >= 1 and 0 < x.shape[-1] < 4096, "too many classes")
    real = min(float(np.float32(node.option("beta", 1.0))) * float(x.scale[0]) * (1 << 26), (1 << 31) - 1.0)
    node.require(real > 1.0, "an input scale too small")
    multiplier, shift = quantize_multiplier(real)
    params = Params(
        "mltk_softmax",
        {
            "rows": x.size // x.shape[-1],
            "size": x.shape[-1],
            "multiplier": multiplier,
            "shift": shift,
            "smallest_difference": -fx.input_radius(5, shift),
        },
    )
    source, target = context.input(0), context.output()
    arguments = (params, Ref(source), Ref(target))
    context.call("mltk_softmax", "mltk_softmax_s8", *arguments, reads=(source,), writes=(target,), in_place=(source,))


@lowering("L2_NORMALIZATION")
def lower_l2_normalization(context: Context) -> None:
    """L2_NORMALIZATION over the last axis. TFLM does not look at the output's scale, which must be 1/128."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    node.require(node.option("fusedActivationFunction", 0) == 0, "a fused activation")
    node.require(float(y.scale[0]) == 1 / 128 and int(y.zero_point[0]) == 0, "an output scale other than 1/128")
    node.require(x.shape == y.shape and 0 < x.shape[-1] <= 1 << 15, "rows that are too long")
    source, target, size = context.input(0), context.output(), x.shape[-1]
    arguments = (int(x.zero_point[0]), Ref(source), Ref(target), x.size // size, size)
    family, function = "mltk_l2_normalization", "mltk_l2_normalization_s8"
    context.call(family, function, *arguments, reads=(source,), writes=(target,), in_place=(source,))
