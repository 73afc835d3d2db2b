"""The format of model parameters: a FlatBuffer that firmware for MLTK 0.20 reads.

::

    table Dictionary { schema_version:uint8 = 1; entries:[Entry]; }
    table Entry      { key:string; value:Value; }
    union Value      { boolean, i8, u8, i16, u16, i32, u32, i64, u64, f32, f64,    // table { value:… }
                       str, str_list, int32_list, float_list, bin }                // table { data:… }
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from mltk.errors import TfliteError
from mltk.tflite.format.flatbuffer import FlatbufferError, verify_tables

SCHEMA_VERSION = 1

# The notation is that of mltk.tflite.format.schema_layout.
_LAYOUT = """
Dictionary = schemaVersion:u8 entries:[Entry
Entry = key:str valueType:u8 value:?Value
Bool = value:bool
I8 = value:i8
U8 = value:u8
I16 = value:i16
U16 = value:u16
I32 = value:i32
U32 = value:u32
I64 = value:i64
U64 = value:u64
F32 = value:f32
F64 = value:f64
Str = data:str
StrList = data:[str
Int32List = data:[i32
FloatList = data:[f32
Bin = data:[u8
?Value = Bool I8 U8 I16 U16 I32 U32 I64 U64 F32 F64 Str StrList Int32List FloatList Bin
"""

# dtype names of 0.20 in the order of the union's members, which start at 1.
DTYPES = (
    "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float", "double",
    "str", "str_list", "int32_list", "float_list", "bin",
)  # fmt: skip

# Names of the union's members, which are accepted as dtypes too.
_MEMBERS = (
    "boolean", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64",
    "str", "str_list", "int32_list", "float_list", "bin",
)  # fmt: skip
DTYPE_ALIASES = dict(zip(_MEMBERS, DTYPES, strict=True))

_SCALAR_FORMATS = dict(zip(DTYPES[:11], "?bBhHiIqQfd", strict=True))


def write_dictionary(items: Iterable[tuple[str, Any, str]]) -> bytes:
    """Write (key, value, dtype) entries as a FlatBuffer. The values must fit their dtypes."""
    from flatbuffers import Builder

    builder = Builder(1024)
    entries = [_write_entry(builder, key, value, dtype) for key, value, dtype in items]
    builder.StartVector(4, len(entries), 4)
    for entry in reversed(entries):
        builder.PrependUOffsetTRelative(entry)
    vector = builder.EndVector()
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(1, vector, 0)
    # The version is written although it is the schema's default, because a reader may not know the default.
    builder.PrependUint8(SCHEMA_VERSION)
    builder.Slot(0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def read_dictionary(data: bytes) -> Iterator[tuple[str, Any, str]]:
    """Yield (key, value, dtype) of each entry of a FlatBuffer, in its order.

    Raises:
        TfliteError: The bytes are not a dictionary of model parameters.
    """
    from flatbuffers.table import Table

    try:
        verify_tables(data, _LAYOUT, "Dictionary")
    except FlatbufferError as e:
        raise TfliteError(f"Not a dictionary of model parameters: {e}.") from e
    root = Table(data, struct.unpack_from("<I", data)[0])
    version_at = root.Offset(4)
    version = data[root.Pos + version_at] if version_at else SCHEMA_VERSION
    if version != SCHEMA_VERSION:
        raise TfliteError(
            f"The model parameters have schema version {version}; only version 1 is known.",
            hint="A newer version of this package may read them.",
        )
    yield from _read_entries(root)


def _write_entry(builder: Any, key: str, value: Any, dtype: str) -> int:
    value_offset = _write_value(builder, value, dtype)
    key_offset = builder.CreateString(key)
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(0, key_offset, 0)
    builder.PrependUOffsetTRelativeSlot(2, value_offset, 0)
    builder.PrependUint8Slot(1, DTYPES.index(dtype) + 1, 0)
    return int(builder.EndObject())


def _write_value(builder: Any, value: Any, dtype: str) -> int:
    if dtype in _SCALAR_FORMATS:
        writers: dict[str, Callable[..., None]] = {
            "float": builder.PrependFloat32Slot,
            "double": builder.PrependFloat64Slot,
        }
        write = writers.get(dtype) or getattr(builder, f"Prepend{dtype.capitalize()}Slot")
        builder.StartObject(1)
        write(0, value, 0)
        return int(builder.EndObject())
    if dtype == "str":
        data = builder.CreateString(value)
    elif dtype == "bin":
        data = builder.CreateByteVector(value)
    elif dtype == "str_list":
        texts = [builder.CreateString(item) for item in value]
        data = _write_vector(builder, texts, builder.PrependUOffsetTRelative)
    else:
        data = _write_vector(builder, value, builder.PrependInt32 if dtype == "int32_list" else builder.PrependFloat32)
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, data, 0)
    return int(builder.EndObject())


def _write_vector(builder: Any, items: list[Any], prepend: Callable[[Any], None]) -> int:
    builder.StartVector(4, len(items), 4)
    for item in reversed(items):
        prepend(item)
    return int(builder.EndVector())


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise TfliteError(f"Not a dictionary of model parameters: {what} is not UTF-8.") from e


def _read_entries(root: Any) -> Iterable[tuple[str, Any, str]]:
    """Yield key, value and dtype of each entry of a checked dictionary."""
    from flatbuffers.table import Table

    at = root.Offset(6)
    for i in range(root.VectorLen(at) if at else 0):
        entry = Table(root.Bytes, root.Indirect(root.Vector(at) + 4 * i))
        key_at, type_at, value_at = (entry.Offset(slot) for slot in (4, 6, 8))
        key = _text(entry.String(entry.Pos + key_at), f"key {i}") if key_at else ""
        kind = entry.Bytes[entry.Pos + type_at] if type_at else 0
        if not 1 <= kind <= len(DTYPES) or not value_at:
            raise TfliteError(f"Model parameter {key!r} is of type {kind}, which is not one of {len(DTYPES)} known.")
        dtype = DTYPES[kind - 1]
        yield key, _read_value(Table(entry.Bytes, entry.Indirect(entry.Pos + value_at)), dtype, key), dtype


def _read_value(table: Any, dtype: str, key: str) -> Any:
    at = table.Offset(4)
    if dtype in _SCALAR_FORMATS:
        default = 0.0 if dtype in ("float", "double") else 0
        return struct.unpack_from("<" + _SCALAR_FORMATS[dtype], table.Bytes, table.Pos + at)[0] if at else default
    if dtype == "str":
        return _text(table.String(table.Pos + at), f"parameter {key!r}") if at else ""
    start, length = (table.Vector(at), table.VectorLen(at)) if at else (0, 0)
    if dtype == "bin":
        return bytes(table.Bytes[start : start + length])
    if dtype == "str_list":
        return [_text(table.String(start + 4 * i), f"parameter {key!r}") for i in range(length)]
    return list(struct.unpack_from(f"<{length}{'i' if dtype == 'int32_list' else 'f'}", table.Bytes, start))
