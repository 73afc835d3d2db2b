"""Check the objects of a ``.tflite``: every index is in range, and every constant has the size of its tensor.

LiteRT's own loader enforces the same rules (``subgraph.cc``, ``interpreter_builder.cc``), so a file that LiteRT loads
is not refused. Operators and fields that this version does not know are accepted.
"""

from __future__ import annotations

import math
from typing import Any

from mltk.tflite.format.codec import is_external, not_a_tflite
from mltk.tflite.types import TENSOR_TYPES, decode, ints, stored_bits, type_name

SCHEMA_VERSION = 3

# A larger tensor is a damaged shape: models for microcontrollers have kilobytes, and LiteRT's files a few gigabytes.
MAX_TENSOR_BYTES = 2**40

OPTIONAL_TENSOR = -1


class _Invalid(Exception):
    """Carries the reason to `verify_model`."""


def verify_model(model: Any, file_size: int, path: str | None = None) -> None:
    """Check an unpacked model.

    Args:
        model: The schema's ``ModelT``.
        file_size: Size of the file in bytes.
        path: Where the file is, for error messages.

    Raises:
        TfliteError: A tensor, operator or buffer is impossible. The message names the first one.
    """
    try:
        _check_model(model, file_size)
    except _Invalid as e:
        raise not_a_tflite(str(e), path) from e


def _check_model(model: Any, file_size: int) -> None:
    if model.version != SCHEMA_VERSION:
        raise _Invalid(f"its schema version is {model.version}; only version {SCHEMA_VERSION} exists")
    if not model.subgraphs:
        raise _Invalid("it has no subgraph")
    n_buffers = len(model.buffers or [])
    if not n_buffers:
        raise _Invalid("it has no buffers")
    sizes = [_buffer_size(buffer, index, file_size) for index, buffer in enumerate(model.buffers)]
    for index, entry in enumerate(model.metadata or []):
        if entry.buffer >= n_buffers:
            raise _Invalid(f"metadata entry {index} names buffer {entry.buffer}, but there are {n_buffers}")
    for index, subgraph in enumerate(model.subgraphs):
        _check_subgraph(subgraph, f"subgraph {index}", sizes, len(model.operatorCodes or []), file_size)
    _check_signatures(model)


def _buffer_size(buffer: Any, index: int, file_size: int) -> int:
    """Return the bytes of a buffer's data."""
    if is_external(buffer):
        if buffer.offset + buffer.size > file_size:
            raise _Invalid(f"the data of buffer {index} lies outside the file")
        return int(buffer.size)
    return 0 if buffer.data is None else len(buffer.data)


def _check_subgraph(subgraph: Any, what: str, buffer_sizes: list[int], n_opcodes: int, file_size: int) -> None:
    tensors = subgraph.tensors or []
    for index, tensor in enumerate(tensors):
        _check_tensor(tensor, f"{what}: tensor {index} ({decode(tensor.name)!r:.60})", buffer_sizes)
    _check_indices(subgraph.inputs, len(tensors), f"{what}: the inputs")
    _check_indices(subgraph.outputs, len(tensors), f"{what}: the outputs")
    for index, operator in enumerate(subgraph.operators or []):
        name = f"{what}: operator {index}"
        if operator.opcodeIndex >= n_opcodes:
            raise _Invalid(f"{name} is of kind {operator.opcodeIndex}, but the file lists {n_opcodes}")
        _check_indices(operator.inputs, len(tensors), f"{name}: the inputs", optional=True)
        _check_indices(operator.outputs, len(tensors), f"{name}: the outputs", optional=True)
        _check_indices(operator.intermediates, len(tensors), f"{name}: the intermediates", optional=True)
        start, size = operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize
        if start > 1 and start + size > file_size:
            raise _Invalid(f"{name}: its custom options lie outside the file")


def _check_indices(indices: Any, n_tensors: int, what: str, optional: bool = False) -> None:
    lowest = OPTIONAL_TENSOR if optional else 0
    for index in ints(indices):
        if not lowest <= index < n_tensors:
            raise _Invalid(f"{what} name tensor {index}, but there are {n_tensors}")


def _check_tensor(tensor: Any, what: str, buffer_sizes: list[int]) -> None:
    if int(tensor.type) not in TENSOR_TYPES:
        raise _Invalid(f"{what} is of type {tensor.type}, which does not exist")
    if tensor.buffer >= len(buffer_sizes):
        raise _Invalid(f"{what} is in buffer {tensor.buffer}, but there are {len(buffer_sizes)}")
    shape = ints(tensor.shape)
    if any(dim < 0 for dim in shape):
        raise _Invalid(f"{what} is of negative size: {'x'.join(map(str, shape))}")
    bits = stored_bits(type_name(tensor.type))
    n_bytes = (math.prod(shape) * (bits or 8) + 7) // 8
    if n_bytes > MAX_TENSOR_BYTES:
        raise _Invalid(f"{what} would take {n_bytes} bytes")
    stored = buffer_sizes[tensor.buffer]
    if stored and bits is not None and tensor.sparsity is None and stored != n_bytes:
        raise _Invalid(
            f"{what} takes {n_bytes} bytes ({'x'.join(map(str, shape)) or 'scalar'} of {type_name(tensor.type)}), "
            f"but {stored} are stored"
        )
    _check_quantization(tensor.quantization, shape, what)


def _check_quantization(quantization: Any, shape: tuple[int, ...], what: str) -> None:
    if quantization is None or quantization.scale is None or quantization.zeroPoint is None:
        return
    n_scales, n_zero_points = len(quantization.scale), len(quantization.zeroPoint)
    if not n_scales or not n_zero_points:
        return
    if n_scales != n_zero_points:
        raise _Invalid(f"{what} has {n_scales} scales but {n_zero_points} zero points")
    if n_scales == 1:
        return
    dimension = int(quantization.quantizedDimension)
    if not 0 <= dimension < len(shape) or shape[dimension] != n_scales:
        raise _Invalid(
            f"{what} has {n_scales} scales along dimension {dimension}, which its shape "
            f"{'x'.join(map(str, shape)) or '(scalar)'} does not have"
        )


def _check_signatures(model: Any) -> None:
    for index, signature in enumerate(model.signatureDefs or []):
        what = f"signature {index}"
        if signature.subgraphIndex >= len(model.subgraphs):
            raise _Invalid(f"{what} names subgraph {signature.subgraphIndex}, but there are {len(model.subgraphs)}")
        n_tensors = len(model.subgraphs[signature.subgraphIndex].tensors or [])
        for entry in (*(signature.inputs or []), *(signature.outputs or [])):
            if entry.tensorIndex >= n_tensors:
                raise _Invalid(f"{what} names tensor {entry.tensorIndex}, but there are {n_tensors}")
