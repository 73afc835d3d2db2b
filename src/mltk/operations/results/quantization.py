"""What quantization costs, layer by layer: the integer model's values against those of its float twin.

    report = quantization_report(tflite_model, float_model, samples)
    print(report.to_text())

Both models run on the same samples with all layers' outputs kept, the integer one as the device computes it. For each
layer the dequantized values are held against the float ones, which is what it has to be good for.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import textwrap
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import EvaluationError, MissingDependencyError
from mltk.files import write_reports
from mltk.micro.engines.process import Workers
from mltk.micro.engines.run import check_inputs
from mltk.micro.layer_outputs import LayerOutput, run_layers
from mltk.tflite.graph import Graph, Tensor
from mltk.tflite.quantization import dequantize

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_MAX_SQNR_DB = 120.0  # of values that are equal
_IDEAL_DB = 40.0  # 8 bits on a signal that fills the range as activations do
_FEW_LAYERS = 12
_SATURATES, _UNUSED, _NOISY_DB, _DROP_DB = 0.01, 0.4, 10.0, 6.0
_WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"}


@dataclass(frozen=True)
class LayerQuantization:
    """One layer's output, dequantized, against the float model's.

    ``sqnr_db``: signal-to-quantization-noise ratio, 10·log₁₀(Σ float² / Σ (float − dequantized)²), in dB; 8 bits that
    are used well give about 40. ``drop_db``: by how much it is below that of the layer's worst input. ``cosine``: of
    the angle between both. ``saturation``: share of float values beyond what the tensor can hold. ``dead_channels``:
    channels that hold one and the same value on all samples, of ``n_channels``. ``range_use``: share of the tensor's
    range that the values take up. ``advice``: what to try, where something is wrong.
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

    ``unmatched``: layers that have none. ``samples``: where the samples are from.
    """

    name: str
    n_samples: int
    samples: str
    engine: str
    layers: list[LayerQuantization]
    unmatched: list[str] = field(default_factory=list)

    @property
    def worst(self) -> list[LayerQuantization]:
        """The layers, the one with the lowest SQNR first."""
        return sorted(self.layers, key=lambda layer: layer.sqnr_db)

    @property
    def advice(self) -> list[str]:
        """What to try, each once, with the layers it is for; what concerns the worst layers first."""
        layers: dict[str, list[int]] = defaultdict(list)
        for layer in self.worst:
            for text in layer.advice:
                layers[text].append(layer.index)
        return [f"{_numbers(indices)}: {text}" for text, indices in layers.items()]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {**asdict(self), "advice": self.advice}

    def to_json(self, indent: int = 2) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int = 120, *, n_layers: int | None = _FEW_LAYERS) -> str:
        """A table of at most ``width`` columns with the worst ``n_layers`` layers (None: all), and what to try."""
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
            lines.append(f"       … and {len(self.layers) - len(shown)} layers that are better")
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

    def plot(self, path: str | None = None, *, show: bool = False) -> Any:
        """SQNR, range use and saturation by layer; written to ``path`` as PNG. Gives the figure.

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
        axes[0].axhline(_NOISY_DB, color="tab:red", lw=1, ls=":")
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
    return textwrap.fill(text, width, subsequent_indent="    ", break_long_words=False)


def _numbers(indices: Sequence[int], at_most: int = 6) -> str:
    shown = ", ".join(map(str, indices[:at_most]))
    more = f" and {len(indices) - at_most} more" if len(indices) > at_most else ""
    return f"layer {shown}{more}" if len(indices) == 1 else f"layers {shown}{more}"


