"""A child process that does whatever can go wrong: ``python -P -m helpers.naughty_child [MEMORY_LIMIT_BYTES]``."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mltk.errors import DatasetError, MltkError
from mltk.workers import child_main
from mltk.workers.child_main import Handler, serve
from mltk.workers.wire import Array, Header, Message


class Naughty:
    """One method for each kind of request."""

    def echo(self, header: Header, arrays: Sequence[Array]) -> Message:
        return {"back": header["say"]}, list(arrays)

    def crash(self, header: Header, arrays: Sequence[Array]) -> Message:
        os.write(2, b"about to crash\n")
        os.kill(os.getpid(), header["signal"])
        return self.hang(header, arrays)

    def exit(self, header: Header, arrays: Sequence[Array]) -> Message:
        os._exit(header["code"])

    def hang(self, header: Header, arrays: Sequence[Array]) -> Message:
        time.sleep(60)
        return {}, []

    def flood(self, header: Header, arrays: Sequence[Array]) -> Message:
        with contextlib.suppress(OSError):  # native code doesn't look whether it could print
            for _ in range(header["lines"]):
                os.write(1, b"native code prints to standard output\n" * 1000)
            os.write(1, b"to the end\n")
        return {}, []

    def read_input(self, header: Header, arrays: Sequence[Array]) -> Message:
        return {"read": sys.stdin.read()}, []

    def corrupt(self, header: Header, arrays: Sequence[Array]) -> Message:
        def write_garbage(stream: BinaryIO, *_: object) -> None:
            stream.write(header["bytes"].encode())
            stream.flush()
            if header.get("signal"):
                os.kill(os.getpid(), header["signal"])

        setattr(child_main, "write_message", write_garbage)  # noqa: B010 - a name that the module imports
        return {}, []

    def raise_error(self, header: Header, arrays: Sequence[Array]) -> Message:
        raise {"ours": DatasetError("no data", hint="get some"), "base": MltkError("bad"), "other": KeyError("key")}[
            header["error"]
        ]

    def allocate(self, header: Header, arrays: Sequence[Array]) -> Message:
        return {"sum": float(np.ones(header["n_bytes"], np.uint8).sum())}, []

    def fill(self, header: Header, arrays: Sequence[Array]) -> Message:
        return {}, [np.zeros(header["n_bytes"], np.uint8)]

    def environment(self, header: Header, arrays: Sequence[Array]) -> Message:
        return {"environment": dict(os.environ)}, []

    def leave_note(self, header: Header, arrays: Sequence[Array]) -> Message:
        atexit.register(Path(header["path"]).write_text, "the child ended by itself")
        return {}, []

    def ignores_interrupts(self, header: Header, arrays: Sequence[Array]) -> Message:
        return {"ignored": signal.getsignal(signal.SIGINT) == signal.SIG_IGN}, []


def start() -> Handler:
    print("printed before the first request", flush=True)
    if "fail" in sys.argv:
        raise RuntimeError("the child could not start")
    naughty = Naughty()

    def handle(header: Header, arrays: Sequence[Array]) -> Message:
        task: Callable[[Header, Sequence[Array]], Message] = getattr(naughty, header["task"])
        return task(header, arrays)

    return handle


if __name__ == "__main__":
    serve(start, memory_limit_bytes=int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else None)
