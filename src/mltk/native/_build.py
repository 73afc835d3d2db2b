"""Build script of the C extensions (cffi, API mode). setup.py runs it; nothing uses it afterwards."""

import os
import re
import sys
from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]  # cffi has no type information

NATIVE = Path(__file__).resolve().parent
DEVICE = NATIVE.parent / "device"

# Without a C compiler mltk installs all the same. Using the extension then says what is missing.
OPTIONAL = True
LIBRARIES = [] if sys.platform == "win32" else ["m"]


def _declarations(*headers: Path) -> str:
    """The headers as cffi reads them: without comments, preprocessor lines and what is for C++."""
    text = "\n".join(header.read_text(encoding="utf-8") for header in headers)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"^#ifdef __cplusplus$.*?^#endif$", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"^#.*$", "", text, flags=re.MULTILINE)


def _paths(folder: Path, *patterns: str) -> list[str]:
    """Matching files, relative to the working directory, as setuptools wants paths in a source distribution to be."""
    return sorted(os.path.relpath(path) for pattern in patterns for path in folder.glob(pattern))


def _flags(*flags: str) -> list[str]:
    """Compiler flags of GCC and clang; Microsoft's compiler gets what corresponds to them."""
    if sys.platform == "win32":
        return ["/O2", "/std:c11", "/fp:precise"]
    # -ffp-contract=off: no fused multiply-add, so that tables and results are the same on every processor.
    return ["-O3", "-std=c99", "-ffp-contract=off", "-fvisibility=hidden", *flags]


frontend = FFI()
frontend.cdef(_declarations(DEVICE / "audio_frontend.h", NATIVE / "frontend_batch.h"))
frontend.set_source(
    "mltk.native._frontend",
    '#include "frontend_batch.h"',
    sources=_paths(NATIVE, "frontend_batch.c"),  # it includes audio_frontend.c
    include_dirs=[os.path.relpath(DEVICE), os.path.relpath(NATIVE)],
    depends=[*_paths(DEVICE, "audio_frontend.[ch]"), *_paths(NATIVE, "frontend_*.*", "vectors.h")],
    # -fno-math-errno: a square root is one instruction.
    extra_compile_args=_flags("-fno-math-errno"),
    libraries=LIBRARIES,
    optional=OPTIONAL,
)

effects = FFI()
effects.cdef(_declarations(NATIVE / "effects.h"))
effects.set_source(
    "mltk.native._effects",
    '#include "effects.h"',
    sources=_paths(NATIVE, "effects.c", "effects_tables.c", "resample.c", "stretch.c", "formants.c"),
    include_dirs=[os.path.relpath(NATIVE)],
    depends=_paths(NATIVE, "effects*.h", "formants_lanes.inc", "vectors.h"),
    # The -f flags: a minimum or a maximum is one instruction. No value here is infinite or not a number, and the sign
    # of a zero does not reach the 16-bit samples. -Wno-psabi: functions that pass vectors are inlined.
    extra_compile_args=_flags("-fno-trapping-math", "-ffinite-math-only", "-fno-signed-zeros", "-Wno-psabi"),
    libraries=LIBRARIES,
    optional=OPTIONAL,
)

images = FFI()
images.cdef(_declarations(NATIVE / "images.h"))
images.set_source(
    "mltk.native._images",
    '#include "images.h"',
    sources=_paths(NATIVE, "image*.c"),
    include_dirs=[os.path.relpath(NATIVE)],
    depends=_paths(NATIVE, "images*.h", "vectors.h"),
    # The -f flags: a square root, a comparison and a choice are one instruction each.
    extra_compile_args=_flags("-fno-math-errno", "-fno-trapping-math"),
    libraries=LIBRARIES,
    optional=OPTIONAL,
)

detections = FFI()
detections.cdef(_declarations(NATIVE / "detection_sweep.h"))
detections.set_source(
    "mltk.native._detections",
    '#include "detection_sweep.h"',
    sources=_paths(NATIVE, "detection_sweep.c"),
    include_dirs=[os.path.relpath(NATIVE)],
    depends=_paths(NATIVE, "detection_sweep.h"),
    extra_compile_args=_flags(),
    optional=OPTIONAL,
)
