"""What a lowering function gets, and the table of these functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mltk.codegen.program import Argument, Call, Program
from mltk.micro.exact.node import Node
from mltk.tflite.graph import Tensor

Lowering = Callable[["Context"], None]

LOWERINGS: dict[str, Lowering] = {}
INT16_LOWERINGS: dict[str, Lowering] = {}


def lowering(*names: str) -> Callable[[Lowering], Lowering]:
    """Register a function for the operators with these names."""

    def register(function: Lowering) -> Lowering:
        for name in names:
            LOWERINGS[name] = function
        return function

    return register


def int16_lowering(*names: str) -> Callable[[Lowering], Lowering]:
    """Register a function for the operators with these names that have an int16 input or output."""

    def register(function: Lowering) -> Lowering:
        INT16_LOWERINGS.update(dict.fromkeys(names, function))
        return function

    return register


def find_lowering(node: Node) -> Lowering | None:
    """Return the function for an operator; None if the operator has no kernel in C."""
    is_int16 = any(t is not None and t.type_name == "INT16" for t in (*node.inputs, *node.outputs))
    own = INT16_LOWERINGS.get(node.op.name) if is_int16 else None
    return own or LOWERINGS.get(node.op.name)


def require_int16(node: Node, *tensors: Tensor) -> None:
    """Raise `NotExactError` unless all tensors are int16 with one scale and the zero point 0."""
    for t in tensors:
        node.require(t.type_name == "INT16", f"{t.type_name} tensor beside int16 ones")
        node.require(
            t.scale.size == 1 and not np.any(t.zero_point), "int16 values that are not quantized symmetrically"
        )
        node.require(0 < t.scale[0] < np.inf, "a scale that is not positive")


class Context:
    """One operator that becomes calls.

    Attributes:
        node: The operator with its tensors and constants.
        program: The program so far. :meth:`call` appends to it.
    """

    def __init__(self, node: Node, program: Program) -> None:
        self.node, self.program = node, program

    def input(self, i: int) -> int:
        """Return the index of the tensor of input ``i``. A constant is stored, so that calls can read it."""
        tensor = self.program.resolve(self.node.op.inputs[i])
        value = self.node.static[i]
        if value is not None:
            self.program.constants[tensor] = np.ascontiguousarray(value)
        return tensor

    def output(self, i: int = 0) -> int:
        """Return the index of the tensor of output ``i``."""
        return self.node.op.outputs[i]

    def call(
        self,
        family: str,
        function: str,
        *arguments: Argument,
        reads: tuple[int, ...],
        writes: tuple[int, ...],
        in_place: tuple[int, ...] = (),
    ) -> None:
        """Append a call."""
        self.program.calls.append(Call(self.node.op, function, family, arguments, reads, writes, in_place))
