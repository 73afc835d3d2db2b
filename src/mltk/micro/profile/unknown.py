"""Layers whose cost does not follow from their shapes. Their cost is unknown, so the model keeps no limit."""

from __future__ import annotations

from mltk.tflite.graph import Graph, Operator

_LOOPS = {"WHILE", "IF", "CALL", "STABLEHLO_WHILE", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE"}
_NOT_COUNTED = {
    "CONV_3D", "CONV_3D_TRANSPOSE", "RNN", "LSTM", "UNIDIRECTIONAL_SEQUENCE_RNN", "BIDIRECTIONAL_SEQUENCE_RNN",
    "BIDIRECTIONAL_SEQUENCE_LSTM", "RFFT2D", "STABLEHLO_CONVOLUTION", "STABLEHLO_DOT_GENERAL",
}  # fmt: skip


def unknown_cost(graph: Graph, operator: Operator) -> str:
    """Return why the cost of an operator of the main subgraph is unknown; an empty string if it is known."""
    if operator.name in _LOOPS:
        return f"the operators inside {operator.name} are not counted"
    if operator.name in _NOT_COUNTED:
        return f"the multiplications of {operator.name} are not counted"
    if operator.is_custom and operator.name.lower() == "ethos-u":
        return "Vela has already compiled this part; profile the .tflite from before Vela"
    if operator.is_custom:
        return f"the custom operator {operator.name} is not counted"
    tensors = graph.model.subgraphs[0].tensors
    for index in (*operator.inputs, *operator.outputs):
        signature = tensors[index].shapeSignature if index >= 0 else None
        if signature is not None and any(d < 0 for d in list(signature)[1:]):
            shape = "x".join("?" if d < 0 else str(d) for d in signature)
            return f"a dimension is open ({shape})"
    return ""
