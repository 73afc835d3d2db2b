"""Compile generated C code for this machine and run it on many samples."""

from __future__ import annotations

import _ctypes
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import numpy as np

from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import C_TYPES, Program
from mltk.codegen.write_c import kernel_sources, write_model
from mltk.errors import MissingDependencyError, RuntimeFailure
from mltk.tflite.graph import GraphSource, graph_of

WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-pedantic")


def find_compiler() -> list[str]:
    """Return the command of a C compiler: ``$CC``, the system's, or the one of the package ziglang.

    Raises:
        MissingDependencyError: There is none.
    """
    if os.environ.get("CC"):
        return os.environ["CC"].split()
    for name in ("cc", "gcc", "clang"):
        if found := shutil.which(name):
            return [found]
    import importlib.util

    if importlib.util.find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc"]
    raise MissingDependencyError("A C compiler", extra="device")


class HostModel:
    """A model as a shared library of this machine; a context manager that unloads it.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        flags: Flags for the compiler after the default ones.
        compiler: Command of the compiler; None takes `find_compiler`.
        threads: Number of threads that compute samples at the same time. The code is not reentrant, so that each
            thread has a copy of the library.

    Raises:
        UnsupportedModelError: The model can't become C code.
        RuntimeFailure: The compiler fails.
    """

    def __init__(
        self,
        model: GraphSource,
        *,
        flags: Sequence[str] = (),
        compiler: Sequence[str] | None = None,
        threads: int = 1,
    ) -> None:
        graph = graph_of(model)
        self.program = lower(graph)
        self.code = write_model(self.program, "model")
        files = {**kernel_sources(self.program), "model.c": self.code.source, "model.h": self.code.header}
        files["batch.c"] = batch_loop(self.program)
        with tempfile.TemporaryDirectory(prefix="mltk-c-") as folder:
            library = build_library(Path(folder), files, flags=flags, compiler=compiler)
            copies = [library, *(library.with_name(f"{k}_{library.name}") for k in range(1, threads))]
            for copy in copies[1:]:
                shutil.copyfile(library, copy)
            # A loaded library does not need its file.
            self._libraries = [ctypes.CDLL(str(copy)) for copy in copies]
        self.is_stateful = bool(self.program.states)

    def run(
        self, inputs: Sequence[np.ndarray], *, reset_between_samples: bool = True, resumes: bool = False
    ) -> list[np.ndarray]:
        """Compute samples.

        Args:
            inputs: One array for each model input, (samples, *shape) with or without the batch dimension.
            reset_between_samples: Whether to forget the model's state before each sample.
            resumes: With ``reset_between_samples=False``: begin with the state that the call before left.

        Returns:
            One array for each model output, (samples, *shape) with the batch dimension.
        """
        tensors = self.program.tensors
        arrays = [
            np.ascontiguousarray(x, tensors[i].dtype).reshape(len(x), *tensors[i].shape)
            for x, i in zip(inputs, self.program.inputs, strict=True)
        ]
        n = len(arrays[0])
        outputs = [np.empty((n, *tensors[i].shape), tensors[i].dtype) for i in self.program.outputs]
        is_stream = self.is_stateful and not reset_between_samples
        parts = 1 if is_stream else max(1, min(len(self._libraries), n))
        bounds = [n * k // parts for k in range(parts + 1)]

        def compute(k: int) -> None:
            part = slice(bounds[k], bounds[k + 1])
            if self.is_stateful and not (is_stream and resumes):
                self._libraries[k].model_reset()
            self._run(self._libraries[k], [a[part] for a in arrays], [o[part] for o in outputs], reset_between_samples)

        if parts == 1:
            compute(0)
        else:
            with ThreadPoolExecutor(parts) as pool:  # ctypes releases the GIL
                list(pool.map(compute, range(parts)))
        return outputs

    def _run(
        self, library: ctypes.CDLL, inputs: list[np.ndarray], outputs: list[np.ndarray], reset_between_samples: bool
    ) -> None:
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*inputs, *outputs)]
        library.model_batch(ctypes.c_int32(len(inputs[0])), ctypes.c_int32(int(reset_between_samples)), *pointers)

    def close(self) -> None:
        """Unload the library. The model can't run afterwards."""
        for library in self._libraries:
            _ctypes.dlclose(library._handle)
        self._libraries = []

    def __enter__(self) -> HostModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def build_library(
    folder: Path, files: Mapping[str, str], *, flags: Sequence[str] = (), compiler: Sequence[str] | None = None
) -> Path:
    """Write files into ``folder``, and compile them to a shared library.

    Raises:
        RuntimeFailure: The compiler fails.
    """
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    library = folder / ("model.dll" if sys.platform == "win32" else "model.so")
    sources = [name for name in files if name.endswith(".c")]
    command = [*(compiler or find_compiler()), "-std=c99", "-O3", "-march=native", "-fPIC", "-shared"]
    command += [*flags, *sources, "-o", library.name]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except OSError as error:
        raise RuntimeFailure(
            f"The compiler {command[0]} can't be started: {error.strerror}.",
            hint="Set CC to a C compiler, or unset it.",
        ) from None
    if done.returncode:
        raise RuntimeFailure(f"{command[0]} can't compile the model:\n{done.stderr[-2000:]}")
    return library


def run_self_test(files: Mapping[str, str]) -> str:
    """Compile the files of the layout ``cmake`` with ``selftest.c`` for this machine, and run it.

    Args:
        files: Name → text. Names that do not end with ``.c`` or ``.h`` are ignored.

    Returns:
        What it prints: a line that begins with PASS or FAIL.

    Raises:
        RuntimeFailure: The compiler or the program fails.
        MissingDependencyError: There is no C compiler.
    """
    code = {name: text for name, text in files.items() if name.endswith((".c", ".h"))}
    with tempfile.TemporaryDirectory(prefix="mltk-c-") as folder:
        for name, text in code.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        sources = [name for name in code if name.endswith(".c")]
        command = [*find_compiler(), "-std=c99", "-O1", "-ffp-contract=off", *sources, "-lm", "-o", "selftest.exe"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeFailure(f"{command[0]} can't compile the self-test:\n{done.stderr[-2000:]}")
        program = str(Path(folder) / "selftest.exe")
        try:
            done = subprocess.run([program], capture_output=True, text=True, check=False, timeout=120)
        except subprocess.TimeoutExpired as error:
            raise RuntimeFailure("The self-test of the C code did not end in 120 s.") from error
    if not done.stdout.startswith(("PASS", "FAIL")):
        raise RuntimeFailure(f"The self-test of the C code crashed (exit status {done.returncode}).")
    return done.stdout.strip()


def batch_loop(program: Program, name: str = "model") -> str:
    """Return C code that runs the model on samples that lie side by side: the function ``NAME_batch``."""
    kinds = [("in", program.inputs, "const "), ("out", program.outputs, "")]
    parameters, arguments = [], []
    for kind, tensors, qualifier in kinds:
        for k, i in enumerate(tensors):
            t = program.tensors[i]
            parameters.append(f"{qualifier}{C_TYPES[t.dtype_str]} *{kind}_{k}")
            arguments.append(f"{kind}_{k} + i * {t.size}")
    reset = f"        if (reset) {name}_reset();\n" if program.states else "        (void)reset;\n"
    signature = f"void {name}_batch(int32_t n, int32_t reset, {', '.join(parameters)})"
    return (
        f'#include "{name}.h"\n\n{signature};\n{signature} {{\n'
        f"    for (int32_t i = 0; i < n; ++i) {{\n{reset}        {name}_invoke({', '.join(arguments)});\n    }}\n}}\n"
    )
