"""A program as C files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np

from mltk.codegen.memory_plan import ArenaPlan, plan_arena
from mltk.codegen.program import C_TYPES, Argument, Call, Constant, Params, Program, Ref, Scratch, State
from mltk.tflite.graph import Tensor

_LINE = 116  # characters of a line of numbers
_HEADERS = ("mltk_kernels.h", "mltk_kernels_16.h", "mltk_fixed_point.h", "mltk_dot.h", "mltk_vectors.h")

_STEP = """/* Define MLTK_STEP(k) to trace or time the steps of the network, for example by a pin. */
#ifndef MLTK_STEP
#define MLTK_STEP(k) ((void)0)
#endif"""


def c_identifier(name: str) -> str:
    """Return a name of C that is like ``name``."""
    cleaned = re.sub(r"\W", "_", name, flags=re.ASCII) or "model"
    return f"model_{cleaned}" if cleaned[0].isdigit() else cleaned


def kernel_sources(program: Program) -> dict[str, str]:
    """Return the kernel files that a program needs: name → text."""
    folder = resources.files("mltk") / "device" / "kernels"
    names = [*_HEADERS, *(f"{family}.c" for family in program.families)]
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


@dataclass
class ModelCode:
    """The C code of one model, without the kernels.

    Attributes:
        name: Prefix of all names.
        header: Text of ``NAME.h``.
        source: Text of ``NAME.c``.
        plan: The arena.
        constant_bytes: Bytes of constants and parameters in flash.
        state_bytes: Bytes of variables that keep their value.
    """

    name: str
    header: str
    source: str
    plan: ArenaPlan
    constant_bytes: int
    state_bytes: int

    @property
    def ram_bytes(self) -> int:
        """Static RAM: the arena with inputs and outputs, and the variables."""
        return self.plan.size + self.state_bytes


def write_model(program: Program, name: str, *, title: str = "", extra_header: str = "") -> ModelCode:
    """Write ``NAME.h`` and ``NAME.c``.

    Args:
        program: The model.
        name: Prefix of all names, an identifier of C.
        title: What the model is, for the comment at the top.
        extra_header: Constants for the header, for example labels.

    Returns:
        The texts, and what they take in memory.
    """
    return _Writer(program, name, title or name, extra_header).write()


