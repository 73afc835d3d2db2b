"""The numbers of the ``.tflite`` schema by name: tensor types, operators, activations and paddings.

Every table that turns a number of the schema into a name or a NumPy type is in this module. The names of tensor types
and operators are in lower case, for example ``int8`` and ``conv_2d``.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError

Op = schema.BuiltinOperator

TENSOR_TYPES: dict[int, str] = {
    value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")
}
"""Number of the schema's ``TensorType`` → name."""

TENSOR_TYPE_NUMBERS: dict[str, int] = {name: number for number, name in TENSOR_TYPES.items()}
"""Name → number of the schema's ``TensorType``."""

NUMPY_TYPES: dict[str, type[np.generic]] = {
    "float32": np.float32, "float16": np.float16, "float64": np.float64, "complex64": np.complex64,
    "complex128": np.complex128, "bool": np.bool_, "int8": np.int8, "int16": np.int16, "int32": np.int32,
    "int64": np.int64, "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip
"""Name → NumPy type. NumPy has no bfloat16, no 8-bit float and no type below 8 bits: their data stay raw bytes."""

INTEGER_RANGES: dict[str, tuple[int, int]] = {
    name: (int(np.iinfo(name).min), int(np.iinfo(name).max)) for name in NUMPY_TYPES if "int" in name
}
"""Name of an integer type → its smallest and its largest value."""

_BITS = {
    **{name: 8 * np.dtype(dtype).itemsize for name, dtype in NUMPY_TYPES.items()},
    "int4": 4, "uint4": 4, "int2": 2, "bfloat16": 16, "float8_e4m3fn": 8, "float8_e5m2": 8,
}  # fmt: skip
# In the arena TFLM keeps an identifier of a resource (int32). The other two do not occur there: a guess.
_BITS_IN_MEMORY = {**_BITS, "resource": 32, "variant": 64, "string": 32}

OPERATOR_NAMES: dict[int, str] = {number: name.lower() for name, number in vars(Op).items() if not name.startswith("_")}
"""Number of the schema's ``BuiltinOperator`` → name."""


class TfliteActivation(IntEnum):
    """Activation that is fused into a layer."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5

    def __str__(self) -> str:
        return self.name.title()


class TflitePadding(IntEnum):
    """How a kernel treats the border.

    ``SAME`` pads the input so that a stride of 1 keeps the size. ``VALID`` does not pad.
    """

    SAME = 0
    VALID = 1

    def __str__(self) -> str:
        return self.name.title()


class TfliteIndexError(TfliteError, IndexError):
    """There is no tensor, input, output or subgraph of this index."""


def check_index(index: int, count: int, what: str, where: str = "the model") -> int:
    """Check an index of a list.

    Args:
        index: The index. A negative index counts from the end.
        count: Number of items in the list.
        what: What the error message calls an item.
        where: What the error message calls the owner of the list.

    Returns:
        The index as an int from 0 to ``count - 1``.

    Raises:
        TfliteIndexError: There is no item of this index. The error is also an `IndexError`.
    """
    number = int(index)
    if not -count <= number < count:
        raise TfliteIndexError(f"There is no {what} {number}: {where} has {count}.")
    return number % count


def type_name(tensor_type: int) -> str:
    """Return the name of a schema ``TensorType``; ``type_99`` for a number that this version does not know."""
    return TENSOR_TYPES.get(int(tensor_type), f"type_{int(tensor_type)}")


def stored_bits(name: str) -> int | None:
    """Return the bits that an element of the type ``name`` takes in the file.

    Returns:
        None for types without a fixed size in the file: string, resource, variant and unknown types.
    """
    return _BITS.get(name)


def bits_in_memory(name: str) -> int:
    """Return the bits that an element of the type ``name`` takes in the tensor arena; 32 for unknown types.

    A resource has no data in the file, but its identifier takes 32 bits in memory.
    """
    return _BITS_IN_MEMORY.get(name, 32)


def operator_name(opcode: int, custom_code: str = "") -> str:
    """Return the name of an operator.

    Args:
        opcode: Number of the schema's ``BuiltinOperator``.
        custom_code: Name of a custom operator.

    Returns:
        The name in lower case; the own name of a custom operator; ``builtin_250`` for a newer schema's operator.
    """
    if opcode == Op.CUSTOM and custom_code:
        return custom_code
    return OPERATOR_NAMES.get(opcode, f"builtin_{opcode}")


def operator_number(code: Any) -> int:
    """Return the number of the schema's ``BuiltinOperator`` from an ``OperatorCodeT``.

    Numbers below 127 are in an older field, which is one byte. See ``GetBuiltinCode`` in LiteRT.
    """
    return max(int(code.builtinCode), int(code.deprecatedBuiltinCode))


def decode(text: bytes | str | None) -> str:
    """Return a string of the schema as str. The string may be absent or, in a damaged file, not UTF-8."""
    if text is None:
        return ""
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text


def ints(values: Any) -> tuple[int, ...]:
    """Return a vector of the schema, which may be absent, as a tuple of int."""
    return () if values is None else tuple(int(v) for v in values)
