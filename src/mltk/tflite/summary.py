"""A ``.tflite`` as a text table: its layers one by one, then what the model is and costs.

The text is plain. It fits 80 columns if the model allows it, and 120 columns otherwise, so it reads the same in a
terminal, a log and a file.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from typing import Protocol

from mltk.errors import TfliteError
from mltk.tflite.layer_options import TfliteLayerOptions, activation_of
from mltk.tflite.layers.base import TfliteLayer
from mltk.tflite.layers.counts import LayerCounts, count_layer
from mltk.tflite.layers.uncounted import uncounted_layers
from mltk.tflite.model_parameters import TFLITE_METADATA_TAG, stored_parameters
from mltk.tflite.tensor import TfliteTensor

_WIDTHS = (80, 120)
_HEADER = ("Index", "OpCode", "Input(s)", "Output(s)", "Options", "MACs", "Ops")
_OPTIONS = _HEADER.index("Options")
_MIN_OPTIONS = 16
_MAX_TEXT = 4096
_MAX_ARRAY = 8
_NICER = {"fusedActivationFunction": "activation"}


class SummarizedModel(Protocol):
    """A model as its summary sees it: a `mltk.tflite.model.TfliteModel`."""

    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def layers(self) -> Sequence[TfliteLayer]: ...
    @property
    def inputs(self) -> Sequence[TfliteTensor]: ...
    @property
    def outputs(self) -> Sequence[TfliteTensor]: ...
    @property
    def n_subgraphs(self) -> int: ...
    @property
    def flatbuffer_size(self) -> int: ...
    def get_all_metadata(self) -> dict[str, bytes]: ...
    def get_metadata(self, tag: str) -> bytes | None: ...


def format_count(value: int) -> str:
    """Return a count in at most five characters: ``640``, ``36.9k``, ``2.7M``."""
    scaled = float(value)
    for unit in ("", "k", "M", "G", "T", "P", "E"):
        if scaled < 999.95:
            return f"{value}" if not unit else f"{scaled:.1f}{unit}"
        scaled /= 1000
    return f"{value:.1e}"


def model_summary(model: SummarizedModel) -> str:
    """Return the table of layers of the selected subgraph, and below it the totals. See `TfliteModel.summary`."""
    counts = [count_layer(layer) for layer in model.layers]
    rows = [_row(layer, count) for layer, count in zip(model.layers, counts, strict=True)]
    parts = [_table(rows), _totals(model, sum(counts, LayerCounts()))]
    parameters = _parameters(model)
    if parameters:
        parts.append(parameters)
    return "\n\n".join(parts)


def _printable(text: str) -> str:
    """Return one line that is safe to print. A name in a file can hold any character."""
    cut = text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)


def _tensor_lines(tensors: Sequence[TfliteTensor | None]) -> list[str]:
    # The first dimension is the batch, except in constants, where it may be the number of filters.
    return ["-" if t is None else t.shape_dtype_str(include_batch=t.is_constant) for t in tensors] or ["-"]


def _options_text(layer: TfliteLayer) -> str:
    """Return typed options as they print, other options field by field if they differ from the schema's default."""
    options = layer.options
    if type(options) is not TfliteLayerOptions:
        return str(options)
    defaults = options.defaults()
    shown = []
    for name, value in options.as_dict().items():
        text = str(activation_of(value)) if name == "fusedActivationFunction" else _value(value)
        if text and text != _value(defaults.get(name)) and text != "None":
            shown.append(f"{_NICER.get(name) or _snake(name)}:{text}")
    return _printable(" ".join(shown)) or "-"


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _value(value: object) -> str:
    """Return an option's value as text; empty if the value is not set."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if hasattr(value, "tolist"):
        items = value.tolist()
        return "x".join(str(item) for item in items[:_MAX_ARRAY]) + ("…" if len(items) > _MAX_ARRAY else "")
    if isinstance(value, bool | int | str):
        return str(value)
    return ""


def _row(layer: TfliteLayer, count: LayerCounts) -> list[list[str]]:
    """Return the cells of a layer. Each cell is a list of lines."""
    return [
        [str(layer.index)],
        [_printable(layer.opcode_str)],
        _tensor_lines(layer.inputs),
        _tensor_lines(layer.outputs),
        [_options_text(layer)],
        [format_count(count.macs)],
        [format_count(count.ops)],
    ]


def _wrap(line: str, width: int) -> list[str]:
    """Break a line at spaces, and inside words that are too long."""
    if len(line) <= width:
        return [line]
    return textwrap.wrap(line, width, break_on_hyphens=False) or [""]


def _wanted_widths(rows: list[list[list[str]]]) -> list[int]:
    """Return the width of each column without wrapping."""
    return [max(len(title), *(len(t) for row in rows for t in row[i]), 0) for i, title in enumerate(_HEADER)]


def _table_width(widths: list[int]) -> int:
    return sum(widths) + 3 * len(widths) + 1


def _fit(rows: list[list[list[str]]]) -> list[int]:
    """Return the column widths: 80 in total if wrapping the options is enough, otherwise 120 by wrapping the widest."""
    widths = _wanted_widths(rows)
    over = _table_width(widths) - _WIDTHS[0]
    if over <= 0:
        return widths
    if widths[_OPTIONS] - over >= _MIN_OPTIONS:
        widths[_OPTIONS] -= over
        return widths
    while _table_width(widths) > _WIDTHS[1]:
        widest = max(range(len(widths)), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _table(rows: list[list[list[str]]]) -> str:
    """Draw the table of layers."""
    widths = _fit(rows)
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    lines = [rule, _line(list(_HEADER), widths), rule]
    for row in rows:
        cells = [
            [part for line in cell for part in _wrap(line, width)] for cell, width in zip(row, widths, strict=True)
        ]
        for i in range(max(len(cell) for cell in cells)):
            lines.append(_line([cell[i] if i < len(cell) else "" for cell in cells], widths))
    return "\n".join([*lines, rule])


def _line(texts: list[str], widths: list[int]) -> str:
    return "| " + " | ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)) + " |"


def _totals(model: SummarizedModel, total: LayerCounts) -> str:
    lines = [f"Name: {_printable(model.name)}"]
    if model.description:
        lines.append(f"Description: {_printable(model.description)}")
    for title, tensors in (("Input", model.inputs), ("Output", model.outputs)):
        for index, tensor in enumerate(tensors):
            number = f" {index}" if len(tensors) > 1 else ""
            lines.append(f"{title}{number}: {_io_text(tensor)}")
    unknown = uncounted_layers(model)
    least = "at least " if unknown else ""
    lines += [
        f"Layers: {len(model.layers)}" + (f" (of {model.n_subgraphs} subgraphs)" if model.n_subgraphs > 1 else ""),
        f"Multiply-accumulates: {least}{total.macs:,}",
        f"Operations: {least}{total.ops:,}",
        f"File size (bytes): {model.flatbuffer_size:,}",
    ]
    lines += [f"Unknown: layer {index}: {_printable(why)}" for index, why in unknown.items()]
    others = [tag for tag in model.get_all_metadata() if tag != TFLITE_METADATA_TAG]
    if others:
        lines.append(f"Metadata: {_printable(', '.join(others))}")
    return "\n".join(lines)


def _io_text(tensor: TfliteTensor) -> str:
    text = f"{tensor.shape_dtype_str(include_batch=True)} {_printable(tensor.name)}".rstrip()
    return f"{text}, {tensor.quantization}" if tensor.quantization.n_channels else text


def _parameters(model: SummarizedModel) -> str:
    try:
        summary = stored_parameters(model).summary()
    except TfliteError as e:
        return f"Parameters: unreadable ({_printable(e.message)})"
    if not summary:
        return ""
    lines = [f"  {_printable(line)}" for line in summary.splitlines()]
    return "\n".join([f"Parameters ({TFLITE_METADATA_TAG}):", *lines])
