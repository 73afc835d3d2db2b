"""Run a model's C code on an emulated core, and compare its outputs with TensorFlow Lite Micro's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mltk.codegen.emulate.run import EmulationResult, emulate
from mltk.codegen.layouts import optimize_flag
from mltk.errors import RuntimeFailure
from mltk.micro.engines.process import Workers
from mltk.micro.engines.run import BatchResult, run_batch
from mltk.micro.engines.runtimes import have_tflm
from mltk.micro.profile.counted import CountedFigures, LayerCounts
from mltk.tflite.model import TfliteModel


@dataclass(frozen=True)
class EmulatedModel:
    """A model that ran on an emulated core.

    Attributes:
        figures: What was counted.
        result: Its outputs.
    """

    figures: CountedFigures
    result: BatchResult

    def refuse_differences(self) -> None:
        """Check that all outputs are those of the reference.

        Raises:
            RuntimeFailure: An output differs.
        """
        counted = self.figures
        if counted.n_differing:
            raise RuntimeFailure(
                f"{counted.n_differing} of {counted.n_values:,} output values on the emulated {counted.title} differ "
                f"from {counted.reference}.",
                hint="This is an error in mltk or in the compiler. Please report it with the model and this compiler: "
                f"{counted.compiler}.",
            )


def emulate_model(
    model: TfliteModel,
    samples: Sequence[np.ndarray],
    core: str,
    *,
    compiler: str | None = None,
    optimize: str | None = None,
    clock_hz: float | None = None,
    source: str = "random",
    trusted: bool = False,
    children: Workers | None = None,
) -> EmulatedModel:
    """Compile a model's C code for a core, run samples on the emulated core, and compare the outputs.

    Args:
        model: The model.
        samples: One array for each input in the input's dtype, first axis = samples. The model's state is reset before
            each sample.
        core: Name of the core.
        compiler: ``"gcc"`` or ``"zig"``; None takes the first one that is installed.
        optimize: What the compiler is asked for: ``"speed"``, which is the default, or ``"size"``.
        clock_hz: Clock rate in Hz for the time.
        source: Where the samples come from.
        trusted: As for :func:`~mltk.micro.engines.run.run_batch`.
        children: As for ``run_batch``.

    Raises:
        MltkError: There is no such core or compiler.
        MissingDependencyError: The emulator or a compiler is not installed.
        UnsupportedModelError: Something in the model has no C code.
        RuntimeFailure: The compiler or the emulated program fails, or no engine runs the model.
    """
    emulated = emulate(model.graph, samples, core, compiler=compiler, optimize=optimize_flag(optimize, "-O2"))
    engine = "tflm" if have_tflm() else "auto"  # the interpreter itself, not kernels that are equal to it
    expected = run_batch(model, samples, engine=engine, trusted=trusted, children=children)
    pairs = list(zip(emulated.outputs, expected.outputs, strict=True))
    n_differing = sum(int(np.count_nonzero(ours.reshape(theirs.shape) != theirs)) for ours, theirs in pairs)
    figures = CountedFigures(
        core=emulated.core.name,
        title=emulated.core.title,
        compiler=emulated.compiler,
        instructions=emulated.total.instructions,
        cycles_low=emulated.total.cycles_low,
        cycles_high=emulated.total.cycles_high,
        cycles_source=emulated.cycles_source,
        code_bytes=emulated.code_bytes,
        constant_bytes=emulated.constant_bytes,
        ram_bytes=emulated.ram_bytes,
        stack_bytes=emulated.stack_bytes,
        n_samples=len(samples[0]),
        n_values=sum(theirs.size for _, theirs in pairs),
        n_differing=n_differing,
        samples=source,
        reference=expected.engine_description,
        layers=_layers(emulated),
        clock_hz=clock_hz,
    )
    outputs = [ours.reshape(theirs.shape) for ours, theirs in pairs]
    about = f"the C code of mltk compile on an emulated {emulated.core.title}"
    return EmulatedModel(figures, BatchResult(outputs, f"emulated {emulated.core.name}", about))


def _layers(emulated: EmulationResult) -> dict[int, LayerCounts]:
    instructions: dict[int, int] = defaultdict(int)
    cycles: dict[int, int] = defaultdict(int)
    for step in emulated.steps:
        instructions[step.operator] += step.counts.instructions
        cycles[step.operator] += step.counts.cycles
    return {index: LayerCounts(n, cycles[index]) for index, n in instructions.items()}
