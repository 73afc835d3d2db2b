"""The counts of ``mltk profile --emulate`` against other programs that count.

    python benchmarks/emulated_cycles.py                   # the wake words of pymicro-wakeword
    python benchmarks/emulated_cycles.py MODEL.tflite …    # other models

Two opinions, neither of which openmltk depends on:

- QEMU (``qemu-system-arm``) runs the same C files, with the same compiler and flags, on a simulated board. With
  ``-icount shift=0`` each instruction takes one nanosecond of the board's time. The program reads the board's timer,
  which ticks every 40 ns. This counts instructions, not cycles. What is independent: the program that executes, its
  startup code, and how it counts. What is not: Unicorn is derived from QEMU, so that both would decode an instruction
  in the same wrong way. The outputs are compared, too.
- LLVM's ``llvm-mca`` says how many cycles each block takes, from LLVM's own model of the Cortex-M4. The blocks and how
  often they run are those that openmltk recorded. This is a lower bound, and not judged: in LLVM's model a load costs
  one cycle unless the next instruction needs it, and a branch costs no refill of the pipeline. In Arm's manual, both
  cost more.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mltk.codegen.emulate.cores import Core, find_core
from mltk.codegen.emulate.image import Compiler, find_compiler
from mltk.codegen.emulate.machine import Machine
from mltk.codegen.emulate.run import RUN, build_model, model_files
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import Program
from mltk.micro.parity import random_samples
from mltk.tflite.graph import graph_of

BOARDS = {"cortex-m3": "mps2-an385", "cortex-m4": "mps2-an386", "cortex-m7": "mps2-an500"}
LLVM_CORES = ("cortex-m4",)
LIMIT = 0.01  # of the instructions by QEMU
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
    compiler = find_compiler(core, "gcc")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _build(folder, program, compiler, inputs)
        command = ["qemu-system-arm", "-M", BOARDS[core.name], "-icount", "shift=0", "-nographic", "-monitor", "none"]
        command += ["-serial", "none", "-semihosting-config", "enable=on,target=native", "-kernel", "board.elf"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    printed = dict(re.findall(r"(\w+) (\d+)", done.stdout + done.stderr))
    if "outputs" not in printed:
        raise SystemExit(f"QEMU printed no counts:\n{done.stdout}{done.stderr}")
    if printed["wrapped"] != "0":
        raise SystemExit("The timer of the board wrapped: the model is too large for this comparison.")
    return (int(printed["ticks"]) - int(printed["empty"])) * _TICK, int(printed["outputs"])


def _build(folder: Path, program: Program, compiler: Compiler, inputs: list[np.ndarray]) -> None:
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


def output_hash(machine: Machine, program: Program) -> int:
    """Return the hash that the board prints, of what the emulated core computed."""
    value = 2166136261
    for k, i in enumerate(program.outputs):
        for byte in machine.read(f"emulated_out_{k}", program.tensors[i].nbytes):
            value = (value ^ byte) * 16777619 % (1 << 32)
    return value


def llvm_cycles(machine: Machine, core: Core, blocks: Counter[int]) -> float:
    """Return the cycles by LLVM's model of the core."""

    def one(address: int) -> float:
        code = bytes(machine._emulator.mem_read(address, machine._sizes[address]))
        lines = [f"{i.mnemonic} {i.op_str}" for i in machine._decoder.disasm(code, address)]
        return _mca(lines, core)

    with ThreadPoolExecutor(2) as pool:
        return sum(c * blocks[a] for a, c in zip(blocks, pool.map(one, blocks), strict=True))


def _mca(lines: list[str], core: Core) -> float:
    # LLVM takes 100 cycles for a call, since it does not know the function; here the function's blocks are counted.
    lines = [re.sub(r"^(bl|blx)(\.w)? ", "b.w ", line) for line in lines]
    text = "\n".join(re.sub(r"#0x8[0-9a-f]{6}", ".", line) for line in lines)
    command = ["llvm-mca", "-mtriple=thumbv7em-none-eabi", f"-mcpu={core.name}", "-iterations=100"]
    done = subprocess.run(command, input=text + "\n", capture_output=True, text=True, check=False)
    found = re.search(r"Total Cycles:\s+(\d+)", done.stdout)
    if found is None:
        raise SystemExit(f"llvm-mca can't read this block:\n{text}\n{done.stderr}")
    return int(found[1]) / 100


def compare(path: Path, core: Core) -> list[float]:
    """Print one row, and return the relative differences from QEMU."""
    model = path.read_bytes()
    program = lower(graph_of(model))
    inputs = [x[0] for x in random_samples(model, 1, np.random.default_rng(0))]
    machine = Machine(build_model(program, core, compiler="gcc"))
    if program.states:
        machine.call("mltk_emulated_reset")
    for k, values in enumerate(inputs):
        machine.write(f"emulated_in_{k}", values.tobytes())
    (counts, *_), _ = machine.count(RUN, [])
    cells, errors = [f"{counts.instructions:>12,}"], []
    if shutil.which("qemu-system-arm") and core.name in BOARDS:
        if program.states:
            machine.call("mltk_emulated_reset")
        machine.call(RUN)
        n, outputs = qemu_instructions(program, core, inputs)
        if outputs != output_hash(machine, program):
            raise SystemExit(f"{path.name}: QEMU computes other outputs.")
        errors.append(counts.instructions / n - 1)
        cells.append(f"{n:>12,} {errors[-1]:>+8.2%}")
    else:
        cells.append(f"{'–':>12} {'':>8}")
    cells.append(f"{counts.cycles:>12,} ±{counts.cycles_error:>4.0%}")
    if shutil.which("llvm-mca") and core.name in LLVM_CORES:
        blocks = Counter(a for a in machine.trace(RUN)[0].tolist() if machine._decoded.get(a))
        n_cycles = llvm_cycles(machine, core, blocks)
        cells.append(f"{n_cycles:>12,.0f} {n_cycles / counts.cycles:>6.2f}")
    print(f"{path.stem[:28]:28} {core.name:14}", *cells, flush=True)
    return errors


def main() -> int:
    """Print all rows. The exit code is 1 if a difference is above its limit."""
    paths = [Path(p) for p in sys.argv[1:]]
    if not paths:
        sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
        from helpers.published_models import wake_words

        paths = wake_words()[:3]
    for tool, package in (("arm-none-eabi-gcc", "gcc-arm-none-eabi"), ("qemu-system-arm", "qemu-system-arm")):
        if not shutil.which(tool):
            print(f"{tool} is not installed, so there is no second count (Debian: apt-get install {package}).")
            return 2
    if not shutil.which("llvm-mca"):
        print("llvm-mca is not installed, so there are no other cycles (Debian: apt-get install llvm).")
    print(f"{'':43} {'instructions':>12} {'QEMU':>12} {'':>8} {'cycles':>12} {'':5} {'LLVM':>12} {'share':>6}")
    errors = [e for path in paths for name in BOARDS for e in compare(path, find_core(name))]
    worst = max(abs(e) for e in errors)
    print(f"\nlargest difference from QEMU {worst:.3%} (at most {LIMIT:.0%})")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
