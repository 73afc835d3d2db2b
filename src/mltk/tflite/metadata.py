"""Metadata entries of a ``.tflite``: named bytes, each in a buffer of its own.

The functions work on the schema's ``ModelT``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError
from mltk.tflite.format.codec import buffer_bytes
from mltk.tflite.types import decode


def all_metadata(model: Any, data: bytes) -> dict[str, bytes]:
    """Return every metadata entry, name → data. ``model`` was unpacked from ``data``."""
    return {decode(entry.name): bytes(buffer_bytes(model, entry.buffer, data)) for entry in model.metadata or []}


def find_metadata(model: Any, data: bytes, name: str) -> bytes | None:
    """Return the data of the entry ``name``; None if there is no such entry."""
    for entry in model.metadata or []:
        if decode(entry.name) == name:
            return bytes(buffer_bytes(model, entry.buffer, data))
    return None


def put_metadata(model: Any, name: str, value: bytes) -> None:
    """Add an entry, or replace the entry of this name.

    Raises:
        TfliteError: The name is not a str or is empty, or the value is not bytes.
    """
    if not isinstance(name, str) or not name or not isinstance(value, bytes | bytearray | memoryview):
        raise TfliteError("A metadata entry needs a name (str) and data (bytes).")
    drop_metadata(model, name)
    buffer = schema.BufferT()
    buffer.data = np.frombuffer(bytes(value), np.uint8)
    model.buffers.append(buffer)
    entry = schema.MetadataT()
    entry.name = name
    entry.buffer = len(model.buffers) - 1
    model.metadata = [*(model.metadata or []), entry]


def drop_metadata(model: Any, name: str) -> None:
    """Remove the entry ``name``, and its buffer if nothing else uses the buffer."""
    entries = model.metadata or []
    dropped = {entry.buffer for entry in entries if decode(entry.name) == name}
    model.metadata = [entry for entry in entries if decode(entry.name) != name] or None
    _release_buffers(model, dropped)


def _release_buffers(model: Any, released: set[int]) -> None:
    """Empty the buffers that nothing refers to any more. Remove them where they are the last buffers."""
    buffers = model.buffers
    used = {0, *(entry.buffer for entry in model.metadata or [])}
    if model.metadataBuffer is not None:
        used.update(int(index) for index in model.metadataBuffer)
    for subgraph in model.subgraphs:
        used.update(tensor.buffer for tensor in subgraph.tensors or [])
    free = released - used
    for index in free:
        buffers[index] = schema.BufferT()
    while len(buffers) - 1 in free:
        buffers.pop()
