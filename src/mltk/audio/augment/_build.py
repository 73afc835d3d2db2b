"""Build script of the C extension (cffi, API mode), run by setup.py; not used afterwards."""

import re
from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]

# Paths are relative to the project's root, where the build runs.
DEVICE = Path("src/mltk/device")


def _declarations(header: str) -> str:
    """The header without comments and preprocessor lines, which is what cffi reads."""
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    return "\n".join(line for line in header.splitlines() if not line.startswith("#"))


ffibuilder = FFI()
ffibuilder.cdef(_declarations((DEVICE / "audio_effects.h").read_text()))
ffibuilder.set_source(
    "mltk.audio.augment._audio_effects",
    '#include "audio_effects.h"',
    sources=[str(DEVICE / "audio_effects.c")],
    include_dirs=[str(DEVICE)],
    depends=sorted(str(path) for path in DEVICE.glob("audio_effects*")),
    # -ffp-contract=off: no fused multiply-add, so that results are the same on every processor.
    # The others: minima and maxima as single instructions; no value here is infinite or not a number, and a zero's
    # sign doesn't reach the 16-bit samples. -Wno-psabi: what passes vectors is inlined.
    extra_compile_args=[
        *("-O3", "-std=c99", "-ffp-contract=off"),
        *("-fno-trapping-math", "-ffinite-math-only", "-fno-signed-zeros", "-Wno-psabi"),
    ],
    libraries=["m"],
    # Without a C compiler mltk installs all the same; augmenting audio then says what is missing.
    optional=True,
)
