"""Explain an error of the specification's code in a few lines: what failed, why, and where."""

from __future__ import annotations

import contextlib
import os
import re
import traceback
from collections.abc import Iterator

import mltk
from mltk.errors import MltkError, SpecificationError

# TensorFlow puts these lines around the one line that says what is wrong.
_NOISE = re.compile(
    r"\s*(Graph execution error|Detected at node|File \"|\d+ root error|\(\d+\) |\[\[|Stack trace|Original stack trace"
    r"|Errors may have originated|Input Source operations|Call arguments received|  • )"
)


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn an exception of the specification's code into an error that says what failed and in which line.

    Args:
        what: What failed; the beginning of the message.

    Raises:
        SpecificationError: The block raised an exception that is not an `MltkError`.
    """
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


def first_lines(text: str, limit: int = 6) -> str:
    """Return the first lines of an exception's text, without the lines that TensorFlow puts around them.

    Args:
        text: Text of the exception.
        limit: Number of lines; more are replaced by "…".
    """
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    lines = [re.sub(r"\s*\[\[\{\{node.*|\s*\[Op:.*", "", x) for x in lines if not _NOISE.match(x)] or lines
    return "\n    ".join(lines[:limit] + (["…"] if len(lines) > limit else []))
