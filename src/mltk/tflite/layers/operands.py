"""Descriptors that name the tensors of a layer and their data.

::

    filters_tensor = Operand(1, "Filters.")
    filters_data = OperandData(filters_tensor)
"""

from __future__ import annotations

from typing import Protocol, Self, overload

import numpy as np

from mltk.tflite.tensor import TfliteTensor


class HasTensors(Protocol):
    """A layer as its operands see it."""

    def get_input_tensor(self, index: int = 0) -> TfliteTensor:
        """Return the input ``index``."""

    def get_output_tensor(self, index: int = 0) -> TfliteTensor:
        """Return the output ``index``."""

    def optional_input(self, index: int) -> TfliteTensor | None:
        """Return the input ``index``; None if the layer leaves the input out."""


class Operand:
    """A tensor that every layer of the class has.

    Args:
        index: Position among the layer's inputs or outputs.
        doc: Docstring of the attribute.
        output: The tensor is an output.
    """

    def __init__(self, index: int, doc: str, *, output: bool = False) -> None:
        self._index = index
        self._output = output
        self.__doc__ = doc

    @overload
    def __get__(self, layer: None, owner: type) -> Self: ...
    @overload
    def __get__(self, layer: HasTensors, owner: type) -> TfliteTensor: ...
    def __get__(self, layer: HasTensors | None, owner: type) -> Self | TfliteTensor:
        return self if layer is None else self.tensor(layer)

    def tensor(self, layer: HasTensors) -> TfliteTensor:
        """Return the tensor of ``layer``."""
        return layer.get_output_tensor(self._index) if self._output else layer.get_input_tensor(self._index)


class OperandData:
    """The data of an operand: a constant's values, otherwise zeros of the operand's shape."""

    def __init__(self, operand: Operand) -> None:
        self._operand = operand
        self.__doc__ = f"Data of: {operand.__doc__}"

    @overload
    def __get__(self, layer: None, owner: type) -> Self: ...
    @overload
    def __get__(self, layer: HasTensors, owner: type) -> np.ndarray: ...
    def __get__(self, layer: HasTensors | None, owner: type) -> Self | np.ndarray:
        return self if layer is None else self._operand.tensor(layer).data


class OptionalOperand:
    """An input that a layer may leave out; None if it does.

    Args:
        index: Position among the layer's inputs.
        doc: Docstring of the attribute.
    """

    def __init__(self, index: int, doc: str) -> None:
        self._index = index
        self.__doc__ = doc

    @overload
    def __get__(self, layer: None, owner: type) -> Self: ...
    @overload
    def __get__(self, layer: HasTensors, owner: type) -> TfliteTensor | None: ...
    def __get__(self, layer: HasTensors | None, owner: type) -> Self | TfliteTensor | None:
        return self if layer is None else self.tensor(layer)

    def tensor(self, layer: HasTensors) -> TfliteTensor | None:
        """Return the tensor of ``layer``."""
        return layer.optional_input(self._index)


class OptionalOperandData:
    """The data of an optional operand; None if the layer leaves the operand out."""

    def __init__(self, operand: OptionalOperand) -> None:
        self._operand = operand
        self.__doc__ = f"Data of: {operand.__doc__}"

    @overload
    def __get__(self, layer: None, owner: type) -> Self: ...
    @overload
    def __get__(self, layer: HasTensors, owner: type) -> np.ndarray | None: ...
    def __get__(self, layer: HasTensors | None, owner: type) -> Self | np.ndarray | None:
        if layer is None:
            return self
        tensor = self._operand.tensor(layer)
        return None if tensor is None else tensor.data
