"""What the results of every operation have in common."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Results(Protocol):
    """Results of an operation: as plain data, as text, and as files.

    Also ``str(results)``, which is `to_text` with its defaults. A class only needs these methods; it need not derive
    from this one.
    """

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: no NaN, no arrays."""

    def to_json(self, indent: int = 2) -> str:
        """Return `to_dict` as JSON."""

    def to_text(self, width: int = 120) -> str:
        """Return a text for a terminal.

        Args:
            width: Number of columns at which running text is wrapped.
        """

    def save(self, output: str) -> list[str]:
        """Write the results.

        Args:
            output: A folder, or a file whose extension is one of the results' formats: ``.json`` or ``.txt``.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
