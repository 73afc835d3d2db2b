"""Dilated convolutions whose border TensorFlow Lite Micro fills with a wrong value.

Some converters write a dilated one-dimensional convolution as SPACE_TO_BATCH_ND, a convolution and BATCH_TO_SPACE_ND.
SPACE_TO_BATCH_ND pads. TensorFlow Lite fills the border with the zero point, which stands for 0. TensorFlow Lite Micro
fills it with a number that it allocates in the arena and never sets (``SpaceToBatchParams`` in its kernel
``space_to_batch_nd.cc``). In an arena that starts as zeros, it is 0, which stands for another value unless the zero
point is 0. In other memory, for example from ``malloc``, it can be any number.
"""

from __future__ import annotations

import numpy as np

from mltk.tflite.graph import GraphSource, Operator, Subgraph, graph_of

_DEPTH = 4  # operators between both ends of a dilated convolution: the convolution, a sum, an activation, and reshapes


def wrong_borders(model: GraphSource) -> list[str]:
    """Return a text for each operator whose border is wrong on the device, or may be, which says what to do.

    Padding whose results BATCH_TO_SPACE_ND cuts off does no harm: the converter adds it to make blocks whole.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
    """
    graph = graph_of(model).main
    return [_text(graph, op) for op in graph.operators if op.name == "SPACE_TO_BATCH_ND" and _matters(graph, op)]


def _matters(graph: Subgraph, op: Operator) -> bool:
    """Return whether there is a border that stays."""
    if len(op.inputs) != 3 or min(op.inputs) < 0:  # a damaged file
        return False
    if graph.tensors[op.inputs[0]].type_name not in ("INT8", "INT16"):
        return False
    widths = graph.tensors[op.inputs[2]].data
    if widths is None or widths.size % 2:
        return True
    begin, end = np.reshape(widths, (-1, 2)).T
    crops = _cut_off(graph, op)
    return bool(np.any(begin) or np.any(end > (0 if crops is None else crops)))


def _cut_off(graph: Subgraph, op: Operator) -> np.ndarray | None:
    """Return what the following BATCH_TO_SPACE_ND cuts off at the end of each axis; None if there is none."""
    followed = set(op.outputs)
    for later in graph.operators[op.index + 1 :][: 2 * _DEPTH]:
        if not followed.intersection(later.inputs):
            continue
        if later.name == "BATCH_TO_SPACE_ND":
            crops = graph.tensors[later.inputs[-1]].data
            return None if crops is None or crops.size % 2 else np.reshape(crops, (-1, 2))[:, 1]
        followed.update(later.outputs)
    return None


def _text(graph: Subgraph, op: Operator) -> str:
    x, y = graph.tensors[op.inputs[0]], graph.tensors[op.outputs[0]]
    layer = y.name.split(";")[0].rpartition("/")[0] or y.name
    zero_point = int(x.zero_point.flat[0]) if x.zero_point.size else 0
    which = f"The border of the dilated layer {layer!r}"
    where = f"(operator {op.index}, SPACE_TO_BATCH_ND)"
    if zero_point == 0:
        return (
            f"{which} is right only in an arena that starts as zeros {where}: TensorFlow Lite Micro fills it with a "
            "number that it never sets. A static array starts as zeros. Fill other memory with 0 before you create "
            "the interpreter."
        )
    return (
        f"{which} is wrong on the device {where}: TensorFlow Lite Micro fills it with a number that it never sets, "
        f"instead of the zero point {zero_point}. The number is 0 in an arena that starts as zeros. Pad before the "
        "layer, with keras.layers.ZeroPadding1D, and give the layer padding='valid'. Or convert the model again: newer "
        "converters write CONV_2D with a dilation, which is right."
    )
