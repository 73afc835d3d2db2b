"""A whole graph as a list of exact batched kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mltk.micro.exact import convolution, elementwise, pooling, shaping  # noqa: F401 - they register kernels
from mltk.micro.exact.blas import one_blas_thread
from mltk.micro.exact.node import BUILDERS, Kernel, Node, NotExactError
from mltk.tflite.graph import Graph, Operator, Subgraph
from mltk.tflite.types import decode

# Bytes of activations for each batch of samples: enough to hide Python's overhead, few enough for the cache.
_ACTIVATION_BYTES = 1 << 20
# Largest tensor, and largest sum of tensors at a time. Models for microcontrollers need far less; more is a damaged
# shape.
_TENSOR_BYTES, _LIVE_BYTES = 1 << 24, 1 << 27
_STATE_OPERATORS = {"VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"}


@dataclass
class _Step:
    """One kernel: tensors that it reads, tensors that it computes, and tensors that nothing needs afterwards."""

    run: Kernel
    inputs: list[int]
    outputs: list[int]
    release: list[int] = field(default_factory=list)


@dataclass
class ExactModel:
    """A compiled graph. :meth:`run` computes any number of samples."""

    graph: Graph
    steps: list[_Step]
    static: dict[int, np.ndarray]
    outputs: list[int]
    batch: int

    def run(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compute samples.

        Args:
            inputs: One array for each model input, (samples, *input shape), with the batch dimension of the shape or
                without it.

        Returns:
            One array for each model output, (samples, *output shape), with the batch dimension.
        """
        graph_inputs = self.graph.inputs
        arrays = [np.ascontiguousarray(x).reshape(len(x), *t.shape) for x, t in zip(inputs, graph_inputs, strict=True)]
        n = len(arrays[0])
        if n == 0:
            return [np.zeros((0, *t.shape), t.dtype) for t in self.graph.outputs]
        with one_blas_thread():
            parts = [self._run([a[i : i + self.batch] for a in arrays]) for i in range(0, n, self.batch)]
        return [np.concatenate(p) for p in zip(*parts, strict=True)]

    def _run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        values: dict[int, np.ndarray] = dict(zip(self.graph.main.inputs, inputs, strict=True))
        for step in self.steps:
            results = step.run(*[values[i] for i in step.inputs])
            values.update(zip(step.outputs, results, strict=True))
            for i in step.release:
                values.pop(i, None)
        n = len(inputs[0])
        return [
            values[i] if i in values else np.broadcast_to(self.static[i], (n, *self.static[i].shape))
            for i in self.outputs
        ]


def compile_exact(graph: Graph) -> ExactModel:
    """Build the kernels of all operators.

    Raises:
        NotExactError: An operator has no exact kernel. The message names the first one.
    """
    try:
        return _Compiler(graph).compile()
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, MemoryError) as e:
        # Options and shapes contradict each other. TFLM has to refuse this file.
        raise NotExactError(f"the graph is inconsistent: {e}") from e


