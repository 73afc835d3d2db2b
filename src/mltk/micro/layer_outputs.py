"""What every layer of a model computes, by any engine.

The file is changed so that each operator's output is an output of the model; nothing else is, so the numbers are
those of the unchanged model, and any engine can run it, in a child process too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.micro.engines.run import run_batch
from mltk.tflite.graph import Graph, Tensor, read_graph


@dataclass(frozen=True)
class LayerOutput:
    """One output of one operator. ``values``: (samples, *shape without the batch dimension of 1), model's dtype."""

    index: int
    operator: str
    tensor: Tensor
    values: np.ndarray = field(repr=False)

    def to_float(self) -> np.ndarray:
        """``values`` in real units: (value − zero point) × scale where quantized, float64."""
        return dequantize(self.values, self.tensor)


def dequantize(values: np.ndarray, tensor: Tensor) -> np.ndarray:
    """``values`` of ``tensor`` in real units, float64; unchanged where it isn't quantized per tensor."""
    wide = np.asarray(values, np.float64)
    if tensor.scale.size != 1 or tensor.zero_point.size != 1:
        return wide
    return (wide - float(tensor.zero_point[0])) * float(tensor.scale[0])


def observable(graph: Graph) -> list[tuple[int, str, int]]:
    """(operator index, operator name, tensor index) of each output of the main subgraph that has values to show."""
    return [
        (op.index, op.name, i)
        for op in graph.main.operators
        for i in op.outputs
        if i >= 0 and graph.main.tensors[i].dtype is not None and not graph.main.tensors[i].is_variable
    ]


def expose_layers(model: bytes) -> bytes:
    """``model`` with all of :func:`observable` as its outputs, in that order."""
    from mltk.tflite.format.codec import pack, unpack

    graph = read_graph(model)
    parsed, _ = unpack(bytes(model))
    parsed.subgraphs[0].outputs = np.array([i for _, _, i in observable(graph)], np.int32)
    parsed.signatureDefs = None  # they name outputs that there no longer are
    return pack(parsed, bytes(model))


def run_layers(
    model: bytes, inputs: np.ndarray | Sequence[np.ndarray], *, engine: str = "auto", **options: Any
) -> list[LayerOutput]:
    """Every layer's outputs for every sample, in execution order.

    ``inputs``, ``engine`` and ``options`` as for :func:`~mltk.micro.engines.run.run_batch`. All outputs of all
    samples are held in memory: meant for a few samples.
    """
    graph = read_graph(model)
    result = run_batch(expose_layers(model), inputs, engine=engine, **options)
    return [
        LayerOutput(op, name, graph.main.tensors[i], values)
        for (op, name, i), values in zip(observable(graph), result.outputs, strict=True)
    ]
