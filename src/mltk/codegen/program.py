"""What a model is as C code: calls of kernels, constants, state, and a plan of the memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.tflite.graph import Operator, Tensor

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "float32": "float",
    "bool": "uint8_t",
}
"""NumPy dtype → type in C."""

_NEEDED = {"mltk_lstm": ("mltk_sigmoid_16",)}  # file of a kernel → files whose functions it calls


@dataclass(frozen=True)
class Ref:
    """An argument of a call: a tensor, from an element on.

    Attributes:
        tensor: Index of the tensor in the main subgraph.
        offset: Number of elements to skip.
    """

    tensor: int
    offset: int = 0


@dataclass(frozen=True)
class Scratch:
    """An argument of a call: memory that only the call uses.

    Attributes:
        size: Bytes.
        ctype: Type of its elements.
    """

    size: int
    ctype: str = "int8_t"


@dataclass(frozen=True, eq=False)
class Constant:
    """An array in flash. As an argument or a member of a struct it is its address.

    Attributes:
        role: What it holds, for example ``weights``; the C name is made from it.
        values: Its values. The dtype is the type in C.
    """

    role: str
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class Params:
    """A constant struct of parameters. As an argument it is its address.

    Attributes:
        ctype: Name of the struct in ``mltk_kernels.h``.
        fields: Member → value: a number, a sequence of numbers, a `Constant`, or a dict for a struct inside.
    """

    ctype: str
    fields: dict[str, Any]


Argument = Ref | Scratch | Constant | Params | int | float


@dataclass(frozen=True)
class Call:
    """One call of a kernel.

    Attributes:
        op: The operator that it computes, or a part of it.
        function: Name of the C function.
        family: File of the kernel, for example ``mltk_conv``; empty for the C library.
        arguments: Its arguments in order.
        reads: Tensors that it reads.
        writes: Tensors that it writes.
        in_place: Tensors that it reads whose memory its output may take over.
    """

    op: Operator
    function: str
    family: str
    arguments: tuple[Argument, ...]
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    in_place: tuple[int, ...] = ()

    @property
    def scratch_bytes(self) -> int:
        """Bytes of memory that only this call uses."""
        return sum(a.size for a in self.arguments if isinstance(a, Scratch))


@dataclass(frozen=True, eq=False)
class State:
    """A variable that keeps its value from one inference to the next.

    Attributes:
        name: Name of the resource in the model.
        initial: Value after a reset.
    """

    name: str
    initial: np.ndarray


@dataclass
class Program:
    """A model as a list of calls.

    Attributes:
        tensors: All tensors of the main subgraph.
        calls: The calls in order.
        inputs: Tensors that are the model's inputs.
        outputs: Tensors that are the model's outputs. A tensor may be given twice, or be an input or a constant.
        constants: Tensor → value, for tensors that calls read and that never change.
        states: Variables.
        state_tensors: Tensor → index of the variable that it is.
        alias: Tensor → tensor with the same bytes.
    """

    tensors: tuple[Tensor, ...]
    calls: list[Call]
    inputs: list[int]
    outputs: list[int]
    constants: dict[int, np.ndarray] = field(default_factory=dict)
    states: list[State] = field(default_factory=list)
    state_tensors: dict[int, int] = field(default_factory=dict)
    alias: dict[int, int] = field(default_factory=dict)

    def resolve(self, tensor: int) -> int:
        """Return the tensor that holds the bytes of ``tensor``."""
        while tensor in self.alias:
            tensor = self.alias[tensor]
        return tensor

    @property
    def families(self) -> list[str]:
        """Kernel files that the calls need, sorted."""
        families = {c.family for c in self.calls if c.family}
        return sorted(families.union(*(_NEEDED.get(f, ()) for f in families)))
