"""The counts of ``mltk profile --emulate`` against other programs that count.

    python benchmarks/emulated_cycles.py                   # three wake words of pymicro-wakeword
    python benchmarks/emulated_cycles.py MODEL.tflite …    # other models

Three opinions, none of which openmltk depends on:

- Instructions: QEMU (``qemu-system-arm``) runs the same C files, with the same compiler and flags, on a simulated
  board. With ``-icount shift=0`` each instruction takes one nanosecond of the board's time. The program reads the
  board's timer, which ticks every 40 ns. What is independent: the program that executes, its startup code, and how it
  counts. What is not: Unicorn is derived from QEMU, so that both would decode an instruction in the same wrong way. The
  outputs are compared, too.
- Cycles (``second_cycles.py``): QEMU lists each instruction that it executes, GNU's ``objdump`` says what it is, and
  another table and another model of the pipeline say what it takes after the instruction before. What is independent:
  the trace of what runs and what branches, the disassembler, the code that adds up, and the reading of the manuals.
  What is shared: the C files, the compiler, and Arm's manuals, since Arm publishes nothing else. A wrong manual would
  mislead both. The figure is one number. That of openmltk is the middle of a range, and the row says whether the
  number is inside the range.
- LLVM's ``llvm-mca`` says how many cycles each block takes, from LLVM's own model of the Cortex-M4. The blocks and how
  often they run are those that openmltk recorded. This is a lower bound, and not judged: in LLVM's model a load costs
  one cycle unless the next instruction needs it, and a branch costs no refill of the pipeline. In Arm's manual, both
  cost more.

No count on a real Cortex-M is among them: that needs a board.
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
import second_cycles
from qemu_board import BOARDS, build_board, qemu_command, qemu_instructions

from mltk.codegen.emulate.cores import Core, find_core
from mltk.codegen.emulate.machine import Machine
from mltk.codegen.emulate.run import RUN, build_model
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import Program
from mltk.micro.parity import random_samples
from mltk.tflite.graph import graph_of

LLVM_CORES = ("cortex-m4",)
LIMIT = 0.01  # of the instructions by QEMU
CYCLES_LIMIT = 0.15  # of the cycles by the second count


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


def compare(path: Path, core: Core) -> tuple[float, float | None]:
    """Print one row, and return the relative differences from QEMU's instructions and from the second count."""
    model = path.read_bytes()
    program = lower(graph_of(model))
    inputs = [x[0] for x in random_samples(model, 1, np.random.default_rng(0))]
    machine = Machine(build_model(program, core, compiler="gcc"))
    if program.states:
        machine.call("mltk_emulated_reset")
    for k, values in enumerate(inputs):
        machine.write(f"emulated_in_{k}", values.tobytes())
    (counts, *_), _ = machine.count(RUN, [])
    if program.states:
        machine.call("mltk_emulated_reset")
    machine.call(RUN)
    n, outputs = qemu_instructions(program, core, inputs)
    if outputs != output_hash(machine, program):
        raise SystemExit(f"{path.name}: QEMU computes other outputs.")
    error = counts.instructions / n - 1
    cells = [f"{counts.instructions:>12,} {n:>12,} {error:>+7.2%} {counts.cycles:>12,} ±{counts.cycles_error:>4.0%}"]
    cycles_error = None
    if core.name in second_cycles.LONG_CYCLES:
        second = count_again(program, core, inputs)
        cycles_error = counts.cycles / second - 1
        where = "inside" if counts.cycles_low <= second <= counts.cycles_high else "outside"
        cells.append(f"{second:>12,.0f} {cycles_error:>+7.2%} {where:7}")
    else:
        cells.append(f"{'–':>12} {'':15}")
    if shutil.which("llvm-mca") and core.name in LLVM_CORES:
        blocks = Counter(a for a in machine.trace(RUN)[0].tolist() if machine._decoded.get(a))
        n_cycles = llvm_cycles(machine, core, blocks)
        cells.append(f"{n_cycles:>12,.0f} {n_cycles / counts.cycles:>6.2f}")
    print(f"{path.stem[:28]:28} {core.name:10}", *cells, flush=True)
    return error, cycles_error


def count_again(program: Program, core: Core, inputs: list[np.ndarray]) -> float:
    """Return the cycles of one inference by the second count."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_board(folder, program, core, inputs)
        start, end = second_cycles.call_of(folder / "board.elf", RUN)
        trace = second_cycles.qemu_trace(qemu_command(core), folder)
        pairs = second_cycles.executed(trace, start, end)
        program_read = second_cycles.read_program(folder / "board.elf", core.name, pairs)
        return second_cycles.cycles(program_read, pairs)[1]


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
        print("llvm-mca is not installed, so there are no cycles by LLVM (Debian: apt-get install llvm).")
    print(
        f"{'':39} {'instructions':>12} {'QEMU':>12} {'':>7} {'cycles':>12} {'':5} {'second':>12} {'':15} {'LLVM':>12}"
    )
    found = [compare(path, find_core(name)) for path in paths for name in BOARDS]
    worst, worst_cycles = max(abs(e) for e, _ in found), max(abs(c) for _, c in found if c is not None)
    print(f"\ninstructions: largest difference from QEMU {worst:.3%} (at most {LIMIT:.0%})")
    print(f"cycles: largest difference from the second count {worst_cycles:.1%} (at most {CYCLES_LIMIT:.0%})")
    return 0 if worst <= LIMIT and worst_cycles <= CYCLES_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
