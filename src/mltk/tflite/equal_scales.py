"""Repair a mistake of the TensorFlow Lite converter: an operator that moves values, but changes their scale.

REVERSE_V2 and similar operators copy int8 values from one place to another. So input and output need one scale. If the
output is an operand of a CONCATENATION, the converter gives it the scale of the other operand. The model then computes
wrong values, and nothing says so. Each bidirectional layer that returns sequences is an example. A QUANTIZE after the
operator makes the values right.
"""

from __future__ import annotations

import copy
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from mltk.tflite.model import TfliteModel

_MOVING = {
    getattr(schema.BuiltinOperator, name): source
    for name, source in {
        "REVERSE_V2": 0,
        "RESHAPE": 0,
        "SQUEEZE": 0,
        "EXPAND_DIMS": 0,
        "TRANSPOSE": 0,
        "GATHER": 0,
        "SLICE": 0,
        "STRIDED_SLICE": 0,
        "TILE": 0,
        "UNPACK": 0,
        "SPLIT": 1,
        "SPLIT_V": 0,
        "PACK": 0,
    }.items()
}
"""Operator code → number of the operand whose values the kernel copies."""
_INTEGERS = (schema.TensorType.INT8, schema.TensorType.INT16, schema.TensorType.UINT8)


def repair_scales(tflite_model: TfliteModel) -> int:
    """Add a QUANTIZE after each operator that copies values into a tensor of another scale.

    The change is written with the next `TfliteModel.regenerate_flatbuffer`.

    Args:
        tflite_model: The model; it changes.

    Returns:
        The number of operators that were added.
    """
    model = tflite_model.flatbuffer_model
    n_added = 0
    for subgraph in model.subgraphs:
        operators: list[Any] = []
        for operator in subgraph.operators:
            operators.append(operator)
            for wrong in _wrong_outputs(model, subgraph, operator):
                right = copy.copy(subgraph.tensors[operator.outputs[wrong]])
                right.quantization = copy.copy(subgraph.tensors[_source(model, operator)].quantization)
                right.name = bytes(right.name or b"") + b";moved"
                subgraph.tensors.append(right)
                outputs = [int(i) for i in operator.outputs]
                target, outputs[wrong] = outputs[wrong], len(subgraph.tensors) - 1
                operator.outputs = outputs
                operators.append(_quantize(model, outputs[wrong], target))
                n_added += 1
        subgraph.operators = operators
    return n_added


def _code(model: Any, operator: Any) -> int:
    entry = model.operatorCodes[operator.opcodeIndex]
    return max(int(entry.builtinCode), int(entry.deprecatedBuiltinCode))


def _source(model: Any, operator: Any) -> int:
    return int(operator.inputs[_MOVING[_code(model, operator)]])


def _wrong_outputs(model: Any, subgraph: Any, operator: Any) -> list[int]:
    """Return the numbers of the outputs that have another scale or zero point than the values copied into them."""
    if _code(model, operator) not in _MOVING:
        return []
    source = subgraph.tensors[_source(model, operator)]
    if source.type not in _INTEGERS:
        return []
    wanted = _scale_of(source)
    outputs = [subgraph.tensors[i] for i in operator.outputs]
    return [
        i for i, output in enumerate(outputs) if None not in (wanted, _scale_of(output)) and _scale_of(output) != wanted
    ]


def _scale_of(tensor: Any) -> tuple[float, int] | None:
    quantization = tensor.quantization
    if quantization is None or quantization.scale is None or len(quantization.scale) != 1:
        return None
    return float(quantization.scale[0]), int(quantization.zeroPoint[0])


def _quantize(model: Any, source: int, target: int) -> Any:
    quantize = schema.BuiltinOperator.QUANTIZE
    codes = [max(int(c.builtinCode), int(c.deprecatedBuiltinCode)) for c in model.operatorCodes]
    if quantize not in codes:
        entry = schema.OperatorCodeT()
        entry.builtinCode = entry.deprecatedBuiltinCode = quantize
        entry.version = 1
        model.operatorCodes.append(entry)
        codes.append(quantize)
    operator = schema.OperatorT()
    operator.opcodeIndex = codes.index(quantize)
    operator.inputs, operator.outputs = [source], [target]
    operator.builtinOptionsType = schema.BuiltinOptions.QuantizeOptions
    operator.builtinOptions = schema.QuantizeOptionsT()
    return operator
