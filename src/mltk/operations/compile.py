"""Compile a model: from its ``.tflite`` to C99 files that need no interpreter, compared with TensorFlow Lite Micro.

mltk compile yes_no --output firmware/yes_no
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from mltk.codegen.host import HostModel, run_self_test
from mltk.codegen.layouts import C_FLAGS, LAYOUTS, Files, optimize_flag
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import Program
from mltk.codegen.self_test import TestVectors, write_self_test
from mltk.codegen.tflm import write_tflm_files
from mltk.codegen.write_c import ModelCode, c_identifier, kernel_sources, string_literal, write_model
from mltk.errors import MissingDependencyError, MltkError, OutputError, RuntimeFailure, did_you_mean
from mltk.files import replacing_folder, write_file
from mltk.micro.border import wrong_borders
from mltk.micro.engines.run import run_batch
from mltk.micro.engines.runtimes import have_tflm
from mltk.micro.memory.arena import measure_arena
from mltk.micro.parity import random_samples
from mltk.operations.shared.listener import Listener, make_listener
from mltk.operations.shared.load import resolve
from mltk.specification import archive_file
from mltk.specification.names import name_of_file
from mltk.tflite.graph import Tensor
from mltk.tflite.model_parameters import TfliteModelParameters, stored_parameters
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    import logging

    from mltk.operations.compile_npu import NpuCompileResults
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel

_COMPARED_SAMPLES = 100
_RECORDED_SAMPLES = 4
_RECORDED_BYTES = 64 << 10  # of inputs in selftest.c


@dataclass
class CompileResults:
    """A model as C code.

    Attributes:
        name: Prefix of all names in C.
        files: Path in the folder → text.
        output: The folder; None if the files were not written.
        ram_bytes: Static RAM: the arena with inputs and outputs, and variables.
        constant_bytes: Weights, tables and parameters in flash.
        n_compared: Number of samples whose outputs were compared; 0 if there is no C compiler.
        reference: What computed the outputs that were compared.
        notes: What a reader should know.
        is_tflm: The files are for TensorFlow Lite Micro; ``ram_bytes`` is its arena, ``constant_bytes`` the model.
        listen_ram_bytes: Static RAM of the code that listens, at most; 0 if there is none.
        n_listened: Number of inferences on generated sound whose scores were compared.
    """

    name: str
    files: dict[str, str]
    output: str | None
    ram_bytes: int
    constant_bytes: int
    n_compared: int
    reference: str
    notes: list[str] = field(default_factory=list)
    is_tflm: bool = False
    listen_ram_bytes: int = 0
    n_listened: int = 0

    def to_text(self) -> str:
        """Return a summary for people."""
        if self.is_tflm:
            lines = [
                f"Model        {self.name}, for TensorFlow Lite Micro",
                f"Arena        {self.ram_bytes:,} bytes",
                f"Model data   {self.constant_bytes:,} bytes in flash",
                self._files_line(),
            ]
            return "\n".join([*lines, *[f"Note: {note}" for note in self.notes]])
        compared = (
            f"{self.n_compared} random samples on this machine: 0 values differ from {self.reference}"
            if self.n_compared
            else "not compared"
        )
        lines = [
            f"Model        {self.name}",
            f"RAM          {self.ram_bytes:,} bytes, static: activations, inputs, outputs and state",
            f"Constants    {self.constant_bytes:,} bytes in flash",
            f"Checked      {compared}",
            self._files_line(),
        ]
        if self.listen_ram_bytes:
            listening = f"{self.name}_listen(): samples of a microphone in, detections out"
            lines.insert(2, f"Listening    {listening}; at most {self.listen_ram_bytes:,} bytes of RAM more")
        if self.n_listened:
            lines.insert(-1, f"             {self.n_listened} inferences on generated sound: 0 scores differ")
        return "\n".join([*lines, *[f"Note: {note}" for note in self.notes]])

    def _files_line(self) -> str:
        return f"Files        {len(self.files)}" + (f" in {self.output}" if self.output else "")


@overload
def compile_model(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    accelerator: None = None,
    output: str | os.PathLike[str] | None = None,
    update_archive: bool | None = None,
    logger: logging.Logger | None = None,
    **settings: Any,
) -> CompileResults: ...


@overload
def compile_model(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    accelerator: str,
    output: str | os.PathLike[str] | None = None,
    update_archive: bool | None = None,
    logger: logging.Logger | None = None,
    **settings: Any,
) -> NpuCompileResults: ...


def compile_model(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    accelerator: str | None = None,
    output: str | os.PathLike[str] | None = None,
    update_archive: bool | None = None,
    logger: logging.Logger | None = None,
    *,
    layout: str = "cmake",
    name: str | None = None,
    max_ram: int | None = None,
    compare: bool = True,
    seed: int = 0,
    optimize: str | None = None,
    **unused: Any,
) -> CompileResults | NpuCompileResults:
    """Turn a quantized model into C99 files, and compare their outputs with TensorFlow Lite Micro's.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        accelerator: Compile for this accelerator instead; see `compile_for_npu`.
        output: Folder for the files; None writes nothing.
        update_archive: Whether to store the C code in the model's archive, in the folder ``c``.
        logger: For compatibility with MLTK 0.20; ignored.
        layout: One of `mltk.codegen.layouts.LAYOUTS`.
        name: Prefix of all names in C; by default the model's name.
        max_ram: Most bytes of static RAM.
        compare: Whether to compile the code for this machine and compare. Without it, or without a C compiler, the
            self-test is still written.
        seed: Seed of the random samples.
        optimize: What the build files ask the compiler for: ``"speed"`` or ``"size"``; None leaves it to the project.
        unused: For compatibility with MLTK 0.20; ignored.

    Returns:
        The files and what they need.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
        UnsupportedModelError: Something in the model has no C code.
        RuntimeFailure: The outputs differ, or no engine runs the model.
        OutputError: The folder can't be written.
    """
    if accelerator is not None:
        from mltk.operations.compile_npu import compile_for_npu

        return compile_for_npu(model, accelerator, output)
    results = compile_to_c(
        model, output, layout=layout, name=name, max_ram=max_ram, compare=compare, seed=seed, optimize=optimize
    )
    if update_archive:
        archive = resolve(model).archive_path()
        members = {f"c/{path}": text.encode() for path, text in results.files.items()}
        archive_file.update_archive(archive, members, without=("c/",))
    return results


def compile_to_c(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    layout: str = "cmake",
    name: str | None = None,
    max_ram: int | None = None,
    compare: bool = True,
    seed: int = 0,
    optimize: str | None = None,
) -> CompileResults:
    """Turn a quantized model into C99 files; see `compile_model`.

    Args:
        model: As for `compile_model`.
        output: Folder for the files; None writes nothing.
        layout: One of `mltk.codegen.layouts.LAYOUTS`.
        name: Prefix of all names in C; by default the model's name.
        max_ram: Most bytes of static RAM.
        compare: Whether to compile the code for this machine and compare.
        seed: Seed of the random samples.
        optimize: As for `compile_model`.

    Raises:
        MltkError: As for `compile_model`.
    """
    stop_if_loading_script()
    flag = optimize_flag(optimize)
    if layout not in LAYOUTS:
        raise MltkError(
            f"There is no layout {layout!r}.",
            hint=did_you_mean(layout, LAYOUTS) or f"Choose one of: {', '.join(LAYOUTS)}.",
        )
    tflite_model = resolve(model).tflite_model()
    prefix = c_identifier(name or _default_name(tflite_model, model))
    program = lower(tflite_model.graph)
    parameters = stored_parameters(tflite_model)
    version = metadata.version("openmltk")
    code = write_model(program, prefix, title=prefix, extra_header=_parameter_constants(parameters, prefix))
    if max_ram is not None and code.ram_bytes > max_ram:
        raise MltkError(
            f"{prefix} needs {code.ram_bytes:,} bytes of RAM, more than the limit of {max_ram:,}.",
            hint=f"The fullest step alone needs {code.plan.lower_bound:,} bytes: {_fullest_step(program, code)}.",
        )
    vectors, notes = _test_vectors(tflite_model, seed)
    n_compared = _compare(tflite_model, program, vectors, notes) if compare else 0
    listener = make_listener(tflite_model, code)
    files = replace(_files(program, code, vectors, listener, prefix, n_compared, version), optimize=flag)
    folder = None if output is None else os.path.abspath(os.path.expanduser(os.fspath(output)))
    n_listened = _check_listener(files, listener) if n_compared else 0
    laid_out = LAYOUTS[layout](files)
    if folder is not None:
        _write(folder, laid_out)
    return CompileResults(
        prefix,
        laid_out,
        folder,
        code.ram_bytes,
        code.constant_bytes,
        n_compared,
        vectors.source,
        [*notes, *wrong_borders(tflite_model), *listener.notes],
        listen_ram_bytes=listener.ram_bytes,
        n_listened=n_listened,
    )


def export_for_tflm(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    *,
    name: str | None = None,
    seed: int = 0,
) -> CompileResults:
    """Write what a user of TensorFlow Lite Micro needs: the model as an array, its operators, the arena, a test vector.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        output: Folder for the files; None writes nothing.
        name: Prefix of all names in C; by default the model's name.
        seed: Seed of the random samples.

    Returns:
        The files. ``ram_bytes`` is the measured arena.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
        RuntimeFailure: TensorFlow Lite Micro does not run the model.
        OutputError: The folder can't be written.
    """
    stop_if_loading_script()
    tflite_model = resolve(model).tflite_model()
    prefix = c_identifier(name or _default_name(tflite_model, model))
    vectors, notes = _test_vectors(tflite_model, seed)
    arena = measure_arena(tflite_model)
    if arena.is_estimate:
        notes.append("TensorFlow Lite Micro is not installed: the arena is an estimate.")
    graph = tflite_model.graph
    recorded = vectors.first(_n_recorded(graph.inputs))
    files = write_tflm_files(graph, prefix, arena.total, recorded, metadata.version("openmltk"))
    folder = None if output is None else os.path.abspath(os.path.expanduser(os.fspath(output)))
    if folder is not None:
        _write(folder, files)
    return CompileResults(prefix, files, folder, arena.total, len(graph.data), 0, vectors.source, notes, is_tflm=True)


def _n_recorded(inputs: Sequence[Tensor]) -> int:
    """Return how many samples to record, so that the file stays small."""
    size = sum(t.nbytes for t in inputs)
    return max(1, min(_RECORDED_SAMPLES, _RECORDED_BYTES // max(1, size)))


def _default_name(tflite_model: TfliteModel, model: object) -> str:
    if tflite_model.path:
        return name_of_file(tflite_model.path)
    return str(getattr(model, "name", "") or "model")


def _test_vectors(tflite_model: TfliteModel, seed: int) -> tuple[TestVectors, list[str]]:
    """Compute random samples as one stream, as a device does that is switched on once."""
    samples = random_samples(tflite_model.graph, _COMPARED_SAMPLES, np.random.default_rng(seed))
    engine = "tflm" if have_tflm() else "auto"  # the interpreter itself, not kernels that are equal to it
    result = run_batch(tflite_model, samples, engine=engine, reset_between_samples=False, trusted=False)
    return TestVectors(samples, result.outputs, result.engine_description), list(result.notes)


def _compare(tflite_model: TfliteModel, program: Program, vectors: TestVectors, notes: list[str]) -> int:
    """Compile the code for this machine, and return the number of samples that were compared.

    Raises:
        RuntimeFailure: An output differs.
    """
    try:
        host = HostModel(tflite_model, flags=["-O1"])
    except MissingDependencyError:
        notes.append("There is no C compiler here, so the code was not run. Install 'openmltk[device]' for one.")
        return 0
    with host:
        outputs = host.run(vectors.inputs, reset_between_samples=False)
    for ours, theirs in zip(outputs, vectors.outputs, strict=True):
        differing = int(np.count_nonzero(ours.reshape(theirs.shape) != theirs))
        if differing:
            raise RuntimeFailure(
                f"{differing} of {theirs.size} output values of the C code differ from {vectors.source}.",
                hint="This is an error in mltk. Nothing was written. Please report it with the model.",
            )
    return len(vectors)


def _check_listener(files: Files, listener: Listener) -> int:
    """Run the self-test, and return the number of inferences on generated sound that it compares.

    Raises:
        RuntimeFailure: A score differs.
    """
    if not listener.files:
        return 0
    result = run_self_test(LAYOUTS["cmake"](files))
    if not result.startswith("PASS"):
        raise RuntimeFailure(
            f"The C code that listens differs from Python: {result}.",
            hint="This is an error in mltk. Nothing was written. Please report it with the model.",
        )
    return listener.n_inferences


def _files(
    program: Program,
    code: ModelCode,
    vectors: TestVectors,
    listener: Listener,
    name: str,
    n_compared: int,
    version: str,
) -> Files:
    recorded = vectors.first(_n_recorded([program.tensors[i] for i in program.inputs]))
    sources = {**kernel_sources(program), f"{name}.c": code.source, f"{name}.h": code.header, **listener.files}
    readme = _readme(program, code, recorded, name, n_compared, version) + listener.readme
    self_test = write_self_test(program, name, recorded, listening=listener.self_test)
    description = f"The neural network {name} as C code."
    return Files(name, description, sources, self_test, readme, uses_math=bool(listener.files))


def _readme(program: Program, code: ModelCode, recorded: TestVectors, name: str, n_compared: int, version: str) -> str:
    tensors = program.tensors
    ports = [
        f"| {kind} | `{tensors[i].name}` | {tensors[i].dtype_str} | {list(tensors[i].shape)} |"
        for kind, indices in (("input", program.inputs), ("output", program.outputs))
        for i in indices
    ]
    compared = (
        f"{n_compared} random samples were computed on the host: 0 output values differed from {recorded.source}."
        if n_compared
        else "The code was not compared with an interpreter."
    )
    ports_text = "\n".join(ports)
    return f"""# {name}

