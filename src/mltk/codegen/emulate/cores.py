"""Processors that can be emulated, and how to compile for them."""

from __future__ import annotations

from dataclasses import dataclass

from mltk.errors import MltkError, did_you_mean


@dataclass(frozen=True)
class Core:
    """A processor.

    Attributes:
        name: Name on the command line.
        title: Name for people.
        is_arm: Whether it is an Arm core; RISC-V otherwise.
        unicorn_model: Name of the CPU model among Unicorn's constants.
        gcc_flags: Flags for GNU's compiler for it; empty if the compiler is not used.
        zig_flags: Flags for ``zig cc``.
        has_dsp: Whether kernels use the DSP instructions.
    """

    name: str
    title: str
    is_arm: bool
    unicorn_model: str
    gcc_flags: tuple[str, ...]
    zig_flags: tuple[str, ...]
    has_dsp: bool = False


def _arm(name: str, title: str, model: str, *, dsp: bool = False, gcc: str = "", zig: str = "") -> Core:
    return Core(
        name,
        title,
        True,
        f"UC_CPU_ARM_{model}",
        (f"-mcpu={gcc or name}", "-mthumb", "-mfloat-abi=soft"),
        ("-target", "thumb-freestanding-eabi", f"-mcpu={zig or name.replace('-', '_')}"),
        dsp,
    )


CORES = {
    core.name: core
    for core in (
        # Unicorn has no Cortex-M0+; it executes the same instructions as the M0 and takes other times.
        _arm("cortex-m0plus", "Arm Cortex-M0+", "CORTEX_M0", zig="cortex_m0plus"),
        _arm("cortex-m3", "Arm Cortex-M3", "CORTEX_M3"),
        _arm("cortex-m4", "Arm Cortex-M4", "CORTEX_M4", dsp=True),
        _arm("cortex-m7", "Arm Cortex-M7", "CORTEX_M7", dsp=True),
        # zig leaves the DSP instructions out, which are an option of this core; GNU's compiler does not.
        _arm("cortex-m33", "Arm Cortex-M33", "CORTEX_M33", dsp=True, zig="cortex_m33+dsp"),
        Core(
            "riscv32",
            "RISC-V RV32IMC",
            False,
            "UC_CPU_RISCV32_ANY",
            (),
            ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        ),
    )
}
"""Name → core."""


_WITH_HELIUM = ("cortex-m52", "cortex-m55", "cortex-m85")


def _choose() -> str:
    return f"Choose one of: {', '.join(CORES)}."


def find_core(name: str) -> Core:
    """Return a core by its name.

    Raises:
        MltkError: There is no such core.
    """
    key = name.lower().replace("_", "-").replace("+", "plus")
    if key in _WITH_HELIUM:
        raise MltkError(f"The core {name!r} can't be emulated.", hint=f"The emulator has no Helium. {_choose()}")
    if key not in CORES:
        hint = did_you_mean(key, CORES) or _choose()
        raise MltkError(f"No core that can be emulated is called {name!r}.", hint=hint)
    return CORES[key]