class _Compiler:
    def __init__(self, graph: Graph) -> None:
        self.graph, self.main = graph, graph.main
        self.static: dict[int, np.ndarray] = {
            t.index: t.data for t in self.main.tensors if t.data is not None and t.data.dtype == t.dtype
        }
        self.alias: dict[int, int] = {}  # tensors that have the value of another tensor
        self.resource: dict[int, str] = {}  # VAR_HANDLE outputs
        self.state: dict[str, int | np.ndarray] = {}  # what a variable holds: a tensor's index or a constant
        self.steps: list[_Step] = []
        self.computed: set[int] = set(self.main.inputs)

    def compile(self) -> ExactModel:
        varying = sum(t.is_variable for t in self.main.tensors)
        if varying:
            raise NotExactError(f"{varying} variable tensor(s)")
        if any(self.main.tensors[i].dtype is None for i in (*self.main.inputs, *self.main.outputs)):
            raise NotExactError("an input or output of a type that NumPy lacks")
        if any(t.nbytes > _TENSOR_BYTES for t in self.main.tensors if t.data is None):
            raise NotExactError("a tensor of more than 16 MiB")
        for op in self.main.operators:
            if op.name in _STATE_OPERATORS:
                self._state_operator(op)
            else:
                self._operator(op)
        outputs = [self._resolve(i) for i in self.main.outputs]
        if missing := [i for i in outputs if i not in self.computed and i not in self.static]:
            raise NotExactError(f"tensor {missing[0]} is an output, but nothing computes it")
        self._plan_release(set(outputs))
        largest = max([t.nbytes for t in self.main.tensors if t.data is None], default=1)
        batch = max(1, min(64, _ACTIVATION_BYTES // max(1, largest)))
        return ExactModel(self.graph, self.steps, self.static, outputs, batch)

    def _resolve(self, index: int) -> int:
        return self.alias.get(index, index)

    def _operator(self, op: Operator) -> None:
        if op.is_custom or op.name not in BUILDERS:
            raise NotExactError(f"{op.name} (operator {op.index}) has no exact batched kernel")
        tensors = self.main.tensors
        inputs = [None if i < 0 else self._resolve(i) for i in op.inputs]
        node = Node(
            op,
            [None if i < 0 else tensors[i] for i in op.inputs],
            [tensors[i] for i in op.outputs],
            [None if i is None else self.static.get(i) for i in inputs],
        )
        varying = [i for i in inputs if i is not None and i not in self.static]
        if missing := [i for i in varying if i not in self.computed]:
            raise NotExactError(f"{op.name} (operator {op.index}) uses tensor {missing[0]} before it is computed")
        self.computed.update(op.outputs)
        run = BUILDERS[op.name](node)
        if op.name == "SHAPE":
            self.static[op.outputs[0]] = np.array(tensors[op.inputs[0]].shape, node.outputs[0].dtype)
        elif not varying:
            self._fold(node, run)
        else:
            self.steps.append(_Step(run, varying, list(op.outputs)))

    def _fold(self, node: Node, run: Kernel) -> None:
        """Compute an operator that has only constants, for example the shape that Keras 3 makes for a RESHAPE."""
        as_varying = Node(node.op, node.inputs, node.outputs, [None] * len(node.static))
        if node.op.name in ("PACK", "CONCATENATION"):
            run, given = BUILDERS[node.op.name](as_varying), [s for s in node.static if s is not None]
        else:
            given = [s for s in node.static[:1] if s is not None]
        results = run(*[np.asarray(s)[None] for s in given])
        self.static.update((i, r[0]) for i, r in zip(node.op.outputs, results, strict=True))

    def _state_operator(self, op: Operator) -> None:
        if op.name == "VAR_HANDLE":
            self.resource[op.outputs[0]] = name_of_variable(op)
        elif op.name == "CALL_ONCE":
            self.state.update(initial_state(self.graph.subgraphs[op.options.initSubgraphIndex]))
        elif op.name == "ASSIGN_VARIABLE":
            index = self._resolve(op.inputs[1])
            self.state[self.resource[op.inputs[0]]] = self.static.get(index, index)
        else:  # READ_VARIABLE
            held = self.state.get(self.resource[op.inputs[0]])
            if held is None:
                raise NotExactError("a variable that is read before it is initialized")
            if isinstance(held, int):
                self.alias[op.outputs[0]] = held
            else:
                self.static[op.outputs[0]] = held

    def _plan_release(self, keep: set[int]) -> None:
        last: dict[int, int] = {}
        for k, step in enumerate(self.steps):
            for i in (*step.inputs, *step.outputs):
                last[i] = k
        for i, k in last.items():
            if i not in keep:
                self.steps[k].release.append(i)
        live = {*self.main.inputs}
        for step in self.steps:
            live.update(step.outputs)
            if sum(self.main.tensors[i].nbytes for i in live) > _LIVE_BYTES:
                raise NotExactError("more than 128 MiB of tensors at a time")
            live.difference_update(step.release)


def initial_state(subgraph: Subgraph) -> dict[str, np.ndarray]:
    """Return the initial value of each variable that a subgraph of CALL_ONCE assigns.

    Raises:
        NotExactError: A value is computed, or the subgraph does something else.
    """
    names: dict[int, str] = {}
    state: dict[str, np.ndarray] = {}
    for op in subgraph.operators:
        if op.name == "VAR_HANDLE":
            names[op.outputs[0]] = name_of_variable(op)
        elif op.name == "ASSIGN_VARIABLE":
            value = subgraph.tensors[op.inputs[1]].data
            if value is None:
                raise NotExactError("a variable whose initial value is computed")
            state[names[op.inputs[0]]] = value
        else:
            raise NotExactError(f"{op.name} in the initialization")
    return state


def name_of_variable(op: Operator) -> str:
    """Return the name of the variable that a VAR_HANDLE refers to."""
    return str(op.index) if op.options is None else decode(op.options.sharedName)
