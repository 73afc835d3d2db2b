"""Places for the tensors of a program in one static arena.

TensorFlow Lite Micro places tensors when it starts, by one rule. Here there is time: several orders are tried, and
the smallest result is taken. Operators that may compute in place share the memory of their input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mltk.codegen.program import Call, Program

ALIGNMENT = 4
"""Bytes. Kernels read words of four int8 values, and int32 tensors need it."""


@dataclass
class Place:
    """A part of the arena.

    Attributes:
        call: Index of the call that uses it as scratch memory; -1 for tensors.
        spans: (first call, last call, bytes) of what is here. Call -1 is before the first one. Tensors that follow each
            other in place may be of different sizes.
        tensors: Tensors that are here; none for scratch memory.
        offset: Position in the arena.
    """

    call: int
    spans: list[tuple[int, int, int]]
    tensors: list[int] = field(default_factory=list)
    offset: int = -1

    @property
    def size(self) -> int:
        """Most bytes that are needed at a time."""
        return max(size for _, _, size in self.spans)

    @property
    def first(self) -> int:
        """First call that needs it."""
        return min(first for first, _, _ in self.spans)

    @property
    def last(self) -> int:
        """Last call that needs it."""
        return max(last for _, last, _ in self.spans)

    def size_at(self, step: int) -> int:
        """Return the bytes that are needed at a call."""
        return max((size for first, last, size in self.spans if first <= step <= last), default=0)


@dataclass
class ArenaPlan:
    """The arena.

    Attributes:
        size: Bytes.
        offsets: Tensor → position.
        scratch: Call → position of its scratch memory.
        places: All parts.
    """

    size: int
    offsets: dict[int, int] = field(default_factory=dict)
    scratch: dict[int, int] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)

    @property
    def lower_bound(self) -> int:
        """Bytes alive at the fullest call: no placement of these lifetimes needs less."""
        steps = {first for p in self.places for first, _, _ in p.spans}
        return max((sum(p.size_at(s) for p in self.places) for s in steps), default=0)


def plan_arena(program: Program) -> ArenaPlan:
    """Place all tensors that are neither constants nor variables, inputs and outputs included."""
    places = _lifetimes(program)
    best = ArenaPlan(0, places=places)
    best_offsets: list[int] = []
    smallest: int | None = None
    for order in _orders(places):
        offsets = _place(order)
        size = max((offsets[id(p)] + p.size for p in places), default=0)
        if smallest is None or size < smallest:
            smallest, best_offsets = size, [offsets[id(p)] for p in places]
    best.size = smallest or 0
    for place, offset in zip(places, best_offsets, strict=True):
        place.offset = offset
        best.offsets.update((t, offset) for t in place.tensors)
        if place.call >= 0:
            best.scratch[place.call] = offset
    return best


def _lifetimes(program: Program) -> list[Place]:
    first: dict[int, int] = {}
    last: dict[int, int] = {}

    def use(tensor: int, step: int) -> None:
        tensor = program.resolve(tensor)
        if tensor in program.constants or tensor in program.state_tensors:
            return
        first.setdefault(tensor, step)
        last[tensor] = max(step, last.get(tensor, step))

    for tensor in program.inputs:
        use(tensor, -1)
    for step, call in enumerate(program.calls):
        for tensor in (*call.writes, *call.reads):
            use(tensor, step)
    for tensor in program.outputs:
        use(tensor, len(program.calls))
    owner = _shared_in_place(program, first, last)
    places: dict[int, Place] = {}
    for tensor in first:
        root = owner(tensor)
        place = places.setdefault(root, Place(-1, []))
        place.tensors.append(tensor)
        place.spans.append((first[tensor], last[tensor], _align(program.tensors[tensor].nbytes)))
    scratch = [
        Place(step, [(step, step, _align(call.scratch_bytes))])
        for step, call in enumerate(program.calls)
        if call.scratch_bytes
    ]
    return [*places.values(), *scratch]


def _shared_in_place(program: Program, first: dict[int, int], last: dict[int, int]) -> Callable[[int], int]:
    """Return a function that tells whose memory a tensor uses: its own, or that of the input it replaces."""
    # An input may be given up: a kernel that works in place also works with the caller's input.
    outside = {program.resolve(t) for t in program.outputs}
    takes_over: dict[int, int] = {}

    def owner(tensor: int) -> int:
        while tensor in takes_over:
            tensor = takes_over[tensor]
        return tensor

    for step, call in enumerate(program.calls):
        candidate = _taken_over(program, call, step, first, last, outside)
        if candidate is not None:
            takes_over[program.resolve(call.writes[0])] = candidate
    return owner


def _taken_over(
    program: Program, call: Call, step: int, first: dict[int, int], last: dict[int, int], outside: set[int]
) -> int | None:
    if len(call.writes) != 1:
        return None
    written = program.resolve(call.writes[0])
    if written in outside or first.get(written) != step:
        return None
    for tensor in call.in_place:
        read = program.resolve(tensor)
        fits = read in last and last[read] == step and read not in outside
        if fits and _align(program.tensors[read].nbytes) >= _align(program.tensors[written].nbytes):
            return read
    return None


def _orders(places: list[Place]) -> Iterable[list[Place]]:
    yield sorted(places, key=lambda p: -p.size)
    yield sorted(places, key=lambda p: -p.size * (p.last - p.first + 1))
    yield sorted(places, key=lambda p: (p.first, -p.size))
    yield sorted(places, key=lambda p: (-p.last, -p.size))
    yield sorted(places, key=lambda p: (-(p.last - p.first), -p.size))
    # The fullest call first, then its neighbors.
    steps = sorted({p.first for p in places}, key=lambda s: -sum(p.size_at(s) for p in places))
    ranked: list[Place] = []
    for step in steps:
        alive = [p for p in places if p.first <= step <= p.last and all(p is not q for q in ranked)]
        ranked += sorted(alive, key=lambda p: (p.first - p.last, -p.size))
    yield ranked


def _place(order: list[Place]) -> dict[int, int]:
    placed: list[Place] = []
    offsets: dict[int, int] = {}
    for place in order:
        # What must not overlap: (begin, end) in the arena, and the bytes of this place at that time.
        taken = sorted(
            (offsets[id(other)], offsets[id(other)] + size, own_size)
            for other in placed
            for first, last, size in other.spans
            for own_first, own_last, own_size in place.spans
            if first <= own_last and own_first <= last
        )
        ends = sorted({0, *(end for _, end, _ in taken)})
        free = (e for e in ends if all(e >= end or e + size <= begin for begin, end, size in taken))
        offsets[id(place)] = next(free)
        placed.append(place)
    return offsets


def _align(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
