"""Compile generated C code for an emulated core, and read the program that comes out."""

from __future__ import annotations

import bisect
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from mltk.codegen.emulate.cores import Core
from mltk.errors import MissingDependencyError, MltkError, RuntimeFailure, did_you_mean

FLASH, RAM = 0x0800_0000, 0x2000_0000
"""Addresses of the emulated memories."""
MEMORY_BYTES = 16 << 20
"""Size of each memory: larger than any microcontroller's, so that every model fits."""

_LINKER_SCRIPT = f"""
ENTRY(mltk_emulated_run)
MEMORY {{
  FLASH (rx) : ORIGIN = {FLASH:#x}, LENGTH = {MEMORY_BYTES}
  RAM (rwx) : ORIGIN = {RAM:#x}, LENGTH = {MEMORY_BYTES}
}}
SECTIONS {{
  .text : {{ KEEP(*(.text.mltk_emulated_*)) *(.text .text.*) }} > FLASH
  .rodata : {{ *(.rodata .rodata.*) *(.srodata .srodata.*) }} > FLASH
  .data : {{ *(.data .data.*) *(.sdata .sdata.*) }} > RAM
  .bss (NOLOAD) : {{ *(.bss .bss.*) *(.sbss .sbss.*) *(COMMON) }} > RAM
  /DISCARD/ : {{ *(.ARM.exidx*) *(.ARM.extab*) *(.eh_frame*) *(.comment) *(.ARM.attributes) *(.riscv.attributes) }}
}}
"""

# What the C library has on a device; written for size, as newlib-nano's are.
_RUNTIME = """
#include <stddef.h>
#include <stdint.h>
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
    uint8_t *t = to;
    const uint8_t *f = from;
    if ((((uintptr_t)t | (uintptr_t)f) & 3u) == 0) {
        for (; n >= 4; n -= 4, t += 4, f += 4) *(uint32_t *)(void *)t = *(const uint32_t *)(const void *)f;
    }
    while (n-- > 0) *t++ = *f++;
    return to;
}
void *memset(void *to, int value, size_t n) {
    uint8_t *t = to;
    const uint32_t word = (uint32_t)(value & 255) * 0x01010101u;
    if (((uintptr_t)t & 3u) == 0) {
        for (; n >= 4; n -= 4, t += 4) *(uint32_t *)(void *)t = word;
    }
    while (n-- > 0) *t++ = (uint8_t)value;
    return to;
}
"""


_STRING_HEADER = """
#include <stddef.h>
void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memset(void *to, int value, size_t n);
"""
RUNTIME_FILES = {"runtime.c": _RUNTIME, "string.h": _STRING_HEADER}
"""Files that stand for the C library: name → text."""

COMPILERS = ("gcc", "zig")
"""Names of compilers: GNU's ``arm-none-eabi-gcc``, and the one of the package ziglang."""


@dataclass
class Image:
    """A linked program.

    Attributes:
        core: The core that it is for.
        segments: (address, bytes) of what is loaded.
        symbols: Name → (address, size in bytes).
        functions: Functions with (name, address, size), in order of address.
        sections: Section → bytes.
        functions_of: Source file → names of the functions that its object file defines.
        compiler: The compiler and its flags, for people.
    """

    core: Core
    segments: list[tuple[int, bytes]]
    symbols: dict[str, tuple[int, int]]
    functions: list[tuple[str, int, int]] = field(default_factory=list)
    sections: dict[str, int] = field(default_factory=dict)
    functions_of: dict[str, set[str]] = field(default_factory=dict)
    compiler: str = ""

    def address(self, symbol: str) -> int:
        """Return the address of a symbol, without the bit that marks Thumb code."""
        return self.symbols[symbol][0] & ~1

    def function_at(self, address: int) -> str:
        """Return the name of the function that has an address; empty if there is none."""
        k = bisect.bisect_right([start for _, start, _ in self.functions], address) - 1
        if k < 0:
            return ""
        name, start, size = self.functions[k]
        return name if address < start + size else ""


@dataclass(frozen=True)
class Compiler:
    """A compiler for one core.

    Attributes:
        command: Its command, with the flags for the core.
        title: Name and version, for people.
        core_flags: The flags for the core.
        libraries: Libraries that every program needs.
        runtime_flags: Flags that keep loops of the runtime from becoming calls of themselves.
    """

    command: tuple[str, ...]
    title: str
    core_flags: tuple[str, ...]
    libraries: tuple[str, ...]
    runtime_flags: tuple[str, ...]


