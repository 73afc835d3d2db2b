"""Unpack checked bytes into objects of the schema, by the layout that the check used.

The schema's generated readers do the same, but take five times as long. They also read fields that the layout, and so
the check, may not know.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.tflite.format.flatbuffer import Field, parse_schema, vtable_struct
from mltk.tflite.format.schema_layout import TFLITE_SCHEMA

_FORMATS = {
    "bool": "?", "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I", "i64": "q", "u64": "Q",
    "f32": "f", "f64": "d",
}  # fmt: skip

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from

_Read = Callable[["_Reader", int, Any], Any]


class _Reader:
    """Reads the tables of one buffer, which must have been checked."""

    def __init__(self, buf: bytes) -> None:
        self.buf = buf

    def table(self, pos: int, name: str) -> Any:
        """Return the table at ``pos`` as a ``<name>T``. Absent fields keep the schema's defaults."""
        make, fields = _plan(name)
        result = make()
        buf = self.buf
        vtable = pos - _I32(buf, pos)[0]
        offsets = vtable_struct((_U16(buf, vtable)[0] - 4) // 2).unpack_from(buf, vtable + 4)
        for offset, field in zip(offsets, fields, strict=False):
            if offset and field is not None:
                attribute, read = field
                setattr(result, attribute, read(self, pos + offset, result))
        return result

    def string(self, at: int) -> bytes:
        """Return the bytes of the string whose offset is at ``at``. Text is decoded when it is shown."""
        pos = at + _U32(self.buf, at)[0]
        return self.buf[pos + 4 : pos + 4 + _U32(self.buf, pos)[0]]

    def vector(self, at: int) -> tuple[int, int]:
        """Return position of the first element and length of the vector whose offset is at ``at``."""
        pos = at + _U32(self.buf, at)[0]
        return pos + 4, _U32(self.buf, pos)[0]


def _scalar(field: Field) -> _Read:
    unpack = struct.Struct("<" + _FORMATS[field.target]).unpack_from
    return lambda reader, at, _: unpack(reader.buf, at)[0]


def _scalars(field: Field) -> _Read:
    dtype = np.dtype("<" + _FORMATS[field.target] if field.target != "bool" else "?")

    def read(reader: _Reader, at: int, _: Any) -> np.ndarray:
        start, length = reader.vector(at)
        return np.frombuffer(reader.buf, dtype, length, start) if length else np.zeros(0, dtype)

    return read


def _strings(field: Field) -> _Read:
    def read(reader: _Reader, at: int, _: Any) -> list[bytes]:
        start, length = reader.vector(at)
        return [reader.string(start + 4 * i) for i in range(length)]

    return read


def _table(field: Field) -> _Read:
    return lambda reader, at, _: reader.table(at + _U32(reader.buf, at)[0], field.target)


def _tables(field: Field) -> _Read:
    def read(reader: _Reader, at: int, _: Any) -> list[Any]:
        start, length = reader.vector(at)
        items = range(start, start + 4 * length, 4)
        return [reader.table(item + _U32(reader.buf, item)[0], field.target) for item in items]

    return read


def _union(field: Field) -> _Read:
    members = parse_schema(TFLITE_SCHEMA).unions[field.target]
    kind_of = f"{field.name}Type"

    def read(reader: _Reader, at: int, owner: Any) -> Any:
        kind = getattr(owner, kind_of)  # the slot before, so it was read already
        return reader.table(at + _U32(reader.buf, at)[0], members[kind - 1]) if 0 < kind <= len(members) else None

    return read


_READERS: dict[str, Callable[[Field], _Read]] = {
    "scalar": _scalar,
    "scalars": _scalars,
    "string": lambda field: lambda reader, at, _: reader.string(at),
    "strings": _strings,
    "table": _table,
    "tables": _tables,
    "union": _union,
}


@cache
def _plan(name: str) -> tuple[Callable[[], Any], tuple[tuple[str, _Read] | None, ...]]:
    """Return how to read a table: its class, and (attribute, reader) of each slot; None for a deprecated slot."""
    fields = parse_schema(TFLITE_SCHEMA).tables[name]
    return getattr(schema, f"{name}T"), tuple(
        (field.name, _READERS[field.kind](field)) if field.kind in _READERS else None for field in fields
    )


def unpack_model(buf: bytes) -> Any:
    """Return the root of a checked ``.tflite`` as a schema ``ModelT``. Its arrays are views of ``buf``."""
    return _Reader(buf).table(_U32(buf, 0)[0], "Model")
