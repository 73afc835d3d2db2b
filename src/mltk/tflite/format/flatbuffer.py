"""Bounds checks of FlatBuffers of a known schema.

The Python FlatBuffers runtime trusts its input. On damaged bytes it raises errors of ``struct`` or ``numpy``, or loops
over a vector of four billion elements. Therefore `verify_tables` runs before any bytes are unpacked. It walks every
table, vector and string that a reader can reach, and checks that each is inside the buffer.

The binary format is described in https://flatbuffers.dev/internals.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache

SCALAR_SIZES = {
    "bool": 1, "i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "i64": 8, "u64": 8, "f32": 4, "f64": 8,
}  # fmt: skip

_U16 = struct.Struct("<H").unpack_from
_U32 = struct.Struct("<I").unpack_from
_I32 = struct.Struct("<i").unpack_from


class FlatbufferError(ValueError):
    """The bytes are not a FlatBuffer of the schema. The message names the table or field outside the buffer."""


@dataclass(frozen=True)
class Field:
    """One vtable slot of a table.

    Attributes:
        name: Name of the field.
        kind: ``scalar``, ``string``, ``table``, ``union``, a vector (``scalars``, ``strings``, ``tables``), or
            ``deprecated``.
        size: Size of the scalar in bytes.
        target: Type of the scalar, or name of the table or union.
    """

    name: str
    kind: str
    size: int = 0
    target: str = ""


@dataclass(frozen=True)
class Schema:
    """A schema: name of a table → its slots, and name of a union → the tables of its members, from number 1 on."""

    tables: dict[str, tuple[Field, ...]] = field(default_factory=dict)
    unions: dict[str, tuple[str, ...]] = field(default_factory=dict)


def _parse_field(text: str) -> Field:
    if text == "-":
        return Field("-", "deprecated")
    name, kind = text.split(":")
    vector, kind = kind.startswith("["), kind.lstrip("[")
    if kind in SCALAR_SIZES:
        return Field(name, "scalars" if vector else "scalar", SCALAR_SIZES[kind], kind)
    if kind == "str":
        return Field(name, "strings" if vector else "string")
    if kind.startswith("?"):
        return Field(name, "union", target=kind[1:])
    return Field(name, "tables" if vector else "table", target=kind)


@lru_cache(maxsize=8)
def parse_schema(text: str) -> Schema:
    """Parse the notation of `mltk.tflite.format.schema_layout`."""
    schema = Schema()
    statements: list[list[str]] = []
    for line in text.splitlines():
        if line[:1] == " ":
            statements[-1].extend(line.split())
        elif line:
            statements.append(line.split())
    for name, _, *parts in statements:
        if name.startswith("?"):
            schema.unions[name[1:]] = tuple(parts)
        else:
            schema.tables[name] = tuple(_parse_field(part) for part in parts)
    return schema


@lru_cache(maxsize=256)
def vtable_struct(n_slots: int) -> struct.Struct:
    """Return what reads all slots of a vtable at once."""
    return struct.Struct(f"<{n_slots}H")


@dataclass
class Verified:
    """What the check saw.

    Attributes:
        unknown: Content that this schema does not know. Writing the objects would lose it.
        end: Position behind the last byte of the FlatBuffer.
    """

    unknown: list[str] = field(default_factory=list)
    end: int = 0


class _Walk:
    """One walk over a buffer.

    ``budget`` is the number of bytes that may still be visited. In a valid file every byte belongs to one table, so a
    small multiple of the file size is enough. A hostile file can have vectors of offsets that all point to the same
    table. It would unpack to far more objects than it has bytes.
    """

    def __init__(self, buf: bytes, schema: Schema) -> None:
        self.buf = buf
        self.schema = schema
        self.budget = 4 * len(buf) + 1024
        self.verified = Verified()

    def spend(self, n_bytes: int, what: str) -> None:
        self.budget -= n_bytes
        if self.budget < 0:
            raise FlatbufferError(f"{what}: the same bytes are referenced over and over")

    def uoffset(self, pos: int, what: str) -> int:
        """Return the position that the unsigned offset at ``pos`` points to."""
        if pos + 4 > len(self.buf):
            raise FlatbufferError(f"{what} lies outside the file (at byte {pos} of {len(self.buf)})")
        return pos + int(_U32(self.buf, pos)[0])

    def vector(self, pos: int, item_size: int, what: str) -> int:
        """Check the vector at ``pos`` and return its length."""
        if pos + 4 > len(self.buf):
            raise FlatbufferError(f"{what} lies outside the file (at byte {pos} of {len(self.buf)})")
        length = int(_U32(self.buf, pos)[0])
        if pos + 4 + length * item_size > len(self.buf):
            raise FlatbufferError(f"{what} claims {length} elements, more than the file holds")
        self.spend(4 + length * item_size, what)
        self.verified.end = max(self.verified.end, pos + 4 + length * item_size)
        return length

    def vtable(self, pos: int, what: str) -> tuple[int, int]:
        """Return position and number of slots of the vtable of the table at ``pos``."""
        if pos + 4 > len(self.buf):
            raise FlatbufferError(f"{what} lies outside the file (at byte {pos} of {len(self.buf)})")
        vtable = pos - int(_I32(self.buf, pos)[0])
        if not 0 <= vtable <= len(self.buf) - 4:
            raise FlatbufferError(f"{what} has its field table outside the file")
        size = int(_U16(self.buf, vtable)[0])
        if size < 4 or size % 2 or vtable + size > len(self.buf):
            raise FlatbufferError(f"{what} has a damaged field table")
        table_size = int(_U16(self.buf, vtable + 2)[0])
        self.verified.end = max(self.verified.end, vtable + size, pos + table_size)
        return vtable, (size - 4) // 2

    def table(self, pos: int, name: str, what: str) -> None:
        """Check the table at ``pos`` and everything it refers to."""
        fields = self.schema.tables[name]
        vtable, n_slots = self.vtable(pos, what)
        self.spend(12, what)
        for slot, offset in enumerate(vtable_struct(n_slots).unpack_from(self.buf, vtable + 4)):
            if not offset:
                continue
            if slot >= len(fields):
                self.verified.unknown.append(f"{what} has a field (number {slot}) that this version does not know")
            elif fields[slot].kind == "scalar":
                if pos + offset + fields[slot].size > len(self.buf):
                    raise FlatbufferError(f"{what}.{fields[slot].name} lies outside the file")
            elif fields[slot].kind != "deprecated":
                self.slot(pos, vtable, slot, offset, fields, f"{what}.{fields[slot].name}")

    def slot(self, pos: int, vtable: int, slot: int, offset: int, fields: tuple[Field, ...], what: str) -> None:
        """Check one present field of the table at ``pos`` that is not a scalar."""
        spec = fields[slot]
        target = self.uoffset(pos + offset, what)
        if spec.kind == "scalars":
            self.vector(target, spec.size, what)
        elif spec.kind == "string":
            self.vector(target, 1, what)
        elif spec.kind == "table":
            self.table(target, spec.target, what)
        elif spec.kind == "union":
            self.union(pos, vtable, slot, target, spec.target, what)
        else:
            for i in range(self.vector(target, 4, what)):
                item = f"{what}[{i}]"
                item_pos = self.uoffset(target + 4 + 4 * i, item)
                if spec.kind == "strings":
                    self.vector(item_pos, 1, item)
                else:
                    self.table(item_pos, spec.target, item)

    def union(self, pos: int, vtable: int, slot: int, target: int, name: str, what: str) -> None:
        """Check the value of a union. The slot before it, a u8, says which table it is."""
        type_offset = int(_U16(self.buf, vtable + 4 + 2 * (slot - 1))[0])
        kind = self.buf[pos + type_offset] if type_offset else 0
        members = self.schema.unions[name]
        if kind > len(members):
            self.vtable(target, what)
            self.verified.unknown.append(f"{what} is of type {kind}, which this version does not know")
        elif kind:
            self.table(target, members[kind - 1], what)


def verify_tables(buf: bytes, schema_text: str, root: str) -> Verified:
    """Check that every table, vector and string reachable from the root table lies inside ``buf``.

    The time and memory are proportional to the number of tables, at most a small multiple of ``len(buf)``.

    Args:
        buf: The bytes.
        schema_text: The schema in the notation of `mltk.tflite.format.schema_layout`.
        root: Name of the root table.

    Raises:
        FlatbufferError: A field is outside the buffer. The message names the first one.
    """
    walk = _Walk(buf, parse_schema(schema_text))
    if len(buf) < 8:
        raise FlatbufferError(f"only {len(buf)} bytes long")
    walk.table(walk.uoffset(0, root), root, root)
    return walk.verified
