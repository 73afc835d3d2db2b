"""C code as a WebAssembly module that needs nothing from the page.

The compiler is the one of the package ziglang. The module has its own memory, and imports no function. So the same
bytes run in a browser, in wasmtime and in every other engine, with the same results.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from mltk.codegen.emulate.image import RUNTIME_FILES
from mltk.errors import MissingDependencyError, RuntimeFailure

_WITH_MATH = ("-target", "wasm32-wasi", "-mexec-model=reactor")
"""For the functions of math.h; nothing of the system is used."""
_WITHOUT_MATH = ("-target", "wasm32-freestanding", "-nostdlib", "-I.")
_INLINED = "".join(f"#define {f} __builtin_{f}\n" for f in ("memcpy", "memset"))  # for a few bytes, no call
_FLAGS = (
    "-std=c99",
    "-O3",
    "-msimd128",
    "-ffp-contract=off",
    "-fno-sanitize=undefined",
    "-ffunction-sections",
    "-fdata-sections",
    "-Wl,--no-entry",
    "-Wl,--gc-sections",
    "-Wl,--strip-all",
    "-Wl,-z,stack-size=1048576",  # depthwise convolutions with vectors keep 128 KiB of planes there
)
_SECONDS = 600  # the first module with math.h on a machine compiles the C library


def compile_wasm(files: Mapping[str, str], *, math: bool = False) -> bytes:
    """Compile and link files to one WebAssembly module.

    Args:
        files: Name → text of ``.c`` and ``.h`` files. Functions with the attribute ``export_name`` are exported, and
            so is the memory.
        math: Whether the code needs ``math.h``. Then the compiler builds its C library once on each machine, which
            takes half a minute. Otherwise the code may only need ``memcpy`` and ``memset``.

    Returns:
        The bytes of a ``.wasm`` file without imports.

    Raises:
        MissingDependencyError: The compiler is not installed.
        RuntimeFailure: The compiler fails, or the code needs a function of the system.
    """
    if importlib.util.find_spec("ziglang") is None:
        raise MissingDependencyError("A compiler for WebAssembly", extra="device")
    if not math:
        files = {**RUNTIME_FILES, "string.h": RUNTIME_FILES["string.h"] + _INLINED, **files}
    sources = [name for name in files if name.endswith(".c")]
    with tempfile.TemporaryDirectory(prefix="mltk-wasm-") as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "ziglang",
            "cc",
            *(_WITH_MATH if math else _WITHOUT_MATH),
            *_FLAGS,
            *sources,
            "-o",
            "module.wasm",
        ]
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise RuntimeFailure(f"The compiler for WebAssembly did not end in {_SECONDS} s.") from error
        if done.returncode:
            raise RuntimeFailure(f"The compiler can't build the WebAssembly module:\n{done.stderr[-2000:]}")
        binary = (Path(folder) / "module.wasm").read_bytes()
    if imported := count_imports(binary):
        raise RuntimeFailure(f"The WebAssembly module needs {imported} functions that a page does not have.")
    return binary


def count_imports(binary: bytes) -> int:
    """Return the number of imports of a WebAssembly module.

    Args:
        binary: The bytes of a ``.wasm`` file. Its format: https://webassembly.github.io/spec/core/binary/modules.html
    """
    place = 8  # after the magic number and the version
    while place < len(binary):
        section = binary[place]
        size, place = _leb128(binary, place + 1)
        if section == 2:  # imports
            return _leb128(binary, place)[0]
        place += size
    return 0


def _leb128(binary: bytes, place: int) -> tuple[int, int]:
    """Return an unsigned number of variable length, and the place after it."""
    value = shift = 0
    while True:
        byte = binary[place]
        value |= (byte & 127) << shift
        place, shift = place + 1, shift + 7
        if byte < 128:
            return value, place
