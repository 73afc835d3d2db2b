"""Metadata entries of one's own in the ``.tflite``."""

from __future__ import annotations

from collections.abc import Callable


class TfliteModelMetadataEntry:
    """An entry that a specification has stored in its ``.tflite``.

    Args:
        tag: its name.
        serialize_callback: gives its content: bytes.
        deserialize_callback: called with its content when that is read back.
        summary_callback: gives a text about it.
    """

    def __init__(
        self,
        tag: str,
        serialize_callback: Callable | None = None,
        deserialize_callback: Callable | None = None,
        summary_callback: Callable | None = None,
    ) -> None:
        self.tag = tag
        self._serialize_callback = serialize_callback
        self._deserialize_callback = deserialize_callback
        self._summary_callback = summary_callback

    def serialize(self) -> tuple[str, bytes]:
        """Its name and content; empty content without a callback."""
        return self.tag, bytes(self._serialize_callback()) if self._serialize_callback else b""

    def deserialize(self, metadata_buffer: bytes) -> None:
        """Hand its content to the callback."""
        if self._deserialize_callback:
            self._deserialize_callback(metadata_buffer)

    def summary(self) -> str:
        """The text about it; empty without a callback."""
        return self._summary_callback() if self._summary_callback else ""
