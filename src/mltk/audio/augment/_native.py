"""The compiled C of the audio effects, loaded when first used."""

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
"""``mltk_effects`` of effects.h; clip and noise are addresses of int16 samples."""


class EffectsUnavailableError(MltkError, ImportError):
    """mltk was installed without its C extension, because there was no C compiler."""


@cache
def load() -> tuple[Any, Any]:
    """cffi's (ffi, lib) of the extension. Raises EffectsUnavailableError if it was not built."""
    try:
        module = importlib.import_module("mltk.native._effects")
    except ImportError as error:
        raise EffectsUnavailableError(
            f"Audio augmentation is C code that was not compiled when mltk was installed here, most often because "
            f"there was no C compiler ({error}).",
            hint="Install a C compiler (on Debian and Ubuntu: apt install gcc libc6-dev; on macOS: xcode-select "
            "--install), then install mltk again: pip install --force-reinstall --no-deps openmltk",
        ) from error
    return module.ffi, module.lib


def neutral(n: int) -> npt.NDArray[Any]:
    """``EFFECTS`` [n] that change nothing, of no audio yet."""
    effects = np.zeros(n, EFFECTS)
    for name in ("speed", "pitch", "vtlp", "gain"):
        effects[name] = 1
    return effects


class Effects:
    """The effects for audio of one sample rate. Threads may use it at once, and run in parallel; pickles.

    ``most_lanes`` is for tests: fewer than 16 leave the processor's widest vectors unused, which changes no value.
    """

    def __init__(self, sample_rate_hz: int, most_lanes: int = 16) -> None:
        ffi, lib = load()
        if ffi.sizeof("mltk_effects") != EFFECTS.itemsize:
            raise EffectsUnavailableError("The compiled audio effects are not of this version of mltk; install anew.")
        self.sample_rate_hz = int(sample_rate_hz)
        tables = lib.mltk_effects_new(self.sample_rate_hz, most_lanes)
        if tables == ffi.NULL:
            raise MemoryError("There is no memory for the tables of the audio effects.")
        self._tables = ffi.gc(tables, lib.mltk_effects_free)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.sample_rate_hz,)

    def apply(
        self, effects: npt.NDArray[Any], length: int, out: npt.NDArray[np.int16] | None = None
    ) -> npt.NDArray[np.int16]:
        """int16 [clips, length] from ``EFFECTS`` [clips], whose clips and noises the caller keeps alive.

        ``out`` is where to put them, [clips or more, length]; the first of it are returned.
        """
        ffi, lib = load()
        if out is None:
            out = np.empty((len(effects), length), np.int16)
        out = out[: len(effects)]
        if out.shape != (len(effects), length) or out.dtype != np.int16 or not out.flags.c_contiguous:
            raise ValueError(f"out has to be int16 [{len(effects)} or more, {length}] without gaps.")
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
        """int16 [samples / speed]: the clip with other speed, pitch (ratio) and formants (ratio)."""
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
    """The effects for one sample rate, with tables that are computed once."""
    return Effects(sample_rate_hz)
