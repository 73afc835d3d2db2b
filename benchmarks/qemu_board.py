"""A model as a program for the simulated boards of QEMU.

The program sets the inputs, computes one inference between two readings of the board's timer, and prints the ticks and
a hash of the outputs.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from mltk.codegen.emulate.cores import Core
from mltk.codegen.emulate.image import find_compiler
from mltk.codegen.emulate.run import model_files
from mltk.codegen.program import Program

BOARDS = {"cortex-m3": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}
_TICK = 40  # instructions at 1 ns each in a cycle of the timer's 25 MHz
_LINKER_SCRIPT = """
MEMORY { FLASH (rx) : ORIGIN = 0, LENGTH = 4M  RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 4M }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) } > FLASH
  .data : { *(.data .data.*) } > RAM
  .bss (NOLOAD) : { *(.bss .bss.*) *(COMMON) } > RAM
  /DISCARD/ : { *(.ARM.exidx*) *(.ARM.extab*) *(.eh_frame*) *(.comment) }
}
"""
_STARTUP = r"""
#include <stdint.h>
#define SYSTICK ((volatile uint32_t *)0xE000E010u)
void mltk_emulated_run(void);
static void call(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}
static void print(const char *name, uint32_t value) {
    char text[12];
    int i = 11;
    text[i] = 0;
    text[--i] = '\n';
    do text[--i] = (char)('0' + value % 10u); while ((value /= 10u) != 0);
    call(4, name);
    call(4, text + i);
}
@INPUTS@
void start(void);
void start(void) {
@COPIES@
    SYSTICK[1] = 0xFFFFFFu;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    const uint32_t first = SYSTICK[2];
    const uint32_t second = SYSTICK[2];
    mltk_emulated_run();
    const uint32_t third = SYSTICK[2];
    print("ticks ", (second - third) & 0xFFFFFFu);
    print("empty ", (first - second) & 0xFFFFFFu);
    print("wrapped ", (SYSTICK[0] >> 16) & 1u);
    uint32_t hash = 2166136261u;
@HASHES@
    print("outputs ", hash);
    call(0x18, (const void *)0x20026);
    for (;;) {}
}
__attribute__((section(".vectors"), used)) static void *const vectors[2] = {(void *)0x20400000u, (void *)start};
"""


def qemu_instructions(program: Program, core: Core, inputs: list[np.ndarray]) -> tuple[int, int]:
    """Return the instructions that QEMU counts for one inference, and a hash of the outputs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_board(folder, program, core, inputs)
        command = [*qemu_command(core), "-icount", "shift=0"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    printed = dict(re.findall(r"(\w+) (\d+)", done.stdout + done.stderr))
    if "outputs" not in printed:
        raise SystemExit(f"QEMU printed no counts:\n{done.stdout}{done.stderr}")
    if printed["wrapped"] != "0":
        raise SystemExit("The timer of the board wrapped: the model is too large for this comparison.")
    return (int(printed["ticks"]) - int(printed["empty"])) * _TICK, int(printed["outputs"])


def qemu_command(core: Core) -> list[str]:
    """Return the command that runs ``board.elf``."""
    command = ["qemu-system-arm", "-M", BOARDS[core.name], "-nographic", "-monitor", "none", "-serial", "none"]
    return [*command, "-semihosting-config", "enable=on,target=native", "-kernel", "board.elf"]


def build_board(folder: Path, program: Program, core: Core, inputs: list[np.ndarray]) -> None:
    """Compile ``board.elf``, which computes one inference and prints what it took."""
    compiler = find_compiler(core, "gcc")
    arrays, copies, hashes = [], [], []
    for k, values in enumerate(inputs):
        numbers = ",".join(str(v) for v in values.tobytes())
        arrays.append(f"static const uint8_t given_{k}[] = {{{numbers}}};\nextern uint8_t emulated_in_{k}[];")
        copies.append(f"for (uint32_t i = 0; i < sizeof given_{k}; ++i) emulated_in_{k}[i] = given_{k}[i];")
    for k, i in enumerate(program.outputs):
        n = program.tensors[i].nbytes
        arrays.append(f"extern uint8_t emulated_out_{k}[];")
        hashes.append(f"for (uint32_t i = 0; i < {n}u; ++i) hash = (hash ^ emulated_out_{k}[i]) * 16777619u;")
    if program.states:
        arrays.append("void mltk_emulated_reset(void);")
        copies.append("mltk_emulated_reset();")
    start = _STARTUP.replace("@INPUTS@", "\n".join(arrays)).replace("@COPIES@", "\n".join(copies))
    files = {
        **model_files(program),
        "start.c": start.replace("@HASHES@", "\n".join(hashes)),
        "board.ld": _LINKER_SCRIPT,
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    objects = []
    for name in (n for n in files if n.endswith(".c")):
        own = compiler.runtime_flags if name == "runtime.c" else ()
        flags = ["-std=c99", "-O2", "-ffunction-sections", "-fdata-sections", "-I.", *own]
        subprocess.run([*compiler.command, *flags, "-c", name, "-o", f"{name}.o"], cwd=folder, check=True)
        objects.append(f"{name}.o")
    link = ["-nostdlib", "-static", "-Wl,-T,board.ld", *objects, *compiler.libraries, "-o", "board.elf"]
    subprocess.run([*compiler.command, *link], cwd=folder, check=True)
