"""Counted instructions and cycles against single steps, and against assembly whose cycles the manuals give."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from helpers.tflm_outputs import random_inputs
from mltk.codegen.emulate.cores import CORES, find_core
from mltk.codegen.emulate.counts import Counts, count_steps
from mltk.codegen.emulate.image import build_image, find_compiler
from mltk.codegen.emulate.machine import Machine
from mltk.codegen.emulate.run import RUN, build_model
from mltk.codegen.emulate.timing import Decoded
from mltk.codegen.lowering.lower import lower
from mltk.errors import RuntimeFailure
from mltk.tflite.graph import graph_of


@pytest.mark.parametrize("core", CORES)
def test_blocks_give_the_same_counts_as_single_steps(cnn: bytes, core: str) -> None:
    program = lower(graph_of(cnn))
    machine = Machine(build_model(program, find_core(core)))
    machine.write("emulated_in_0", random_inputs(cnn, 1)[0].tobytes())
    machine.call(RUN)  # translated before anything is recorded
    marks = [machine.image.address(f"mltk_step_{k}") for k in range(len(program.calls))]
    parts, _ = machine.count(RUN, marks)
    steps, _ = machine.trace(RUN, "CODE")  # without instructions that a condition skips
    start, size = machine.image.symbols[RUN]
    steps = steps[(steps < (start & ~1)) | (steps >= (start & ~1) + size)]
    blocks = list(machine._decoded.values())
    conditional = {a for block in blocks for a, i in block if i.is_conditional}
    # The emulator divides blocks at its pages of 1 KiB, also between IT and what it makes conditional.
    conditional |= {block[0][0] for block in blocks if block[0][0] % 1024 < 4}
    by_blocks = Counter(a for address in machine.trace(RUN)[0].tolist() for a, _ in machine._decoded.get(address, ()))
    by_steps = Counter(steps.tolist())
    assert sum(p.instructions for p in parts) == by_blocks.total()
    different = {a for a in by_blocks | by_steps if by_blocks[a] != by_steps[a]}
    assert different <= conditional
    assert all(by_blocks[a] > by_steps[a] for a in different)
    # Each step begins where its label is.
    begins = [int(np.flatnonzero(steps == mark)[0]) for mark in marks]
    assert begins == sorted(begins)
    # A branch is taken where the next instruction is not at the next address.
    after = {a: b for block in blocks for (a, _), (b, _) in pairwise(block)}
    after |= {block[-1][0]: block[0][0] + machine._sizes[block[0][0]] for block in blocks}
    jumps = [a for a, b in zip(steps.tolist(), [*steps[1:].tolist(), -1], strict=True) if b != after[a]]
    branches = {a for block in blocks for a, i in block if i.can_branch}
    assert sum(p.branches_taken for p in parts) == sum(a in branches for a in jumps)
    assert conditional or set(jumps) <= branches


def run_assembly(folder: Path, body: str, core: str = "cortex-m4") -> tuple[Counts, Machine]:
    """Count a function that is written in assembly."""
    lines = "".join(f'"{line.strip()}\\n"\n' for line in body.strip().splitlines())
    source = f"""
