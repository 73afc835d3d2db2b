"""`TfliteFile`: the bytes of a ``.tflite``, its description and its metadata, without its graph."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from mltk.errors import TfliteError
from mltk.files import write_file
from mltk.tflite import metadata
from mltk.tflite.format import codec
from mltk.tflite.format.loading import read_file, read_model
from mltk.tflite.types import decode

if TYPE_CHECKING:
    from mltk.tflite.graph import Graph


class TfliteFile:
    """A ``.tflite``, read and checked once.

    Args:
        flatbuffer_data: The bytes of the ``.tflite``.
        path: Where the bytes came from. `save` writes there.

    Raises:
        TfliteError: The bytes are not a valid ``.tflite``. Every table, index and constant is checked first.
    """

    path: str | None = None
    """Where the model came from. `save` writes there."""

    def __init__(self, flatbuffer_data: bytes, path: str | None = None) -> None:
        self.path = path
        self._load(bytes(flatbuffer_data))

    @classmethod
    def load_flatbuffer_file(cls, path: str, cwd: str | None = None) -> Self:
        """Load a ``.tflite`` file.

        Args:
            path: Path of the file. ``~`` and ``$NAME`` are expanded.
            cwd: Folder that a relative ``path`` starts from; by default the working folder.

        Raises:
            TfliteError: There is no such file, or it is not a valid ``.tflite``.
        """
        expanded = os.path.expanduser(os.path.expandvars(os.fspath(path)))
        full = os.path.abspath(os.path.join(cwd, expanded) if cwd else expanded)
        return cls(read_file(full), path=full)

    def _load(self, data: bytes) -> None:
        model, self._verified = read_model(data, self.path)
        self._data = data
        self._fb_model = model
        self._dirty = False
        self._graph: Graph | None = None
        self._forget()

    def _forget(self) -> None:
        """Drop what a derived class made from the schema's objects."""

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.flatbuffer_data, "path": self.path}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._load(state["data"])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} ({self.flatbuffer_size} bytes)>"

    @property
    def filename(self) -> str | None:
        """File name of `path`; None if there is no path."""
        return os.path.basename(self.path) if self.path else None

    @property
    def name(self) -> str:
        """File name without its extension; ``my_model`` if there is no path."""
        return os.path.splitext(os.path.basename(self.path))[0] if self.path else "my_model"

    @property
    def description(self) -> str:
        """The model's description; empty if there is none."""
        return decode(self._fb_model.description)

    @description.setter
    def description(self, value: str | None) -> None:
        self._ensure_writable()
        self._fb_model.description = None if value is None else str(value)
        self._dirty = True

    @property
    def flatbuffer_data(self) -> bytes:
        """The bytes of the ``.tflite``, with the present metadata and description."""
        if self._dirty:
            self.regenerate_flatbuffer()
        return self._data

    @property
    def flatbuffer_size(self) -> int:
        """Size of the ``.tflite`` in bytes."""
        return len(self.flatbuffer_data)

    @property
    def flatbuffer_model(self) -> Any:
        """The schema's ``ModelT``."""
        return self._fb_model

    @property
    def graph(self) -> Graph:
        """The model as an interpreter sees it. Changes show after `regenerate_flatbuffer`."""
        data = self.flatbuffer_data
        if self._graph is None:
            from mltk.tflite.graph import Graph  # `mltk summarize` does not need it

            self._graph = Graph.of(self._fb_model, data)
        return self._graph

    def _ensure_writable(self) -> None:
        if self._verified.unknown:
            raise TfliteError(
                f"{self.path or 'The model'} can't be changed without loss: {self._verified.unknown[0]}.",
                hint="It was written with a newer schema; a newer ai-edge-litert may know it.",
            )

    def regenerate_flatbuffer(self, reload_model: bool = False) -> None:
        """Write the present objects to `flatbuffer_data`.

        Args:
            reload_model: Also make the objects again from the new bytes.

        Raises:
            TfliteError: The result is not a valid ``.tflite``. The model then stays as it was.
        """
        self._ensure_writable()
        data = codec.pack(self._fb_model, self._data, self._verified.end)
        model, verified = read_model(data, self.path)
        self._data = data
        self._verified = verified
        self._dirty = False
        self._graph = None
        if reload_model:
            self._fb_model = model
            self._forget()

    def save(self, output_path: str | None = None, update_path: bool = False) -> None:
        """Write the ``.tflite``. The file is written completely or not at all.

        Args:
            output_path: Where to write; by default `path`.
            update_path: Make ``output_path`` the model's `path`.

        Raises:
            TfliteError: There is neither an ``output_path`` nor a `path`.
            OutputError: The file cannot be written.
        """
        target = output_path or self.path
        if not target:
            raise TfliteError("This model came from no file: save it with an output path.")
        write_file(target, self.flatbuffer_data)
        if update_path:
            self.path = os.path.abspath(target)

    def get_all_metadata(self) -> dict[str, bytes]:
        """Return every metadata entry, name → data."""
        return metadata.all_metadata(self._fb_model, self._data)

    def get_metadata(self, tag: str) -> bytes | None:
        """Return the data of the metadata entry ``tag``; None if there is no such entry."""
        return metadata.find_metadata(self._fb_model, self._data, tag)

    def add_metadata(self, tag: str, value: bytes) -> None:
        """Add the metadata entry ``tag``, or replace it.

        Raises:
            TfliteError: The name is empty, or ``value`` is not bytes.
        """
        self._ensure_writable()
        metadata.put_metadata(self._fb_model, tag, value)
        self._dirty = True

    def remove_metadata(self, tag: str) -> bool:
        """Remove the metadata entry ``tag``.

        Returns:
            False if there was no such entry.
        """
        if self.get_metadata(tag) is None:
            return False
        self._ensure_writable()
        metadata.drop_metadata(self._fb_model, tag)
        self._dirty = True
        return True

    def buffer_data(self, index: int) -> memoryview:
        """Return the bytes of a buffer as a view; no bytes for a tensor that is not constant."""
        return codec.buffer_bytes(self._fb_model, index, self._data)

    def set_buffer_data(self, index: int, data: bytes) -> None:
        """Replace the bytes of a buffer. `regenerate_flatbuffer` writes them.

        Raises:
            TfliteError: There is no such buffer, or it is buffer 0, which is always empty.
        """
        if not 0 < index < len(self._fb_model.buffers):
            raise TfliteError(f"Buffer {index} can't hold data: number 0 is kept empty for tensors without.")
        buffer = self._fb_model.buffers[index]
        buffer.data = np.frombuffer(data, np.uint8)
        buffer.offset = buffer.size = 0
        self._dirty = True