This neural network was turned into C99 by mltk {version}. It needs no interpreter, no heap and no other library than
the C library's `memcpy` and `memset`.

| | tensor | type | shape |
|---|---|---|---|
{ports_text}

- RAM: {code.ram_bytes:,} bytes, static. Inputs and outputs are a part of it.
- Constants in flash: {code.constant_bytes:,} bytes. The code of the kernels comes on top.
- {compared}

Use it:

```c
#include "{name}.h"

{_example(program, name)}
```

`selftest.c` computes {len(recorded)} recorded samples and prints PASS. Run it on your device once: it proves that your
compiler and its flags give the same integers. The files compile without a warning with `{C_FLAGS}`.

The kernels choose Arm's DSP instructions by the compiler's macros (`__ARM_FEATURE_DSP`). Define `MLTK_PORTABLE` to
turn them off.
"""


def _example(program: Program, name: str) -> str:
    tensors = program.tensors
    if len(program.inputs) == len(program.outputs) == 1:
        from mltk.codegen.program import C_TYPES

        x, y = tensors[program.inputs[0]], tensors[program.outputs[0]]
        return (
            f"{C_TYPES[x.dtype_str]} *input = {name}_input();\n"
            f"/* fill {x.size} values */\n"
            f"{C_TYPES[y.dtype_str]} output[{y.size}];\n"
            f"{name}_invoke(input, output);"
        )
    return f"{name}_invoke(...);  /* see {name}.h */"


def _parameter_constants(parameters: TfliteModelParameters, name: str) -> str:
    """Return what the model's metadata says, as constants of C."""
    upper = name.upper()
    lines: list[str] = []
    classes = parameters.get("classes")
    if isinstance(classes, list) and classes and all(isinstance(c, str) for c in classes):
        quoted = ", ".join(string_literal(c) for c in classes)
        lines += [f"#define {upper}_N_CLASSES {len(classes)}", f"#define {upper}_CLASSES {{{quoted}}}"]
    for key, value in sorted(parameters.items()):
        literal = _parameter_literal(value)
        if literal is not None:
            lines.append(f"#define {upper}_PARAM_{c_identifier(key).upper()} {literal}")
    return "\n".join(["/* Parameters in the metadata of the .tflite. */", *lines]) if lines else ""


def _parameter_literal(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int):
        suffix = "" if -(1 << 31) < value < (1 << 31) else "LL"
        return f"({value}{suffix})" if value < 0 else f"{value}{suffix}"
    if isinstance(value, float):
        text = repr(float(np.float32(value)))
        return f"{text}f" if np.isfinite(value) and ("." in text or "e" in text) else None
    if isinstance(value, str) and len(value) < 200:
        return string_literal(value)
    return None


def _fullest_step(program: Program, code: ModelCode) -> str:
    places = code.plan.places
    step = max(range(len(program.calls)), key=lambda s: sum(p.size_at(s) for p in places), default=0)
    op = program.calls[step].op if program.calls else None
    return f"{op.name} (operator {op.index})" if op is not None else "none"


def _write(folder: str, files: dict[str, str]) -> None:
    """Write all files. A folder that does not exist yet, or is empty, appears whole or not at all."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise OutputError(f"Can't write the folder {folder}: there is a file of this name.")
    with contextlib.ExitStack() as stack:
        target = folder
        if not os.path.isdir(folder) or not os.listdir(folder):
            target = stack.enter_context(replacing_folder(folder))
        for path, text in files.items():
            place = os.path.join(target, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            write_file(place, text)
