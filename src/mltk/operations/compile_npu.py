"""Compile a model for Arm's Ethos-U with Vela: a ``.tflite`` whose operators run on the NPU as far as it can.

mltk compile yes_no --accelerator ethos-u55-128
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mltk.errors import MltkError
from mltk.files import write_file
from mltk.micro.profile.targets import load_target, target_names
from mltk.micro.profile.vela import compile_with_vela
from mltk.operations.shared.load import resolve
from mltk.operations.shared.output import tflite_output_path
from mltk.specification.names import name_of_file
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel


@dataclass(frozen=True)
class NpuCompileResults:
    """A model for an NPU.

    Attributes:
        path: Path of the compiled ``.tflite``.
        accelerator: Name of the target.
        n_cpu_operators: Vela's name of an operator that stays on the CPU → number of such operators.
        memory_bytes: Name of a memory → bytes that are used of it.
        compiler: Name and version of the compiler.
    """

    path: str
    accelerator: str
    n_cpu_operators: dict[str, int]
    memory_bytes: dict[str, int]
    compiler: str

    def to_text(self) -> str:
        """Return a summary for people."""
        stays = ", ".join(f"{n} × {name}" for name, n in self.n_cpu_operators.items())
        memory = ", ".join(f"{n:,} bytes of {name.replace('_', ' ')}" for name, n in self.memory_bytes.items())
        return "\n".join(
            [
                f"Accelerator  {self.accelerator}, compiled by {self.compiler}",
                f"On the CPU   {stays or 'nothing: all operators run on the NPU'}",
                f"Memory       {memory}",
                f"File         {self.path}",
            ]
        )


def compile_for_npu(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    accelerator: str,
    output: str | os.PathLike[str] | None = None,
) -> NpuCompileResults:
    """Compile a model for an Ethos-U.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        accelerator: Name of an Ethos-U target of `mltk profile`, such as ``ethos-u55-128``.
        output: File or folder of the compiled ``.tflite``; by default ``NAME_vela.tflite`` in the working directory.

    Raises:
        MltkError: There is no compiler for the accelerator.
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
        MissingDependencyError: Vela is not installed.
        RuntimeFailure: Vela refuses the model, crashes or takes too long.
        OutputError: The file can't be written.
    """
    stop_if_loading_script()
    known = [name for name in target_names() if load_target(name).vela]
    target = load_target(accelerator) if accelerator.lower().replace("_", "-") in target_names() else None
    if target is None or not target.vela:
        raise MltkError(
            f"There is no compiler for the accelerator {accelerator!r}.",
            hint=f"There is one for: {', '.join(known)}. Without an accelerator, the model becomes C code. "
            "The compilers of Silicon Labs' accelerators are a part of their SDK.",
        )
    tflite_model = resolve(model).tflite_model()
    compiled = compile_with_vela(tflite_model.flatbuffer_data, target.vela)
    name = name_of_file(tflite_model.path) if tflite_model.path else "model"
    path = tflite_output_path(os.fspath(output) if output is not None else ".", f"{name}_vela.tflite")
    write_file(path, compiled.flatbuffer)
    return NpuCompileResults(
        path, target.name, compiled.cpu_operators, compiled.memory_bytes, f"Arm Vela {compiled.version}"
    )
