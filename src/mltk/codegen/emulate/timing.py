"""Cycles of instructions, from the cores' technical reference manuals.

All figures assume zero wait states: code and data come from memory that answers at once. Where a manual publishes a
range, such as 2 to 12 cycles for a division, the range is kept: each figure has a lowest and a highest value.

- Cortex-M0+: Arm DDI 0484C, table 3.1, with the multiplier of one cycle that nearly all devices have.
- Cortex-M3: Arm DDI 0337I, table 3.1, and its section about the timing of loads and stores.
- Cortex-M4: Arm 100166, table 3-1, and the same section.
- Cortex-M33: Arm publishes no table. The figures are those of the Cortex-M4; the lowest one is divided by the ratio of
  both cores' published CoreMark per MHz, since the Cortex-M33 executes some pairs of instructions at once.
- Cortex-M7: Arm publishes no table. The lowest figure is that of two instructions in every cycle, the highest figure
  is that of the Cortex-M4, which executes one.
- RISC-V: the instruction set has no timing, so there are only instructions.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
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

Span = tuple[int, int]
"""Lowest and highest number of cycles."""


@dataclass(frozen=True)
class Timing:
    """Cycles of one core, each as (lowest, highest).

    Attributes:
        source: Where the figures come from, for people.
        load: A single load.
        store: A single store.
        pipelines: Whether a load directly after an independent load, or a store after a load, takes one cycle.
        address_stall: More for a load or store whose address comes from the data processing instruction before it.
        multiply: A multiplication with a 32-bit result.
        multiply_add: The same with an addition.
        long_multiply: A multiplication with a 64-bit result.
        long_multiply_add: The same with an addition.
        divide: A division.
        it: The instruction that makes the next ones conditional.
        taken: More for a branch that is taken.
        call: More for a branch with link, beyond ``taken``.
        pop_to_pc: More for a return by POP, beyond ``taken``.
        lowest_factor: Factor of the lowest sum, for a core that executes some instructions at once.
        issue_width: Instructions that the core may execute in one cycle.
    """

    source: str
    load: Span = (2, 2)
    store: Span = (1, 1)
    pipelines: bool = True
    address_stall: Span = (1, 1)
    multiply: Span = (1, 1)
    multiply_add: Span = (1, 1)
    long_multiply: Span = (1, 1)
    long_multiply_add: Span = (1, 1)
    divide: Span = (2, 12)
    it: Span = (0, 1)
    taken: Span = (1, 3)
    call: int = 0
    pop_to_pc: int = 0
    lowest_factor: float = 1.0
    issue_width: int = 1


TIMINGS: dict[str, Timing | None] = {
    "cortex-m0plus": Timing(
        "Arm DDI 0484C",
        store=(2, 2),
        pipelines=False,
        address_stall=(0, 0),
        it=(1, 1),
        taken=(1, 1),
        call=1,
        pop_to_pc=1,
    ),
    "cortex-m3": Timing("Arm DDI 0337I", multiply_add=(2, 2), long_multiply=(3, 5), long_multiply_add=(4, 7)),
    "cortex-m4": Timing("Arm 100166"),
    "cortex-m33": Timing(
        "the Cortex-M4's table (Arm 100166); Arm publishes none for the Cortex-M33",
        address_stall=(0, 1),
        lowest_factor=3.42 / 4.10,
    ),
    "cortex-m7": Timing(
        "two instructions in each cycle at best, the Cortex-M4's table (Arm 100166) at worst; Arm publishes none for "
        "the Cortex-M7",
        issue_width=2,
    ),
    "riscv32": None,
}
"""Name of a core → its cycles; None if its instructions have no published timing."""


@dataclass(frozen=True)
class Decoded:
    """One instruction.

    Attributes:
        kind: Its class.
        low: Lowest number of cycles, if it does not branch.
        high: Highest number of cycles, if it does not branch.
        taken: More cycles if it branches, (lowest, highest).
        can_branch: Whether it may continue elsewhere than at the next instruction.
        target: Address of a branch that has it in the instruction; None for others.
        is_conditional: Whether an IT instruction in the same block may make the core skip it.
    """

    kind: str
    low: int
    high: int
    taken: Span = (0, 0)
    can_branch: bool = False
    target: int | None = None
    is_conditional: bool = False


@dataclass(frozen=True)
class _Parts:
    """An instruction as text: name without condition and width, operands, and registers in brackets."""

    name: str
    operands: str

    @property
    def address_registers(self) -> list[str]:
        return re.findall(r"\b[a-z]\w*", self.operands.partition("[")[2].partition("]")[0])

    @property
    def is_register_offset(self) -> bool:
        return len([r for r in self.address_registers if r not in _SHIFTS]) > 1

    @property
    def destination(self) -> str:
        return self.operands.partition(",")[0].strip()

    @property
    def n_listed(self) -> int:
        listed = self.operands.partition("{")[2].partition("}")[0]
        return max(1, len([r for r in listed.split(",") if r.strip()]))

    @property
    def lists_pc(self) -> bool:
        return "pc" in self.operands.partition("{")[2]


_SHIFTS = ("lsl", "lsr", "asr", "ror")
_CONDITIONS = ("eq", "ne", "hs", "lo", "cs", "cc", "mi", "pl", "vs", "vc", "hi", "ls", "ge", "lt", "gt", "le")
_LOADS = ("ldr", "ldrb", "ldrh", "ldrsb", "ldrsh")
_STORES = ("str", "strb", "strh")
_LOADS_OF_MANY = ("ldm", "ldmia", "ldmdb", "pop")
_STORES_OF_MANY = ("stm", "stmia", "stmdb", "push")
_BRANCHES = ("b", "bl", "blx", "bx", "cbz", "cbnz", "tbb", "tbh")
_NO_RESULT = ("", "ldrd", "strd", "cmp", "cmn", "tst", "teq", "nop")
_LONG = ("smull", "umull")
_LONG_ADD = ("smlal", "umlal", "umaal")
_DSP = ("smla", "smls", "smu", "smml", "smmu", "sxta", "uxta", "sxtb16", "uxtb16", "pkh", "sel", "usad", "qd")
_PARALLEL = ("qadd", "qsub", "sadd", "ssub", "shadd", "uadd", "usub", "uqadd")
_RISCV_LOADS = ("lw", "lh", "lb", "lhu", "lbu", "lwsp")
_RISCV_STORES = ("sw", "sh", "sb", "swsp")
_RISCV_BRANCHES = frozenset(
    [
        "beq",
        "bne",
        "blt",
        "bge",
        "bltu",
        "bgeu",
        "beqz",
        "bnez",
        "blez",
        "bgez",
        "bltz",
        "bgtz",
        "bgt",
        "ble",
        "j",
        "jal",
        "jr",
        "jalr",
        "ret",
        "tail",
        "call",
    ]
)
# Names that end in the letters of a condition, or in an s, and have no condition.
_WHOLE = frozenset((*_BRANCHES, *_LONG, *_LONG_ADD, "mls", "smmls", "smls", "teq", "svc", "bics", "muls", "movs"))


def base_name(mnemonic: str) -> str:
    """Return a mnemonic of Arm's without width and condition, for example ``ldr`` for ``ldreq.w``."""
    name = mnemonic.split(".")[0]
    if name in _WHOLE:
        return name
    return name[:-2] if len(name) > 2 and name[-2:] in _CONDITIONS else name