def quantization_report(
    model: TfliteModel,
    float_model: TfliteModel,
    samples: Sequence[np.ndarray],
    *,
    source: str = "given",
    realistic: bool = True,
    engine: str = "auto",
    trusted: bool = True,
    children: Workers | None = None,
) -> QuantizationReport:
    """Compare ``model`` with ``float_model`` layer by layer.

    Args:
        samples: one array for each input, first axis = samples, in the type of ``model``'s inputs. All layers' values
            of all samples are held in memory: meant for some dozens.
        source: where they are from, for the report.
        realistic: whether they are what the device will see. Where not, ranges say nothing of how well the model was
            calibrated, and nothing is advised on them.
        engine, trusted, children: what runs ``model``, and where both run, as for
            :func:`mltk.micro.engines.run.run_batch`.

    Raises:
        EvaluationError: both models have different inputs, or no layer of one matches one of the other.
        RuntimeFailure: an engine refuses a model.
    """
    graph, float_graph = model.graph, float_model.graph
    samples = check_inputs(graph, samples)
    float_samples = _float_samples(graph, float_graph, samples)
    options = {"trusted": trusted, "children": children}
    ours = run_layers(graph, samples, engine=engine, **options)
    theirs = run_layers(float_graph, float_samples, engine="litert-reference", **options)
    pairs, unmatched = match_layers(ours, theirs)
    if not pairs:
        raise EvaluationError(
            f"No layer of {float_model.name} has the shape and operator of one of {model.name}.",
            hint="Give the float32 .tflite that was converted from the same Keras model.",
        )
    sqnr: dict[int, float] = {}
    layers = []
    for layer, reference in pairs:
        measured = _measure(graph, layer, reference, sqnr, realistic)
        sqnr[layer.tensor.index] = measured.sqnr_db
        layers.append(measured)
    return QuantizationReport(model.name, len(samples[0]), source, engine, layers, unmatched)


