"""Makes Markdown of the little reStructuredText in the docstrings, for the pages that mkdocstrings writes."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:attr|class|data|exc|func|meth|mod):`~?\.?([^`]+)`")
_LITERAL = re.compile(r"(?m)(\S?)[ \t]*::[ \t]*$")


def to_markdown(text: str) -> str:
    """Replace roles (``:class:`~mltk.MltkModel```) by code, and ``::`` before a block of code by a colon."""
    text = _ROLE.sub(lambda match: f"`{match[1].rpartition('.')[2] if '~' in match[0] else match[1]}`", text)
    return _LITERAL.sub(lambda match: f"{match[1]}:" if match[1] else "", text)


class DocstringMarkup(griffe.Extension):
    """Converts the docstring of every object."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Convert one docstring."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)
