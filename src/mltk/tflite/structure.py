"""The structure of a ``.tflite``: its tensors and operators, without the values of constants, names and metadata.

Two files with the same structure need the same memory. Other weights, another description and other parameters do not
change it.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from mltk.tflite.graph import Graph, Subgraph


def structure_hash(graph: Graph) -> str:
    """Return a number of the structure of a model, in 32 hexadecimal digits."""
    text = json.dumps([_subgraph(subgraph) for subgraph in graph.subgraphs], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _subgraph(graph: Subgraph) -> list[Any]:
    tensors = [
        [t.type_name, t.shape, t.is_variable, int(t.scale.size), 0 if t.data is None else t.data.nbytes]
        for t in graph.tensors
    ]
    operators = [[op.name, op.version, op.inputs, op.outputs, _options(op.options)] for op in graph.operators]
    return [tensors, operators, graph.inputs, graph.outputs]


def _options(options: Any) -> Any:
    """Return the fields of an options object as plain data. An empty field and a missing field are the same."""
    if options is None or isinstance(options, bool | int | float | str):
        return options or 0
    if isinstance(options, bytes):
        return options.decode("utf-8", "backslashreplace") or 0
    if hasattr(options, "tolist"):
        return options.tolist() or 0
    if isinstance(options, list | tuple):
        return [_options(item) for item in options] or 0
    return {name: _options(value) for name, value in sorted(vars(options).items())}
