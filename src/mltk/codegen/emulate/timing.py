"""Cycles of instructions, from the cores' technical reference manuals.

Zero wait states are assumed: code and data come from memory that answers at once. The figures are those of the tables
of instructions in Arm's manuals (Cortex-M0+ TRM DDI 0484, Cortex-M3 TRM DDI 0337, Cortex-M4 TRM DDI 0439). For the
Cortex-M33, Arm publishes no table; the M4's is used, and the M33 may issue some pairs of 16-bit instructions at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BRANCH, LOAD, STORE, MULTIPLY, DIVIDE, DSP, OTHER = (
    "branch",
    "load",
    "store",
    "multiply",
    "divide",
    "dsp",
    "other",
)
"""Classes of instructions."""

_LOADS_OF_MANY = ("ldm", "pop", "vldm", "vpop")
_STORES_OF_MANY = ("stm", "push", "vstm", "vpush")
_DSP = ("smla", "smu", "sxt", "uxt", "pkh", "qadd", "ssat", "usat")


@dataclass(frozen=True)
class Timing:
    """Cycles of one core.

    Attributes:
        load: A single load.
        following_load: A load or store directly after another one, which is pipelined.
        store: A single store.
        many: Beyond the first, for each register of a load or store of many.
        multiply: A multiplication with a 32-bit result.
        long_multiply: A multiplication with a 64-bit result.
        divide: A division, in the middle of its range.
        taken: More for a branch that is taken.
        has_range: Whether the core issues two instructions at a time, so that cycles are a range.
    """

    load: int
    following_load: int
    store: int
    many: int
    multiply: int
    long_multiply: int
    divide: int
    taken: int
    has_range: bool = False


TIMINGS = {
    "cortex-m0plus": Timing(2, 2, 2, 1, 1, 1, 1, 1),
    "cortex-m3": Timing(2, 1, 1, 1, 1, 4, 7, 2),
    "cortex-m4": Timing(2, 1, 1, 1, 1, 1, 7, 2),
    "cortex-m33": Timing(2, 1, 1, 1, 1, 1, 7, 2),
    "cortex-m7": Timing(1, 1, 1, 1, 1, 1, 7, 1, has_range=True),
    "riscv32": Timing(2, 2, 1, 1, 1, 1, 17, 2),
}
"""Name of a core → its cycles."""


@dataclass(frozen=True)
class Decoded:
    """One instruction: its class, its cycles where it does not branch, and whether it is a single load or store."""

    kind: str
    cycles: int
    is_single_access: bool = False


def classify(instruction: Any, timing: Timing) -> Decoded:
    """Classify an instruction of Capstone's.

    Args:
        instruction: A ``CsInsn``.
        timing: The core.
    """
    name = instruction.mnemonic.split(".")[0]
    if name.startswith(_LOADS_OF_MANY):
        return Decoded(LOAD, 1 + timing.many * _registers(instruction))
    if name.startswith(_STORES_OF_MANY):
        return Decoded(STORE, 1 + timing.many * _registers(instruction))
    if name.startswith(("ldrd", "strd")):
        return Decoded(LOAD if name[0] == "l" else STORE, 1 + 2 * timing.many)
    if name.startswith(("ld", "c.lw")) or name in ("lw", "lh", "lb", "lhu", "lbu"):
        return Decoded(LOAD, timing.load, True)
    if name.startswith(("st", "c.sw")) or name in ("sw", "sh", "sb"):
        return Decoded(STORE, timing.store, True)
    if name.startswith(("sdiv", "udiv", "div", "rem")):
        return Decoded(DIVIDE, timing.divide)
    if name.startswith(("smull", "umull", "smlal", "umlal")) and not name.startswith("smlald"):
        return Decoded(MULTIPLY, timing.long_multiply)
    if name.startswith(_DSP):
        return Decoded(DSP, 1)
    if name.startswith(("mul", "mla", "mls", "c.mul")):
        return Decoded(MULTIPLY, timing.multiply + (1 if name.startswith(("mla", "mls")) else 0))
    if name in ("b", "bl", "blx", "bx", "cbz", "cbnz", "tbb", "tbh") or _is_conditional(name):
        return Decoded(BRANCH, 1)
    return Decoded(OTHER, 1)


_CONDITIONS = ("eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")


def _is_conditional(name: str) -> bool:
    if name[0] == "b" and name[1:] in _CONDITIONS:
        return True
    riscv = ("beq", "bne", "blt", "bge", "bltu", "bgeu", "beqz", "bnez", "j", "jal", "jr", "jalr", "ret")
    return name.removeprefix("c.") in riscv


def _registers(instruction: Any) -> int:
    listed = instruction.op_str.partition("{")[2].partition("}")[0]
    return max(1, len([r for r in listed.split(",") if r.strip()]))