def decode_arm(instructions: list[Any], timing: Timing) -> list[Decoded]:
    """Classify the instructions of a block, in order.

    Args:
        instructions: ``CsInsn`` objects of Capstone.
        timing: The core.
    """
    decoded = []
    before = _Parts("", "")
    n_conditional = 0
    for instruction in instructions:
        parts = _Parts(base_name(instruction.mnemonic), instruction.op_str)
        one = _decode(parts, before, timing)
        if n_conditional:  # one cycle if it is skipped
            one = replace(one, low=min(one.low, 1), is_conditional=True)
            n_conditional -= 1
        if _is_it(parts.name):
            n_conditional = len(parts.name) - 1
        decoded.append(one)
        before = parts
    return decoded


def _is_it(name: str) -> bool:
    return name.startswith("it") and set(name[2:]) <= {"t", "e"}


def _decode(parts: _Parts, before: _Parts, timing: Timing) -> Decoded:
    name = parts.name
    if name in _LOADS or name in _STORES:
        return _access(parts, before, timing)
    if name in ("ldrd", "strd"):
        low, high = timing.address_stall if _computes_address(before, parts) else (0, 0)
        return Decoded(LOAD if name == "ldrd" else STORE, 3 + low, 3 + high)
    if name in _LOADS_OF_MANY:
        return _load_of_many(parts, timing)
    if name in _STORES_OF_MANY:
        return Decoded(STORE, 1 + parts.n_listed, 1 + parts.n_listed)
    if name in _BRANCHES:
        call = timing.call if name == "bl" else 0
        table = 1 if name in ("tbb", "tbh") else 0
        taken = timing.taken[0] + call, timing.taken[1] + call
        return Decoded(BRANCH, 1 + table, 1 + table, taken, True, _target(parts.operands))
    if _is_it(name):
        return Decoded(OTHER, *timing.it)
    return _arithmetic(parts, timing)


