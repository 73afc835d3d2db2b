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


def repair_softmax_scales(tflite_model: TfliteModel) -> int:
    """Raise the scale of each input of an int8 SOFTMAX that is too small.

    The change is written with the next `TfliteModel.regenerate_flatbuffer`.

    Args:
        tflite_model: The model; it changes.

    Returns:
        The number of changed tensors.
    """
    model = tflite_model.flatbuffer_model
    n_changed = 0
    for subgraph in model.subgraphs:
        for operator in subgraph.operators:
            if _code(model, operator) != schema.BuiltinOperator.SOFTMAX:
                continue
            index = int(operator.inputs[0])
            tensor = subgraph.tensors[index]
            if tensor.type not in (schema.TensorType.INT8, schema.TensorType.UINT8):
                continue
            scale = tensor.quantization.scale if tensor.quantization is not None else None
            if scale is None or len(scale) != 1 or scale[0] >= SMALLEST_SCALE:
                continue
            producers = [o for o in subgraph.operators if index in o.outputs]
            consumers = [o for o in subgraph.operators if index in o.inputs]
            if len(consumers) == 1 and len(producers) == 1 and _code(model, producers[0]) in _RESCALING:
                tensor.quantization.scale = [SMALLEST_SCALE]
                n_changed += 1
    return n_changed


def _code(model: Any, operator: Any) -> int:
    entry = model.operatorCodes[operator.opcodeIndex]
    return max(int(entry.builtinCode), int(entry.deprecatedBuiltinCode))
