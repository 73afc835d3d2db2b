"""The child process that calls a function of the user's: ``python -P -m mltk.data.functions.worker``.

It reads the pickled function, then arguments, from standard input, and writes what comes of them to standard output,
until its input closes. Whatever is printed goes to standard error, which the parent keeps for its messages.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import traceback
from typing import Any, BinaryIO

from mltk.data.functions.process import read_frame, write_frame
from mltk.errors import DatasetError, MltkError


def _private_stdout() -> BinaryIO:
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")


def _tried(output: BinaryIO, make: Any) -> Any:
    """What ``make()`` gives, or None after having told the parent why there is nothing."""
    try:
        return make()
    except MltkError as error:  # as one that can be made again from its message
        failure: Any = (DatasetError if isinstance(error, DatasetError) else MltkError)(error.message, hint=error.hint)
    except (KeyboardInterrupt, SystemExit):
        raise
    except Exception as error:  # noqa: BLE001 - the user's function may raise anything; the parent is told
        where = "".join(traceback.format_exception(error)[-4:])
        failure = f"{type(error).__name__}: {error}\n{where}"
    write_frame(output, pickle.dumps((False, failure), protocol=5))
    return None


def main() -> None:
    """Answer calls until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it ends its workers
    output = _private_stdout()
    sys.path += [p for p in os.environ.get("MLTK_WORKER_PATH", "").split(os.pathsep) if p and p not in sys.path]
    sys.argv = json.loads(os.environ.get("MLTK_WORKER_ARGUMENTS", "null")) or sys.argv
    first = read_frame(sys.stdin.buffer)
    if first is None:
        return
    function = _tried(output, lambda: pickle.loads(first))
    if function is None:
        return
    write_frame(output, pickle.dumps((True, None)))
    while True:
        request = read_frame(sys.stdin.buffer)
        if request is None:
            return
        args, kwargs = pickle.loads(request)
        answer = _tried(output, lambda: (function(*args, **kwargs),))  # noqa: B023 - called at once
        if answer is not None:
            write_frame(output, pickle.dumps((True, answer[0]), protocol=5))


if __name__ == "__main__":
    main()
