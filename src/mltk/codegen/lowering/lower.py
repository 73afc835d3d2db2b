"""A whole graph as a program."""

from __future__ import annotations

import numpy as np

from mltk.codegen.lowering import (  # noqa: F401 - they register functions
    elementwise,
    int16,
    moving,
    pairs,
    products,
    sequence,
    windows,
)
from mltk.codegen.lowering.context import LOWERINGS, Context, find_lowering
from mltk.codegen.program import Call, Program, Ref, State
from mltk.errors import UnsupportedModelError
from mltk.micro.exact.model import initial_state, name_of_variable
from mltk.micro.exact.node import BUILDERS, Node, NotExactError
from mltk.tflite.graph import Graph, Operator, Tensor

_STATE_OPERATORS = ("VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE")
SUPPORTED = (*sorted(LOWERINGS), "SHAPE", *_STATE_OPERATORS)
"""Names of the operators that can become C code."""


def lower(graph: Graph) -> Program:
    """Turn a model into calls of kernels.

    Args:
        graph: The model. Its operators must be int8 ones of `SUPPORTED`.

    Returns:
        The program.

    Raises:
        UnsupportedModelError: Something in the model has no C code. The message names the operator and says why.
    """
    try:
        return _Lowerer(graph).lower()
    except NotExactError as e:
        raise UnsupportedModelError(f"This model can't become C code: {e}.", hint=_hint(graph)) from e
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as e:
        raise UnsupportedModelError(f"This model can't become C code: the graph is inconsistent ({e}).") from e


def _hint(graph: Graph) -> str | None:
    constants = {t.type_name for t in graph.main.tensors if t.data is not None}
    if "FLOAT32" in constants and "INT8" not in constants:
        return "The model computes in float32. Quantize it to int8 first: 'mltk quantize MODEL'."
    return f"Operators that can: {', '.join(SUPPORTED)}."


