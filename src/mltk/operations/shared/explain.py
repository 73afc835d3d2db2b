"""Errors of the specification's code, said in a few lines."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator

import mltk
from mltk.errors import MltkError, SpecificationError


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn an error of the specification's code into one that says what failed and in which line."""
    import traceback

    try:
        yield
    except MltkError:
        raise
    except Exception as e:
        package = os.path.dirname(os.path.abspath(mltk.__file__))
        own = [
            f
            for f in traceback.extract_tb(e.__traceback__)
            if not f.filename.startswith(package) and "site-packages" not in f.filename and "<" not in f.filename
        ]
        where = f"\n    {own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""
        raise SpecificationError(f"{what}: {type(e).__name__}: {first_lines(str(e))}{where}") from e


# What TensorFlow wraps around the one line that says what is wrong.
_NOISE = re.compile(
    r"\s*(Graph execution error|Detected at node|File \"|\d+ root error|\(\d+\) |\[\[|Stack trace|Original stack trace"
    r"|Errors may have originated|Input Source operations|Call arguments received|  • )"
)


def first_lines(text: str, limit: int = 6) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    lines = [re.sub(r"\s*\[\[\{\{node.*|\s*\[Op:.*", "", x) for x in lines if not _NOISE.match(x)] or lines
    return "\n    ".join(lines[:limit] + (["…"] if len(lines) > limit else []))