@dataclass
class _Writer:
    program: Program
    name: str
    title: str
    extra_header: str
    definitions: list[str] = field(default_factory=list)
    constant_bytes: int = 0
    names: dict[int, str] = field(default_factory=dict)  # id() of a constant or struct → its name in C
    taken: set[str] = field(default_factory=set)

    def write(self) -> ModelCode:
        program = self.program
        self.plan = plan_arena(program)
        self.direct = self._direct_outputs()
        states = [self._state(i) for i in range(len(program.states))]
        body = [line for i, call in enumerate(program.calls) for line in self._call(i, call)]
        body += self._copied_outputs()
        state_bytes = sum(s.initial.nbytes for s in program.states)
        source = self._source(states, body)
        return ModelCode(self.name, self._header(), source, self.plan, self.constant_bytes, state_bytes)

    # ---- Expressions ------------------------------------------------------------------------------------------------

    def _direct_outputs(self) -> dict[int, int]:
        """Tensors that calls write to where the caller wants an output: tensor → number of the output."""
        program = self.program
        roots = [program.resolve(i) for i in program.outputs]
        inputs = {program.resolve(i) for i in program.inputs}
        written = {program.resolve(i) for call in program.calls for i in call.writes}
        return {
            r: k
            for k, r in enumerate(roots)
            if roots.count(r) == 1 and r in written and r not in inputs and r not in program.state_tensors
        }

    def _pointer(self, tensor: int, offset: int, *, cast: str | None) -> str:
        program = self.program
        root = program.resolve(tensor)
        if program.tensors[tensor].type_name == "RESOURCE":  # the handle of a variable
            return f"state_{program.state_tensors[root]}"
        ctype = cast or _ctype(program.tensors[tensor])
        if root in program.constants:
            expression, own = self._constant(root), _ctype_of(program.constants[root].dtype)
        elif root in program.state_tensors:
            state = program.state_tensors[root]
            expression, own = f"state_{state}", _state_type(program.states[state])
        elif root in self.direct:
            expression, own = self._output_name(self.direct[root]), _ctype(program.tensors[root])
        elif root in (inputs := [program.resolve(i) for i in program.inputs]):
            expression, own = self._input_name(inputs.index(root)), _ctype(program.tensors[root])
        else:
            return f"({ctype} *){self._arena(self.plan.offsets[root] + offset * _item(program.tensors[tensor]))}"
        if own != ctype:
            expression = f"({'const ' if self._is_const(root) else ''}{ctype} *){expression}"
        return f"{expression} + {offset}" if offset else expression

    def _is_const(self, root: int) -> bool:
        program = self.program
        inputs = {program.resolve(i) for i in program.inputs}
        return root in program.constants or (root in inputs and root not in self.direct)

    def _arena(self, offset: int) -> str:
        return f"(arena.bytes + {offset})" if offset else "arena.bytes"

    def _constant(self, tensor: int) -> str:
        value = self.program.constants[tensor]
        key = -1 - tensor
        if key not in self.names:
            self.names[key] = self._define_array(f"constant_{tensor}", value)
        return self.names[key]

    def _input_name(self, k: int) -> str:
        return "input" if len(self.program.inputs) == 1 else f"input_{k}"

    def _output_name(self, k: int) -> str:
        return "output" if len(self.program.outputs) == 1 else f"output_{k}"

    # ---- Constants --------------------------------------------------------------------------------------------------

    def _define_array(self, name: str, values: np.ndarray) -> str:
        values = np.ascontiguousarray(values)
        self.constant_bytes += values.nbytes
        ctype = _ctype_of(values.dtype)
        lines = "\n".join(number_lines(values.ravel()))
        self.definitions.append(f"static const {ctype} {name}[{values.size}] = {{\n{lines}\n}};")
        return name

    def _unique(self, name: str) -> str:
        unique, i = name, 1
        while unique in self.taken:
            i += 1
            unique = f"{name}_{i}"
        self.taken.add(unique)
        return unique

    def _named(self, argument: Constant | Params, op_index: int) -> str:
        key = id(argument)
        if key not in self.names:
            if isinstance(argument, Constant):
                name = self._unique(f"{argument.role}_{op_index}")
                self.names[key] = self._define_array(name, argument.values)
            else:
                members = self._members(argument.fields, op_index, "    ")
                name = self._unique(f"{argument.ctype.removeprefix('mltk_')}_{op_index}")
                self.definitions.append(f"static const {argument.ctype} {name} = {{\n{members}\n}};")
                self.constant_bytes += _struct_bytes(argument.fields)
                self.names[key] = name
        return self.names[key]

    def _members(self, fields: dict[str, Any], op_index: int, indent: str) -> str:
        lines = []
        for member, value in fields.items():
            if isinstance(value, dict):
                inner = self._members(value, op_index, indent + "    ")
                lines.append(f"{indent}.{member} = {{\n{inner}\n{indent}}},")
            else:
                lines.append(f"{indent}.{member} = {self._value(value, op_index)},")
        return "\n".join(lines)

    def _value(self, value: Any, op_index: int) -> str:
        if isinstance(value, Constant):
            return self._named(value, op_index)
        if isinstance(value, Sequence):
            return "{" + ", ".join(str(int(v)) for v in value) + "}"
        return _literal(value)

    # ---- Calls ------------------------------------------------------------------------------------------------------

    def _state(self, k: int) -> str:
        state = self.program.states[k]
        n = state.initial.nbytes
        raw = np.frombuffer(state.initial.tobytes(), np.int8)
        self._define_array(f"initial_state_{k}", raw)
        return f"static {_state_type(state)} state_{k}[{n // state.initial.itemsize}];"

    def _call(self, step: int, call: Call) -> Iterator[str]:
        shape = "x".join(str(d) for d in self.program.tensors[call.op.outputs[0]].shape) if call.op.outputs else ""
        arguments = ", ".join(self._argument(step, call, a) for a in call.arguments)
        yield f"    /* {call.op.index}: {call.op.name}{' -> ' + shape if shape else ''} */"
        yield f"    MLTK_STEP({step});"
        yield f"    {call.function}({arguments});"

    def _argument(self, step: int, call: Call, argument: Argument) -> str:
        if isinstance(argument, Ref):
            raw = call.function.startswith(("mltk_copy_", "memcpy"))
            # Kernels of 8-bit values take int8_t, also for unsigned ones.
            cast = None
            if not raw and self.program.tensors[argument.tensor].type_name in ("UINT8", "BOOL"):
                cast = "int8_t"
            return self._pointer(argument.tensor, argument.offset, cast=cast)
        if isinstance(argument, Scratch):
            return f"({argument.ctype} *){self._arena(self.plan.scratch[step])}"
        if isinstance(argument, Params):
            return f"&{self._named(argument, call.op.index)}"
        if isinstance(argument, Constant):
            return self._named(argument, call.op.index)
        return _literal(argument)

    def _copied_outputs(self) -> Iterator[str]:
        program = self.program
        for k, tensor in enumerate(program.outputs):
            if program.resolve(tensor) not in self.direct:
                source = self._pointer(tensor, 0, cast=None)
                n = program.tensors[tensor].nbytes
                yield f"    memcpy({self._output_name(k)}, {source}, {n});"

    # ---- Files ------------------------------------------------------------------------------------------------------

    def _signature(self) -> str:
        program = self.program
        inputs = [f"const {_ctype(program.tensors[i])} *{self._input_name(k)}" for k, i in enumerate(program.inputs)]
        outputs = [f"{_ctype(program.tensors[i])} *{self._output_name(k)}" for k, i in enumerate(program.outputs)]
        return f"void {self.name}_invoke({', '.join([*inputs, *outputs])})"

    def _source(self, states: list[str], body: list[str]) -> str:
        has_state = bool(self.program.states)
        parts = [
            f"/* {self.title}: the network. Generated by mltk; do not edit. */",
            f'#include "{self.name}.h"\n\n#include <string.h>\n\n#include "mltk_kernels.h"',
            _STEP,
            *self.definitions,
        ]
        if self.plan.size:
            parts.append(
                "/* Activations. The union aligns them. */\n"
                "static union {\n"
                f"    int8_t bytes[{self.plan.size}];\n    int16_t halves[1];\n"
                "    int32_t words[1];\n    float reals[1];\n} arena;"
            )
        parts += states
        if has_state:
            resets = [f"    memcpy(state_{k}, initial_state_{k}, sizeof state_{k});" for k in range(len(states))]
            parts.append("static int is_reset;")
            parts.append(f"void {self.name}_reset(void) {{\n" + "\n".join(resets) + "\n    is_reset = 1;\n}")
        parts += self._buffer_functions()
        first = [f"    if (!is_reset) {self.name}_reset();"] if has_state else []
        parts.append(f"{self._signature()} {{\n" + "\n".join([*first, *body]) + "\n}")
        return "\n\n".join(parts) + "\n"

    def _buffer_functions(self) -> Iterator[str]:
        for kind, k, tensor in self._buffers():
            root = self.program.resolve(tensor)
            ctype = _ctype(self.program.tensors[tensor])
            place = self._arena(self.plan.offsets[root])
            yield f"{ctype} *{self.name}_{self._buffer_name(kind, k)}(void) {{ return ({ctype} *){place}; }}"

    def _buffers(self) -> Iterator[tuple[str, int, int]]:
        """Inputs and outputs that have a place in the arena."""
        for kind, tensors in (("input", self.program.inputs), ("output", self.program.outputs)):
            for k, tensor in enumerate(tensors):
                if self.program.resolve(tensor) in self.plan.offsets:
                    yield kind, k, tensor

    def _buffer_name(self, kind: str, k: int) -> str:
        return self._input_name(k) if kind == "input" else self._output_name(k)

    def _header(self) -> str:
        upper = self.name.upper()
        lines = [
            f"/* {self.title}. Generated by mltk; do not edit.",
            " *",
            f" * RAM: {self.plan.size + sum(s.initial.nbytes for s in self.program.states):,} bytes, static. "
            f"Constants: {self.constant_bytes:,} bytes.",
            " */",
            f"#ifndef {upper}_H",
            f"#define {upper}_H",
            "",
            "#include <stdint.h>",
            "",
            "#ifdef __cplusplus",
            'extern "C" {',
            "#endif",
            "",
        ]
        for kind, tensors in (("input", self.program.inputs), ("output", self.program.outputs)):
            for k, i in enumerate(tensors):
                lines += self._tensor_constants(
                    self.program.tensors[i], f"{upper}_{self._buffer_name(kind, k).upper()}"
                )
        if self.extra_header:
            lines += [self.extra_header, ""]
        lines += [
            "/* Compute the network. The pointers may be the buffers below, or any memory that does not overlap the",
            " * arena. Not reentrant: activations are in static memory. */",
            f"{self._signature()};",
            "",
        ]
        if self.program.states:
            lines += [
                "/* Forget what the network keeps from one inference to the next. The first inference does it too. */",
                f"void {self.name}_reset(void);",
                "",
            ]
        buffers = [
            f"{_ctype(self.program.tensors[t])} *{self.name}_{self._buffer_name(kind, k)}(void);"
            for kind, k, t in self._buffers()
        ]
        if buffers:
            lines += [
                "/* Memory inside the arena for inputs and outputs: it costs no more RAM. The network overwrites an",
                " * input while it computes. An output is valid until the next inference. */",
                *buffers,
                "",
            ]
        lines += ["#ifdef __cplusplus", "}", "#endif", "", f"#endif /* {upper}_H */", ""]
        return "\n".join(lines)

    def _tensor_constants(self, t: Tensor, prefix: str) -> list[str]:
        lines = [f"/* {t.name}: {t.dtype_str}, shape {list(t.shape)} */".replace("*/", "", t.name.count("*/"))]
        lines.append(f"#define {prefix}_SIZE {t.size} /* elements */")
        if t.scale.size == 1:
            lines.append(f"#define {prefix}_SCALE {_float(float(t.scale[0]))}")
            lines.append(f"#define {prefix}_ZERO_POINT {_literal(int(t.zero_point[0]) if t.zero_point.size else 0)}")
        return [*lines, ""]