def _float_samples(graph: Graph, float_graph: Graph, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
    """``samples`` in real units, which is what the float model takes."""
    if len(graph.inputs) != len(float_graph.inputs):
        raise EvaluationError(
            f"The models have {len(graph.inputs)} and {len(float_graph.inputs)} inputs: they are not of one model."
        )
    converted = []
    for given, tensor, wanted in zip(samples, graph.inputs, float_graph.inputs, strict=True):
        if math.prod(tensor.shape) != math.prod(wanted.shape):
            raise EvaluationError(f"The models' inputs have shapes {tensor.shape} and {wanted.shape}.")
        values = (
            dequantize(given, tensor, np.float64) if wanted.dtype is not None and wanted.dtype.kind == "f" else given
        )
        shape = wanted.shape[1:] if wanted.shape[:1] == (1,) else wanted.shape
        converted.append(np.ascontiguousarray(values, wanted.dtype).reshape(len(given), *shape))
    return converted


def match_layers(
    ours: Sequence[LayerOutput], theirs: Sequence[LayerOutput]
) -> tuple[list[tuple[LayerOutput, LayerOutput]], list[str]]:
    """Pairs of layers that compute the same, and the names of those of ``ours`` that have no counterpart.

    The converter names a tensor after the operations that were fused into it, the same way for both types. So: by
    name; else by the names that both are made of; else the next layer with the same operator and shape.
    """
    quantized = [x for x in ours if x.tensor.scale.size and x.values.dtype.kind in "iu"]
    free = list(theirs)
    pairs: list[tuple[LayerOutput, LayerOutput]] = []
    left = quantized
    for alike in (_same_name, _shared_names, _same_operator):
        waiting, left = left, []
        for layer in waiting:
            candidates = [other for other in free if other.values.shape == layer.values.shape]
            found = alike(layer, candidates)
            if found is None:
                left.append(layer)
                continue
            free = [other for other in free if other is not found]
            pairs.append((layer, found))
    order = {id(layer): i for i, layer in enumerate(quantized)}
    pairs.sort(key=lambda pair: order[id(pair[0])])
    return pairs, [f"{layer.index} {layer.operator.lower()}" for layer in left]


def _same_name(layer: LayerOutput, candidates: Sequence[LayerOutput]) -> LayerOutput | None:
    return next((c for c in candidates if c.tensor.name == layer.tensor.name), None)


def _shared_names(layer: LayerOutput, candidates: Sequence[LayerOutput]) -> LayerOutput | None:
    names = _parts(layer.tensor.name)
    shared = [(len(names & _parts(c.tensor.name)), c) for c in candidates]
    most, best = max(shared, key=lambda pair: pair[0], default=(0, None))
    return best if most else None


def _same_operator(layer: LayerOutput, candidates: Sequence[LayerOutput]) -> LayerOutput | None:
    return next((c for c in candidates if c.operator == layer.operator), None)


def _parts(name: str) -> set[str]:
    return {part for part in name.split(";") if part}


def _measure(
    graph: Graph, layer: LayerOutput, reference: LayerOutput, sqnr: dict[int, float], realistic: bool
) -> LayerQuantization:
    real, wanted = layer.to_float(), np.asarray(reference.values, np.float64)
    tensor = layer.tensor
    info = np.iinfo(layer.values.dtype)
    low, high = dequantize(np.array([info.min, info.max]), tensor, np.float64)
    step = float(tensor.scale[0])
    beyond = float(np.mean((wanted < low - step / 2) | (wanted > high + step / 2)))
    used = float(int(layer.values.max(initial=info.min)) - int(layer.values.min(initial=info.max)))
    found = sqnr_db(wanted, real)
    inputs = [sqnr[i] for i in graph.main.operators[layer.index].inputs if i in sqnr]
    channels = layer.values.reshape(-1, layer.values.shape[-1]) if layer.values.ndim > 1 else layer.values[:, None]
    dead = int(np.sum(np.all(channels == channels[:1], axis=0))) if len(channels) > 1 and channels.shape[1] > 1 else 0
    result = LayerQuantization(
        layer.index,
        layer.operator,
        tensor.name,
        reference.tensor.name,
        found,
        max(0.0, min(inputs) - found) if inputs else max(0.0, _IDEAL_DB - found),
        _cosine(wanted, real),
        beyond,
        dead,
        channels.shape[1],
        max(0.0, used) / float(int(info.max) - int(info.min)),
    )
    return LayerQuantization(**{**vars(result), "advice": tuple(_advice(result, graph, realistic))})


def sqnr_db(wanted: np.ndarray, found: np.ndarray) -> float:
    """Signal-to-quantization-noise ratio in dB; 120 where both are equal, 0 for the noise of an empty signal."""
    noise, signal = float(np.sum((wanted - found) ** 2)), float(np.sum(wanted**2))
    if noise == 0:
        return _MAX_SQNR_DB
    return min(_MAX_SQNR_DB, float(10 * np.log10(signal / noise))) if signal > 0 else 0.0


def _cosine(wanted: np.ndarray, found: np.ndarray) -> float:
    product = float(np.linalg.norm(wanted) * np.linalg.norm(found))
    return float(np.sum(wanted * found)) / product if product else float(not np.any(wanted) and not np.any(found))


def _advice_on_ranges(layer: LayerQuantization) -> list[str]:
    found = []
    if layer.saturation > _SATURATES:
        found.append(
            "values lie beyond the calibrated range: quantize with more, and more varied, representative samples"
        )
    if layer.range_use < _UNUSED and layer.n_channels > 1:
        found.append(
            "most of the range is unused: the representative samples have outliers that these have not; look for "
            "them, or bound the layer (ReLU6)"
        )
    if layer.dead_channels and layer.dead_channels >= layer.n_channels / 8:
        found.append("channels that never change: try fewer filters, a lower learning rate or less regularization")
    return found


def _advice(layer: LayerQuantization, graph: Graph, realistic: bool) -> list[str]:
    """What is known to help against what this layer shows."""
    found = _advice_on_ranges(layer) if realistic else []
    operator = graph.main.operators[layer.index]
    weights = _weights(graph, operator.name, operator.inputs)
    noisy = layer.sqnr_db < _NOISY_DB or layer.drop_db > _DROP_DB
    if noisy and weights is not None:
        if weights.scale.size == 1 and layer.n_channels > 1:
            found.append("its weights have one scale for all channels: quantize per channel")
        elif weights.scale.size > 1 and _spread(weights) > 100:
            found.append("its filters differ in size by a factor of more than 100: add weight decay, or fewer filters")
    if noisy and operator.name in {"ADD", "CONCATENATION", "SUB"}:
        found.append("it joins tensors of different ranges: normalize or bound (ReLU6) its inputs")
    if layer.sqnr_db < _NOISY_DB and not found:
        found.append("noise has added up: train with quantization (QAT), or use 16-bit activations")
    return found


def _weights(graph: Graph, operator: str, inputs: Sequence[int]) -> Tensor | None:
    if operator not in _WEIGHTED or len(inputs) < 2 or inputs[1] < 0:
        return None
    return graph.main.tensors[inputs[1]]


def _spread(weights: Tensor) -> float:
    scales = weights.scale[weights.scale > 0]
    return float(scales.max() / scales.min()) if scales.size else 1.0
