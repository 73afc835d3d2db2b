"""From bytes to the schema's objects and back.

`unpack` checks the bytes before it reads them. `pack` writes two things that the schema's own Python code does not.
Constant data is aligned to 16 bytes, as ``schema.fbs`` demands (``force_align: 16``), because kernels read weights in
place from flash. Data behind the FlatBuffer (``Buffer.offset``, in models above 2 GB) is written too.

Equal vectors are stored once, as FlatBuffers allow. A model that is quantized per channel has one zero point of 8 bytes
for each channel of each weight and bias, and all are 0. In a keyword spotter they are a tenth of the file.
"""

from __future__ import annotations

import copy
import hashlib
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError
from mltk.tflite.format.appended import append, appended_bytes
from mltk.tflite.format.flatbuffer import FlatbufferError, Verified, verify_tables
from mltk.tflite.format.reader import unpack_model
from mltk.tflite.format.schema_layout import TFLITE_SCHEMA

if TYPE_CHECKING:

    class Builder:
        """What `pack` uses of ``flatbuffers.Builder``, which has no types."""

        Bytes: bytearray
        head: int

        def __init__(self, initialSize: int) -> None: ...
        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int: ...
        def EndVector(self) -> int: ...
        def CreateNumpyVector(self, x: np.ndarray) -> int: ...
        def Finish(self, rootTable: int, file_identifier: bytes) -> None: ...
        def Output(self) -> bytearray: ...

else:
    from flatbuffers import Builder

IDENTIFIER = b"TFL3"
BUFFER_ALIGNMENT = 16

# What the generated writers raise on objects whose fields were set to what the schema can't hold.
_WRITE_ERRORS = (struct.error, IndexError, KeyError, TypeError, ValueError, AttributeError, OverflowError, MemoryError)


def not_a_tflite(why: str, path: str | None = None) -> TfliteError:
    """Return the error for bytes that are not a valid ``.tflite``."""
    return TfliteError(
        f"{path or 'The data'} is not a valid .tflite: {why}.",
        hint="The file may be damaged, cut short by a download, or of another format.",
    )


def verify_bytes(data: bytes, path: str | None = None) -> Verified:
    """Check the identifier, and that every table lies inside the file.

    Raises:
        TfliteError: A table does not. The message names the first one.
    """
    if len(data) < 8 or data[4:8] != IDENTIFIER:
        from mltk.tflite.format.other_formats import recognize

        if len(data) >= 8 and (other := recognize(data)):
            raise TfliteError(f"{path or 'The data'} is not a .tflite: it is {other[0]}.", hint=other[1])
        found = f"it is only {len(data)} bytes long" if len(data) < 8 else f"bytes 4 to 7 are {data[4:8]!r}"
        raise not_a_tflite(f"{found}, not the identifier {IDENTIFIER!r}", path)
    try:
        return verify_tables(data, TFLITE_SCHEMA, "Model")
    except FlatbufferError as e:
        raise not_a_tflite(str(e), path) from e


def unpack(data: bytes, path: str | None = None) -> tuple[Any, Verified]:
    """Unpack the bytes of a ``.tflite``.

    Returns:
        The schema's ``ModelT``, whose arrays are views of ``data``, and what the check of the bytes saw.

    Raises:
        TfliteError: The bytes are not a ``.tflite``.
    """
    verified = verify_bytes(data, path)
    return unpack_model(data), verified


def is_external(buffer: Any) -> bool:
    """Return whether a ``BufferT`` has its data behind the FlatBuffer. LiteRT reserves offset 1 as a placeholder."""
    return int(buffer.offset or 0) > 1


def buffer_bytes(model: Any, index: int, data: bytes) -> memoryview:
    """Return the data of a buffer of a ``ModelT`` that was unpacked from ``data``; empty if the buffer has none."""
    buffer = model.buffers[index]
    if is_external(buffer):
        return memoryview(data)[buffer.offset : buffer.offset + buffer.size]
    if buffer.data is None:
        return memoryview(b"")
    return np.ascontiguousarray(buffer.data, np.uint8).data


