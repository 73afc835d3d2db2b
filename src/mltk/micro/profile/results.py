"""Results of a profile, layer by layer and in total. Classes, methods and keys have the names of MLTK 0.20."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import Any

from mltk.files import write_file, write_reports
from mltk.micro.profile import table, units
from mltk.micro.profile.figures import ModelFigures
from mltk.micro.profile.layer_result import LAYER_LABELS, ProfilingLayerResult, formatted, labelled

SUMMARY_LABELS = {
    "name": "Name",
    "accelerator": "Accelerator",
    "target": "Target",
    "input_shape": "Input Shape",
    "input_dtype": "Input Data Type",
    "output_shape": "Output Shape",
    "output_dtype": "Output Data Type",
    "tflite_size": "Flash, Model File Size (bytes)",
    "runtime_memory_size": "RAM, Runtime Memory Size (bytes)",
    "ops": "Operation Count",
    "macs": "Multiply-Accumulate Count",
    "n_layers": "Layer Count",
    "n_unsupported_layers": "Unsupported Layer Count",
    "n_unknown_layers": "Layers That Are Not Counted",
    "accelerator_cycles": "Accelerator Cycle Count",
    "cpu_cycles": "CPU Cycle Count",
    "cpu_utilization": "CPU Utilization (%)",
    "cpu_clock_rate": "Clock Rate (hz)",
    "time": "Time (s)",
    "time_at_least": "Time, At Least (s)",
    "time_error": "Error of Time (share)",
    "energy": "Energy (J)",
    "j_per_op": "J/Op",
    "j_per_mac": "J/MAC",
    "op_per_s": "Ops/s",
    "mac_per_s": "MACs/s",
    "inf_per_sec": "Inference/s",
    "counted_core": "Emulated Core",
    "counted_instructions": "Counted Instructions",
    "counted_cycles": "Counted Cycles",
    "counted_cycles_low": "Counted Cycles, Lowest",
    "counted_cycles_high": "Counted Cycles, Highest",
    "counted_time": "Time of Counted Cycles (s)",
    "counted_flash_size": "Flash, Code and Constants (bytes)",
    "counted_code_size": "Flash, Code (bytes)",
    "counted_ram_size": "RAM, Static (bytes)",
    "counted_stack_size": "RAM, Stack (bytes)",
    "counted_differing": "Output Values That Differ",
}
_ALWAYS = ("index", "opcode", "ops", "macs", "input_shape", "output_shape", "options")


class ProfilingModelResults(ModelFigures):
    """Results of a profile: the figures, and methods that show and save them."""

    def _rates(self) -> dict[str, Any]:
        if self.time <= 0:
            return {}
        if self.is_incomplete:  # rates of an unknown time would be wrong
            return {"time_at_least": self.time}
        energy = {"energy": self.energy, "j_per_op": self.energy / max(1, self.ops)} if self.energy else {}
        if energy and self.macs:
            energy["j_per_mac"] = self.energy / self.macs
        rates = {"op_per_s": self.ops / self.time, "mac_per_s": self.macs / self.time, "inf_per_sec": 1 / self.time}
        bar = {} if self.time_error is None else {"time_error": self.time_error}
        return {"time": self.time, **bar, **energy, **rates}

    def get_summary(
        self,
        include_labels: bool = False,
        format_units: bool = False,
        exclude_null: bool = True,
        full_summary: bool = False,
    ) -> dict[str, Any]:
        """Return the totals by key.

        Args:
            include_labels: Return (title, value) instead of the value.
            format_units: Return numbers as text with an SI prefix.
            exclude_null: Leave out what is not known.
            full_summary: Add the notes.
        """
        values: dict[str, Any] = {
            "name": self.name,
            "accelerator": self.accelerator or "None",
            "input_shape": self.input_shape_str,
            "input_dtype": self.input_dtype_str,
            "output_shape": self.output_shape_str,
            "output_dtype": self.output_dtype_str,
            "tflite_size": self.flatbuffer_size,
            "runtime_memory_size": self.runtime_memory_bytes,
            "ops": self.ops,
            "macs": self.macs,
            "n_layers": self.n_layers,
            "n_unsupported_layers": self.n_unsupported_layers,
        }
        known = {
            "target": self.target.title if self.target else None,
            "accelerator_cycles": self.accelerator_cycles,
            "cpu_cycles": self.cpu_cycles,
            "n_unknown_layers": len(self.unknown_layers),
            "cpu_utilization": 0.0 if self.is_incomplete else self.cpu_utilization * 100,
            "cpu_clock_rate": self.cpu_clock_rate,
            **self._rates(),
        }
        values |= {k: v for k, v in known.items() if v or not exclude_null}
        if self.counted is not None:
            values |= self.counted.summary()
        if full_summary and self.notes:
            values["notes"] = " ".join(self.notes)
        order = [*SUMMARY_LABELS, *(k for k in values if k not in SUMMARY_LABELS)]
        ordered = {k: values[k] for k in order if k in values}
        if format_units:
            plain = ("n_layers", "n_unsupported_layers")
            ordered = {k: v if k in plain else formatted(v) for k, v in ordered.items()}
        return labelled(ordered, SUMMARY_LABELS) if include_labels else ordered

    def _columns(self, exclude_null: bool, full_summary: bool) -> list[str]:
        """Return the keys of the layers' columns. ``exclude_null`` leaves out columns that are empty in every layer."""
        rows = [layer.get_summary(full_summary=full_summary) for layer in self._layers]
        keys = dict.fromkeys(key for row in rows for key in row)
        if not self.n_unsupported_layers and not full_summary:
            keys = dict.fromkeys(k for k in keys if k not in ("supported", "error_msg"))
        return [k for k in keys if not exclude_null or k in _ALWAYS or any(row.get(k) for row in rows)]

    def to_dict(
        self, format_units: bool = False, exclude_null: bool = True, full_summary: bool = False
    ) -> dict[str, Any]:
        """Return totals, layers and the titles of both as plain data. Arguments as for `get_summary`."""
        columns = self._columns(exclude_null, full_summary)
        options: dict[str, Any] = {"exclude_null": exclude_null, "full_summary": full_summary}
        labels = self.get_summary(include_labels=True, **options)
        layers = []
        for layer in self._layers:
            values = layer.get_summary(format_units=format_units, full_summary=full_summary)
            layers.append({k: values[k] for k in columns if k in values})
        return {
            "summary": self.get_summary(format_units=format_units, **options),
            "summary_labels": {key: label for key, (label, _) in labels.items()},
            "layers": layers,
            "layer_labels": {k: LAYER_LABELS.get(k, k) for k in columns},
            "details": self._provenance(),
        }

    def _provenance(self) -> dict[str, Any]:
        target = self.target
        about = {} if target is None else {
            "target": target.name, "core": target.core, "kernels": target.kernels, "source": target.source,
            "error_basis": target.error_basis,
        }  # fmt: skip
        return {
            **about,
            "time_error": self.time_error,
            "runtime_memory_is_estimate": self.ram_is_estimate,
            "runtime_memory_source": self.ram_source,
            "is_simulated": self.is_simulated,
            "rough_layers": [layer.index for layer in self._layers if layer.get("measured") is False],
            "is_incomplete": self.is_incomplete,
            "unknown_layers": [{"index": i, "reason": why} for i, why in self.unknown_layers.items()],
            "unmeasured_layers": [{"index": i, "kind": kind} for i, kind in self.unmeasured_kinds.items()],
            "runtime_memory_is_known": self.ram_is_known,
            **({"counted": self.counted.to_dict()} if self.counted is not None else {}),
            "notes": self.notes,
        }

    def to_json(
        self, indent: int = 2, format_units: bool = False, exclude_null: bool = True, full_summary: bool = False
    ) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(format_units, exclude_null, full_summary), indent=indent)

    def to_csv(
        self,
        format_units: bool = False,
        exclude_null: bool = True,
        full_summary: bool = False,
        include_header: bool = True,
        dialect: str | csv.Dialect | type[csv.Dialect] = "excel",
    ) -> tuple[str, str]:
        """Return (totals, layers) as CSV. Arguments as for `get_summary`."""
        content = self.to_dict(format_units, exclude_null, full_summary)
        columns = list(content["layer_labels"])
        tables = ([content["summary"]], content["layers"])
        texts = []
        for rows, keys in zip(tables, (list(content["summary"]), columns), strict=True):
            stream = io.StringIO()
            writer = csv.DictWriter(stream, keys, dialect=dialect)
            if include_header:
                writer.writeheader()
            writer.writerows(rows)
            texts.append(stream.getvalue())
        return texts[0], texts[1]

    def to_text(
        self,
        width: int | None = None,
        *,
        format_units: bool = True,
        exclude_null: bool = True,
        full_summary: bool = False,
    ) -> str:
        """Return a report for a terminal.

        Args:
            width: Number of columns, at most 120; by default those of the terminal.
            format_units: Write numbers with units, such as ``1.2M``.
            exclude_null: Leave out what is not known.
            full_summary: Include every figure.
        """
        everything = full_summary or not format_units
        totals = self._all_totals(format_units, exclude_null, full_summary) if everything else self._main_totals()
        rows = [self._row(layer) for layer in self._layers]
        return table.report(totals, rows, self.notes, width=width, plain=not format_units, everything=full_summary)

    def _row(self, layer: ProfilingLayerResult) -> dict[str, Any]:
        values = {k: v for k, v in layer.get_summary(full_summary=False).items() if k in LAYER_LABELS}
        values["share"] = layer.time / self.time if self.time else None
        if layer.get("measured") is False and values.get("time"):
            values["opcode"] = f"{values['opcode']} ~"
        return values

    def _all_totals(self, format_units: bool, exclude_null: bool, full_summary: bool) -> str:
        """Return every total, with its title in MLTK 0.20."""
        summary = self.get_summary(
            include_labels=True, format_units=format_units, exclude_null=exclude_null, full_summary=full_summary
        )
        summary.pop("notes", None)
        return "\n".join(["Profiling Summary", *(f"{label}: {value}" for label, value in summary.values())])

    def _main_totals(self) -> str:
        """Return the totals that matter most."""
        target = self.target
        source = f" ({self.ram_source})" if self.ram_source else ""
        shapes = f"{self.input_shape_str} {self.input_dtype_str} → {self.output_shape_str} {self.output_dtype_str}"
        flash, ram = units.format_bytes(self.flatbuffer_size), units.format_bytes(self.runtime_memory_bytes)
        rows = [("model", self.name)]
        rows += [] if target is None else [("target", target.title), ("kernels", target.kernels)]
        rows += [
            ("input", shapes),
            ("flash", f"{flash} (the .tflite; the firmware's code comes on top)"),
            ("RAM", f"{ram} tensor arena{source}"),
            (
                "MACs",
                f"{self._at_least()}{self.macs:,}, {self._at_least()}{self.ops:,} operations in {self.n_layers} layers",
            ),
            *self._time_rows(),
        ]
        if self.energy and not self.is_incomplete:
            rows.append(("energy", f"{units.format_units(self.energy)}J for one inference"))
        problems = [layer.error_msg or "" for layer in self.unsupported_layers]
        for problem in dict.fromkeys(problems):
            n = problems.count(problem)
            rows.append(("problem", f"{n} {'layer' if n == 1 else 'layers'}: {problem}"))
        if self.counted is not None:
            rows += [("", ""), *self.counted.rows()]
        return table.totals_text(rows)

    def _at_least(self) -> str:
        return "at least " if self.is_incomplete else ""

    def _time_rows(self) -> list[tuple[str, str]]:
        if self.time <= 0:
            return []
        bar = "" if self.time_error is None else f" ± {self.time_error:.0%}"
        clock = f" at {self.cpu_clock_rate / 1e6:g} MHz" if self.cpu_clock_rate else ""
        time = f"{self._at_least()}{units.format_time(self.time)}"
        if self.is_incomplete:
            return [("time", f"unknown; {time} without the layers that are not counted")]
        rates = f"{1 / self.time:,.4g} inferences/s, {units.format_units(self.macs / self.time)} MACs/s"
        rows = [
            (
                "time",
                f"{time}{bar}: {units.format_units(self.cycles)} cycles{clock}",
            ),
            ("", rates),
        ]
        if self.accelerator_cycles:
            rows.append(("CPU", f"busy {self.cpu_utilization:.0%} of the time"))
        return rows

    def __str__(self) -> str:
        return self.to_text()

    def save(self, output: str, *, format_units: bool = False, full_summary: bool = False) -> list[str]:
        """Write the report.

        Args:
            output: A ``.json``, ``.txt`` or ``.csv`` file, or a folder for text and JSON. The ``.csv`` file gets the
                layers; the totals go to ``NAME-summary.csv``.
            format_units: Write the numbers of JSON and CSV with units, such as ``1.2M``.
            full_summary: Include every figure.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
        if output.lower().endswith(".csv"):
            summary, layers = self.to_csv(format_units=format_units, full_summary=full_summary)
            paths = [output, f"{output[:-4]}-summary.csv"]
            for path, content in zip(paths, (layers, summary), strict=True):
                write_file(path, content)
            return paths
        return self._save(output, format_units, full_summary, text_units=True)

    def _save(self, output: str, format_units: bool, full_summary: bool, *, text_units: bool) -> list[str]:
        base = f"profiling_report-{(self.accelerator or 'none').lower()}{'-simulated' if self.is_simulated else ''}"
        text = self.to_text(format_units=text_units, full_summary=full_summary)
        content = self.to_json(format_units=format_units, full_summary=full_summary)
        return write_reports(output, {f"{base}.txt": text + "\n", f"{base}.json": content + "\n"})

    # Names of MLTK 0.20.

    def to_string(
        self,
        format_units: bool = True,
        exclude_null: bool = True,
        full_summary: bool = False,
        width: int | None = None,
    ) -> str:
        """Return `to_text`, which has the same arguments in another order."""
        return self.to_text(width, format_units=format_units, exclude_null=exclude_null, full_summary=full_summary)

    def generate_report(self, output_dir: str, format_units: bool, full_summary: bool = False) -> None:
        """Write the report to the folder ``output_dir``. See `save`."""
        self._save(os.path.join(output_dir, ""), format_units, full_summary, text_units=format_units)