def _arithmetic(parts: _Parts, timing: Timing) -> Decoded:
    name = parts.name
    for names, kind, span in (
        (("sdiv", "udiv"), DIVIDE, timing.divide),
        (_LONG, MULTIPLY, timing.long_multiply),
        (_LONG_ADD, MULTIPLY, timing.long_multiply_add),
        (("mla", "mls"), MULTIPLY, timing.multiply_add),
        (("mul", "muls"), MULTIPLY, timing.multiply),
    ):
        if name in names:
            return Decoded(kind, *span)
    if parts.destination == "pc" and name in ("mov", "add"):
        return Decoded(BRANCH, 1, 1, timing.taken, True)
    return Decoded(DSP if name.startswith((*_DSP, *_PARALLEL)) else OTHER, 1, 1)


def _target(operands: str) -> int | None:
    last = operands.split(",")[-1].strip()
    return int(last[1:], 0) if last.startswith("#") else None


def _access(parts: _Parts, before: _Parts, timing: Timing) -> Decoded:
    is_load = parts.name in _LOADS
    follows_load = timing.pipelines and before.name in _LOADS and before.destination not in parts.address_registers
    low, high = timing.load if is_load else timing.store
    stall = timing.address_stall if _computes_address(before, parts) else (0, 0)
    if not is_load and timing.pipelines and parts.is_register_offset:
        low, high = 2, 2
    if follows_load:
        low, high = 1, 1
    if is_load and timing.pipelines and "pc" in parts.address_registers:
        high += 1  # it competes with fetching instructions
    low, high = low + stall[0], high + stall[1]
    if is_load and parts.destination == "pc":
        return Decoded(LOAD, low, high, timing.taken, True)
    return Decoded(LOAD if is_load else STORE, low, high)


def _computes_address(before: _Parts, access: _Parts) -> bool:
    """Return whether a data processing instruction computes a register of the address of the access after it."""
    is_data = before.name not in (*_LOADS, *_STORES, *_LOADS_OF_MANY, *_STORES_OF_MANY, *_BRANCHES, *_NO_RESULT)
    written = before.operands.split(",")[: 2 if before.name in (*_LONG, *_LONG_ADD) else 1]
    return is_data and any(register.strip() in access.address_registers for register in written)


def _load_of_many(parts: _Parts, timing: Timing) -> Decoded:
    cycles = 1 + parts.n_listed
    if not parts.lists_pc:
        return Decoded(LOAD, cycles, cycles)
    taken = timing.taken[0] + timing.pop_to_pc, timing.taken[1] + timing.pop_to_pc
    return Decoded(LOAD, cycles, cycles, taken, True)


def decode_riscv(instructions: list[Any]) -> list[Decoded]:
    """Classify the instructions of a block. They have no cycles. Arguments as for `decode_arm`."""
    kinds = []
    for instruction in instructions:
        name = instruction.mnemonic.removeprefix("c.")
        if name in _RISCV_LOADS:
            kind = LOAD
        elif name in _RISCV_STORES:
            kind = STORE
        elif name in _RISCV_BRANCHES:
            kind = BRANCH
        else:
            kind = MULTIPLY if name.startswith("mul") else DIVIDE if name.startswith(("div", "rem")) else OTHER
        kinds.append(Decoded(kind, 0, 0, can_branch=kind == BRANCH))
    return kinds
