"""UNIDIRECTIONAL_SEQUENCE_LSTM and SVDF: layers that keep state in variable tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mltk.codegen.lowering.context import Context, lowering
from mltk.codegen.program import Constant, Params, Ref, Scratch
from mltk.micro.exact.node import Node
from mltk.tflite.fixed_point import quantize_multiplier
from mltk.tflite.graph import Tensor
from mltk.tflite.types import TfliteActivation

_GATES = ("input", "forget", "cell", "output")  # in the order of the operator's inputs
_IN_WEIGHTS, _HIDDEN_WEIGHTS, _BIAS, _HIDDEN, _CELL = 1, 5, 12, 18, 19  # first inputs of each kind
_UNUSED = (*range(9, 12), 16, 17, *range(20, 24))  # peepholes, projection, normalization: TFLM ignores or lacks them
_SUM_SCALE, _GATE_SCALE = 2.0**-12, 2.0**-15


@lowering("UNIDIRECTIONAL_SEQUENCE_LSTM")
def lower_lstm(context: Context) -> None:
    """UNIDIRECTIONAL_SEQUENCE_LSTM with int8 activations. Its two states are kept from one inference to the next."""
    node = context.node
    x, y, hidden, cell = node.tensor(0), node.outputs[0], node.tensor(_HIDDEN), node.tensor(_CELL)
    node.require_int8(x, y, hidden)
    node.require(cell.type_name == "INT16" and cell.scale.size == 1, f"{cell.type_name} cell state")
    node.require(hidden.is_variable and cell.is_variable, "states that are not variables")
    for i in _UNUSED:
        node.require(i >= len(node.inputs) or node.inputs[i] is None, f"input {i}: only a basic LSTM has a kernel in C")
    activation = node.option("fusedActivationFunction", 0)
    node.require(activation == TfliteActivation.TANH, f"activation {activation}, not TANH")
    node.require(len(x.shape) == 3 and len(y.shape) == 3, "not three-dimensional")
    power = _power_of_two(node, float(cell.scale[0]))
    fields = {
        **_sizes(node, x, hidden),
        **{name: _gate(node, k, x, hidden) for k, name in enumerate(_GATES)},
        **_product("forget", _GATE_SCALE * float(cell.scale[0]), float(cell.scale[0])),
        **_product("input", _GATE_SCALE * _GATE_SCALE, float(cell.scale[0])),
        **_product("hidden", _GATE_SCALE * _GATE_SCALE, float(hidden.scale[0])),
        "hidden_zero_point": int(hidden.zero_point[0]),
        "cell_limit": _cell_limit(node, cell),
        "cell_multiplier": 3 << max(power + 12, 0),
        "cell_right": max(-power - 12, 0),
    }
    for name in ("forget", "input", "hidden"):
        node.require(1 << 30 + max(fields[f"{name}_shift"], 0) <= (1 << 31) - 1, "an output scale too fine")
    node.require(-30 <= power + 12 <= 14, "a scale of the cell state too coarse or too fine")
    states = [node.op.inputs[i] for i in (_HIDDEN, _CELL)]
    source, target = context.input(0), context.output()
    scratch = Scratch(4 * fields["state_size"], "int16_t")
    arguments = (Params("mltk_lstm", fields), Ref(source), Ref(target), Ref(states[0]), Ref(states[1]), scratch)
    reads, writes = (source, *states), (target, *states)
    context.call("mltk_lstm", "mltk_lstm_s8", *arguments, reads=reads, writes=writes)


def _sizes(node: Node, x: Tensor, hidden: Tensor) -> dict[str, int]:
    y = node.outputs[0]
    first, second, in_size = x.shape
    size = hidden.shape[-1]
    by_time = bool(node.option("timeMajor", False))
    batch, steps = (second, first) if by_time else (first, second)
    node.require(y.shape == (first, second, size), "an output size that does not follow from the state")
    node.require(hidden.size == batch * size and node.tensor(_CELL).size == batch * size, "states of another size")
    return {
        "batch": batch,
        "steps": steps,
        "in_size": in_size,
        "state_size": size,
        "in_step_batch": in_size if by_time else steps * in_size,
        "in_step_time": batch * in_size if by_time else in_size,
        "out_step_batch": size if by_time else steps * size,
        "out_step_time": batch * size if by_time else size,
    }


def _gate(node: Node, k: int, x: Tensor, hidden: Tensor) -> dict[str, Any]:
    bias = node.constant(_BIAS + k).ravel()
    size = hidden.shape[-1]
    node.require(bias.size == size and node.tensor(_BIAS + k).type_name == "INT32", "a bias that does not fit")
    fields: dict[str, Any] = {}
    for name, i, source, offset in (("in", _IN_WEIGHTS, x, bias), ("hidden", _HIDDEN_WEIGHTS, hidden, None)):
        w, tensor = node.constant(i + k), node.tensor(i + k)
        node.require(w.dtype == np.int8 and tensor.scale.size == 1, "weights that are not int8 with one scale")
        node.require(not np.any(tensor.zero_point), "weights with a zero point")
        node.require(w.shape == (size, source.shape[-1]), "weights of another shape")
        wide = w.astype(np.int64)
        sums = (0 if offset is None else offset.astype(np.int64)) - int(source.zero_point[0]) * wide.sum(axis=1)
        product = np.float64(np.float32(source.scale[0]) * np.float32(tensor.scale[0]))
        multiplier, shift = quantize_multiplier(float(product / _SUM_SCALE))
        most = np.abs(wide).sum(axis=1) * 128 + np.abs(sums)
        node.require(np.all(most << max(shift, 0) < 1 << 31), "sums that may overflow int32")
        fields |= {f"{name}_weights": Constant(f"{name}_weights_{_GATES[k]}", w)}
        fields |= {f"{name}_bias": Constant(f"{name}_bias_{_GATES[k]}", sums.astype(np.int32))}
        fields |= {f"{name}_multiplier": multiplier, f"{name}_shift": shift}
    return fields


def _product(name: str, scale: float, out_scale: float) -> dict[str, int]:
    multiplier, shift = quantize_multiplier(scale / out_scale)
    return {f"{name}_multiplier": multiplier, f"{name}_shift": shift}


def _power_of_two(node: Node, scale: float) -> int:
    power = round(math.log2(scale)) if scale > 0 else 0
    node.require(2.0**power == scale, f"the scale {scale} of the cell state, which is not a power of two")
    return power


def _cell_limit(node: Node, cell: Tensor) -> int:
    """The cell state is clipped to this magnitude; 0 if it is not."""
    clip = float(np.float32(node.option("cellClip", 0.0)))
    return int(min(max(clip / float(cell.scale[0]), -32768.0), 32767.0))


@lowering("SVDF")
def lower_svdf(context: Context) -> None:
    """SVDF with int8 activations. Its state, and the weights over time, are int8 or int16."""
    node = context.node
    x, y, state = node.tensor(0), node.outputs[0], node.tensor(4)
    node.require_int8(x, y)
    features, times = node.constant(1), node.constant(2)
    w, v, rank = node.tensor(1), node.tensor(2), int(node.option("rank", 0))
    node.require(state.is_variable and state.type_name in ("INT8", "INT16"), f"{state.type_name} state")
    node.require(features.dtype == np.int8 and times.dtype == state.dtype, "weights of another type")
    node.require(all(t.scale.size == 1 and not np.any(t.zero_point) for t in (w, v, state)), "a zero point")
    node.require(len(x.shape) == 2 and features.ndim == 2 and times.ndim == 2 and rank > 0, "another form")
    (batch, size), (filters, steps) = x.shape, times.shape
    units = filters // rank
    node.require(features.shape == (filters, size) and units * rank == filters, "weights that do not fit")
    node.require(y.shape == (batch, units) and state.size == batch * filters * steps, "a size that does not fit")
    bias = np.zeros(units, np.int32) if node.inputs[3] is None else node.constant(3).ravel()
    node.require(bias.dtype == np.int32 and bias.size == units, "a bias that does not fit")
    first = quantize_multiplier(float(np.float32(x.scale[0] * w.scale[0] / state.scale[0])))
    second = quantize_multiplier(float(np.float32(state.scale[0] * v.scale[0] / y.scale[0])))
    most = np.abs(features.astype(np.int64)).sum(axis=1) * 255
    node.require(np.all(most << max(first[1], 0) < 1 << 31), "sums that may overflow int32")
    bound = int(-np.iinfo(times.dtype).min)
    sums = (np.abs(times.astype(np.int64)).sum(axis=1) * bound).reshape(units, rank).sum(axis=1) + np.abs(bias)
    node.require(np.all(sums << max(second[1], 0) < 1 << 31), "sums that may overflow int32")
    params = Params(
        "mltk_svdf",
        {
            "batch": batch,
            "in_size": size,
            "units": units,
            "rank": rank,
            "steps": steps,
            "zero_in": int(x.zero_point[0]),
            "zero_out": int(y.zero_point[0]),
            "state_multiplier": first[0],
            "state_shift": first[1],
            "multiplier": second[0],
            "shift": second[1],
            "feature_weights": Constant("feature_weights", features),
            "bias": Constant("bias", bias),
        },
    )
    source, target, kept = context.input(0), context.output(), node.op.inputs[4]
    arguments = (params, Ref(source), Ref(target), Constant("time_weights", times), Ref(kept))
    function = f"mltk_svdf_s{8 * times.itemsize}"
    context.call("mltk_svdf", function, *arguments, reads=(source, kept), writes=(target, kept))
