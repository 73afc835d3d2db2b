"""A profile as text: what matters first, then the layers in a table that fits the terminal."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from mltk.micro.profile.layer_result import LAYER_LABELS
from mltk.micro.profile.units import format_bytes, format_time, format_units

if TYPE_CHECKING:
    from mltk.micro.profile.layer_result import ProfilingLayerResult
    from mltk.micro.profile.results import ProfilingModelResults

_WIDEST = 120
_NARROWEST = 60
# Columns that are left out first where the terminal is too narrow come last.
_BY_IMPORTANCE = (
    "index", "opcode", "time", "share", "macs", "flash", "ram", "cycles", "output_shape", "accelerator_cycles",
    "cpu_cycles", "energy", "error_msg", "input_shape", "options", "ops",
)  # fmt: skip
_ORDER = (
    "index", "opcode", "output_shape", "input_shape", "options", "macs", "ops", "flash", "ram", "cycles",
    "accelerator_cycles", "cpu_cycles", "energy", "time", "share", "error_msg",
)  # fmt: skip
_TITLES = {
    "index": "#", "opcode": "operator", "output_shape": "output", "input_shape": "inputs", "options": "options",
    "macs": "MACs", "ops": "ops", "flash": "flash", "ram": "RAM", "cycles": "cycles",
    "accelerator_cycles": "acc cycles", "cpu_cycles": "CPU cycles", "energy": "energy", "time": "time",
    "share": "share", "error_msg": "problem",
}  # fmt: skip
_LEFT = ("opcode", "output_shape", "input_shape", "options", "error_msg")
_BYTES = ("flash", "ram")


def report(
    results: ProfilingModelResults,
    *,
    format_units: bool = True,
    exclude_null: bool = True,
    full_summary: bool = False,
    width: int | None = None,
) -> str:
    """The totals and the table of layers; see `ProfilingModelResults.to_string`."""
    columns = min(width or shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST)
    columns = max(columns, _NARROWEST)
    if not format_units or full_summary:
        parts = [_all_totals(results, format_units, exclude_null, full_summary)]
    else:
        parts = [_totals(results)]
    parts.append(_table(results, columns, plain=not format_units, everything=full_summary))
    if results.notes:
        parts.append("\n".join(_wrapped(note, columns) for note in results.notes))
    return "\n\n".join(parts)


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return textwrap.fill(text, width, subsequent_indent="  ", break_long_words=False)


def _all_totals(results: ProfilingModelResults, formatted: bool, exclude_null: bool, full_summary: bool) -> str:
    """Every figure with the title that MLTK 0.20 gives it."""
    summary = results.get_summary(
        include_labels=True, format_units=formatted, exclude_null=exclude_null, full_summary=full_summary
    )
    summary.pop("notes", None)
    return "\n".join(["Profiling Summary", *(f"{label}: {value}" for label, value in summary.values())])


def _totals(results: ProfilingModelResults) -> str:
    target = results.target
    rows = [("model", results.name)]
    if target is not None:
        rows += [("target", f"{target.title}"), ("kernels", target.kernels)]
    shapes = f"{results.input_shape_str} {results.input_dtype_str} → {results.output_shape_str}"
    rows.append(("input", f"{shapes} {results.output_dtype_str}"))
    rows.append(("flash", f"{format_bytes(results.flatbuffer_size)} (the .tflite; the firmware's code comes on top)"))
    source = f" ({results.ram_source})" if results.ram_source else ""
    rows.append(("RAM", f"{format_bytes(results.runtime_memory_bytes)} tensor arena{source}"))
    rows.append(("MACs", f"{results.macs:,}, {results.ops:,} operations in {results.n_layers} layers"))
    if results.time > 0:
        error = results.time_error
        bar = "" if error is None else f" ± {error:.0%}"
        clock = f" at {results.cpu_clock_rate / 1e6:g} MHz" if results.cpu_clock_rate else ""
        rows.append(("time", f"{format_time(results.time)}{bar}: {format_units(results.cycles)} cycles{clock}"))
        rows.append(("", f"{1 / results.time:,.4g} inferences/s, {format_units(results.macs / results.time)} MACs/s"))
    if results.accelerator_cycles and results.time > 0:
        rows.append(("CPU", f"busy {results.cpu_utilization:.0%} of the time"))
    if results.energy:
        rows.append(("energy", f"{format_units(results.energy)}J an inference"))
    problems = [layer.error_msg for layer in results.unsupported_layers]
    for problem in dict.fromkeys(problems):
        n = problems.count(problem)
        rows.append(("problem", f"{n} {'layer' if n == 1 else 'layers'}: {problem}"))
    return "\n".join(f"{name:>9}  {text}" for name, text in rows)


def _cell(key: str, value: Any, plain: bool) -> str:
    if value is None or value == "":
        return ""
    if key == "share":
        return f"{value:.1%}"
    if plain or isinstance(value, str):
        return str(value)
    if key == "time":
        return format_time(value)
    if key in _BYTES:
        return format_bytes(value) if value else "-"
    if key == "index":
        return str(value)
    return _count(value) if value else "-"


def _count(value: float) -> str:
    return f"{value:,.0f}" if 1 <= abs(value) < 10_000 else str(format_units(value))


def _table(results: ProfilingModelResults, width: int, *, plain: bool, everything: bool) -> str:
    rows = [_values(layer, results.time) for layer in results.layers]
    keys = [k for k in _ORDER if any(row.get(k) for row in rows) or k in ("index", "opcode")]
    if not any(row.get("accelerator_cycles") for row in rows):
        keys = [k for k in keys if k != "cpu_cycles"]  # the same as the cycles
    cells = {k: [_cell(k, row.get(k), plain) for row in rows] for k in keys}
    widths = {k: max([len(_TITLES[k]), *map(len, cells[k])]) for k in keys}
    if everything or plain:
        chosen = keys
    else:
        chosen, used = [], 0
        for key in (k for k in _BY_IMPORTANCE if k in keys):
            if used + widths[key] + 2 <= width + 2:
                chosen.append(key)
                used += widths[key] + 2
        chosen = [k for k in keys if k in chosen]

    def line(texts: dict[str, str]) -> str:
        aligned = (texts[k].ljust(widths[k]) if k in _LEFT else texts[k].rjust(widths[k]) for k in chosen)
        return "  ".join(aligned).rstrip()

    header = line(_TITLES if not everything else {k: _TITLES[k] for k in chosen})
    lines = [header, "-" * min(len(header), width) if not (everything or plain) else "-" * len(header)]
    return "\n".join([*lines, *(line({k: cells[k][i] for k in chosen}) for i in range(len(rows)))])


def _values(layer: ProfilingLayerResult, total_time: float) -> dict[str, Any]:
    values = {k: v for k, v in layer.get_summary(full_summary=False).items() if k in LAYER_LABELS}
    values["share"] = layer.time / total_time if total_time else None
    if layer.get("measured") is False and values.get("time"):
        values["opcode"] = f"{values['opcode']} ~"
    return values
