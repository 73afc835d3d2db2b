"""Bytes to the schema's objects and back: what `TfliteModel` stands on.

`unpack` checks before it reads (see `mltk.tflite.format.verify`); `pack` writes what the schema's own Python code
does not: constant data aligned to 16 bytes, as ``schema.fbs`` demands (``force_align: 16``) and kernels that read
weights in place from flash rely on, and data stored behind the FlatBuffer (``Buffer.offset``) in models above 2 GB.

Vectors that are equal are stored once, as FlatBuffers allow: a model quantized per channel has for each weight and bias
as many zero points as channels, of 8 bytes each, which are all 0. In a keyword spotter they are a tenth of the file.
"""

from __future__ import annotations

import copy
import hashlib
import struct
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError
from mltk.tflite.format.appended import append, appended_bytes
from mltk.tflite.format.flatbuffer import FlatbufferError, Verified, verify_tables
from mltk.tflite.format.reader import unpack_model
from mltk.tflite.format.schema_layout import TFLITE_SCHEMA

IDENTIFIER = b"TFL3"
BUFFER_ALIGNMENT = 16

# What the generated writers raise on objects whose fields were set to what the schema can't hold.
_WRITE_ERRORS = (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, MemoryError)


def not_a_tflite(why: str, path: str | None = None) -> TfliteError:
    """The error for bytes that are no valid ``.tflite``."""
    return TfliteError(
        f"{path or 'The data'} is not a valid .tflite: {why}.",
        hint="The file may be damaged, cut short by a download, or of another format.",
    )


def verify_bytes(data: bytes, path: str | None = None) -> Verified:
    """Check the identifier and that every table lies inside the file.

    Raises:
        TfliteError: saying where it does not.
    """
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        found = f"it is only {len(data)} bytes long" if len(data) < 8 else f"bytes 4 to 7 are {data[4:8]!r}"
        raise not_a_tflite(f"{found}, not the identifier {IDENTIFIER!r}", path)
    try:
        return verify_tables(data, TFLITE_SCHEMA, "Model")
    except FlatbufferError as e:
        raise not_a_tflite(str(e), path) from e


def unpack(data: bytes, path: str | None = None) -> tuple[Any, Verified]:
    """The bytes as a schema ``ModelT`` whose arrays are views of them, and what the check saw.

    Raises:
        TfliteError: if the bytes are not a ``.tflite``.
    """
    verified = verify_bytes(data, path)
    return unpack_model(data), verified


def is_external(buffer: Any) -> bool:
    """Whether a ``BufferT`` has its data behind the FlatBuffer. LiteRT reserves the offset 1 as a placeholder."""
    return int(buffer.offset or 0) > 1


def buffer_bytes(model: Any, index: int, data: bytes) -> memoryview:
    """The data of buffer ``index`` of a ``ModelT`` unpacked from ``data``; empty where there is none."""
    buffer = model.buffers[index]
    if is_external(buffer):
        return memoryview(data)[buffer.offset : buffer.offset + buffer.size]
    if buffer.data is None:
        return memoryview(b"")
    return np.ascontiguousarray(buffer.data, np.uint8).data


class _SharingBuilder(flatbuffers.Builder):
    """Writes each vector of numbers once."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def create_aligned_vector(self, payload: bytes) -> int:
        """A vector of bytes that starts at a multiple of 16."""
        key = "aligned", hashlib.blake2b(payload).digest()  # not the payload, which may be large
        if key not in self._written:
            self.StartVector(1, len(payload), BUFFER_ALIGNMENT)
            self.head -= len(payload)
            self.Bytes[self.head : self.head + len(payload)] = payload
            self._written[key] = self.EndVector()
        return self._written[key]


class _AlignedBuffer(schema.BufferT):
    """A ``BufferT`` whose data starts at a multiple of 16 bytes."""

    def Pack(self, builder: _SharingBuilder) -> int:
        data = None
        if self.data is not None:
            data = builder.create_aligned_vector(np.asarray(self.data, np.uint8).tobytes())
        schema.BufferStart(builder)
        if data is not None:
            schema.BufferAddData(builder, data)
        schema.BufferAddOffset(builder, self.offset)
        schema.BufferAddSize(builder, self.size)
        return int(schema.BufferEnd(builder))


def _pack_once(model: Any, size_hint: int) -> bytes:
    aligned = copy.copy(model)
    aligned.buffers = []
    for buffer in model.buffers or []:
        replacement = _AlignedBuffer()
        replacement.__dict__.update(buffer.__dict__)
        aligned.buffers.append(replacement)
    builder = _SharingBuilder(min(max(size_hint, 1024), 2**31))
    builder.Finish(aligned.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def pack(model: Any, source: bytes, end: int | None = None) -> bytes:
    """A schema ``ModelT`` as the bytes of a ``.tflite``.

    ``source`` are the bytes it was unpacked from and ``end`` is where their FlatBuffer ends: data that the model refers
    to behind it is appended again, with the offsets in ``model`` set to where it is now, and so are associated files.

    Raises:
        TfliteError: if the model holds what its schema can't.
    """
    outside: list[tuple[Any, str, memoryview]] = []
    for buffer in model.buffers or []:
        if is_external(buffer):
            outside.append((buffer, "offset", memoryview(source)[buffer.offset : buffer.offset + buffer.size]))
    for subgraph in model.subgraphs or []:
        for operator in subgraph.operators or []:
            start, size = operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize
            if start > 1:
                outside.append((operator, "largeCustomOptionsOffset", memoryview(source)[start : start + size]))
    ends = [getattr(owner, field) + len(content) for owner, field, content in outside]
    tail, position = appended_bytes(source, len(source) if end is None else max([end, *ends]))
    try:
        packed = _pack_once(model, len(source) + 4096)
        if not outside:
            return append(packed, tail, position)
        # An offset takes eight bytes whatever its value, so the FlatBuffer stays as long as it now is.
        chunks: list[bytes] = []
        end = len(packed)
        for owner, field, content in outside:
            padding = -end % BUFFER_ALIGNMENT
            chunks += [bytes(padding), bytes(content)]
            setattr(owner, field, end + padding)
            end += padding + len(content)
        packed = _pack_once(model, len(packed) + 4096) + b"".join(chunks)
        return append(packed, tail, position)
    except (*_WRITE_ERRORS, AssertionError) as e:
        raise TfliteError(f"The model can't be written as a .tflite: {type(e).__name__}: {e}.") from e
    except Exception as e:
        # flatbuffers.builder raises classes of its own, derived from RuntimeError and from Exception.
        if type(e).__module__.startswith("flatbuffers"):
            raise TfliteError(f"The model can't be written as a .tflite: {type(e).__name__}: {e}.") from e
        raise
