"""HTML from Python, escaped by default.

    element("td", name, class_="label")    # <td class="label">a &lt;b&gt;</td>

Text is escaped; only `Markup`, which these functions return, is not. So names of classes, files and models can contain
anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from markupsafe import Markup, escape

Child = str | int | float | None | Iterable["Child"]
Attribute = str | int | float | bool | None

_VOID = {"br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """Return an HTML element.

    Args:
        tag: Name of the element.
        children: Text, numbers, markup, or sequences of them. Text is escaped. None is left out.
        attributes: The attributes. ``class_`` is ``class``, ``aria_label`` is ``aria-label``. True is an attribute
            without a value; None and False are left out.
    """
    parts = [
        f" {_attribute(name, value)}" for name, value in attributes.items() if value is not None and value is not False
    ]
    start = f"<{tag}{''.join(parts)}>"
    return Markup(start) if tag in _VOID else Markup(f"{start}{join(*children)}</{tag}>")


def join(*children: Child) -> Markup:
    """Return children one after the other; text is escaped."""
    return Markup("").join(_flat(children))


def _flat(children: Iterable[Child]) -> Iterable[Markup]:
    for child in children:
        if child is None:
            continue
        if isinstance(child, str | int | float):
            yield escape(child)
        else:
            yield from _flat(child)


def _attribute(name: str, value: Attribute) -> str:
    plain = name.rstrip("_").replace("_", "-")
    return plain if value is True else f'{plain}="{escape(value)}"'


def json_for_script(value: object) -> str:
    """Return JSON that can stand in a ``<script>`` element: no text in it ends the element or begins a comment.

    Args:
        value: Plain data. NaN and infinity are not allowed, because JSON does not have them.

    Raises:
        ValueError: A number is NaN or infinite.
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
