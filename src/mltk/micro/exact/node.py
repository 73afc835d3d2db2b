"""What a builder of kernels gets, and the table of builders.

A builder takes a :class:`Node` and returns a function. The function takes the node's varying inputs in the operator's
order, as arrays of shape (samples, *tensor.shape), and returns the list of its outputs in the same form. The builder
raises :class:`NotExactError` for anything that it does not compute exactly as TFLM does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mltk.tflite import fixed_point
from mltk.tflite.graph import Operator, Tensor
from mltk.tflite.types import TfliteActivation

Kernel = Callable[..., list[np.ndarray]]

# For one operator and one sample: 128 MiB of float32, and a few seconds. Models for microcontrollers need far less.
_MAX_ELEMENTS = 1 << 25
_MAX_OPERATIONS = 1 << 34


class NotExactError(Exception):
    """The graph needs something that has no exact batched kernel. The message names it."""


@dataclass(frozen=True)
class Node:
    """One operator with its tensors.

    Attributes:
        op: The operator.
        inputs: Its inputs; None for an optional input that is left out.
        outputs: Its outputs.
        static: The values of the inputs that are the same for every sample; None for inputs that vary.
    """

    op: Operator
    inputs: list[Tensor | None]
    outputs: list[Tensor]
    static: list[np.ndarray | None]

    @property
    def options(self) -> Any:
        """The operator's options; None if the file has none."""
        return self.op.options

    def option(self, name: str, default: Any) -> Any:
        """Return an option; ``default``, the schema's default, if the file has no options."""
        return getattr(self.op.options, name, default)

    def require(self, condition: object, what: str) -> None:
        """Raise :class:`NotExactError` with ``what`` and the name of this operator unless ``condition`` holds."""
        if not condition:
            raise NotExactError(f"{self.op.name} (operator {self.op.index}): {what}")

    def require_feasible(self, *, elements: int = 0, operations: int = 0) -> None:
        """Raise :class:`NotExactError` if one sample needs too much. A damaged shape or option may ask for anything."""
        self.require(elements <= _MAX_ELEMENTS and operations <= _MAX_OPERATIONS, "an implausibly large size")

    def tensor(self, i: int) -> Tensor:
        """Return the input ``i``, which must exist."""
        self.require(i < len(self.inputs) and self.inputs[i] is not None, f"input {i} is missing")
        found = self.inputs[i]
        assert found is not None
        return found

    def constant(self, i: int) -> np.ndarray:
        """Return the value of the input ``i``, which must be the same for every sample."""
        self.require(i < len(self.static), f"input {i} is missing")
        value = self.static[i]
        self.require(value is not None, f"input {i} is computed, not constant")
        assert value is not None
        return value

    def require_int8(self, *tensors: Tensor) -> None:
        """Raise :class:`NotExactError` unless all tensors are int8 with one scale and one zero point each."""
        for t in tensors:
            self.require(t.type_name == "INT8", f"{t.type_name} tensor")
            self.require(t.scale.size == 1 and t.zero_point.size == 1, "not quantized per tensor")
            self.require(0 < t.scale[0] < np.inf, "a scale that is not positive")
            self.require(-128 <= t.zero_point[0] <= 127, "a zero point outside int8")


BUILDERS: dict[str, Callable[[Node], Kernel]] = {}


def kernel(*names: str) -> Callable[[Callable[[Node], Kernel]], Callable[[Node], Kernel]]:
    """Register a builder for the operators with these names."""

    def register(builder: Callable[[Node], Kernel]) -> Callable[[Node], Kernel]:
        for name in names:
            BUILDERS[name] = builder
        return builder

    return register


_ACTIVATIONS = (TfliteActivation.NONE, TfliteActivation.RELU, TfliteActivation.RELU_N1_TO_1, TfliteActivation.RELU6)


def activation_range(node: Node, output: Tensor) -> tuple[int, int]:
    """Return the smallest and the largest int8 output with the node's fused activation."""
    activation = node.option("fusedActivationFunction", 0)
    node.require(activation in _ACTIVATIONS, f"fused activation {activation}")
    return fixed_point.activation_range(activation, "int8", float(output.scale[0]), int(output.zero_point[0]))
