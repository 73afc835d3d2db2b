"""Run ``selftest.c``, as ``mltk compile`` writes it, on an emulated core."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mltk.codegen.emulate.cores import find_core
from mltk.codegen.emulate.image import RUNTIME_FILES, build_image, find_compiler
from mltk.codegen.emulate.machine import Machine
from mltk.codegen.self_test import NETWORK_ONLY

_START = "mltk_emulated_run"
_TEXT_BYTES = 256

_STDIO_HEADER = "int printf(const char *format, ...);\n"
# What the self-test prints goes into a variable. %s and %d are all that it needs.
_PRINT = f"""
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
char emulated_text[{_TEXT_BYTES}];
int emulated_status;
static int used;
static void put(char c) {{
    if (used < {_TEXT_BYTES} - 1) emulated_text[used++] = c;
}}
static void put_number(int32_t value) {{
    char digits[12];
    int n = 0;
    uint32_t rest = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    if (value < 0) put('-');
    do digits[n++] = (char)('0' + rest % 10u); while ((rest /= 10u) != 0);
    while (n > 0) put(digits[--n]);
}}
int printf(const char *format, ...) {{
    va_list arguments;
    va_start(arguments, format);
    for (; *format != 0; ++format) {{
        if (*format != '%') {{
            put(*format);
        }} else if (*++format == 's') {{
            for (const char *s = va_arg(arguments, const char *); *s != 0; ++s) put(*s);
        }} else {{
            put_number(va_arg(arguments, int));
        }}
    }}
    va_end(arguments);
    return used;
}}
int main(void);
void {_START}(void);
void {_START}(void) {{ emulated_status = main(); }}
"""


def run_self_test(
    files: Mapping[str, str],
    core: str = "cortex-m4",
    *,
    compiler: str | None = None,
    optimize: str = "-O2",
    flags: Sequence[str] = (),
) -> tuple[bool, str]:
    """Compile the files of ``mltk compile`` for a core, and run their self-test on the emulated core.

    Args:
        files: Name → text of the files of the layout ``cmake``, ``selftest.c`` among them. Files that the self-test
            does not need are ignored. The path from a microphone to detections is not run, because it needs ``math.h``.
        core: Name of the core, see :mod:`mltk.codegen.emulate.cores`.
        compiler: As for :func:`~mltk.codegen.emulate.run.emulate`.
        optimize: Level of optimization of the compiler.
        flags: More flags for the compiler.

    Returns:
        Whether the self-test passed, and the line that it printed.

    Raises:
        MltkError: There is no such core or compiler.
        MissingDependencyError: A compiler or the emulator is not installed.
        RuntimeFailure: The compiler or the emulated program fails.
    """
    all_files = {**_needed(files), **RUNTIME_FILES, "stdio.h": _STDIO_HEADER, "print.c": _PRINT}
    # The compiler would make a call of puts() or putchar() of some calls of printf().
    options = ["-fno-builtin-printf", f"-D{NETWORK_ONLY}", *flags]
    with tempfile.TemporaryDirectory(prefix="mltk-emulated-") as folder:
        found = find_core(core)
        chosen = find_compiler(found, compiler)
        image = build_image(Path(folder), all_files, found, compiler=chosen, optimize=optimize, flags=options)
    machine = Machine(image)
    machine.call(_START)
    text = machine.read("emulated_text", _TEXT_BYTES).partition(b"\0")[0].decode("ascii", "replace").strip()
    status = int.from_bytes(machine.read("emulated_status", 4), "little")
    return status == 0 and text.startswith("PASS"), text


def _needed(files: Mapping[str, str]) -> dict[str, str]:
    """Return all headers, and the sources that the self-test needs: the kernels, and those whose header it includes."""
    included = {f"{stem}.c" for stem in re.findall(r'#include "(\w+)\.h"', files["selftest.c"])}
    return {
        name: text
        for name, text in files.items()
        if (name.endswith(".h") and "/" not in name)
        or (name in included and not name.endswith("_listen.c"))
        or name == "selftest.c"
        or re.fullmatch(r"mltk_\w+\.c", name)
    }
