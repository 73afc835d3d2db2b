"""A profile as text: rows of totals, the layers in a table that fits the terminal, and notes."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from mltk.micro.profile.units import format_bytes, format_time, format_units

_WIDEST = 120
_NARROWEST = 60
# The columns that are left out first if the terminal is too narrow come last.
_BY_IMPORTANCE = (
    "index", "opcode", "time", "share", "macs", "flash", "ram", "cycles", "counted_cycles",
    "counted_instructions", "output_shape", "accelerator_cycles",
    "cpu_cycles", "energy", "error_msg", "unknown_cost", "unmeasured", "input_shape",
    "options", "ops",
)  # fmt: skip
_TITLES = {  # in the order of the columns
    "index": "#", "opcode": "operator", "output_shape": "output", "input_shape": "inputs", "options": "options",
    "macs": "MACs", "ops": "ops", "flash": "flash", "ram": "RAM", "cycles": "cycles",
    "counted_cycles": "counted", "counted_instructions": "instructions",
    "accelerator_cycles": "acc cycles", "cpu_cycles": "CPU cycles", "energy": "energy", "time": "time",
    "share": "share", "error_msg": "problem", "unknown_cost": "unknown", "unmeasured": "unmeasured",
}  # fmt: skip
_ALWAYS = ("index", "opcode")
_LEFT = ("opcode", "output_shape", "input_shape", "options", "error_msg", "unknown_cost", "unmeasured")
_BYTES = ("flash", "ram")

Row = Mapping[str, Any]
"""The figures of a layer by key: the keys of `LAYER_LABELS` and ``share``, the layer's share of the time."""


def report_width(width: int | None) -> int:
    """Return the number of columns of a report: ``width`` or the terminal's width, from 60 to 120."""
    columns = width or shutil.get_terminal_size((_WIDEST, 24)).columns
    return max(_NARROWEST, min(columns, _WIDEST))


def report(
    totals: str, rows: Sequence[Row], notes: Sequence[str], *, width: int | None, plain: bool, everything: bool
) -> str:
    """Return totals, table and notes as one text.

    Args:
        totals: The text above the table.
        rows: The layers.
        notes: Sentences below the table.
        width: Columns of the terminal; by default those of the present one. The report has 60 to 120.
        plain: Show plain numbers instead of numbers with units.
        everything: Show all columns, however wide the table becomes.
    """
    columns = report_width(width)
    parts = [totals, layer_table(rows, columns, plain=plain, everything=everything)]
    if notes:
        wrapped = (
            textwrap.fill(note, columns, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
            for note in notes
        )
        parts.append("\n".join(wrapped))
    return "\n\n".join(parts)


def totals_text(rows: Sequence[tuple[str, str]]) -> str:
    """Return (title, text) pairs, one on a line."""
    return "\n".join(f"{title:>9}  {text}".rstrip() for title, text in rows)


def layer_table(rows: Sequence[Row], width: int, *, plain: bool, everything: bool) -> str:
    """Return the table of layers. Arguments as for `report`."""
    keys = _keys(rows)
    cells = {key: [_cell(key, row.get(key), plain) for row in rows] for key in keys}
    widths = {key: max([len(_TITLES[key]), *map(len, cells[key])]) for key in keys}
    is_limited = not (everything or plain)
    if is_limited:
        keys = _most_important(widths, width)
    lines = [_line({key: cells[key][i] for key in keys}, widths) for i in range(len(rows))]
    header = _line({key: _TITLES[key] for key in keys}, widths)
    rule = "-" * (min(len(header), width) if is_limited else len(header))
    return "\n".join([header, rule, *lines])


def _keys(rows: Sequence[Row]) -> list[str]:
    """Return the columns that hold something, in their order."""
    keys = [key for key in _TITLES if key in _ALWAYS or any(row.get(key) for row in rows)]
    if "cpu_cycles" in keys and "accelerator_cycles" not in keys:
        keys.remove("cpu_cycles")  # the same as the cycles
    return keys


def _most_important(widths: Mapping[str, int], width: int) -> list[str]:
    """Return the columns that fit ``width`` together, in their order."""
    chosen, used = set(), 0
    for key in (key for key in _BY_IMPORTANCE if key in widths):
        if used + widths[key] <= width:
            chosen.add(key)
            used += widths[key] + 2
    return [key for key in widths if key in chosen]


def _line(cells: Mapping[str, str], widths: Mapping[str, int]) -> str:
    aligned = (text.ljust(widths[key]) if key in _LEFT else text.rjust(widths[key]) for key, text in cells.items())
    return "  ".join(aligned).rstrip()


def _cell(key: str, value: Any, plain: bool) -> str:
    if value is None or value == "":
        return ""
    if key == "share":
        return f"{value:.1%}"
    if plain or key == "index" or isinstance(value, str):
        return str(value)
    if key == "time":
        return format_time(value)
    if not value:
        return "-"
    return format_bytes(value) if key in _BYTES else _count(value)


def _count(value: float) -> str:
    return f"{value:,.0f}" if 1 <= abs(value) < 10_000 else str(format_units(value))
