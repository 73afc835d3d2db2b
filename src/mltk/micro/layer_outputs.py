"""What every layer of a model computes, with any engine.

The file is changed so that each operator's output is an output of the model. Nothing else is changed, so the numbers
are those of the original model. Any engine can run it, in a child process too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.micro.engines.run import run_batch
from mltk.tflite.graph import Graph, GraphSource, Tensor, graph_of
from mltk.tflite.quantization import dequantize


@dataclass(frozen=True)
class LayerOutput:
    """One output of one operator.

    Attributes:
        index: Position of the operator.
        operator: Name of the operator.
        tensor: The output.
        values: Shape (samples, *shape without the batch dimension of 1), in the tensor's dtype.
    """

    index: int
    operator: str
    tensor: Tensor
    values: np.ndarray = field(repr=False)

    def to_float(self) -> np.ndarray:
        """Return ``values`` in real units, float64."""
        return dequantize(self.values, self.tensor, np.float64)


def observable(graph: Graph) -> list[tuple[int, str, int]]:
    """Return (operator index, operator name, tensor index) of each output of the main subgraph that has values."""
    return [
        (op.index, op.name, i)
        for op in graph.main.operators
        for i in op.outputs
        if i >= 0 and graph.main.tensors[i].dtype is not None and not graph.main.tensors[i].is_variable
    ]


def expose_layers(model: GraphSource) -> Graph:
    """Return ``model`` with all tensors of :func:`observable` as its outputs, in that order."""
    graph = graph_of(model)
    return graph.with_outputs([i for _, _, i in observable(graph)])


def run_layers(
    model: GraphSource, inputs: np.ndarray | Sequence[np.ndarray], *, engine: str = "auto", **options: Any
) -> list[LayerOutput]:
    """Compute every layer's outputs for every sample, in execution order.

    All outputs of all samples are held in memory, so this is for a few samples.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        inputs: As for :func:`~mltk.micro.engines.run.run_batch`.
        engine: As for ``run_batch``.
        options: Further arguments of ``run_batch``.
    """
    graph = graph_of(model)
    result = run_batch(expose_layers(graph), inputs, engine=engine, **options)
    return [
        LayerOutput(op, name, graph.main.tensors[i], values)
        for (op, name, i), values in zip(observable(graph), result.outputs, strict=True)
    ]
