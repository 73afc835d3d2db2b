"""Data as an array in a C header."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import IO

from mltk.files import write_file
from mltk.utils.path import fullpath

_ROW = 16


def bin2header(
    input: str | bytes | Sequence[int] | Sequence[float],
    output_path: bool | str | IO[str] | None = None,
    var_name: str = "DATA",
    length_var_name: str | None = "DATA_LENGTH",
    dtype: str = "const unsigned char",
    attributes: str | None = None,
    prepend_lines: Sequence[str] | None = None,
    fmt_str: str | None = None,
    prepend_header: bool = True,
) -> str:
    """Write data as an array in C.

    Args:
        input: Path of a file, bytes, or numbers.
        output_path: Path of the header, or a file that is open for writing text; True is the path of the input file
            with ``.h``; None writes no file.
        var_name: Name of the array.
        length_var_name: Name of the variable with the number of elements; None or ``""`` is no variable.
        dtype: Type of an element in C.
        attributes: Attributes in C behind the name of the array.
        prepend_lines: Lines to write before the variables.
        fmt_str: Format of an element, such as ``"{:.3f}"``.
        prepend_header: Whether to begin with ``#pragma once``.

    Returns:
        The text of the header.
    """
    path = fullpath(input) if isinstance(input, str) else None
    data = Path(path).read_bytes() if path else input
    assert not isinstance(data, str)
    lines = ["#pragma once", "// Written by mltk.utils.bin2header: do not edit.", ""] if prepend_header else []
    lines += [*prepend_lines, ""] if prepend_lines else []
    lines += [f"const unsigned int {length_var_name} = {len(data)};"] if length_var_name else []
    lines += [f"{dtype} {var_name}[{len(data)}]{f' {attributes}' if attributes else ''} =", "{"]
    lines += _rows(data, fmt_str)
    text = "\n".join([*lines, "};", ""])
    if output_path is True:
        if path is None:
            raise ValueError("output_path=True needs the path of a file as input")
        output_path = f"{path}.h"
    if isinstance(output_path, str):
        write_file(Path(fullpath(output_path)), text)
    elif output_path and not isinstance(output_path, bool):
        output_path.write(text)
    return text


def _rows(data: bytes | Sequence[int] | Sequence[float], fmt_str: str | None) -> list[str]:
    is_bytes = isinstance(data, (bytes, bytearray))
    fmt = fmt_str or ("0x{:02x}" if is_bytes else "{}")
    rows = []
    for at in range(0, len(data), _ROW):
        row = data[at : at + _ROW]
        line = ",".join(fmt.format(value) for value in row)
        line += "," if at + _ROW < len(data) else ""
        if isinstance(row, (bytes, bytearray)):
            # A backslash at the end of a comment would continue it, and '*/' would end it.
            text = "".join(chr(b) if 0x20 <= b < 0x7F and b not in b"\\*" else "." for b in row)
            line = f"{line:<80} /* {at:6}: {text} */"
        rows.append(line)
    return rows
