"""The side of the child process: answer the requests of :class:`mltk.workers.child.Child`.

A module that runs as a child calls :func:`serve` and has nothing else to do with pipes::

    def main() -> None:
        serve(lambda: Worker().answer)

    if __name__ == "__main__":
        main()
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from io import BufferedIOBase
from typing import BinaryIO

from mltk.errors import MltkError
from mltk.workers.wire import Array, Header, Message, WireError, read_message, write_message

Handler = Callable[[Header, Sequence[Array]], Message]
"""Carries out one request: header and arrays in, the reply's header and arrays out. It may raise anything."""

_OUTPUT_BYTES = 64 << 20  # what untrusted native code prints beyond this is dropped
_TRACEBACK_LINES = 4


def serve(start: Callable[[], Handler], *, memory_limit_bytes: int | None = None) -> None:
    """Answer requests until the parent closes the pipe.

    Args:
        start: Returns what carries out the requests. It is called once, when standard output is safe to print to.
        memory_limit_bytes: For untrusted work: the most memory that this process may take. It can't fill the disk
            either, and so must not write files of its own.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops its children
    requests, replies = _private_pipes()
    _limit_resources(memory_limit_bytes)
    handle = start()
    while True:
        try:
            header, arrays = read_message(requests)
        except WireError:
            return
        reply, results = _answer(handle, header, arrays)
        try:
            write_message(replies, reply, results)
        except BrokenPipeError:
            return
        del header, arrays, reply, results  # their memory is free while this process waits


def _answer(handle: Handler, header: Header, arrays: Sequence[Array]) -> Message:
    """Carry out one request. An error becomes a reply too."""
    try:
        reply, results = handle(header, arrays)
    except MltkError as e:
        return _failure(e, e.message, e.hint, ""), []
    except Exception as e:  # noqa: BLE001 - a user's function may raise anything; the parent reports it
        where = "".join(traceback.format_exception(e)[-_TRACEBACK_LINES:])
        return _failure(e, f"{type(e).__name__}: {e}", None, where), []
    return {"ok": True, **reply}, results


def _failure(error: Exception, message: str, hint: str | None, where: str) -> Header:
    kinds = [kind.__name__ for kind in type(error).__mro__]
    return {"ok": False, "kinds": kinds, "message": message, "hint": hint, "traceback": where}


def _private_pipes() -> tuple[BufferedIOBase, BinaryIO]:
    """The pipes from and to the parent, out of the reach of everything else in this process.

    Native code and users' functions print to standard output, and may read standard input. They get standard error,
    and an empty input.
    """
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    os.dup2(2, 1)
    return requests, replies


def _limit_resources(memory_bytes: int | None) -> None:
    if sys.platform == "win32":
        return
    import resource

    def set_limit(kind: int, n_bytes: int) -> None:
        hard = resource.getrlimit(kind)[1]  # may be lower already, and can't be raised
        n_bytes = n_bytes if hard == resource.RLIM_INFINITY else min(n_bytes, hard)
        resource.setrlimit(kind, (n_bytes, n_bytes))

    set_limit(resource.RLIMIT_CORE, 0)  # a crash is expected: it must not leave gigabytes in the user's folder
    if memory_bytes is not None:
        set_limit(resource.RLIMIT_AS, memory_bytes)
        set_limit(resource.RLIMIT_FSIZE, _OUTPUT_BYTES)  # the only file written is the parent's, for what is printed
