"""A second count of the cycles of a Cortex-M3 or Cortex-M4, that shares no code with openmltk's.

``emulated_cycles.py`` uses it. It reads two texts:

- The list of the instructions that QEMU executes, one after another (``-singlestep -d exec,nochain``).
- The disassembly of the program by GNU's ``objdump``.

and adds up the cycles of each instruction, given the one before. The figures were read again from Arm's manuals
(Cortex-M3: DDI 0337I, table 3.1; Cortex-M4: 100166, table 3-1; in both the section on the timing of loads and stores).
The result is one figure, not a range. Where the manuals have a range, this is what it takes:

- P, the refill of the pipeline, "1 to 3 depending on the alignment and width of the target instruction, and whether the
  processor manages to speculate the address early": 1; 1 more if the target is an instruction of 32 bits that begins in
  the middle of a word; 1 more if its address is in a register; 3 if its address is loaded.
- IT takes no cycle after an instruction of 16 bits, into which it is folded, and one cycle elsewhere.
- Divisions and the long products of the Cortex-M3 end early for small values: the middle of their range.
- An instruction that its condition skips takes what it takes if it is executed, since the list does not say.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

LONG_CYCLES = {"cortex-m3": {"umull": 4, "smull": 4, "umlal": 5.5, "smlal": 5.5, "mla": 2, "mls": 2}, "cortex-m4": {}}
"""Core → instructions that take more than one cycle, and their cycles."""
_DIVISION = 7  # 2 to 12
_COMPARISONS = {"cmp", "cmn", "tst", "teq"}
_MOVES_TO_TWO = {"smull", "umull", "smlal", "umlal", "umaal"}
_DATA_NAMES = """
adc add addw and asr bfc bfi bic clz cmn cmp eor lsl lsr mla mls mov movt movw mul mvn neg nop orn orr pkhbt
pkhtb qadd qadd16 qadd8 qdadd qdsub qsub qsub16 qsub8 rbit rev rev16 ror rrx rsb sadd16 sadd8 sbc sbfx sel
shadd16 shadd8 smlabb smlabt smlad smladx smlal smlald smlaldx smlatb smlatt smlawb smlawt smlsd smlsdx smmla
smmlar smmls smmlsr smmul smmulr smuad smuadx smulbb smulbt smull smultb smultt smulwb smulwt smusd ssat
ssat16 ssub16 ssub8 sub subw sxtab sxtab16 sxtah sxtb sxtb16 sxth teq tst uadd16 uadd8 ubfx umaal umlal umull
usat usat16 usub16 usub8 uxtab uxtab16 uxtah uxtb uxtb16 uxth
"""
_DATA = frozenset(_DATA_NAMES.split())
_CONDITION = "(?:eq|ne|cs|cc|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)"
_ACCESS = re.compile(rf"(ldr|str)(b|h|sb|sh|d)?({_CONDITION})?$")
_MANY = re.compile(rf"(ldm|stm|push|pop)(ia|db|fd|ea)?({_CONDITION})?$")
_BRANCH = re.compile(rf"(bl|blx|bx|b)({_CONDITION})?$|cb(n?)z$|tb[bh]$")
_LINE = re.compile(r"^ *([0-9a-f]+):\t((?:[0-9a-f]{4} ?)+) *\t(\S+)(?:\t([^@<]*))?")


@dataclass(frozen=True)
class Instruction:
    """One line of the disassembly.

    Attributes:
        size: Bytes.
        kind: ``load``, ``store``, ``pair``, ``many``, ``branch``, ``it`` or ``data``.
        cycles: Cycles if nothing before it matters and it does not branch.
        writes: Registers that it computes; empty for loads and branches.
        loaded: The register that a single load loads.
        address: Registers that a load or store computes its address of.
        has_offset_register: Whether a store adds two registers.
        reload: ``direct``, ``register`` or ``loaded``: where the address comes from, if it continues elsewhere.
    """

    size: int
    kind: str
    cycles: float
    writes: frozenset[str] = frozenset()
    loaded: str = ""
    address: frozenset[str] = frozenset()
    has_offset_register: bool = False
    reload: str = "direct"


def read_program(elf: Path, core: str, pairs: Counter[tuple[int, int]]) -> dict[int, Instruction]:
    """Return the instructions in ``pairs`` by address, as GNU's objdump reads them."""
    addresses = {a for pair in pairs for a in pair}
    done = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "-w", "-z", str(elf)], capture_output=True, text=True, check=True
    )
    program = {}
    for line in done.stdout.splitlines():
        found = _LINE.match(line)
        if found and int(found[1], 16) in addresses:
            size = len(found[2].replace(" ", "")) // 2
            program[int(found[1], 16)] = _read(size, found[3].split(".")[0], (found[4] or "").strip(), core)
    return program


