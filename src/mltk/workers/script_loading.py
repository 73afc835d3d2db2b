"""Load a user's script for its functions, without what the script does with them.

A worker process that calls a function of a script has to run the script, which may train at module level without a
guard. Each operation therefore begins with :func:`stop_if_loading_script`, which ends the script there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

_is_loading = False


class ScriptEnd(BaseException):
    """The script has come to its first operation, so all functions above that line are defined.

    A script must not catch this, so it is not an ``Exception``.
    """


@contextlib.contextmanager
def loading_script() -> Iterator[None]:
    """Run a script in this block; an operation in it ends the block instead of doing anything."""
    global _is_loading
    _is_loading = True
    try:
        yield
    except ScriptEnd:
        pass
    finally:
        _is_loading = False


def stop_if_loading_script() -> None:
    """Do nothing, unless a worker process loads a script for its functions: then end the script.

    Raises:
        ScriptEnd: A worker process loads the script.
    """
    if _is_loading:
        raise ScriptEnd
