"""The compiled C of the audio effects, loaded when it is first used."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.errors import MltkError

EFFECTS = np.dtype(
    [
        ("clip", np.uint64),
        ("noise", np.uint64),
        ("n_clip", np.int32),
        ("n_noise", np.int32),
        ("noise_start", np.int32),
        ("speed", np.float32),
        ("pitch", np.float32),
        ("vtlp", np.float32),
        ("offset", np.float32),
        ("gain", np.float32),
        ("noise_gain", np.float32),
    ],
    align=True,
)
"""``mltk_effects`` of ``mltk/native/effects.h``. ``clip`` and ``noise`` are addresses of int16 samples."""


class EffectsUnavailableError(MltkError, ImportError):
    """mltk was installed without its C extension, because there was no C compiler."""


@cache
def load() -> tuple[Any, Any]:
    """Load the extension.

    Returns:
        cffi's ``ffi`` and ``lib``.

    Raises:
        EffectsUnavailableError: The extension was not compiled.
    """
    try:
        module = importlib.import_module("mltk.native._effects")
    except ImportError as error:
        raise EffectsUnavailableError(
            "Audio augmentation is C code, which was not compiled when mltk was installed here. The usual cause is "
            f"that there was no C compiler ({error}).",
            hint="Install a C compiler (on Debian and Ubuntu: apt install gcc libc6-dev; on macOS: xcode-select "
            "--install), then install mltk again: pip install --force-reinstall --no-deps openmltk",
        ) from error
    return module.ffi, module.lib


def neutral(n: int) -> npt.NDArray[Any]:
    """Effects that change nothing.

    Args:
        n: Number of clips.

    Returns:
        ``EFFECTS`` [n], without the addresses of clips and noises.
    """
    effects = np.zeros(n, EFFECTS)
    for name in ("speed", "pitch", "vtlp", "gain"):
        effects[name] = 1
    return effects


class Effects:
    """The effects for audio of one sample rate. Several threads may use one object, and run in parallel. It pickles.

    Args:
        sample_rate_hz: Sample rate of all clips and noises.
        most_lanes: For tests. With less than 16, the widest vectors of the processor are not used. No sample changes.

    Raises:
        EffectsUnavailableError: The extension was not compiled, or is of another version of mltk.
        MemoryError: There is no memory for the tables.
    """

    def __init__(self, sample_rate_hz: int, most_lanes: int = 16) -> None:
        ffi, lib = load()
        if ffi.sizeof("mltk_effects") != EFFECTS.itemsize:
            raise EffectsUnavailableError(
                "The compiled audio effects are of another version of mltk.",
                hint="Install mltk again: pip install --force-reinstall --no-deps openmltk",
            )
        self.sample_rate_hz = int(sample_rate_hz)
        tables = lib.mltk_effects_new(self.sample_rate_hz, most_lanes)
        if tables == ffi.NULL:
            raise MemoryError("There is no memory for the tables of the audio effects.")
        self._tables = ffi.gc(tables, lib.mltk_effects_free)

    def __reduce__(self) -> tuple[type[Effects], tuple[int]]:
        return type(self), (self.sample_rate_hz,)

    def apply(
        self, effects: npt.NDArray[Any], length: int, out: npt.NDArray[np.int16] | None = None
    ) -> npt.NDArray[np.int16]:
        """Apply all effects to many clips.

        Args:
            effects: ``EFFECTS`` [clips]. The caller keeps the clips and noises in memory.
            length: Samples of every result. Clips are cut or padded with zeros.
            out: int16 [clips or more, length] for the results; None allocates it.

        Returns:
            int16 [clips, length], the first rows of ``out`` if that is given.

        Raises:
            ValueError: ``out`` has another shape or dtype.
            MemoryError: There is no memory for the work in between.
        """
        ffi, lib = load()
        if out is None:
            out = np.empty((len(effects), length), np.int16)
        out = out[: len(effects)]
        if out.shape != (len(effects), length) or out.dtype != np.int16 or not out.flags.c_contiguous:
            raise ValueError(f"out must be int16 [{len(effects)} or more, {length}] without gaps.")
        status = lib.mltk_effects_apply(
            self._tables,
            ffi.cast("const mltk_effects *", effects.ctypes.data),
            len(effects),
            length,
            ffi.cast("int16_t *", out.ctypes.data),
        )
        if status != 0:
            raise MemoryError("There is no memory for augmenting audio.")
        return out

    def warp(
        self, clip: npt.NDArray[np.int16], *, speed: float = 1.0, pitch: float = 1.0, vtlp: float = 1.0
    ) -> npt.NDArray[np.int16]:
        """Change time and frequencies of one clip.

        Args:
            clip: int16 [samples].
            speed: Above 1 is faster; the pitch stays.
            pitch: Ratio of frequencies; the duration stays.
            vtlp: Ratio of formant frequencies; pitch and duration stay.

        Returns:
            int16 [samples / speed].

        Raises:
            MemoryError: There is no memory for the work in between.
        """
        ffi, lib = load()
        clip = np.ascontiguousarray(clip, np.int16)
        effect = neutral(1)
        effect["clip"], effect["n_clip"] = clip.ctypes.data, len(clip)
        effect["speed"], effect["pitch"], effect["vtlp"] = speed, pitch, vtlp
        out = np.empty(int(len(clip) / speed) + 2, np.int16)
        n = lib.mltk_effects_warp(
            self._tables,
            ffi.cast("const mltk_effects *", effect.ctypes.data),
            len(out),
            ffi.cast("int16_t *", out.ctypes.data),
        )
        if n < 0:
            raise MemoryError("There is no memory for augmenting audio.")
        return out[:n]


@cache
def effects_for_rate(sample_rate_hz: int) -> Effects:
    """The effects for one sample rate. The tables are computed once."""
    return Effects(sample_rate_hz)
