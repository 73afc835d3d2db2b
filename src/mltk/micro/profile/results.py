"""What a profile says, layer by layer and in total; names of classes, methods and keys are MLTK 0.20's."""

from __future__ import annotations

import csv
import io
import json
import os
from typing import TYPE_CHECKING, Any

from mltk.files import write_file, write_reports
from mltk.micro.profile.layer_result import LAYER_LABELS, ProfilingLayerResult, formatted, labelled

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

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
    "accelerator_cycles": "Accelerator Cycle Count",
    "cpu_cycles": "CPU Cycle Count",
    "cpu_utilization": "CPU Utilization (%)",
    "cpu_clock_rate": "Clock Rate (hz)",
    "time": "Time (s)",
    "time_error": "Error of Time (share)",
    "energy": "Energy (J)",
    "j_per_op": "J/Op",
    "j_per_mac": "J/MAC",
    "op_per_s": "Ops/s",
    "mac_per_s": "MACs/s",
    "inf_per_sec": "Inference/s",
}
_ALWAYS = ("index", "opcode", "ops", "macs", "input_shape", "output_shape", "options")


class ProfilingModelResults:
    """A model's figures on a device, layer by layer and in total.

    ``time_error``: error bar of `time`, as a share of it; None where nothing is known of it. ``notes``: what a reader
    should know of how the figures were made. ``ram_is_estimate``: `runtime_memory_bytes` comes from our own planner,
    not from TensorFlow Lite Micro; ``ram_source`` says where it is from.
    """

    def __init__(
        self,
        model: TfliteModel,
        accelerator: str | None = None,
        platform: str | None = None,
        cpu_clock_rate: int = 0,
        runtime_memory_bytes: int = 0,
        layers: list[ProfilingLayerResult] | None = None,
        is_simulated: bool = True,
        model_details: Any = None,
        *,
        target: Any = None,
        time_error: float | None = None,
        ram_is_estimate: bool = False,
        ram_source: str = "",
        notes: list[str] | None = None,
    ) -> None:
        self._model = model
        self._accelerator = accelerator
        self._platform = platform
        self._cpu_clock_rate = cpu_clock_rate
        self._runtime_memory_bytes = runtime_memory_bytes
        self._layers = list(layers or [])
        self._is_simulated = is_simulated
        self._details = model_details
        self.target = target
        self.time_error = time_error
        self.ram_is_estimate = ram_is_estimate
        self.ram_source = ram_source
        self.notes = list(notes or [])

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def tflite_model(self) -> TfliteModel:
        """The model."""
        return self._model

    @property
    def tflite_micro_model_details(self) -> Any:
        """What was given as ``model_details``."""
        return self._details

    @property
    def accelerator(self) -> str | None:
        """Name of the accelerator; None without one."""
        return self._accelerator

    @property
    def platform(self) -> str | None:
        """Name of the device."""
        return self._platform

    @property
    def is_simulated(self) -> bool:
        """Whether the figures were computed, not measured on a device."""
        return self._is_simulated

    @property
    def cpu_clock_rate(self) -> int:
        """Clock rate in Hz."""
        return self._cpu_clock_rate

    @property
    def runtime_memory_bytes(self) -> int:
        """Bytes of tensor arena."""
        return self._runtime_memory_bytes

    @property
    def flatbuffer_size(self) -> int:
        """Bytes of the ``.tflite``, which lies in flash."""
        return self._model.flatbuffer_size

    @property
    def layers(self) -> list[ProfilingLayerResult]:
        """The layers in the order of execution."""
        return self._layers

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return len(self._layers)

    @property
    def unsupported_layers(self) -> list[ProfilingLayerResult]:
        """Layers that the device or its accelerator can't run."""
        return [layer for layer in self._layers if layer.is_unsupported]

    @property
    def n_unsupported_layers(self) -> int:
        """Their number."""
        return len(self.unsupported_layers)

    @property
    def input_shape_str(self) -> str:
        """Shapes of the inputs."""
        return ",".join(str(t.shape) for t in self._model.inputs)

    @property
    def input_dtype_str(self) -> str:
        """Types of the inputs."""
        return ",".join(t.dtype_str for t in self._model.inputs)

    @property
    def output_shape_str(self) -> str:
        """Shapes of the outputs."""
        return ",".join(str(t.shape) for t in self._model.outputs)

    @property
    def output_dtype_str(self) -> str:
        """Types of the outputs."""
        return ",".join(t.dtype_str for t in self._model.outputs)

    def stat_total(self, name: str) -> float | int:
        """Sum of a figure over the layers, such as ``"macs"``."""
        return sum(layer[name] for layer in self._layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return int(self.stat_total("macs"))

    @property
    def ops(self) -> int:
        """Operations of one inference."""
        return int(self.stat_total("ops"))

    @property
    def cycles(self) -> int:
        """Clock cycles of one inference."""
        return int(self.stat_total("cycles"))

    @property
    def accelerator_cycles(self) -> int:
        """Of the accelerator."""
        return int(self.stat_total("accelerator_cycles"))

    @property
    def cpu_cycles(self) -> int:
        """Of the CPU."""
        return int(self.stat_total("cpu_cycles"))

    @property
    def time(self) -> float:
        """Seconds of one inference."""
        return self.stat_total("time")

    @property
    def energy(self) -> float:
        """Joules of one inference; 0 where not known."""
        return self.stat_total("energy")

    @property
    def cpu_utilization(self) -> float:
        """Share of the time in which the CPU works, 0 to 1."""
        available = self.time * self.cpu_clock_rate
        return min(1.0, self.cpu_cycles / available) if available else 0.0

    def _rates(self) -> dict[str, Any]:
        if self.time <= 0:
            return {}
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
        """The totals by key; with ``include_labels`` as (title, value).

        ``exclude_null`` leaves out what is not known.
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
            "cpu_utilization": self.cpu_utilization * 100,
            "cpu_clock_rate": self.cpu_clock_rate,
            **self._rates(),
        }
        values |= {k: v for k, v in known.items() if v or not exclude_null}
        if full_summary and self.notes:
            values["notes"] = " ".join(self.notes)
        order = [*SUMMARY_LABELS, *(k for k in values if k not in SUMMARY_LABELS)]
        ordered = {k: values[k] for k in order if k in values}
        if format_units:
            plain = ("n_layers", "n_unsupported_layers")
            ordered = {k: v if k in plain else formatted(v) for k, v in ordered.items()}
        return labelled(ordered, SUMMARY_LABELS) if include_labels else ordered

    def _columns(self, exclude_null: bool, full_summary: bool) -> list[str]:
        """Keys of the layers' columns; ``exclude_null`` leaves out those that hold nothing in any layer."""
        rows = [layer.get_summary(full_summary=full_summary) for layer in self._layers]
        keys = dict.fromkeys(key for row in rows for key in row)
        if not self.n_unsupported_layers and not full_summary:
            keys = dict.fromkeys(k for k in keys if k not in ("supported", "error_msg"))
        return [k for k in keys if not exclude_null or k in _ALWAYS or any(row.get(k) for row in rows)]

    def to_dict(
        self, format_units: bool = False, exclude_null: bool = True, full_summary: bool = False
    ) -> dict[str, Any]:
        """Totals, layers and the titles of both, as plain data."""
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
            "notes": self.notes,
        }

    def to_json(
        self, indent: int = 2, format_units: bool = False, exclude_null: bool = True, full_summary: bool = False
    ) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(format_units, exclude_null, full_summary), indent=indent)

    def to_csv(
        self,
        format_units: bool = False,
        exclude_null: bool = True,
        full_summary: bool = False,
        include_header: bool = True,
        dialect: str | csv.Dialect | type[csv.Dialect] = "excel",
    ) -> tuple[str, str]:
        """(totals, layers) as CSV."""
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
        from mltk.micro.profile.table import report

        return report(
            self, format_units=format_units, exclude_null=exclude_null, full_summary=full_summary, width=width
        )

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
        """Return `to_text`."""
        return self.to_text(width, format_units=format_units, exclude_null=exclude_null, full_summary=full_summary)

    def generate_report(self, output_dir: str, format_units: bool, full_summary: bool = False) -> None:
        """Write the report to a folder; see `save`."""
        self._save(os.path.join(output_dir, ""), format_units, full_summary, text_units=format_units)
