"""An emulated processor that records which blocks of code run.

Unicorn calls a function for each block. Python functions are slow there, so the function is ``insert`` of an array: the
address of each block goes into the array without a line of Python. What the blocks took is computed afterwards.
"""

from __future__ import annotations

import ctypes
import importlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mltk.codegen.emulate.counts import Block, Counts, count_steps
from mltk.codegen.emulate.image import FLASH, MEMORY_BYTES, RAM, Image
from mltk.codegen.emulate.timing import TIMINGS, decode_arm, decode_riscv
from mltk.errors import MissingDependencyError, RuntimeFailure

_PAGE = 0x1000
_STOP = FLASH + MEMORY_BYTES - _PAGE
_STACK_TOP = RAM + MEMORY_BYTES
_STACK_BYTES = 64 << 10
_STACK_FILL = 0xA5


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
            # With UC_MODE_MCLASS, Unicorn ignores the model and emulates a Cortex-M33.
            self._emulator = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
            mode = capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS
            self._decoder = capstone.Cs(capstone.CS_ARCH_ARM, mode | capstone.CS_MODE_V8)
            self._sp, self._return = registers.UC_ARM_REG_SP, registers.UC_ARM_REG_LR
            self._pc = registers.UC_ARM_REG_PC
        else:
            registers = _module("unicorn.riscv_const")
            self._emulator = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            mode = capstone.CS_MODE_RISCV32 | capstone.CS_MODE_RISCVC
            self._decoder = capstone.Cs(capstone.CS_ARCH_RISCV, mode)
            self._sp, self._return = registers.UC_RISCV_REG_SP, registers.UC_RISCV_REG_RA
            self._pc = registers.UC_RISCV_REG_PC
        model = getattr(registers, core.unicorn_model)
        self._emulator.ctl_set_cpu_model(model)
        if self._emulator.ctl_get_cpu_model() != model:
            raise RuntimeFailure(f"The emulator has no {core.title}.")
        self.timing = TIMINGS[core.name]
        for start in (FLASH, RAM):
            self._emulator.mem_map(start, MEMORY_BYTES)
        for address, data in image.segments:
            self._emulator.mem_write(address, data)
        self._sizes: dict[int, int] = {}
        self._decoded: dict[int, Block] = {}
        self._emulator.hook_add(unicorn.UC_HOOK_EDGE_GENERATED, self._translated)

    def write(self, symbol: str, data: bytes) -> None:
        """Write into the variable ``symbol``."""
        self._emulator.mem_write(self.image.address(symbol), data)

    def read(self, symbol: str, n: int) -> bytes:
        """Read ``n`` bytes of the variable ``symbol``."""
        return bytes(self._emulator.mem_read(self.image.symbols[symbol][0], n))

    def result(self) -> int:
        """Return the value that the last function returned, as an unsigned number of 32 bits."""
        registers = _module("unicorn.arm_const" if self.image.core.is_arm else "unicorn.riscv_const")
        register = registers.UC_ARM_REG_R0 if self.image.core.is_arm else registers.UC_RISCV_REG_A0
        return int(self._emulator.reg_read(register)) & 0xFFFF_FFFF

    def call(self, function: str) -> int:
        """Call a function without arguments.

        Args:
            function: Its name.

        Returns:
            The bytes of stack that it used.

        Raises:
            RuntimeFailure: The processor stopped, for example at an instruction that it lacks, or the stack is too
                large to be measured.
        """
        emulator, core = self._emulator, self.image.core
        thumb = 1 if core.is_arm else 0
        emulator.mem_write(_STACK_TOP - _STACK_BYTES, bytes([_STACK_FILL]) * _STACK_BYTES)
        emulator.reg_write(self._sp, _STACK_TOP)
        emulator.reg_write(self._return, _STOP | thumb)
        try:
            emulator.emu_start(self.image.address(function) | thumb, _STOP)
        except self._unicorn.UcError as e:
            where = int(emulator.reg_read(self._pc))
            raise RuntimeFailure(
                f"The emulated {core.title} stopped at {where:#x} in {self.image.function_at(where) or function}: {e}."
            ) from e
        where = int(emulator.reg_read(self._pc)) & ~1
        if where != _STOP:
            raise RuntimeFailure(f"The emulated {core.title} stopped at {where:#x} before {function} returned.")
        stack = bytes(emulator.mem_read(_STACK_TOP - _STACK_BYTES, _STACK_BYTES))
        used = len(stack.lstrip(bytes([_STACK_FILL])))
        if used == _STACK_BYTES:
            raise RuntimeFailure(f"{function} used more than {_STACK_BYTES:,} bytes of stack.")
        return used

    def trace(self, function: str, kind: str = "BLOCK") -> tuple[np.ndarray, int]:
        """Call a function, and record the blocks that run.

        Args:
            function: Its name.
            kind: ``BLOCK``, or ``CODE`` to record all instructions.

        Returns:
            The addresses of the blocks in order, and the bytes of stack.

        Raises:
            RuntimeFailure: As for `call`.
        """
        addresses = array("I")
        with self._recording(addresses, getattr(self._unicorn, f"UC_HOOK_{kind}")):
            stack = self.call(function)
        return np.frombuffer(addresses, np.dtype(f"u{addresses.itemsize}")).astype(np.int64), stack

    def count(self, function: str, marks: list[int]) -> tuple[list[Counts], int]:
        """Call a function, and count what each step took.

        Args:
            function: Its name. Its own instructions do not count, only those of functions that it calls.
            marks: Address where each step begins.

        Returns:
            What came before the first step, and then each step; and the bytes of stack.

        Raises:
            RuntimeFailure: As for `call`.
        """
        start, size = self.image.symbols[function]
        skipped = range(start & ~1, (start & ~1) + size)
        addresses, stack = self.trace(function)
        return count_steps(addresses, self._sizes, self._block, marks, skipped, self.timing), stack

    @contextmanager
    def _recording(self, addresses: array[int], kind: int) -> Iterator[None]:
        callback: Any
        try:
            add, delete = _native_hooks(self._emulator)
        except ImportError:  # another layout of Unicorn's package
            add, delete = self._emulator.hook_add, self._emulator.hook_del
            append = addresses.append

            def callback(_: Any, address: int, __: int, ___: Any) -> None:
                append(address)

        else:
            # insert(index, value): the first argument is a pointer, an index beyond the end, so that it appends.
            callback = ctypes.CFUNCTYPE(None, ctypes.c_size_t, ctypes.c_uint64)(addresses.insert)
        hook = add(kind, callback)
        self._emulator.ctl_flush_tb()  # blocks that were translated before would not be recorded
        try:
            yield
        finally:
            delete(hook)
            self._emulator.ctl_flush_tb()

    def _translated(self, _: Any, block: Any, __: Any, ___: Any) -> None:
        """Unicorn's hook for a block that it has translated. It is not called for the very first block."""
        known = self._sizes.setdefault(block.pc, block.size)
        if known != block.size:
            raise RuntimeFailure(f"The block at {block.pc:#x} has {known} and {block.size} bytes.")

    def _block(self, address: int, size: int) -> Block:
        """Return the instructions of a block.

        Raises:
            RuntimeFailure: The code can't be decoded.
        """
        if address not in self._decoded:
            code = bytes(self._emulator.mem_read(address, size))
            instructions = list(self._decoder.disasm(code, address))
            n_decoded = sum(i.size for i in instructions)
            if n_decoded != size:
                raise RuntimeFailure(f"The code at {address + n_decoded:#x} can't be decoded.")
            decoded = decode_riscv(instructions) if self.timing is None else decode_arm(instructions, self.timing)
            self._decoded[address] = [(i.address, d) for i, d in zip(instructions, decoded, strict=True)]
        return self._decoded[address]


def _native_hooks(emulator: Any) -> tuple[Callable[[int, Any], Any], Callable[[Any], None]]:
    """Return functions that add and delete a hook whose callback is a function of ctypes.

    Raises:
        ImportError: Unicorn's package has no such functions.
    """
    library = getattr(importlib.import_module("unicorn.unicorn_py3.unicorn"), "uclib", None)
    engine = getattr(emulator, "_uch", None)
    if library is None or engine is None:
        raise ImportError("unicorn.unicorn_py3.unicorn.uclib")

    def add(kind: int, callback: Any) -> Any:
        hook = ctypes.c_size_t()
        everywhere = ctypes.c_uint64(1), ctypes.c_uint64(0)  # begin > end
        if code := library.uc_hook_add(engine, ctypes.byref(hook), kind, callback, None, *everywhere):
            raise RuntimeFailure(f"Unicorn can't record: error {code}.")
        return hook

    def delete(hook: Any) -> None:
        library.uc_hook_del(engine, hook)

    return add, delete


def _module(name: str) -> Any:
    """Import a module of the emulator. Its packages have no types."""
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise MissingDependencyError(f"The emulator (package {name.partition('.')[0]})", extra="device") from e
