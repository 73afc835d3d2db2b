"""Many models in one compiled library, so that the kernels are compiled once."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.host import batch_loop, build_library
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import Program
from mltk.codegen.write_c import kernel_sources, write_model
from mltk.tflite.graph import graph_of


class CompiledModels:
    """Several models as one shared library of this machine.

    Args:
        models: Bytes of ``.tflite`` files.
        flags: Flags for the compiler after the default ones.
    """

    def __init__(self, models: Sequence[bytes], flags: Sequence[str] = ()) -> None:
        self.programs: list[Program] = []
        self.ram_bytes: list[int] = []
        files: dict[str, str] = {}
        for i, model in enumerate(models):
            program, name = lower(graph_of(model)), f"model_{i}"
            code = write_model(program, name)
            loop = batch_loop(program, name)
            files.update({f"{name}.c": code.source, f"{name}.h": code.header, f"{name}_batch.c": loop})
            files.update(kernel_sources(program))
            self.programs.append(program)
            self.ram_bytes.append(code.ram_bytes)
        with tempfile.TemporaryDirectory() as folder:
            self._library = ctypes.CDLL(str(build_library(Path(folder), files, flags=flags)))

    def run(self, i: int, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compute a stream of samples with model ``i``: its state is kept from one to the next."""
        program = self.programs[i]
        outputs = [
            np.empty((len(inputs[0]), *program.tensors[k].shape), program.tensors[k].dtype) for k in program.outputs
        ]
        if program.states:
            self._library[f"model_{i}_reset"]()
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*map(np.ascontiguousarray, inputs), *outputs)]
        self._library[f"model_{i}_batch"](ctypes.c_int32(len(inputs[0])), ctypes.c_int32(0), *pointers)
        return outputs


def assert_as_tflm(models: Sequence[bytes], flags: Sequence[str], n_samples: int) -> int:
    """Compare compiled models with TensorFlow Lite Micro on random samples.

    Args:
        models: Bytes of ``.tflite`` files.
        flags: Flags for the compiler after the default ones.
        n_samples: Samples for each model.

    Returns:
        Number of different values in the first outputs, added up over the models: few values would prove little.
    """
    compiled, n_values = CompiledModels(models, flags), 0
    for i, model in enumerate(models):
        inputs = random_inputs(model, n_samples)
        expected = tflm_outputs(model, inputs)
        assert_same_outputs(compiled.run(i, inputs), expected)
        n_values += len(np.unique(expected[0]))
    return n_values