__attribute__((naked)) void measured(void);
void measured(void) {{ __asm__ volatile(".syntax unified\\n" {lines}); }}
void mltk_emulated_run(void);
void mltk_emulated_run(void) {{ measured(); __asm__ volatile("nop"); }}
"""
    found = find_core(core)
    machine = Machine(build_image(folder, {"run.c": source}, found, compiler=find_compiler(found)))
    (before, *_), _ = machine.count("mltk_emulated_run", [])
    return before, machine


# Instructions, and the lowest and highest number of cycles on a Cortex-M4. P, the refill of the pipeline, is 1 to 3.
ASSEMBLY = {
    "a loop": ("movs r0, #100\n1: subs r0, #1\nbne 1b\nbx lr", 202, 202 + 100 * 1, 202 + 100 * 3),
    "loads are pipelined": ("ldr r0, [sp, #-8]\nldr r1, [sp, #-12]\nldr r2, [sp, #-16]\nbx lr", 4, 4 + 2, 4 + 4),
    "an address from a load": ("mov r0, sp\nstr r0, [sp, #-8]\nldr r1, [sp, #-8]\nldr r2, [r1, #-4]\nbx lr", 5, 8, 10),
    "a computed address": ("add r1, sp, #-8\nldr r0, [r1]\nadds r2, r0, #1\nstr r2, [sp, #-8]\nbx lr", 5, 8, 10),
    "a store after a load": ("ldr r0, [sp, #-8]\nstr r0, [sp, #-12]\nbx lr", 3, 5, 7),
    "many registers": ("push {r4, r5, r6, lr}\npop {r4, r5, r6, pc}", 2, 5 + 5 + 1, 5 + 5 + 3),
    "two registers": ("ldrd r0, r1, [sp, #-8]\nbx lr", 2, 3 + 2, 3 + 4),
    "a division": ("movs r0, #9\nmovs r1, #2\nudiv r0, r0, r1\nbx lr", 4, 2 + 2 + 2, 2 + 12 + 4),
    "products": ("smull r0, r1, r2, r3\nmla r0, r1, r2, r3\nsmlad r0, r1, r2, r3\nbx lr", 4, 5, 7),
    "conditions": ("cmp r0, r0\nite eq\nmoveq r1, #1\nmovne r1, #2\nbx lr", 5, 5, 8),
    "a branch that is not taken": ("cmp r0, r0\nbne 1f\nnop\n1: bx lr", 4, 5, 7),
    "a conditional return": ("cmp r0, r0\nit eq\nbxeq lr\nnop\nbx lr", 3, 3, 6),
    "a table of branches": ("movs r0, #1\ntbb [pc, r0]\n.byte 1, 2\nnop\nnop\nbx lr", 4, 1 + 3 + 1 + 2, 1 + 5 + 1 + 4),
}  # fmt: skip


@pytest.mark.parametrize("case", ASSEMBLY)
def test_cycles_are_those_of_the_manual(tmp_path: Path, case: str) -> None:
    body, instructions, low, high = ASSEMBLY[case]
    counts, _ = run_assembly(tmp_path, body)
    assert (counts.instructions, counts.cycles_low, counts.cycles_high) == (instructions, low, high)


def test_cycles_of_the_small_core_are_those_of_its_manual(tmp_path: Path) -> None:
    body = """push {r4, lr}
        movs r0, #10
        1: subs r0, #1
        bne 1b
        muls r0, r0
        str r0, [sp]
        ldr r1, [sp]
        bl 2f
        pop {r4, pc}
        2: bx lr"""
    counts, _ = run_assembly(tmp_path, body, "cortex-m0plus")
    # push 3, movs 1, subs 10, bne 9 × 2 + 1, muls 1, str 2, ldr 2, bl 3, bx 2, pop 3 + 2
    assert counts.cycles_low == counts.cycles_high == 3 + 1 + 10 + 19 + 1 + 2 + 2 + 3 + 2 + 5
    assert counts.branches_taken == 9 + 1 + 1 + 1


def test_an_access_that_is_not_aligned_stops_the_small_core(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match=r"Cortex-M0\+ stopped"):
        run_assembly(tmp_path, "mov r0, sp\nsubs r0, #7\nldr r1, [r0]\nbx lr", "cortex-m0plus")


def test_an_instruction_that_the_core_lacks_stops_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match=r"Cortex-M0\+ stopped at 0x[0-9a-f]+ in measured"):
        run_assembly(tmp_path, ".inst.w 0xfbb0f0f1\nbx lr", "cortex-m0plus")  # a division


def test_another_layout_of_the_package_counts_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = ASSEMBLY["a loop"][0]
    fast, slow = tmp_path / "fast", tmp_path / "slow"
    fast.mkdir()
    slow.mkdir()
    expected, _ = run_assembly(fast, body)

    def no_native_hooks(_: object) -> None:
        raise ImportError

    monkeypatch.setattr("mltk.codegen.emulate.machine._native_hooks", no_native_hooks)
    assert run_assembly(slow, body)[0] == expected


def test_a_record_with_a_gap_is_refused() -> None:
    code = {0: [(0, Decoded("other", 1, 1))], 8: [(8, Decoded("other", 1, 1))]}
    with pytest.raises(RuntimeFailure, match="between 0x0 and 0x8"):
        count_steps(np.array([0, 8]), {0: 2, 8: 2}, lambda a, _: code[a], [], range(0), None)


def test_a_branch_to_another_address_than_its_own_is_refused() -> None:
    code = {0: [(0, Decoded("branch", 1, 1, (1, 3), True, 4))], 8: [(8, Decoded("other", 1, 1))]}
    with pytest.raises(RuntimeFailure, match="between 0x0 and 0x8"):
        count_steps(np.array([0, 8]), {0: 2, 8: 2}, lambda a, _: code[a], [], range(0), None)
