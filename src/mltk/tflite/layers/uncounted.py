"""Layers whose cost does not follow from their shapes. Totals without them are incomplete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from mltk.tflite.layers.base import TfliteLayer
from mltk.tflite.tensor import TfliteTensor

_LOOPS = {"while", "if", "call"}
_NOT_COUNTED = {
    "conv_3d", "conv_3d_transpose", "rnn", "lstm", "unidirectional_sequence_rnn", "bidirectional_sequence_rnn",
    "bidirectional_sequence_lstm", "rfft2d",
}  # fmt: skip
# Operators with multiplications that `count_layer` counts, if their tensors are as the operator wants.
_NEED_A_CLASS = {"conv_2d", "depthwise_conv_2d", "transpose_conv", "fully_connected", "unidirectional_sequence_lstm"}
# What the subgraph of CALL_ONCE does in a model with state: it sets the variables, once.
_INITIALIZING = {"VAR_HANDLE", "ASSIGN_VARIABLE", "READ_VARIABLE"}


def uncounted(layer: TfliteLayer) -> str:
    """Return why the multiplications and operations of a layer are unknown; an empty string if they are known."""
    name = layer.opcode_str
    if layer.custom_code:
        if layer.custom_code.lower() == "ethos-u":
            return "Vela has already compiled this part; profile the .tflite from before Vela"
        return f"the custom operator {layer.custom_code} is not counted"
    if name in _LOOPS:
        return f"the operators inside {name.upper()} are not counted"
    if name == "call_once" and (inside := _inside_call_once(layer)):
        return f"the operators inside CALL_ONCE ({', '.join(inside)}) are not counted"
    if name in _NOT_COUNTED or name.startswith("stablehlo_"):
        return f"the multiplications of {name.upper()} are not counted"
    if (name in _NEED_A_CLASS and type(layer) is TfliteLayer) or (name == "svdf" and layer.n_inputs < 3):
        return f"{name.upper()} has other inputs or options than the operator needs"
    for tensor in (*layer.inputs, *layer.outputs):
        if tensor is not None and any(d < 0 for d in signature(tensor)[1:]):
            return f"a dimension is open ({_shape(tensor)})"
    return ""


def _inside_call_once(layer: TfliteLayer) -> list[str]:
    """Return the operators that CALL_ONCE runs, besides those that set variables."""
    model = layer.model.flatbuffer_model
    index = int(getattr(layer.options, "initSubgraphIndex", 0) or 0)
    if not 0 < index < len(model.subgraphs):
        return ["an unknown subgraph"]
    from mltk.tflite.types import operator_name, operator_number

    codes = [model.operatorCodes[op.opcodeIndex] for op in model.subgraphs[index].operators or ()]
    names = [operator_name(operator_number(code)).upper() for code in codes]
    return sorted({name for name in names if name not in _INITIALIZING})


def signature(tensor: TfliteTensor) -> tuple[int, ...]:
    """Return the shape of a tensor with -1 for each open dimension."""
    stored = tensor.raw.shapeSignature
    return tuple(tensor.shape) if stored is None or not len(stored) else tuple(int(d) for d in stored)


def _shape(tensor: TfliteTensor) -> str:
    return "x".join("?" if d < 0 else str(d) for d in signature(tensor))


class _HasTensors(Protocol):
    @property
    def inputs(self) -> Sequence[TfliteTensor]: ...
    @property
    def outputs(self) -> Sequence[TfliteTensor]: ...


def open_length(model: _HasTensors) -> str:
    """Return why an open first dimension of a model is a length; an empty string if it is the batch.

    It is the batch if it is the first of several dimensions, in all inputs. Every figure is for a batch of one then.
    """
    opened = [t for t in model.inputs if signature(t)[:1] == (-1,)]
    for tensor in opened:
        if len(signature(tensor)) == 1:
            return f"the only dimension of the input {tensor.name!r} is open (?)"
    if opened and len(opened) < len(model.inputs):
        return (
            f"the first dimension of the input {opened[0].name!r} is open ({_shape(opened[0])}), but not of all inputs"
        )
    return ""


def uncounted_layers(model: Any) -> dict[int, str]:
    """Return index → reason of each layer of the selected subgraph whose cost is unknown."""
    why = open_length(model)
    return {layer.index: reason for layer in model.layers if (reason := uncounted(layer) or why)}
