"""What a lowering function gets, and the table of these functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mltk.codegen.program import Argument, Call, Program
from mltk.micro.exact.node import Node

Lowering = Callable[["Context"], None]

LOWERINGS: dict[str, Lowering] = {}


def lowering(*names: str) -> Callable[[Lowering], Lowering]:
    """Register a function for the operators with these names."""

    def register(function: Lowering) -> Lowering:
        for name in names:
            LOWERINGS[name] = function
        return function

    return register


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