class _SharingBuilder(Builder):
    """A builder that writes equal vectors of numbers once."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: np.ndarray) -> int:
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]

    def create_aligned_vector(self, payload: bytes) -> int:
        """Write a vector of bytes that starts at a multiple of 16. Returns its offset."""
        key = "aligned", hashlib.blake2b(payload).digest()  # not the payload, which may be large
        if key not in self._written:
            self.StartVector(1, len(payload), BUFFER_ALIGNMENT)
            self.head -= len(payload)
            self.Bytes[self.head : self.head + len(payload)] = payload
            self._written[key] = self.EndVector()
        return self._written[key]


class _AlignedBuffer:
    """A ``BufferT`` whose data starts at a multiple of 16 bytes."""

    def __init__(self, buffer: Any) -> None:
        self.data, self.offset, self.size = buffer.data, buffer.offset, buffer.size

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


def repackable(model: Any) -> Any:
    """Copy the objects of a ``ModelT`` that `pack` sets offsets in, and its lists. The data is shared.

    The copy can be changed and packed, and ``model`` stays as it is.
    """
    twin = copy.copy(model)
    twin.buffers = [copy.copy(buffer) for buffer in model.buffers or []]
    twin.subgraphs = [copy.copy(subgraph) for subgraph in model.subgraphs or []]
    for subgraph in twin.subgraphs:
        subgraph.operators = [copy.copy(operator) for operator in subgraph.operators or []]
    return twin


def _pack_once(model: Any, size_hint: int) -> bytes:
    aligned = copy.copy(model)
    aligned.buffers = [_AlignedBuffer(buffer) for buffer in model.buffers or []]
    builder = _SharingBuilder(min(max(size_hint, 1024), 2**31))
    builder.Finish(aligned.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


class _Outside(NamedTuple):
    """Data that the model refers to behind the FlatBuffer, and the object that holds its offset."""

    owner: Any
    field: str
    content: memoryview

    @property
    def end(self) -> int:
        """Position behind the data in the file that it comes from."""
        return int(getattr(self.owner, self.field)) + len(self.content)

    def move_to(self, position: int) -> None:
        """Set the offset."""
        setattr(self.owner, self.field, position)


def _data_outside(model: Any, source: bytes) -> list[_Outside]:
    found = []
    for buffer in model.buffers or []:
        if is_external(buffer):
            content = memoryview(source)[buffer.offset : buffer.offset + buffer.size]
            found.append(_Outside(buffer, "offset", content))
    for subgraph in model.subgraphs or []:
        for operator in subgraph.operators or []:
            start, size = operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize
            if start > 1:
                found.append(_Outside(operator, "largeCustomOptionsOffset", memoryview(source)[start : start + size]))
    return found


def _pack_with(model: Any, outside: list[_Outside], size_hint: int) -> bytes:
    packed = _pack_once(model, size_hint)
    if not outside:
        return packed
    # An offset takes eight bytes whatever its value, so the second FlatBuffer has the length of the first.
    chunks: list[bytes] = []
    end = len(packed)
    for part in outside:
        padding = -end % BUFFER_ALIGNMENT
        chunks += [bytes(padding), bytes(part.content)]
        part.move_to(end + padding)
        end += padding + len(part.content)
    return _pack_once(model, len(packed) + 4096) + b"".join(chunks)


def pack(model: Any, source: bytes, end: int | None = None) -> bytes:
    """Write a schema ``ModelT`` as the bytes of a ``.tflite``.

    Data that the model refers to behind the FlatBuffer is appended again, and its offsets in ``model`` are set to the
    new positions. Associated files are appended again too.

    Args:
        model: The ``ModelT``.
        source: The bytes that the model was unpacked from.
        end: Where the FlatBuffer of ``source`` ends; by default at the end of ``source``.

    Raises:
        TfliteError: A value does not fit its field.
    """
    outside = _data_outside(model, source)
    flatbuffer_end = len(source) if end is None else end
    tail, position = appended_bytes(source, max([flatbuffer_end, *(part.end for part in outside)]))
    try:
        return append(_pack_with(model, outside, len(source) + 4096), tail, position)
    except (*_WRITE_ERRORS, AssertionError) as e:
        raise TfliteError(f"The model can't be written as a .tflite: {type(e).__name__}: {e}.") from e
    except Exception as e:
        # flatbuffers.builder raises classes of its own, derived from RuntimeError and from Exception.
        if type(e).__module__.startswith("flatbuffers"):
            raise TfliteError(f"The model can't be written as a .tflite: {type(e).__name__}: {e}.") from e
        raise
