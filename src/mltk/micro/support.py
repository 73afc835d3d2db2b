"""Find out what TensorFlow Lite Micro will refuse.

There are two sources. The first is a table of the operators that TFLM has; it works without TFLM's wheel. The second is
TFLM itself, if its wheel is installed: it prepares the model in a child process. This also covers what an operator's
*version* stands for. TFLM ignores the number, but refuses types and options that it does not know.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mltk.errors import RuntimeFailure
from mltk.micro.engines.crash import crash_of
from mltk.micro.engines.operators import caution_of, missing_operators, operator_table
from mltk.micro.engines.process import UNTRUSTED_MEMORY_BYTES, WorkerProcess
from mltk.micro.engines.runtimes import have_tflm, host_arena_bytes
from mltk.tflite.graph import Graph, GraphSource, Operator, Subgraph, graph_of
from mltk.workers.child import ChildEndedError


@dataclass(frozen=True)
class OperatorUse:
    """One operator of the model.

    Attributes:
        index: Position in its subgraph.
        subgraph: Index of the subgraph.
        name: Name in the schema, or the own name of a custom operator.
        version: Version that the model asks for.
        is_custom: It is a custom operator.
        types: Names of the types of its tensors.
        supported: TFLM has the operator, and it is not known to crash.
        reason: Why it is not supported.
    """

    index: int
    subgraph: int
    name: str
    version: int
    is_custom: bool
    types: tuple[str, ...]
    supported: bool
    reason: str = ""


@dataclass(frozen=True)
class SupportReport:
    """What `check_support` found.

    Attributes:
        source: Name and version of the table of operators.
        operators: The operators in the order of the file.
        runs: TFLM prepared and ran the model; None if it did not try.
        failure: Why it did not run.
    """

    source: str
    operators: list[OperatorUse]
    runs: bool | None
    failure: str = ""

    @property
    def unsupported(self) -> list[OperatorUse]:
        """Operators that TFLM does not have, or that are known to crash it."""
        return [o for o in self.operators if not o.supported]

    @property
    def ok(self) -> bool:
        """True if no reason is known why TFLM would not run the model."""
        return self.runs is not False and not self.unsupported

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "ok": self.ok}


def check_support(model: GraphSource, *, run: bool = True, timeout_s: float = 60.0) -> SupportReport:
    """Look up every operator of a model in the table of TFLM's operators.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        run: Also let TFLM prepare and run the model once, in a child process.
        timeout_s: Longest time in seconds that the child process may take.

    Raises:
        TfliteError: ``model`` is not a valid ``.tflite``.
    """
    graph = graph_of(model)
    missing = set(missing_operators(graph))
    operators = [_use(g, op, missing) for g in graph.subgraphs for op in g.operators]
    table = operator_table()
    runs, failure = _try(graph, timeout_s) if run else (None, "")
    return SupportReport(f"{table['runtime']} {table['version']}", operators, runs, failure)


def _use(graph: Subgraph, op: Operator, missing: set[str]) -> OperatorUse:
    types = tuple(dict.fromkeys(graph.tensors[i].type_name for i in (*op.inputs, *op.outputs) if i >= 0))
    supported, reason = op.name not in missing, ""
    if not supported:
        reason = f"TensorFlow Lite Micro has no {'custom ' if op.is_custom else ''}operator {op.name}."
    elif caution := caution_of(graph, op):
        supported, reason = False, caution
    return OperatorUse(op.index, graph.index, op.name, op.version, op.is_custom, types, supported, reason)


def _try(graph: Graph, timeout_s: float) -> tuple[bool | None, str]:
    if not have_tflm():
        return None, ""
    header = {"task": "measure_arena", "arena_bytes": host_arena_bytes(graph), "print": False}
    try:
        with WorkerProcess(timeout_s=timeout_s, memory_limit_bytes=UNTRUSTED_MEMORY_BYTES) as worker:
            worker.request(header, [np.frombuffer(graph.data, np.uint8)])
    except ChildEndedError as e:
        try:
            return False, str(crash_of(graph, e, memory_limit_bytes=UNTRUSTED_MEMORY_BYTES))
        except ChildEndedError:
            return False, str(e)
    except RuntimeFailure as e:
        return False, str(e)
    return True, ""
