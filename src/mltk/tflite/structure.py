"""What two ``.tflite`` files have in common: the same structure, or the same network.

Two files with the same structure need the same memory. Two files with the same network compute the same outputs from
the same inputs. Another description and other parameters change neither.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np

from mltk.tflite.graph import Graph, Subgraph, Tensor


def structure_hash(graph: Graph) -> str:
    """Return a number of the structure of a model, in 32 hexadecimal digits.

    The structure is the tensors and operators, without the values of constants, names and metadata.
    """
    text = json.dumps([_subgraph(subgraph) for subgraph in graph.subgraphs], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def network_hash(graph: Graph) -> str:
    """Return a number of the structure, the constants, the quantization and the names of tensors, in 64 digits."""
    digest = hashlib.sha256(structure_hash(graph).encode())
    for subgraph in graph.subgraphs:
        for tensor in subgraph.tensors:
            for part in _contents(tensor):
                digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def _contents(tensor: Tensor) -> tuple[bytes, ...]:
    constant = b"" if tensor.data is None else np.ascontiguousarray(tensor.data).tobytes()
    scales = np.asarray(tensor.scale, np.float32).tobytes()
    zeros = np.asarray(tensor.zero_point, np.int64).tobytes()
    return (tensor.name.encode(), constant, scales, zeros, str(tensor.quantized_dimension).encode())


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
