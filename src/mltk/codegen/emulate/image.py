"""Compile generated C code for an emulated core, and read the program that comes out."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mltk.codegen.emulate.cores import Core
from mltk.errors import MissingDependencyError, RuntimeFailure

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
  .text : {{ KEEP(*(.text.mltk_emulated_run)) *(.text .text.*) }} > FLASH
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


@dataclass
class Image:
    """A linked program.

    Attributes:
        core: The core that it is for.
        segments: (address, bytes) of what is loaded.
        symbols: Name → (address, size in bytes).
        functions: Functions with (name, address, size), in order of address.
        compiler: The compiler, for people.
    """

    core: Core
    segments: list[tuple[int, bytes]]
    symbols: dict[str, tuple[int, int]]
    functions: list[tuple[str, int, int]] = field(default_factory=list)
    compiler: str = ""

    def address(self, symbol: str) -> int:
        """Return the address of a symbol, without the bit that marks Thumb code."""
        return self.symbols[symbol][0] & ~1


def build_image(
    folder: Path, files: Mapping[str, str], core: Core, *, optimize: str = "-O2", flags: Sequence[str] = ()
) -> Image:
    """Compile and link files for a core.

    Args:
        folder: An empty folder for the files.
        files: Name → text of ``.c`` and ``.h`` files. One defines ``mltk_emulated_run``.
        core: The core.
        optimize: Level of optimization.
        flags: More flags for the compiler.

    Raises:
        MissingDependencyError: There is no compiler for the core.
        RuntimeFailure: The compiler fails.
    """
    for name, text in {**files, "runtime.c": _RUNTIME, "memory.ld": _LINKER_SCRIPT, "string.h": _STRING_HEADER}.items():
        (folder / name).write_text(text, encoding="utf-8")
    compiler, title, libraries = _compiler(core)
    sources = [name for name in files if name.endswith(".c")]
    common = ["-std=c99", "-I.", "-ffunction-sections", "-fdata-sections", "-fno-unwind-tables"]
    common += ["-fno-asynchronous-unwind-tables", optimize, *flags]
    objects = []
    for name in (*sources, "runtime.c"):
        own = ["-fno-builtin", "-fno-tree-loop-distribute-patterns"] if name == "runtime.c" else []
        if name == "runtime.c" and "ziglang" in compiler:
            own = ["-fno-builtin"]
        objects.append(f"{name}.o")
        _run([*compiler, *common, *own, "-c", name, "-o", objects[-1]], folder)
    link = ["-nostdlib", "-static", "-Wl,-T,memory.ld", "-Wl,--gc-sections", *objects, *libraries]
    _run([*compiler, optimize, *link, "-o", "program.elf"], folder)
    return _read(folder / "program.elf", core, title)


def _compiler(core: Core) -> tuple[list[str], str, list[str]]:
    """Return command, title and libraries of the compiler for a core."""
    if core.gcc_flags and (gcc := shutil.which("arm-none-eabi-gcc")):
        version = subprocess.run([gcc, "-dumpversion"], capture_output=True, text=True, check=False).stdout.strip()
        return [gcc, *core.gcc_flags], f"arm-none-eabi-gcc {version}", ["-lgcc"]
    if importlib.util.find_spec("ziglang") is None:
        raise MissingDependencyError(f"A C compiler for {core.title}", extra="device")
    from importlib.metadata import version as version_of

    # zig checks for undefined behavior in unoptimized builds, which needs a runtime.
    flags = [*core.zig_flags, "-fno-sanitize=undefined"]
    return [sys.executable, "-m", "ziglang", "cc", *flags], f"zig {version_of('ziglang')}", ["-rtlib=compiler-rt"]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeFailure(f"The compiler can't build the model:\n{done.stderr[-2000:]}")


def _read(path: Path, core: Core, compiler: str) -> Image:
    try:
        from elftools.elf.elffile import ELFFile
    except ImportError as e:
        raise MissingDependencyError("The reader of compiled programs (package pyelftools)", extra="device") from e

    with path.open("rb") as file:
        elf = ELFFile(file)
        segments = [(s["p_paddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
        symbols: dict[str, tuple[int, int]] = {}
        functions = []
        table: Any = elf.get_section_by_name(".symtab")
        for symbol in table.iter_symbols():
            if symbol.name and symbol["st_shndx"] != "SHN_UNDEF":
                symbols[symbol.name] = (symbol["st_value"], symbol["st_size"])
                if symbol["st_info"]["type"] == "STT_FUNC":
                    functions.append((symbol.name, symbol["st_value"] & ~1, symbol["st_size"]))
    return Image(core, segments, symbols, sorted(functions, key=lambda f: f[1]), compiler)