class _Lowerer:
    def __init__(self, graph: Graph) -> None:
        self.graph, main = graph, graph.main
        self.main = main
        self.static: dict[int, np.ndarray] = {
            t.index: t.data for t in main.tensors if t.data is not None and t.data.dtype == t.dtype
        }
        self.program = Program(main.tensors, [], list(main.inputs), list(main.outputs))
        self.variables: dict[str, int] = {}  # name of a resource → index of its state
        self.handles: dict[int, str] = {}  # VAR_HANDLE outputs

    def lower(self) -> Program:
        for tensor in self.main.tensors:
            if tensor.is_variable:
                self._variable(tensor)
            if any(d < 1 for d in tensor.shape):
                raise NotExactError(f"tensor {tensor.name!r} has the open or empty shape {list(tensor.shape)}")
            if any(d > 32767 for d in tensor.shape) and tensor.data is None and len(tensor.shape) == 4:
                raise NotExactError(f"tensor {tensor.name!r} has a dimension above 32767")
        if any(self.main.tensors[i].dtype is None for i in (*self.main.inputs, *self.main.outputs)):
            raise NotExactError("an input or output of a type that C lacks")
        for op in self.main.operators:
            if op.name in _STATE_OPERATORS:
                self._state_operator(op)
            else:
                self._operator(op)
        program = self.program
        for i in program.outputs:
            root = program.resolve(i)
            if root in self.static:
                program.constants[root] = self.static[root]
        self._drop_unused()
        return program

    def _variable(self, tensor: Tensor) -> None:
        """A tensor that keeps its value. TFLM fills each byte of it with the zero point of int8, or with 0."""
        fill = int(tensor.zero_point[0]) if tensor.type_name == "INT8" and tensor.zero_point.size else 0
        self.program.state_tensors[tensor.index] = len(self.program.states)
        initial = np.full(tensor.shape, fill, tensor.dtype)
        self.program.states.append(State(tensor.name, initial))

    def _operator(self, op: Operator) -> None:
        tensors = self.main.tensors
        inputs = [None if i < 0 else self.program.resolve(i) for i in op.inputs]
        static = [None if i is None else self.static.get(i) for i in inputs]
        node = Node(op, [None if i < 0 else tensors[i] for i in op.inputs], [tensors[i] for i in op.outputs], static)
        if op.name == "SHAPE":
            self.static[op.outputs[0]] = np.array(tensors[op.inputs[0]].shape, node.outputs[0].dtype)
        elif all(s is not None or i is None for s, i in zip(static, inputs, strict=True)):
            self._fold(node)
        elif op.is_custom or (lowered := find_lowering(node)) is None:
            raise NotExactError(f"{op.name} (operator {op.index}) has no kernel in C")
        else:
            lowered(Context(node, self.program))

    def _fold(self, node: Node) -> None:
        """Compute an operator that has only constants."""
        if node.op.name not in BUILDERS:
            raise NotExactError(f"{node.op.name} (operator {node.op.index}) of constants")
        as_varying = Node(node.op, node.inputs, node.outputs, [None] * len(node.static))
        if node.op.name in ("PACK", "CONCATENATION"):
            run, given = BUILDERS[node.op.name](as_varying), [s for s in node.static if s is not None]
        else:
            run, given = BUILDERS[node.op.name](node), [s for s in node.static[:1] if s is not None]
        results = run(*[np.asarray(s)[None] for s in given])
        self.static.update((i, r[0]) for i, r in zip(node.op.outputs, results, strict=True))

    def _state_operator(self, op: Operator) -> None:
        if op.name == "VAR_HANDLE":
            self.handles[op.outputs[0]] = name_of_variable(op)
        elif op.name == "CALL_ONCE":
            for name, value in initial_state(self.graph.subgraphs[op.options.initSubgraphIndex]).items():
                self.variables[name] = len(self.program.states)
                self.program.states.append(State(name, value))
        elif op.name == "READ_VARIABLE":
            self._read(op)
        else:
            self._assign(op)

    def _index_of(self, op: Operator) -> int:
        name = self.handles[op.inputs[0]]
        if name not in self.variables:
            raise NotExactError(f"the variable {name!r} is not initialized")
        return self.variables[name]

    def _read(self, op: Operator) -> None:
        """Use the variable's own memory where nothing assigns it before the last use; copy it elsewhere."""
        state, tensor = self._index_of(op), op.outputs[0]
        if self.program.states[state].initial.nbytes != self.main.tensors[tensor].nbytes:
            raise NotExactError(f"{op.name} (operator {op.index}): a variable of another size")
        if self._is_read_before_assignment(op):
            self.program.state_tensors[tensor] = state
            return
        raise NotExactError(f"{op.name} (operator {op.index}): a variable that is used after it is assigned")

    def _is_read_before_assignment(self, op: Operator) -> bool:
        name = self.handles[op.inputs[0]]
        later = self.main.operators[op.index + 1 :]
        handles = {i for i, n in self.handles.items() if n == name}
        handles |= {o.outputs[0] for o in later if o.name == "VAR_HANDLE" and name_of_variable(o) == name}
        same, assigned = {op.outputs[0]}, False
        if any(i in same for i in self.main.outputs):
            return False
        for other in later:
            if assigned and same.intersection(other.inputs):
                return False
            if other.name in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS") and other.inputs[0] in same:
                same.update(other.outputs)
            assigned = assigned or (other.name == "ASSIGN_VARIABLE" and other.inputs[0] in handles)
        return not same.intersection(self.main.outputs)

    def _assign(self, op: Operator) -> None:
        state, source = self._index_of(op), self.program.resolve(op.inputs[1])
        if source in self.static:
            self.program.constants[source] = self.static[source]
        written = op.inputs[0]  # stands for the variable: the tensor of the handle
        self.program.state_tensors[written] = state
        size = self.main.tensors[source].nbytes
        if size != self.program.states[state].initial.nbytes:
            raise NotExactError(f"{op.name} (operator {op.index}): a value of another size")
        arguments = (Ref(written), Ref(source), size)
        self.program.calls.append(Call(op, "memcpy", "", arguments, (source,), (written,)))

    def _drop_unused(self) -> None:
        """Drop calls whose results nothing reads."""
        program = self.program
        needed = {program.resolve(i) for i in program.outputs}
        kept: list[Call] = []
        for call in reversed(program.calls):
            written = {program.resolve(i) for i in call.writes}
            if written & needed or any(i in program.state_tensors for i in written):
                needed.update(program.resolve(i) for i in call.reads)
                kept.append(call)
        program.calls = kept[::-1]
