"""Raise the scale of a SOFTMAX input that is so small that the kernels of TensorFlow Lite end the process.

The int8 kernel multiplies the scale of its input by 2²⁶, and the product must be more than 1. The converter chooses a
smaller scale if all calibration values were almost 0. A deep network with batch normalization is an example, before it
is trained or after a dry run. With a larger scale, the values are still almost 0, and the outputs are the same.
"""

from __future__ import annotations

from typing import Any

from ai_edge_litert import schema_py_generated as schema

from mltk.tflite.model import TfliteModel

SMALLEST_SCALE = 2.0**-25

_RESCALING = {
    getattr(schema.BuiltinOperator, name)
    for name in ("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "SUB", "MUL", "MEAN", "QUANTIZE")
}
"""Operators that compute the scale of their output themselves."""

_MOVING = {getattr(schema.BuiltinOperator, name) for name in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE")}
"""Operators whose output has the values and the scale of their input."""


def repair_softmax_scales(tflite_model: TfliteModel) -> int:
    """Raise the scale of each input of an int8 SOFTMAX that is too small.

    The change is written with the next `TfliteModel.regenerate_flatbuffer`.

    Args:
        tflite_model: The model; it changes.

    Returns:
        The number of SOFTMAX operators whose input changed.
    """
    model = tflite_model.flatbuffer_model
    n_changed = 0
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if _code(model, operator) != schema.BuiltinOperator.SOFTMAX:
                continue
            tensors = _tensors_with_scale(model, subgraph, int(operator.inputs[0]))
            if any(_is_too_small(tensor) for tensor in tensors):
                n_changed += 1
                for tensor in tensors:
                    tensor.quantization.scale = [SMALLEST_SCALE]
    return n_changed


def _tensors_with_scale(model: Any, subgraph: Any, index: int) -> list[Any]:
    """Return this tensor and those that must have its scale; an empty list if the scale cannot be changed."""
    producers = [o for o in subgraph.operators if index in o.outputs]
    consumers = [o for o in subgraph.operators if index in o.inputs]
    if len(producers) != 1 or len(consumers) != 1:
        return []
    code = _code(model, producers[0])
    if code in _RESCALING:
        return [subgraph.tensors[index]]
    before = _tensors_with_scale(model, subgraph, int(producers[0].inputs[0])) if code in _MOVING else []
    return [*before, subgraph.tensors[index]] if before else []


def _is_too_small(tensor: Any) -> bool:
    if tensor.type not in (schema.TensorType.INT8, schema.TensorType.UINT8) or tensor.quantization is None:
        return False
    scale = tensor.quantization.scale
    return scale is not None and len(scale) == 1 and bool(scale[0] < SMALLEST_SCALE)


def _code(model: Any, operator: Any) -> int:
    entry = model.operatorCodes[operator.opcodeIndex]
    return max(int(entry.builtinCode), int(entry.deprecatedBuiltinCode))
