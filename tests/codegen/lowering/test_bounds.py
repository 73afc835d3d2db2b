"""Generated C code reads and writes only its own memory, and does nothing that C leaves undefined."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from helpers.random_models import MODELS
from helpers.random_networks import random_network
from mltk.codegen.host import find_compiler
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import C_TYPES
from mltk.codegen.write_c import kernel_sources, write_model
from mltk.tflite.graph import graph_of

SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def _program(models: list[bytes]) -> dict[str, str]:
    """Return the files of a program that runs each model on random inputs in memory of exactly their size."""
    files: dict[str, str] = {}
    head, body = ["#include <stdlib.h>"], []
    for i, model in enumerate(models):
        program = lower(graph_of(model))
        code = write_model(program, f"model_{i}")
        files.update({**kernel_sources(program), f"model_{i}.c": code.source, f"model_{i}.h": code.header})
        head.append(f'#include "model_{i}.h"')
        names, lines = [], []
        for kind, tensors in (("in", program.inputs), ("out", program.outputs)):
            for k, t in enumerate(program.tensors[j] for j in tensors):
                ctype, name = C_TYPES[t.dtype_str], f"{kind}_{k}"
                names.append(name)
                lines.append(f"{ctype} *{name} = malloc({t.nbytes});")
                if kind == "in":
                    lines.append(f"for (int i = 0; i < {t.size}; ++i) {name}[i] = ({ctype})(rand() % 256 - 128);")
        calls = [f"model_{i}_invoke({', '.join(names)});"] * 2
        body.append("{ " + " ".join([*lines, *calls, *(f"free({n});" for n in names)]) + " }")
    files["main.c"] = "\n".join([*head, "int main(void) {", *body, "return 0; }"]) + "\n"
    return files


@pytest.mark.parametrize("flag", ["-O1", "-DMLTK_PORTABLE"], ids=["with vectors", "without"])
def test_memory_outside_is_never_touched(flag: str, tmp_path: Path) -> None:
    models = [make(np.random.default_rng([seed, 19])) for make in MODELS.values() for seed in range(2)]
    models += [random_network(seed) for seed in range(7000, 7030)]
    for name, text in {**_program(models), "empty.c": "int main(void) { return 0; }\n"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    command = [*find_compiler(), "-std=c99", "-O1", *SANITIZERS, flag, "-o", "program"]
    if subprocess.run([*command, "empty.c"], cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("this compiler has no sanitizers")
    sources = [p.name for p in tmp_path.glob("*.c") if p.name != "empty.c"]
    subprocess.run([*command, *sources], cwd=tmp_path, capture_output=True, check=True)
    done = subprocess.run(["./program"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
