"""A user's own metadata entries in the ``.tflite``."""

from __future__ import annotations

from collections.abc import Callable


class TfliteModelMetadataEntry:
    """A metadata entry that a specification stores in its ``.tflite``.

    Args:
        tag: Name of the entry.
        serialize_callback: Returns the content as bytes.
        deserialize_callback: Called with the content when the ``.tflite`` is read.
        summary_callback: Returns a text about the entry.
    """

    def __init__(
        self,
        tag: str,
        serialize_callback: Callable[[], bytes] | None = None,
        deserialize_callback: Callable[[bytes], object] | None = None,
        summary_callback: Callable[[], str] | None = None,
    ) -> None:
        self.tag = tag
        self._serialize_callback = serialize_callback
        self._deserialize_callback = deserialize_callback
        self._summary_callback = summary_callback

    def serialize(self) -> tuple[str, bytes]:
        """Return the name and the content; the content is empty without a callback."""
        return self.tag, bytes(self._serialize_callback()) if self._serialize_callback else b""

    def deserialize(self, metadata_buffer: bytes) -> None:
        """Pass the content to the callback."""
        if self._deserialize_callback:
            self._deserialize_callback(metadata_buffer)

    def summary(self) -> str:
        """Return the text about the entry; empty without a callback."""
        return self._summary_callback() if self._summary_callback else ""