def call_of(elf: Path, function: str) -> tuple[int, int]:
    """Return the address of a function that is called once, and the address after the call."""
    text = subprocess.run(
        ["arm-none-eabi-objdump", "-d", "-w", str(elf)], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(rf"^ *([0-9a-f]+):.*\tbl\t([0-9a-f]+) <{function}>", text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"{elf} does not call {function}.")
    return int(found[2], 16), int(found[1], 16) + 4


def _read(size: int, name: str, operands: str, core: str) -> Instruction:
    registers = frozenset(
        re.findall(r"\b(?:r\d+|sp|lr|ip|fp|sl|sb|pc)\b", operands.partition("[")[2].partition("]")[0])
    )
    first = operands.partition(",")[0].strip()
    if access := _ACCESS.match(name):
        if access[2] == "d":
            return Instruction(size, "pair", 3, address=registers)
        is_load = access[1] == "ldr"
        return Instruction(
            size,
            "load" if is_load else "store",
            2 if is_load or len(registers) > 1 else 1,
            loaded=first if is_load else "",
            address=registers,
            has_offset_register=len(registers) > 1,
            reload="loaded",
        )
    if _MANY.match(name):
        listed = operands.partition("{")[2].partition("}")[0]
        return Instruction(size, "many", 1 + sum(_length(r) for r in listed.split(",")), reload="loaded")
    if re.fullmatch("it[te]*", name):
        return Instruction(size, "it", 1)
    if _BRANCH.match(name):
        if name in ("tbb", "tbh"):
            return Instruction(size, "branch", 3, reload="loaded")
        return Instruction(size, "branch", 1, reload="register" if name.startswith(("bx", "blx")) else "direct")
    return _read_data(size, name, operands, core)


def _length(registers: str) -> int:
    """Return the number of registers in ``r4`` or ``r4-r7``."""
    low, _, high = registers.strip().partition("-")
    return int(high[1:]) - int(low[1:]) + 1 if high else 1


def _read_data(size: int, name: str, operands: str, core: str) -> Instruction:
    base = next((n for n in (name, name[:-1], name[:-2], name[:-3]) if n in _DATA or n in ("sdiv", "udiv")), None)
    if base is None:
        raise SystemExit(f"The second count does not know the instruction {name!r} ({operands}).")
    names = [n.strip() for n in operands.split(",")]
    written = names[:2] if base in _MOVES_TO_TWO else [] if base in _COMPARISONS else names[:1]
    cycles = _DIVISION if base in ("sdiv", "udiv") else LONG_CYCLES[core].get(base, 1)
    return Instruction(size, "data", cycles, writes=frozenset(written), reload="register")


def executed(board: Iterable[bytes], start: int, end: int) -> Counter[tuple[int, int]]:
    """Count the pairs of instructions that follow each other.

    Args:
        board: What QEMU prints, in pieces.
        start: Address of the first instruction that counts.
        end: Address of the instruction after the last one.

    Returns:
        (address, address of the next instruction) → how often. The first pair begins at ``start``.
    """
    pairs: Counter[tuple[int, int]] = Counter()
    inside, rest, last = False, b"", -1
    for piece in board:
        text = rest + piece
        cut = text.rfind(b"\n") + 1
        rest = text[cut:]
        addresses = [int(a, 16) for a in re.findall(rb"\[[0-9a-f]+/([0-9a-f]+)/", text[:cut])]
        if not inside and start in addresses:
            inside, addresses = True, addresses[addresses.index(start) :]
        if inside:
            finishes = end in addresses
            if finishes:
                addresses = addresses[: addresses.index(end) + 1]
            pairs.update(pairwise([last, *addresses] if last >= 0 else addresses))
            last = addresses[-1] if addresses else last
            if finishes:
                return pairs
    raise SystemExit("QEMU stopped before the model had returned.")


def cycles(program: dict[int, Instruction], pairs: Counter[tuple[int, int]]) -> tuple[int, float]:
    """Return the instructions and the cycles of what was executed."""
    total = 0.0
    for (before, address), times in pairs.items():
        total += times * (_refill(program, before, address) + _own(program[before], program[address]))
    return pairs.total(), total


def _own(before: Instruction, it: Instruction) -> float:
    """Return the cycles of an instruction after another one."""
    if it.kind == "it":
        return 0 if before.size == 2 else 1
    if it.kind not in ("load", "store"):
        return it.cycles + (it.kind == "pair" and bool(before.writes & it.address))
    if before.kind == "load" and before.loaded not in it.address:
        return 1
    return it.cycles + bool(before.writes & it.address)


def _refill(program: dict[int, Instruction], before: int, address: int) -> int:
    """Return the cycles that the pipeline takes to continue at ``address``."""
    if before + program[before].size == address:
        return 0
    reload = program[before].reload
    is_split = program[address].size == 4 and address % 4 != 0
    return min(3, 1 + is_split + {"direct": 0, "register": 1, "loaded": 2}[reload])


def qemu_trace(command: list[str], folder: Path) -> Iterable[bytes]:
    """Run QEMU and yield the list of what it executes, in pieces."""
    more = ["-singlestep", "-d", "exec,nochain", "-D", "/dev/stdout"]
    with subprocess.Popen([*command, *more], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        assert running.stdout is not None
        try:
            while piece := running.stdout.read(1 << 22):
                yield piece
        finally:
            running.kill()


if __name__ == "__main__":
    sys.exit(__doc__)
