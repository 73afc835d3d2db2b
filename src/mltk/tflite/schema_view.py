"""Views of the schema's objects: what is set on a view is written to the file."""

from __future__ import annotations

from typing import Any


class SchemaView:
    """A view of an object of the schema, such as a ``TensorT``.

    The fields of the object are attributes of the view, under the schema's names. A property of the view's class
    replaces the field of the same name.

    Attributes:
        raw: The object of the schema. The model is written from it.
    """

    raw: Any

    def __init__(self, raw: Any) -> None:
        object.__setattr__(self, "raw", raw)

    def __getattr__(self, name: str) -> Any:
        # Called only for names that neither the view nor its class has. Before `raw` is set (copy, pickle), none exist.
        if name == "raw" or name.startswith("__"):
            raise AttributeError(name)
        try:
            return getattr(self.raw, name)
        except AttributeError:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        is_field = not hasattr(type(self), name) and name in vars(self.raw)
        object.__setattr__(self.raw if is_field else self, name, value)
