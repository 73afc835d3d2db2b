"""The child process that calls a user's function: ``python -P -m mltk.data.functions.worker``.

The first request brings the pickled function, each other request the pickled arguments of one call. Whatever the
function prints is kept by the parent for its messages.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Sequence
from typing import Any

from mltk.data.functions.process import from_arrays, to_arrays
from mltk.errors import MltkError
from mltk.workers.child_main import serve
from mltk.workers.wire import Array, Header, Message


class Worker:
    """What the child keeps between requests: the function."""

    def __init__(self) -> None:
        self.function: Callable[..., Any] | None = None

    def load(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Find the function that is pickled in ``arrays[0]``, as a script of the parent finds it."""
        sys.path += [p for p in header["path"] if p not in sys.path]
        sys.argv = header["arguments"] or sys.argv
        self.function = pickle.loads(arrays[0].data)
        return {}, []

    def call(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Call the function with the arguments that are pickled in ``arrays``."""
        if self.function is None:
            raise MltkError("The worker was asked to call a function before it was sent one.")
        args, kwargs = from_arrays(arrays)
        return {}, to_arrays(self.function(*args, **kwargs))

    def answer(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Carry out one request."""
        return {"load": self.load, "call": self.call}[header["task"]](header, arrays)


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    serve(lambda: Worker().answer)


if __name__ == "__main__":
    main()
