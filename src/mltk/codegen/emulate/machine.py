"""An emulated processor that counts instructions and cycles, in total and for each step of a model."""

from __future__ import annotations

import importlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mltk.codegen.emulate.image import FLASH, MEMORY_BYTES, RAM, Image
from mltk.codegen.emulate.timing import BRANCH, TIMINGS, Decoded, classify
from mltk.errors import MissingDependencyError, RuntimeFailure

STEP_ADDRESS = 0x4000_0000
"""A store of a number to this address begins a step."""
_PAGE = 0x1000
_STOP = FLASH + MEMORY_BYTES - _PAGE
_STACK_FILL = 0xA5


@dataclass
class Counts:
    """What a run took.

    Attributes:
        instructions: Executed instructions.
        cycles: Cycles by the core's published timings, with zero wait states.
        kinds: Class of instructions → how many were executed.
    """

    instructions: int = 0
    cycles: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Counts, times: int = 1) -> None:
        """Add counts ``times`` times."""
        self.instructions += other.instructions * times
        self.cycles += other.cycles * times
        for kind, n in other.kinds.items():
            self.kinds[kind] += n * times


class Machine:
    """A core with a program in its memory.

    Args:
        image: The program.

    Raises:
        MissingDependencyError: Unicorn or Capstone is not installed.
    """

    def __init__(self, image: Image) -> None:
        unicorn, capstone = _module("unicorn"), _module("capstone")
        self.image, self._unicorn = image, unicorn
        core = image.core
        if core.is_arm:
            registers = _module("unicorn.arm_const")
            self._emulator = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
            self._decoder = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
            self._sp, self._return = registers.UC_ARM_REG_SP, registers.UC_ARM_REG_LR
        else:
            registers = _module("unicorn.riscv_const")
            self._emulator = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            mode = capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC
            self._decoder = capstone.Cs(capstone.CS_ARCH_RISCV, mode)
            self._sp, self._return = registers.UC_RISCV_REG_SP, registers.UC_RISCV_REG_RA
        self._emulator.ctl_set_cpu_model(getattr(registers, core.unicorn_model))
        self._timing = TIMINGS[core.name]
        for start in (FLASH, RAM):
            self._emulator.mem_map(start, MEMORY_BYTES)
        self._emulator.mem_map(STEP_ADDRESS, _PAGE)
        for address, data in image.segments:
            self._emulator.mem_write(address, data)
        self._blocks: dict[tuple[int, int], tuple[Counts, bool]] = {}

    def write(self, symbol: str, data: bytes) -> None:
        """Write into the variable ``symbol``."""
        self._emulator.mem_write(self.image.address(symbol), data)

    def read(self, symbol: str, n: int) -> bytes:
        """Read ``n`` bytes of the variable ``symbol``."""
        return bytes(self._emulator.mem_read(self.image.symbols[symbol][0], n))

    def call(self, function: str, *, limit: int = 20_000_000_000) -> tuple[dict[int, Counts], int]:
        """Call a function without arguments.

        Args:
            function: Its name.
            limit: Most instructions to execute.

        Returns:
            Step → what it took, where step -1 is what came before the first one; and the bytes of stack that were used.

        Raises:
            RuntimeFailure: The processor stopped, for example at an instruction that it lacks.
        """
        emulator = self._emulator
        stack_top = RAM + MEMORY_BYTES
        emulator.mem_write(stack_top - (64 << 10), bytes([_STACK_FILL]) * (64 << 10))
        emulator.reg_write(self._sp, stack_top)
        thumb = 1 if self.image.core.is_arm else 0
        emulator.reg_write(self._return, _STOP | thumb)
        trace = _Trace()
        hooks = [
            emulator.hook_add(self._unicorn.UC_HOOK_BLOCK, trace.block),
            emulator.hook_add(
                self._unicorn.UC_HOOK_MEM_WRITE, trace.step, None, STEP_ADDRESS, STEP_ADDRESS + _PAGE - 1
            ),
        ]
        try:
            emulator.emu_start(self.image.address(function) | thumb, _STOP, count=0)
        except self._unicorn.UcError as e:
            raise RuntimeFailure(f"The emulated {self.image.core.title} stopped in {function}: {e}.") from e
        finally:
            for hook in hooks:
                emulator.hook_del(hook)
        steps = {step: self._sum(runs, trace) for step, runs in trace.steps.items()}
        return steps, self._used_stack(stack_top)

    def _used_stack(self, top: int) -> int:
        stack = bytes(self._emulator.mem_read(top - (64 << 10), 64 << 10))
        return len(stack.lstrip(bytes([_STACK_FILL])))

    def _sum(self, runs: dict[tuple[int, int, int], int], trace: _Trace) -> Counts:
        total = Counts()
        for (address, size, following), times in runs.items():
            counts, ends_in_branch = self._block(address, size)
            total.add(counts, times)
            if ends_in_branch and following not in (address + size, 0):
                total.cycles += self._timing.taken * times
        return total

    def _block(self, address: int, size: int) -> tuple[Counts, bool]:
        """Return what a block of code takes, and whether it ends in a branch."""
        key = address, size
        if key not in self._blocks:
            code = bytes(self._emulator.mem_read(address, size))
            counts, previous, last = Counts(), False, Decoded("", 0)
            decoded_bytes, operands = 0, ""
            for instruction in self._decoder.disasm(code, address):
                last = classify(instruction, self._timing)
                decoded_bytes, operands = decoded_bytes + instruction.size, instruction.op_str
                cycles = last.cycles
                if last.is_single_access and previous:
                    cycles = min(cycles, self._timing.following_load)
                previous = last.is_single_access
                counts.instructions += 1
                counts.cycles += cycles
                counts.kinds[last.kind] += 1
            if decoded_bytes != size:
                raise RuntimeFailure(f"The code at {address + decoded_bytes:#x} can't be decoded.")
            self._blocks[key] = counts, last.kind == BRANCH or "pc" in operands
        return self._blocks[key]


def _module(name: str) -> Any:
    """Import a module of the emulator. Its packages have no types."""
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise MissingDependencyError(f"The emulator (package {e.name})", extra="device") from e


class _Trace:
    """Counts how often each block ran, and what ran after it."""

    def __init__(self) -> None:
        self.steps: dict[int, dict[tuple[int, int, int], int]] = {}
        self._begin(-1)
        self._previous: tuple[int, int] | None = None

    def _begin(self, step: int) -> None:
        self._runs = self.steps.setdefault(step, {})

    def block(self, _: Any, address: int, size: int, __: Any) -> None:
        """Unicorn's hook for a block of code."""
        previous = self._previous
        if previous is not None:
            key = (*previous, address)
            self._runs[key] = self._runs.get(key, 0) + 1
        self._previous = address, size

    def step(self, _: Any, __: int, address: int, ___: int, value: int, ____: Any) -> None:
        """Unicorn's hook for a store that begins a step."""
        self._begin(value)
