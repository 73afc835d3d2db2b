"""Building blocks of sections: tables, tiles, notes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from mltk.report.markup import Child, element, join
from mltk.report.numbers import unbroken

LEVELS = {"good": "good", "warn": "check", "bad": "problem", "": "note"}
"""Level of a note → the word that stands before it."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        content: What is shown.
        value: What the column is sorted by; by default the text.
        number: Whether the cell is a number, at the right of its column.
        long: Whether the text may take several lines.
    """

    content: Child
    value: float | str | None = None
    number: bool = False
    long: bool = False


def number(text: str, value: float | None) -> Cell:
    """Return a cell with a number, sorted by its value; unknown values are last."""
    return Cell(text, "" if value is None or value != value else value, number=True)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Cell | Child]],
    *,
    caption: str = "",
    tall: bool = False,
    sortable: bool = True,
    label: str = "",
) -> Markup:
    """Return a table; the first cell of each row names the row.

    Args:
        head: Titles of the columns.
        rows: The cells.
        caption: A line above the table.
        tall: Scroll the table instead of growing without end.
        sortable: Whether a click on a title sorts the rows.
        label: What the table shows, for screen readers; by default the caption.
    """
    cells = [[c if isinstance(c, Cell) else Cell(c) for c in row] for row in rows]
    is_number = [any(row[i].number for row in cells if i < len(row)) for i in range(len(head))]
    titles = [
        element("th", title, scope="col", class_="number" if numeric else None)
        for title, numeric in zip(head, is_number, strict=True)
    ]
    body = [element("tr", [_cell(cell, first=i == 0) for i, cell in enumerate(row)]) for row in cells]
    made = element(
        "table",
        element("thead", element("tr", titles)),
        element("tbody", body),
        class_="sortable" if sortable and len(cells) > 1 else None,
    )
    kind = "scroll tall" if tall and len(cells) > 12 else "scroll"
    region = element(
        "div", made, class_=kind, tabindex=0, role="region", aria_label=label or caption or ", ".join(head)
    )
    return join(element("p", caption, class_="caption") if caption else None, region)


def _cell(cell: Cell, *, first: bool) -> Markup:
    names = [name for name, wanted in (("number", cell.number), ("long", cell.long)) if wanted]
    attributes = {"class_": " ".join(names) or None, "data_value": cell.value}
    if first:
        return element("th", cell.content, scope="row", **attributes)
    return element("td", cell.content, **attributes)


def tiles(figures: Iterable[tuple[str, str, str]]) -> Markup:
    """Return figures as tiles.

    Args:
        figures: Title, figure, and a line below the figure, which may be empty.
    """
    made = [
        element(
            "div",
            element("dt", title),
            element("dd", text, element("small", unbroken(more)) if more else None),
            class_="tile",
        )
        for title, text, more in figures
    ]
    return element("dl", made, class_="tiles")


def notes(items: Iterable[tuple[str, str]]) -> Markup | None:
    """Return a list of sentences with marks.

    Args:
        items: Level (a key of `LEVELS`) and text of each sentence.
    """
    made = [
        element("li", element("span", LEVELS[level], class_=f"mark {level or 'muted'}"), element("span", text))
        for level, text in items
    ]
    return element("ul", made, class_="notes") if made else None


def empty(text: str, adds: str = "") -> Markup:
    """Return a box that says what is missing, and the command that adds it."""
    more = [" This adds it: ", command(adds)] if adds else None
    return element("div", element("p", text, more), class_="empty")


def bar(share: float, *, level: str = "") -> Markup:
    """Return a bar for a cell, whose length is a share from 0 to 1."""
    width = f"width: {max(0.0, min(1.0, share)) * 7:.2f}rem"
    color = f"; background: var(--{level})" if level else ""
    return element("span", class_="bar", style=width + color, aria_hidden="true")


def code(text: str, *, wrap: bool = False) -> Markup:
    """Return a block of code.

    Args:
        text: The code.
        wrap: Whether long lines are wrapped; otherwise the block scrolls.
    """
    shown = [part for line in text.split("\n") for part in ("\n", *_words(line))][1:] if wrap else text
    return element("pre", element("code", shown), tabindex=0, class_="wrap" if wrap else None)


def command(text: str) -> Markup:
    """Return a command inside a sentence. No line ends after the hyphens of an option."""
    return element("code", _words(text))


def _words(text: str) -> list[Child]:
    parts: list[Child] = []
    for word in text.split(" "):
        parts += [" ", element("span", word, class_="word") if word.startswith("-") else word]
    return parts[1:]


def script(name: str) -> str:
    """Return the script of a section, ``assets/sections/NAME.js``."""
    return (resources.files("mltk.report") / "assets" / "sections" / f"{name}.js").read_text("utf-8")
