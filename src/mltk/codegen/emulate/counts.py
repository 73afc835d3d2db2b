"""Counted instructions and cycles, from the blocks of code that ran."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mltk.codegen.emulate.timing import Decoded, Timing
from mltk.errors import RuntimeFailure

Block = Sequence[tuple[int, Decoded]]
"""(address, instruction) of a block of code, in order."""


@dataclass
class Counts:
    """What a run took.

    Attributes:
        instructions: Executed instructions. One that its condition skips counts too.
        cycles_low: Lowest number of cycles by the core's published timings, with zero wait states; 0 if the core has no
            published timings.
        cycles_high: The highest number.
        kinds: Class of instructions → how many were executed.
        branches_taken: Branches that were taken.
    """

    instructions: int = 0
    cycles_low: int = 0
    cycles_high: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    branches_taken: int = 0

    @property
    def cycles(self) -> int:
        """The middle of the range of cycles; 0 if the core has no published timings."""
        return (self.cycles_low + self.cycles_high) // 2

    @property
    def cycles_error(self) -> float:
        """Half the range of cycles, as a share of its middle."""
        return (self.cycles_high - self.cycles_low) / (self.cycles_high + self.cycles_low) if self.cycles else 0.0

    def add(self, other: Counts) -> None:
        """Add counts."""
        self.instructions += other.instructions
        self.cycles_low += other.cycles_low
        self.cycles_high += other.cycles_high
        self.kinds.update(other.kinds)
        self.branches_taken += other.branches_taken


def count_steps(
    trace: np.ndarray,
    sizes: Mapping[int, int],
    decode: Callable[[int, int], Block],
    marks: Sequence[int],
    skipped: range,
    timing: Timing | None,
) -> list[Counts]:
    """Count what each step took.

    Args:
        trace: Addresses of the blocks that ran, in order. The last one ended the run.
        sizes: Address of a block → its bytes.
        decode: Function of address and size that returns the instructions of a block.
        marks: Address where each step begins, in the order of the steps; an address may be given twice.
        skipped: Addresses of code that does not count.
        timing: The core's timings; None if it has none.

    Returns:
        What came before the first step, and then each step.
    """
    addresses, blocks, first = _index(trace)
    is_counted = [a not in skipped for a in addresses.tolist()]
    size = np.array([sizes[a] if c else 0 for a, c in zip(addresses.tolist(), is_counted, strict=True)])
    code = [decode(a, s) if c else () for a, s, c in zip(addresses.tolist(), size.tolist(), is_counted, strict=True)]
    taken = np.append(trace[1:], -1) != trace + size[blocks]
    _check_trace(addresses, size, blocks, code)
    sums = [_Sum() for _ in range(len(marks) + 1)]
    begins = _begins(addresses, size, first, marks)
    step, start = 0, 0
    for event in sorted({e for e in begins if e is not None}):
        sums[step].add_all(blocks[start:event], taken[start:event], code)
        # The block in which steps begin belongs to several steps.
        for address, instruction in code[blocks[event]]:
            while step < len(marks) and begins[step] == event and marks[step] <= address:
                step += 1
            last = address == code[blocks[event]][-1][0]
            sums[step].add(instruction, 1, int(last and taken[event]))
        start = event + 1
    sums[step].add_all(blocks[start:], taken[start:], code)
    return [s.counts(timing) for s in sums]


def _index(trace: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the addresses in ``trace``, which of them each event is, and the first event of each.

    As ``np.unique`` does, but without sorting: addresses of code are close to each other.
    """
    halfwords = (trace - trace.min()) >> 1
    places = np.zeros(int(halfwords.max()) + 1, np.int64)
    places[halfwords] = 1
    addresses = trace.min() + 2 * np.flatnonzero(places)
    blocks = (np.cumsum(places) - 1)[halfwords]
    first = np.empty(len(addresses), np.int64)
    first[blocks[::-1]] = np.arange(len(trace))[::-1]
    return addresses, blocks, first


def _check_trace(addresses: np.ndarray, size: np.ndarray, blocks: np.ndarray, code: Sequence[Block]) -> None:
    """Check that each block follows from the one before.

    Raises:
        RuntimeFailure: A block is missing.
    """
    n = len(addresses)
    for edge in np.unique(blocks[:-1] * n + blocks[1:]).tolist():
        block, following = edge // n, int(addresses[edge % n])
        start, end = int(addresses[block]), int(addresses[block] + size[block])
        if code[block] and following != end:
            last = code[block][-1][1]
            if not last.can_branch or last.target not in (None, following):
                raise RuntimeFailure(
                    f"The emulator did not record what ran between {start:#x} and {following:#x}.",
                    hint="This is an error in mltk or in the emulator. Please report it with the model.",
                )


def _begins(addresses: np.ndarray, size: np.ndarray, first: np.ndarray, marks: Sequence[int]) -> list[int | None]:
    """Return for each mark the first event whose block has it; None if the mark was not reached."""
    found: list[int | None] = []
    for mark in marks:
        candidates = np.flatnonzero((addresses <= mark) & (mark < addresses + size))
        found.append(min(first[candidates].tolist(), default=None))
    return found


class _Sum:
    """Counts with exact sums, which are rounded once."""

    def __init__(self) -> None:
        self._counts = Counts()

    def add_all(self, blocks: np.ndarray, taken: np.ndarray, code: Sequence[Block]) -> None:
        """Add blocks, given by their indices in ``code``, and whether each ended in a branch that was taken."""
        times = np.bincount(blocks, minlength=len(code))
        taken_times = np.bincount(blocks[taken], minlength=len(code))
        for block in np.flatnonzero(times).tolist():
            for _, instruction in code[block][:-1]:
                self.add(instruction, int(times[block]), 0)
            if code[block]:
                self.add(code[block][-1][1], int(times[block]), int(taken_times[block]))

    def add(self, instruction: Decoded, times: int, taken: int) -> None:
        """Add an instruction that ran ``times`` times, and branched ``taken`` times."""
        total = self._counts
        total.instructions += times
        total.kinds[instruction.kind] += times
        total.cycles_low += instruction.low * times + instruction.taken[0] * taken
        total.cycles_high += instruction.high * times + instruction.taken[1] * taken
        total.branches_taken += taken

    def counts(self, timing: Timing | None) -> Counts:
        """Return the sums for a core."""
        total = self._counts
        if timing is None:
            total.cycles_low = total.cycles_high = 0
        elif timing.issue_width > 1:
            total.cycles_low = math.ceil(total.instructions / timing.issue_width)
        else:
            total.cycles_low = round(total.cycles_low * timing.lowest_factor)
        return total
