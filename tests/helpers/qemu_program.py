"""A program with models and expected outputs for boards of QEMU: a second emulator, and one with Helium."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from helpers.tflm_outputs import random_inputs, tflm_outputs
from mltk.codegen.lowering.lower import lower
from mltk.codegen.program import C_TYPES
from mltk.codegen.write_c import kernel_sources, write_model
from mltk.tflite.graph import graph_of

BOARDS = {
    "cortex-m4": ("mps2-an386", ["-mfloat-abi=soft"], ("0x00000000", "4M"), ("0x20000000", "4M")),
    "cortex-m55": ("mps3-an547", ["-mfloat-abi=hard"], ("0x00000000", "512K"), ("0x01000000", "2M")),
}
"""Processor → board of QEMU, flags of the compiler, and (begin, size) of memory for code and for data."""

_LINKER_SCRIPT = """
ENTRY(reset)
MEMORY { CODE (rx) : ORIGIN = %s, LENGTH = %s
         DATA (rwx) : ORIGIN = %s, LENGTH = %s }
SECTIONS {
  .text : { KEEP(*(.vectors)) *(.text* .rodata*) } > CODE
  .ARM.exidx : { *(.ARM.exidx*) } > CODE
  .bss : { bss_begin = .; *(.data* .bss* COMMON) . = ALIGN(8); bss_end = .; } > DATA
  stack_top = ORIGIN(DATA) + LENGTH(DATA);
}
"""

_START = r"""
#include <stdint.h>
extern char bss_begin[], bss_end[], stack_top[];
int main(void);
void reset(void);
void say(const char *text);
void say(const char *text) {
    register int r0 __asm__("r0") = 0x04; /* SYS_WRITE0 */
    register const void *r1 __asm__("r1") = text;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}
__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {stack_top, (const void *)reset};
void reset(void) {
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* switch floating point and Helium on */
    __asm__ volatile("dsb\n isb");
    for (char *p = bss_begin; p < bss_end; ++p) *(volatile char *)p = 0;
    say(main() == 0 ? "PASS\n" : "FAIL\n");
    register int r0 __asm__("r0") = 0x18; /* SYS_EXIT */
    register int r1 __asm__("r1") = 0x20026;
    __asm__ volatile("bkpt 0xAB" : : "r"(r0), "r"(r1));
    for (;;) {}
}
"""


def run_on_qemu(folder: Path, models: Sequence[bytes], cpu: str, *, optimize: str = "-O2") -> tuple[str, str]:
    """Compile models with one sample each for a board, and run them.

    Args:
        folder: An empty folder.
        models: Bytes of ``.tflite`` files.
        cpu: A processor of `BOARDS`.
        optimize: Level of optimization.

    Returns:
        What the program says, and the assembler code of ``mltk_conv.c``.
    """
    board, flags, code, data = BOARDS[cpu]
    files = {"start.c": _START, "memory.ld": _LINKER_SCRIPT % (*code, *data)}
    main, checks = ["#include <stdint.h>"], []
    for i, model in enumerate(models):
        program = lower(graph_of(model))
        written = write_model(program, f"model_{i}")
        files.update({f"model_{i}.c": written.source, f"model_{i}.h": written.header, **kernel_sources(program)})
        main.append(f'#include "model_{i}.h"')
        inputs = random_inputs(model, 1)
        outputs = tflm_outputs(model, inputs)
        arguments = []
        for kind, arrays, tensors in (("in", inputs, program.inputs), ("out", outputs, program.outputs)):
            for k, (values, t) in enumerate(zip(arrays, tensors, strict=True)):
                name, ctype = f"{kind}_{i}_{k}", C_TYPES[program.tensors[t].dtype_str]
                stored = name if kind == "in" else f"expected_{i}_{k}"
                main.append(f"static const {ctype} {stored}[] = {{{', '.join(map(str, values.ravel().tolist()))}}};")
                if kind == "out":
                    main.append(f"static {ctype} {name}[{values.size}];")
                    checks.append(f"for (int j = 0; j < {values.size}; ++j) bad += {name}[j] != {stored}[j];")
                arguments.append(name)
        checks.insert(len(checks) - len(outputs), f"model_{i}_invoke({', '.join(arguments)});")
    main.append("int main(void) {\n    int bad = 0;\n    " + "\n    ".join(checks) + "\n    return bad;\n}")
    files["main.c"] = "\n".join(main) + "\n"
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = [name for name in files if name.endswith(".c")]
    command = ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", *flags, "-std=gnu99", optimize, "-I.", *sources]
    command += ["-Tmemory.ld", "-nostartfiles", "--specs=nosys.specs", "-o", "image.elf"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assembler = [*command[: 5 + len(flags)], "-I.", "-S", "-o", "-", "mltk_conv.c"]
    listing = subprocess.run(assembler, cwd=folder, check=True, capture_output=True, text=True).stdout
    emulator = ["qemu-system-arm", "-M", board, "-nographic", "-kernel", "image.elf"]
    emulator += ["-semihosting-config", "enable=on,target=native"]
    done = subprocess.run(emulator, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr, listing
