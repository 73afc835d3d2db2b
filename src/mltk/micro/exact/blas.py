"""One BLAS thread while small products are computed one after another.

Otherwise OpenBLAS wakes all its threads for each of thousands of small matrix products. On a busy machine this takes
ten times as long as one thread. After NumPy was imported, only OpenBLAS's own function changes the number of threads.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np


@lru_cache(maxsize=1)
def _openblas() -> tuple[Callable[[], int], Callable[[int], None]] | None:
    """Return the get and set functions of the OpenBLAS in NumPy's wheel; None for another BLAS."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(path))
            except OSError:
                continue
            for prefix, suffix in (("scipy_", "64_"), ("scipy_", ""), ("", "64_"), ("", "")):
                names = [f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set")]
                if all(hasattr(library, name) for name in names):
                    return getattr(library, names[0]), getattr(library, names[1])
    return None


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Use one thread for matrix products within the block. Nothing changes if NumPy's BLAS is not OpenBLAS."""
    functions = _openblas()
    if functions is None:
        yield
        return
    get, set_ = functions
    before = get()
    set_(1)
    try:
        yield
    finally:
        set_(before)
