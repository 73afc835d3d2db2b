"""Run a model as C code on an emulated core."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mltk.codegen.emulate.cores import Core, find_core
from mltk.codegen.emulate.image import Image, build_image
from mltk.codegen.emulate.machine import STEP_ADDRESS, Counts, Machine
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import C_TYPES, Program
from mltk.codegen.write_c import ModelCode, kernel_sources, write_model
from mltk.tflite.graph import GraphSource, graph_of

_RUN = "mltk_emulated_run"


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
        compiler: The compiler.
        outputs: One array for each model output, (samples, *shape).
        total: What one inference took (the last sample).
        steps: What each call took, of the same inference. The marks between them are not counted.
        code_bytes: Bytes of instructions: part → bytes. Parts: ``kernels``, ``model``, ``runtime``.
        constant_bytes: Bytes of constants in flash: weights, tables, parameters.
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


def emulate(
    model: GraphSource,
    inputs: Sequence[np.ndarray],
    core: str = "cortex-m4",
    *,
    reset_between_samples: bool = True,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
) -> EmulationResult:
    """Compile a model for a core, and compute samples on the emulated core.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        inputs: One array for each model input, (samples, *shape).
        core: Name of the core, see :mod:`mltk.codegen.emulate.cores`.
        reset_between_samples: Whether to forget the model's state before each sample.
        optimize: Level of optimization of the compiler.
        flags: More flags for the compiler.

    Raises:
        UnsupportedModelError: The model can't become C code.
        MissingDependencyError: A compiler or the emulator is not installed.
        RuntimeFailure: The compiler or the emulated program fails.
    """
    found = find_core(core)
    program = lower(graph_of(model))
    code = write_model(program, "model")
    files = {**kernel_sources(program), "model.c": code.source, "model.h": code.header, "run.c": _harness(program)}
    with tempfile.TemporaryDirectory(prefix="mltk-emulated-") as folder:
        plain = build_image(_new(folder, "plain"), files, found, optimize=optimize, flags=flags)
        marks = [*flags, "-DMLTK_STEP(k)=(*(volatile unsigned int *)" + f"{STEP_ADDRESS:#x}" + "=(k))"]
        marked = build_image(_new(folder, "marked"), files, found, optimize=optimize, flags=marks)
    runner = _Runner(program, Machine(plain), reset_between_samples)
    outputs, counts, stack = runner.run(inputs)
    total = Counts()
    for part in counts.values():
        total.add(part)
    _, per_step, _ = _Runner(program, Machine(marked), reset_between_samples).run([x[-1:] for x in inputs])
    steps = [Step(call.op.index, call.op.name, per_step.get(i, Counts())) for i, call in enumerate(program.calls)]
    result = EmulationResult(found, plain.compiler, outputs, total, steps)
    _sizes(result, plain, code)
    result.stack_bytes = stack
    return result


def _new(folder: str, name: str) -> Path:
    path = Path(folder) / name
    path.mkdir()
    return path


def _harness(program: Program) -> str:
    lines = ['#include "model.h"', ""]
    names = []
    for kind, tensors in (("in", program.inputs), ("out", program.outputs)):
        for k, i in enumerate(tensors):
            t = program.tensors[i]
            lines.append(f"{C_TYPES[t.dtype_str]} emulated_{kind}_{k}[{t.size}] __attribute__((aligned(8)));")
            names.append(f"emulated_{kind}_{k}")
    lines += [f"void {_RUN}(void);", f"void {_RUN}(void) {{ model_invoke({', '.join(names)}); }}"]
    if program.states:
        lines += ["void mltk_emulated_reset(void);", "void mltk_emulated_reset(void) { model_reset(); }"]
    # Symbols that nothing calls would be dropped.
    kept = ["mltk_emulated_reset"] if program.states else []
    lines += [f"void (*const emulated_keep_{k})(void) __attribute__((used)) = {k};" for k in kept]
    return "\n".join(lines) + "\n"


class _Runner:
    def __init__(self, program: Program, machine: Machine, reset: bool) -> None:
        self.program, self.machine, self.reset = program, machine, reset

    def run(self, inputs: Sequence[np.ndarray]) -> tuple[list[np.ndarray], dict[int, Counts], int]:
        program, machine = self.program, self.machine
        tensors = program.tensors
        n = len(inputs[0])
        outputs = [np.empty((n, *tensors[i].shape), tensors[i].dtype) for i in program.outputs]
        counts: dict[int, Counts] = {}
        stack = 0
        for sample in range(n):
            if program.states and self.reset and sample:
                machine.call("model_reset")
            for k, i in enumerate(program.inputs):
                data = np.ascontiguousarray(inputs[k][sample], tensors[i].dtype)
                machine.write(f"emulated_in_{k}", data.tobytes())
            counts, used = machine.call(_RUN)
            stack = max(stack, used)
            for k, i in enumerate(program.outputs):
                raw = machine.read(f"emulated_out_{k}", tensors[i].nbytes)
                outputs[k][sample] = np.frombuffer(raw, tensors[i].dtype).reshape(tensors[i].shape)
        return outputs, counts, stack


def _sizes(result: EmulationResult, image: Image, code: ModelCode) -> None:
    parts = {"kernels": 0, "model": 0, "runtime": 0}
    harness = {_RUN, "mltk_emulated_reset"}
    model_functions = {n for n, _, _ in image.functions if n.startswith("model_")}
    kernels = _kernel_functions(image)
    for name, _, size in image.functions:
        if name in harness:
            continue
        part = "model" if name in model_functions else "kernels" if name in kernels else "runtime"
        parts[part] += size
    result.code_bytes = parts
    result.constant_bytes = code.constant_bytes
    result.ram_bytes = code.ram_bytes


def _kernel_functions(image: Image) -> set[str]:
    runtime = ("memcpy", "memset", "__")
    return {n for n, _, _ in image.functions if not n.startswith((*runtime, "model_"))}
