"""The operators that TensorFlow Lite Micro has, and what its kernels are known to crash on.

The table comes from TFLM's wheel and is stored with this package, so it works without the wheel.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import Any

from mltk.tflite.graph import Graph, Operator, Subgraph


@lru_cache(maxsize=1)
def operator_table() -> dict[str, Any]:
    """Read the table from the package.

    Returns:
        ``builtin`` and ``custom``: names of the operators. ``runtime`` and ``version``: the wheel they come from.
        ``cautions``: operator name → the condition under which its kernel crashes.
    """
    text = files("mltk.micro.engines").joinpath("tflm_operators.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


def missing_operators(graph: Graph) -> list[str]:
    """Return the names of the operators of ``graph`` that the table lacks, sorted, each once."""
    table = operator_table()
    known = {False: set(table["builtin"]), True: set(table["custom"])}
    return sorted({op.name for g in graph.subgraphs for op in g.operators if op.name not in known[op.is_custom]})


def known_crashes(graph: Graph) -> list[str]:
    """Return the reasons why TFLM's kernels are known to crash on ``graph``. Each reason names its operator."""
    found = ((op, caution_of(g, op)) for g in graph.subgraphs for op in g.operators)
    return [f"{op.name} (operator {op.index}): {caution}" for op, caution in found if caution]


def caution_of(graph: Subgraph, op: Operator) -> str:
    """Return why TFLM's kernel is known to crash on the operator ``op`` of ``graph``; an empty string if it is not."""
    entry = operator_table()["cautions"].get(op.name)
    if entry is None:
        return ""
    has_bias = len(op.inputs) > 2 and op.inputs[2] >= 0
    is_int8 = bool(op.inputs) and op.inputs[0] >= 0 and graph.tensors[op.inputs[0]].type_name == "INT8"
    return str(entry["text"]) if entry["condition"] == "no_bias" and is_int8 and not has_bias else ""
