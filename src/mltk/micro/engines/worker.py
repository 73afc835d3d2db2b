"""The child process that runs native engines: ``python -P -m mltk.micro.engines.worker [MEMORY_LIMIT_BYTES]``.

Whatever native code prints is kept by the parent for its messages.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from mltk.errors import MltkError
from mltk.micro.engines.runtimes import Runtime, TflmRuntime, make_runtime
from mltk.workers.child_main import serve
from mltk.workers.wire import Array, Header, Message


class Worker:
    """What the child keeps between requests: the model that it has loaded."""

    def __init__(self) -> None:
        self.runtime: Runtime | None = None

    def load(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Load the model in ``arrays[0]`` (uint8) into the engine that ``header`` names."""
        self.runtime = None  # its memory counts, so the last model goes before this one comes
        self.runtime = make_runtime(
            header["engine"], arrays[0].tobytes(), reset_between_samples=header["reset_between_samples"]
        )
        return {"description": self.runtime.description}, []

    def run(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Compute the samples in ``arrays``: one array per model input, first axis = samples."""
        if self.runtime is None:
            raise MltkError("The worker was asked to run before a model was loaded.")
        return {}, self.runtime.run(arrays)

    def measure_arena(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Run the model in ``arrays[0]`` (uint8) once in an arena of ``header["arena_bytes"]``.

        With ``header["print"]`` TensorFlow Lite Micro prints what it allocated.
        """
        runtime = TflmRuntime(arrays[0].tobytes(), arena_bytes=header["arena_bytes"])
        outputs = runtime.invoke([np.zeros(t.shape, t.dtype) for t in runtime.graph.inputs])
        if header.get("print", True):
            runtime.print_allocations()
        return {"description": runtime.description}, outputs

    def answer(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Carry out one request."""
        tasks = {"load": self.load, "run": self.run, "measure_arena": self.measure_arena}
        return tasks[header["task"]](header, arrays)


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    serve(lambda: Worker().answer, memory_limit_bytes=int(sys.argv[1]) if len(sys.argv) > 1 else None)


if __name__ == "__main__":
    main()
