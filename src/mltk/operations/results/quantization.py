"""Results of comparing a quantized model with its float variant, layer by layer."""

from __future__ import annotations

import contextlib
import json
import os
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from mltk.errors import MissingDependencyError
from mltk.files import write_reports

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NOISY_DB = 10.0
"""A layer with a lower signal-to-quantization-noise ratio is noisy, in dB."""
_FEW_LAYERS = 12


@dataclass(frozen=True)
class LayerQuantization:
    """The dequantized output of one layer, compared with the float model's.

    Attributes:
        index: Number of the layer.
        operator: Its operator.
        tensor: Name of its output.
        matched: Name of the float model's tensor.
        sqnr_db: Signal-to-quantization-noise ratio in dB, 10·log₁₀(Σ float² / Σ (float − dequantized)²). About 40 dB
            is good for 8 bits.
        drop_db: Difference to the SQNR of the layer's worst input, in dB.
        cosine: Cosine of the angle between both outputs.
        saturation: Share of float values outside the range of the tensor.
        dead_channels: Number of channels that have the same value on all samples.
        n_channels: Number of channels.
        range_use: Share of the tensor's range that the values use.
        advice: What to try, if something is wrong.
    """

    index: int
    operator: str
    tensor: str
    matched: str
    sqnr_db: float
    drop_db: float
    cosine: float
    saturation: float
    dead_channels: int
    n_channels: int
    range_use: float
    advice: tuple[str, ...] = ()


@dataclass
class QuantizationReport:
    """All layers that have a counterpart in the float model, in the order of execution.

    Attributes:
        name: The model's name.
        n_samples: Number of samples.
        samples: Where the samples come from.
        engine: The engine that ran the quantized model.
        layers: The layers.
        unmatched: The layers that have no counterpart.
    """

    name: str
    n_samples: int
    samples: str
    engine: str
    layers: list[LayerQuantization]
    unmatched: list[str] = field(default_factory=list)

    @property
    def worst(self) -> list[LayerQuantization]:
        """The layers, the lowest SQNR first."""
        return sorted(self.layers, key=lambda layer: layer.sqnr_db)

    @property
    def advice(self) -> list[str]:
        """What to try and for which layers, the advice for the worst layers first."""
        layers: dict[str, list[int]] = defaultdict(list)
        for layer in self.worst:
            for text in layer.advice:
                layers[text].append(layer.index)
        return [f"{_numbers(indices)}: {text}" for text, indices in layers.items()]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "advice": self.advice}

    def to_json(self, indent: int = 2) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int = 120, *, n_layers: int | None = _FEW_LAYERS) -> str:
        """Return a table of the worst layers, and what to try.

        Args:
            width: Number of columns at which text is wrapped.
            n_layers: Number of layers in the table; None is all.
        """
        header = (
            f"{'layer':>5}  {'operator':22} {'SQNR dB':>8} {'drop':>6} {'cosine':>8} {'beyond':>7} {'range':>6} "
            f"{'dead':>9}"
        )
        shown = self.worst[:n_layers]
        lines = [
            f"Quantization of {self.name} against float32, {self.n_samples} samples ({self.samples})",
            "",
            header,
            "-" * len(header),
            *map(_row, shown),
        ]
        if len(shown) < len(self.layers):
            lines.append(f"       … and {len(self.layers) - len(shown)} better layers")
        if self.unmatched:
            lines += ["", _fill(f"Without a counterpart in the float model: {', '.join(self.unmatched)}.", width)]
        advice = self.advice
        if advice:
            lines += ["", "What to try:", *(_fill(f"  {text}", width) for text in advice)]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.to_text()

    def save(self, output: str, *, plots: bool = True) -> list[str]:
        """Write the report.

        Args:
            output: A ``.json`` or ``.txt`` file, or a folder for both files and a plot. Without matplotlib, there is
                no plot.
            plots: Whether to write the plot.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
        base = f"{self.name}.quantization_report"
        written = write_reports(output, {f"{base}.json": self.to_json(), f"{base}.txt": self.to_text() + "\n"})
        if plots and written != [output]:
            path = os.path.join(output, f"{base}.png")
            with contextlib.suppress(MissingDependencyError):
                self.plot(path)
                written.append(path)
        return written

    def plot(self, path: str | None = None, *, show: bool = False) -> Figure:
        """Plot SQNR, used range and saturation by layer.

        Args:
            path: Write the plot to this file as PNG.
            show: Open a window with the plot.

        Returns:
            The figure.

        Raises:
            MissingDependencyError: matplotlib is not installed.
        """
        from mltk.operations.results import plots

        n = max(1, len(self.layers))
        figure, first = plots.new_figure(max(6.0, min(1.5 + 0.3 * n, 30.0)), 6.5, show=show)
        first.remove()
        axes = figure.subplots(3, 1, sharex=True)
        labels = [f"{layer.index} {layer.operator.lower()}" for layer in self.layers]
        values = (
            ("SQNR, dB", [layer.sqnr_db for layer in self.layers]),
            ("range used", [layer.range_use for layer in self.layers]),
            ("beyond range", [layer.saturation for layer in self.layers]),
        )
        for axis, (title, heights) in zip(axes, values, strict=True):
            axis.bar(range(len(heights)), heights)
            axis.set_ylabel(title)
            axis.grid(alpha=0.3, axis="y")
        axes[0].axhline(NOISY_DB, color="tab:red", lw=1, ls=":")
        axes[-1].set_xticks(range(len(labels)), labels, rotation=90, fontsize=7)
        figure.suptitle(f"{self.name}: quantization against float32")
        if path:
            plots.save(figure, path)
        if show:
            plots.show_all()
        return figure


def _row(layer: LayerQuantization) -> str:
    dead = f"{layer.dead_channels}/{layer.n_channels}" if layer.dead_channels else "-"
    drop = f"{layer.drop_db:6.1f}" if layer.drop_db > 0.05 else f"{'-':>6}"
    return (
        f"{layer.index:>5}  {layer.operator.lower()[:22]:22} {layer.sqnr_db:>8.1f} {drop} {layer.cosine:>8.4f} "
        f"{layer.saturation:>7.2%} {layer.range_use:>6.0%} {dead:>9}"
    )


def _fill(text: str, width: int) -> str:
    return textwrap.fill(text, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)


def _numbers(indices: Sequence[int], at_most: int = 6) -> str:
    shown = ", ".join(map(str, indices[:at_most]))
    more = f" and {len(indices) - at_most} more" if len(indices) > at_most else ""
    return f"layer {shown}{more}" if len(indices) == 1 else f"layers {shown}{more}"
