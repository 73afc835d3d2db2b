"""Run a model as C code on an emulated core."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from mltk.codegen.emulate.cores import Core, find_core
from mltk.codegen.emulate.counts import Counts
from mltk.codegen.emulate.image import RUNTIME_FILES, Compiler, Image, build_image, find_compiler
from mltk.codegen.emulate.machine import Machine
from mltk.codegen.emulate.timing import TIMINGS
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import C_TYPES, Program
from mltk.codegen.write_c import kernel_sources, write_model
from mltk.errors import RuntimeFailure
from mltk.tflite.graph import GraphSource, graph_of

RUN = "mltk_emulated_run"
"""Function that computes one sample."""
_RESET = "mltk_emulated_reset"
_MARK = "mltk_step_"
# A label takes no instruction. The clobber keeps calls on their side of it.
_MARK_FLAG = f'-DMLTK_STEP(k)=__asm__ volatile(".global {_MARK}" #k "\\n{_MARK}" #k ":" ::: "memory")'


@dataclass
class Step:
    """What one call of a kernel took.

    Attributes:
        operator: Index of the operator in the model.
        name: Name of the operator.
        counts: What it took.
    """

    operator: int
    name: str
    counts: Counts


@dataclass
class EmulationResult:
    """A model on an emulated core.

    Attributes:
        core: The core.
        compiler: The compiler and its flags.
        outputs: One array for each model output, (samples, *shape).
        total: What one inference took (the last sample).
        steps: What each call took, of the same inference. What comes before the first call is not a part of it.
        code_bytes: Bytes of instructions: part → bytes. Parts: ``kernels``, ``model``, ``runtime``.
        constant_bytes: Bytes of constants in flash: weights, tables, parameters, initial values.
        ram_bytes: Static RAM of the model: arena, inputs and outputs included, and variables.
        stack_bytes: Most bytes of stack that an inference used.
    """

    core: Core
    compiler: str
    outputs: list[np.ndarray]
    total: Counts
    steps: list[Step]
    code_bytes: dict[str, int] = field(default_factory=dict)
    constant_bytes: int = 0
    ram_bytes: int = 0
    stack_bytes: int = 0

    @property
    def flash_bytes(self) -> int:
        """Bytes in flash: code and constants."""
        return sum(self.code_bytes.values()) + self.constant_bytes

    @property
    def has_cycles(self) -> bool:
        """Whether the core has published timings. Otherwise only instructions are counted."""
        return TIMINGS[self.core.name] is not None

    @property
    def cycles_source(self) -> str:
        """Where the cycles of instructions come from; empty if there are none."""
        timing = TIMINGS[self.core.name]
        return "" if timing is None else timing.source


def emulate(
    model: GraphSource,
    inputs: Sequence[np.ndarray],
    core: str = "cortex-m4",
    *,
    reset_between_samples: bool = True,
    compiler: str | None = None,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
) -> EmulationResult:
    """Compile a model for a core, and compute samples on the emulated core.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        inputs: One array for each model input, (samples, *shape).
        core: Name of the core, see :mod:`mltk.codegen.emulate.cores`.
        reset_between_samples: Whether to forget the model's state before each sample.
        compiler: Name of the compiler, see :data:`mltk.codegen.emulate.image.COMPILERS`; None takes the first one that
            is installed.
        optimize: Level of optimization of the compiler.
        flags: More flags for the compiler.

    Raises:
        UnsupportedModelError: The model can't become C code.
        MltkError: There is no such core or compiler.
        MissingDependencyError: A compiler or the emulator is not installed.
        RuntimeFailure: The compiler or the emulated program fails.
    """
    found = find_core(core)
    program = lower(graph_of(model))
    image = build_model(program, found, compiler=compiler, optimize=optimize, flags=flags)
    machine = Machine(image)
    outputs, counts, stack = _run_samples(program, machine, inputs, reset_between_samples)
    total = Counts()
    for part in counts:
        total.add(part)
    steps = [Step(call.op.index, call.op.name, part) for call, part in zip(program.calls, counts[1:], strict=True)]
    result = EmulationResult(found, image.compiler, outputs, total, steps, stack_bytes=stack)
    _sizes(result, image, program)
    return result


def build_model(
    program: Program,
    core: Core,
    *,
    compiler: str | None = None,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
    more_files: dict[str, str] | None = None,
) -> Image:
    """Compile a model for a core, with labels where its steps begin.

    Args:
        program: The model.
        core: The core.
        compiler: As for `emulate`.
        optimize: As for `emulate`.
        flags: As for `emulate`.
        more_files: Name → text of more files. They may define ``keep`` functions, which `Machine.call` calls.

    Raises:
        MissingDependencyError: There is no compiler.
        RuntimeFailure: The compiler fails.
    """
    files = {**model_files(program), **(more_files or {})}
    return _built(tuple(files.items()), core, find_compiler(core, compiler), optimize, tuple(flags))


@lru_cache(maxsize=8)
def _built(
    files: tuple[tuple[str, str], ...], core: Core, compiler: Compiler, optimize: str, flags: tuple[str, ...]
) -> Image:
    """Compile files; the last programs are kept, since a model is often emulated again with other samples."""
    with tempfile.TemporaryDirectory(prefix="mltk-emulated-") as folder:
        return build_image(
            Path(folder), dict(files), core, compiler=compiler, optimize=optimize, flags=flags, macros=[_MARK_FLAG]
        )


def model_files(program: Program) -> dict[str, str]:
    """Return all files of a program that computes samples: name → text. `RUN` computes one."""
    code = write_model(program, "model")
    files = {**kernel_sources(program), "model.c": code.source, "model.h": code.header}
    return {**files, **RUNTIME_FILES, "run.c": _harness(program)}


def _harness(program: Program) -> str:
    lines = ['#include "model.h"', ""]
    names = []
    for kind, tensors in (("in", program.inputs), ("out", program.outputs)):
        for k, i in enumerate(tensors):
            t = program.tensors[i]
            lines.append(f"{C_TYPES[t.dtype_str]} emulated_{kind}_{k}[{t.size}] __attribute__((aligned(8)));")
            names.append(f"emulated_{kind}_{k}")
    lines += [f"void {RUN}(void);", f"void {RUN}(void) {{ model_invoke({', '.join(names)}); }}"]
    if program.states:
        lines += [f"void {_RESET}(void);", f"void {_RESET}(void) {{ model_reset(); }}"]
    return "\n".join(lines) + "\n"


def _run_samples(
    program: Program, machine: Machine, inputs: Sequence[np.ndarray], reset: bool
) -> tuple[list[np.ndarray], list[Counts], int]:
    """Return outputs, what each step of the last sample took, and the bytes of stack."""
    tensors = program.tensors
    n = len(inputs[0])
    if not n:
        raise RuntimeFailure("There is no sample to compute.")
    marks = [machine.image.address(f"{_MARK}{k}") for k in range(len(program.calls))]
    outputs = [np.empty((n, *tensors[i].shape), tensors[i].dtype) for i in program.outputs]
    counts: list[Counts] = []
    stack = 0
    for sample in range(n):
        if program.states and (reset or not sample):
            machine.call(_RESET)
        for k, i in enumerate(program.inputs):
            data = np.ascontiguousarray(inputs[k][sample], tensors[i].dtype)
            machine.write(f"emulated_in_{k}", data.tobytes())
        if sample < n - 1:
            stack = max(stack, machine.call(RUN))
        else:
            counts, used = machine.count(RUN, marks)
            stack = max(stack, used)
        for k, i in enumerate(program.outputs):
            raw = machine.read(f"emulated_out_{k}", tensors[i].nbytes)
            outputs[k][sample] = np.frombuffer(raw, tensors[i].dtype).reshape(tensors[i].shape)
    return outputs, counts, stack


def _sizes(result: EmulationResult, image: Image, program: Program) -> None:
    kernels = {f"{family}.c" for family in program.families}
    parts = {"kernels": 0, "model": 0, "runtime": 0}
    owner = {
        name: part
        for part, files in (("kernels", kernels), ("model", {"model.c"}), ("harness", {"run.c"}))
        for file in files
        for name in image.functions_of[file]
    }
    for name, _, size in image.functions:
        part = owner.get(name, "runtime")
        if part != "harness":
            parts[part] += size
    buffers = sum(size for name, (_, size) in image.symbols.items() if name.startswith("emulated_"))
    result.code_bytes = parts
    result.constant_bytes = image.sections.get(".rodata", 0) + image.sections.get(".data", 0)
    result.ram_bytes = image.sections.get(".bss", 0) + image.sections.get(".data", 0) - buffers
