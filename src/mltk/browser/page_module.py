"""The WebAssembly module of a page: the C code of a model, with functions that a page calls."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

from mltk.audio.listen_plan import listen_plan
from mltk.audio.listening import Listening
from mltk.browser.wasm import compile_wasm
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import C_TYPES, Program
from mltk.codegen.write_c import kernel_sources, write_model
from mltk.codegen.write_listen import listen_files
from mltk.errors import UnsupportedModelError
from mltk.tflite.graph import Graph

NAME = "model"
"""Prefix of the model's names in C."""


@dataclass(frozen=True)
class PageModule:
    """A compiled module.

    Attributes:
        binary: The bytes of a ``.wasm`` file.
        ram_bytes: Static RAM of the network on a device.
        constant_bytes: Weights, tables and parameters of the network.
    """

    binary: bytes
    ram_bytes: int = 0
    constant_bytes: int = 0


def listener_module(graph: Graph, listening: Listening) -> PageModule:
    """Compile a model that listens.

    Args:
        graph: The model.
        listening: How it listens.

    Raises:
        UnsupportedModelError: The model can't become C code.
        MissingDependencyError: The compiler is not installed.
        RuntimeFailure: The compiler fails.
    """
    files, module = _network(graph)
    if f"{NAME}_input(void)" not in files[f"{NAME}.h"]:
        raise UnsupportedModelError("The model's input has no place in the arena.")
    plan = listen_plan(listening)
    listener = listen_files(plan, NAME)
    source = f"{NAME}_listen.c"
    parts = {**files, **listener, "page_listen.c": _source("page_listen.c"), "page.h": _source("page.h")}
    if plan.gain != 256:
        parts["page_listen.c"] = f"#define MODEL_GAIN {plan.gain}\n{parts['page_listen.c']}"
    # page_listen.c includes it: the compiler must not see it twice.
    parts["model_listen.inc"] = parts.pop(source)
    parts["page_listen.c"] = parts["page_listen.c"].replace(f'"{source}"', '"model_listen.inc"')
    return PageModule(compile_wasm(parts, math=True), module.ram_bytes, module.constant_bytes)


def network_module(graph: Graph, n_classes: int) -> PageModule:
    """Compile a model without the path from a microphone, and the detector for its scores.

    Args:
        graph: The model.
        n_classes: Number of classes.

    Raises:
        UnsupportedModelError: The model can't become C code.
        MissingDependencyError: The compiler is not installed.
        RuntimeFailure: The compiler fails.
    """
    files, module = _network(graph)
    detector = {name: _source(name, "device") for name in ("detector.c", "detector.h")}
    page = f"#define N_CLASSES {n_classes}\n{_source('page_detector.c')}"
    parts = {**files, **detector, "page_detector.c": page, "page.h": _source("page.h")}
    return PageModule(compile_wasm(parts), module.ram_bytes, module.constant_bytes)


@cache
def frontend_module() -> PageModule:
    """Compile the audio frontend alone, for a page that changes its settings.

    Raises:
        MissingDependencyError: The compiler is not installed.
        RuntimeFailure: The compiler fails.
    """
    names = ("audio_frontend.c", "audio_frontend.h")
    files = {name: _source(name, "device") for name in names}
    page = {name: _source(name) for name in ("page_frontend.c", "page.h")}
    return PageModule(compile_wasm({**files, **page}, math=True))


def _network(graph: Graph) -> tuple[dict[str, str], PageModule]:
    """Return the files of the network with its exported functions, and what it takes."""
    program = lower(graph)
    code = write_model(program, NAME)
    files = {**kernel_sources(program), f"{NAME}.c": code.source, f"{NAME}.h": code.header}
    files["page_network.c"] = _network_functions(program)
    return files, PageModule(b"", code.ram_bytes, code.constant_bytes)


def _network_functions(program: Program) -> str:
    """Return C code that exports the network: places for inputs and outputs, and its functions."""
    lines = [f'#include <stddef.h>\n\n#include "{NAME}.h"\n#include "page.h"\n']
    arguments = []
    for kind, tensors in (("input", program.inputs), ("output", program.outputs)):
        for k, i in enumerate(tensors):
            t = program.tensors[i]
            lines.append(f"static {C_TYPES[t.dtype_str]} {kind}_{k}[{max(1, t.size)}];")
            arguments.append(f"{kind}_{k}")
        cases = "".join(f"    if (k == {k}) return {kind}_{k};\n" for k in range(len(tensors)))
        lines.append(f"PAGE_EXPORT(network_{kind}) void *page_{kind}(int32_t k) {{\n{cases}    return NULL;\n}}")
    lines.append(f"PAGE_EXPORT(network_invoke) void page_invoke(void) {{ {NAME}_invoke({', '.join(arguments)}); }}")
    reset = f"{NAME}_reset();" if program.states else ""
    lines.append(f"PAGE_EXPORT(network_reset) void page_network_reset(void) {{ {reset} }}")
    return "\n".join(lines) + "\n"


def _source(name: str, *folder: str) -> str:
    place = resources.files("mltk").joinpath(*(folder or ("browser", "module")))
    return (place / name).read_text(encoding="utf-8")