def build_image(
    folder: Path,
    files: Mapping[str, str],
    core: Core,
    *,
    compiler: Compiler,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
    macros: Sequence[str] = (),
) -> Image:
    """Compile and link files for a core.

    Args:
        folder: An empty folder for the files.
        files: Name → text of ``.c`` and ``.h`` files. One defines ``mltk_emulated_run``.
        core: The core.
        compiler: The compiler, see `find_compiler`.
        optimize: Level of optimization.
        flags: More flags for the compiler.
        macros: Flags that define macros of ours; they are not named in the result.

    Raises:
        RuntimeFailure: The compiler fails.
        MissingDependencyError: The package that reads the program is not installed.
    """
    files = {**RUNTIME_FILES, **files}
    for name, text in {**files, "memory.ld": _LINKER_SCRIPT}.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = [name for name in files if name.endswith(".c")]
    common = ["-std=c99", "-I.", "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables"]
    common += ["-fno-asynchronous-unwind-tables", optimize, *flags, *macros]

    def compile_file(name: str) -> None:
        own = compiler.runtime_flags if name == "runtime.c" else ()
        _run([*compiler.command, *common, *own, "-c", name, "-o", f"{name}.o"], folder)

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(compile_file, sources))
    link = ["-nostdlib", "-static", "-Wl,-T,memory.ld", "-Wl,--gc-sections", *(f"{name}.o" for name in sources)]
    _run([*compiler.command, optimize, *link, *compiler.libraries, "-o", "program.elf"], folder)
    image = _read(folder / "program.elf", core, " ".join([compiler.title, *compiler.core_flags, optimize, *flags]))
    image.functions_of = {name: _defined_functions(folder / f"{name}.o") for name in sources}
    return image


def find_compiler(core: Core, name: str | None = None) -> Compiler:
    """Return a compiler for a core.

    Args:
        core: The core.
        name: One of `COMPILERS`; None takes the first one that is installed and knows the core.

    Raises:
        MltkError: There is no such compiler, or it does not know the core.
        MissingDependencyError: The compiler is not installed.
    """
    if name is not None and name not in COMPILERS:
        hint = did_you_mean(name, COMPILERS) or f"Choose one of: {', '.join(COMPILERS)}."
        raise MltkError(f"No compiler is called {name!r}.", hint=hint)
    if name == "gcc" and not core.gcc_flags:
        raise MltkError(f"The compiler gcc can't be used for {core.title}.", hint="Choose the compiler zig.")
    gcc = shutil.which("arm-none-eabi-gcc") if core.gcc_flags and name != "zig" else None
    if gcc:
        version = subprocess.run([gcc, "-dumpversion"], capture_output=True, text=True, check=False).stdout.strip()
        runtime = ("-fno-builtin", "-fno-tree-loop-distribute-patterns")
        return Compiler((gcc, *core.gcc_flags), f"arm-none-eabi-gcc {version}", core.gcc_flags, ("-lgcc",), runtime)
    if name == "gcc":
        hint = "Install it with your system's packages, or choose the compiler zig."
        raise MltkError("The compiler arm-none-eabi-gcc is not installed.", hint=hint)
    if importlib.util.find_spec("ziglang") is None:
        raise MissingDependencyError(f"A C compiler for {core.title}", extra="device")
    # zig checks for undefined behavior in unoptimized builds, which needs a runtime.
    flags = (*core.zig_flags, "-fno-sanitize=undefined")
    command = (sys.executable, "-m", "ziglang", "cc", *flags)
    title = f"zig cc {metadata.version('ziglang')}"
    return Compiler(command, title, core.zig_flags, ("-rtlib=compiler-rt",), ("-fno-builtin",))


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeFailure(f"The compiler can't build the model:\n{done.stderr[-2000:]}")


def _read(path: Path, core: Core, compiler: str) -> Image:
    elf_file = _elf_reader()
    with path.open("rb") as file:
        elf = elf_file(file)
        segments = [(s["p_paddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
        symbols: dict[str, tuple[int, int]] = {}
        functions = []
        for symbol in elf.get_section_by_name(".symtab").iter_symbols():
            if symbol.name and symbol["st_shndx"] != "SHN_UNDEF":
                symbols[symbol.name] = (symbol["st_value"], symbol["st_size"])
                if symbol["st_info"]["type"] == "STT_FUNC":
                    functions.append((symbol.name, symbol["st_value"] & ~1, symbol["st_size"]))
        sections = {section.name: int(section["sh_size"]) for section in elf.iter_sections()}
    return Image(core, segments, symbols, sorted(functions, key=lambda f: f[1]), sections, compiler=compiler)


def _defined_functions(path: Path) -> set[str]:
    with path.open("rb") as file:
        symbols = _elf_reader()(file).get_section_by_name(".symtab").iter_symbols()
        return {
            s.name for s in symbols if s["st_info"]["type"] == "STT_FUNC" and s["st_shndx"] != "SHN_UNDEF" and s.name
        }


def _elf_reader() -> Any:
    """Return the class that reads ELF files. Its package has no types."""
    try:
        return importlib.import_module("elftools.elf.elffile").ELFFile
    except ImportError as e:
        raise MissingDependencyError("The reader of compiled programs (package pyelftools)", extra="device") from e