def _ctype(t: Tensor) -> str:
    return C_TYPES[t.dtype_str]


def _state_type(state: State) -> str:
    """The type of a variable's array, so that it begins where its values may."""
    return _ctype_of(state.initial.dtype)


def _ctype_of(dtype: np.dtype[Any]) -> str:
    return C_TYPES[dtype.name]


def _item(t: Tensor) -> int:
    assert t.dtype is not None
    return t.dtype.itemsize


def _float(value: float) -> str:
    text = repr(float(np.float32(value)))
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def _literal(value: float) -> str:
    if isinstance(value, float):
        return _float(value)
    number = int(value)
    return f"({number})" if number < 0 else str(number)


def number_lines(values: np.ndarray) -> Iterator[str]:
    """Write numbers as lines of C code, each number followed by a comma."""
    if values.dtype.kind == "f":
        texts = [_float(float(v)) for v in values]
    else:
        # C has no literal for the smallest int32: -2147483648 is a minus sign and a number that is too large.
        texts = ["INT32_MIN" if v == -(1 << 31) else str(v) for v in values.tolist()]
    line = "   "
    for text in texts:
        if len(line) + len(text) + 2 > _LINE:
            yield line
            line = "   "
        line += f" {text},"
    yield line


def string_literal(text: str) -> str:
    """Return a string literal of C; bytes beyond ASCII as octal escapes, which end after three digits."""
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\?':
            out.append(f"\\{char}")
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append(f"\\{byte:03o}")
    return f'"{"".join(out)}"'


def _struct_bytes(fields: dict[str, Any]) -> int:
    """About what a struct takes on a 32-bit device: 4 bytes for pointers, 2 for most numbers."""
    total = 0
    for value in fields.values():
        if isinstance(value, dict):
            total += _struct_bytes(value)
        elif isinstance(value, Sequence):
            total += 4 * len(value)
        else:
            total += 4 if isinstance(value, Constant) else 2
    return total
