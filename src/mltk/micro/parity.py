"""Compare engines: one ``.tflite``, the same samples, side by side.

The device runs TensorFlow Lite Micro. A laptop mostly runs LiteRT's default path, which rounds differently.
:func:`compare_engines` shows how much the outputs differ, on which samples, whether a class changes, and which layer is
the first to differ::

    report = compare_engines(model, samples)
    print(report.to_text())
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mltk.errors import EvaluationError, MissingDependencyError, RuntimeFailure
from mltk.micro.engines.process import Workers
from mltk.micro.engines.run import BatchResult, check_inputs, run_batch
from mltk.micro.layer_outputs import run_layers
from mltk.tflite.graph import Graph, GraphSource, Tensor, graph_of
from mltk.tflite.quantization import dequantize

ENGINE_ORDER = ("tflm", "litert-reference", "litert-xnnpack")
# A damaged shape must not fill the memory. Values are compared as float64, several arrays at a time.
_MAX_SAMPLE_BYTES, _MAX_VALUES = 1 << 28, 1 << 26
_LABELS = {"tflm": "TFLM", "litert-reference": "LiteRT reference", "litert-xnnpack": "LiteRT default (XNNPACK)"}


@dataclass(frozen=True)
class LayerDivergence:
    """The first layer whose output differs. Its inputs are equal, so the layer itself causes the difference.

    Attributes:
        index: Position of the operator.
        operator: Name of the operator.
        tensor: Name of the output.
        share: Share of its values that differ, over the samples that were compared layer by layer.
        largest: Largest difference, in levels of the quantization; for floats in the tensor's own unit.
        largest_real: Largest difference in real units.
        n_layers_differing: Number of layers that differ.
        n_samples: Number of samples that were compared layer by layer.
    """

    index: int
    operator: str
    tensor: str
    share: float
    largest: float
    largest_real: float
    n_layers_differing: int
    n_samples: int


@dataclass(frozen=True)
class Comparison:
    """Outputs of one engine against those of another on the same samples.

    Attributes:
        engine: Name of the engine.
        reference: Name of the other engine, or ``float`` for the float model.
        share: Share of the output values that differ. Against the float model: by more than half a step of the
            quantization.
        samples_differing: Number of samples with a value that differs.
        largest: Largest difference, in levels of the quantization; for floats in the tensor's own unit.
        largest_real: Largest difference in real units.
        mean_real: Mean difference in real units.
        flips: Number of samples whose class differs; None if the output is not a class.
        first_divergence: The first layer that differs; None if no layer does, or if layers were not compared.
    """

    engine: str
    reference: str
    share: float
    samples_differing: int
    largest: float
    largest_real: float
    mean_real: float
    flips: int | None
    first_divergence: LayerDivergence | None = None


@dataclass
class ParityReport:
    """What :func:`compare_engines` found.

    Attributes:
        n_samples: Number of samples.
        reference: The engine that the others are compared with.
        engines: Name of an engine that ran → its description.
        failures: Name of an engine that did not run → why.
        comparisons: Each other engine against ``reference``. Then each engine against the float model, if its outputs
            were given.
        notes: What a reader of the numbers should know.
    """

    n_samples: int
    reference: str
    engines: dict[str, str]
    failures: dict[str, str]
    comparisons: list[Comparison]
    notes: list[str] = field(default_factory=list)

    @property
    def all_equal(self) -> bool:
        """True if every engine that ran computed the reference's integers on every sample."""
        return all(c.share == 0 for c in self.comparisons if c.reference == self.reference)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "all_equal": self.all_equal}

    def to_text(self) -> str:
        """A table for a terminal, at most 120 columns."""
        lines = [f"{self.n_samples} samples"]
        lines += [f"  {_label(name):26} {description}" for name, description in self.engines.items()]
        lines += [f"  {_label(name):26} did not run: {why.splitlines()[0]}" for name, why in self.failures.items()]
        header = (
            f"{'compared':26} {'with':18} {'differing':>10} {'samples':>8} {'largest':>8} {'real':>10} {'flips':>6}"
        )
        lines += ["", header, "-" * len(header)]
        for c in self.comparisons:
            flips = "–" if c.flips is None else str(c.flips)
            lines.append(
                f"{_label(c.engine):26} {_label(c.reference):18} {c.share:>10.3%} {c.samples_differing:>8} "
                f"{c.largest:>8.4g} {c.largest_real:>10.4g} {flips:>6}"
            )
        for c in self.comparisons:
            if (d := c.first_divergence) is not None:
                lines += [
                    "",
                    f"{_label(c.engine)} first differs at layer {d.index}, {d.operator} ({d.tensor[:50]}):",
                    f"  {d.share:.3%} of its values, by up to {d.largest:g} ({d.largest_real:.4g} in real units); "
                    f"{d.n_layers_differing} layers differ in all, on {d.n_samples} samples.",
                ]
        return "\n".join([*lines, *([""] if self.notes else []), *self.notes])


def _label(engine: str) -> str:
    return _LABELS.get(engine, engine)


def random_samples(model: GraphSource, n: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Draw samples for each input of a model.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        n: Number of samples.
        rng: What draws the samples.

    Returns:
        One array for each input, first axis = samples. Integers are uniform over the range of the quantization, floats
        are standard normal.

    Raises:
        EvaluationError: The samples would take too much memory, or NumPy does not have the input's type.
    """
    samples, inputs = [], graph_of(model).inputs
    n_bytes = n * sum(t.nbytes for t in inputs)
    if n_bytes > _MAX_SAMPLE_BYTES:
        raise EvaluationError(
            f"{n} samples of the model's inputs take {n_bytes:,} bytes.",
            hint="Take fewer samples. If a single sample is this large, the file may be damaged.",
        )
    for t in inputs:
        shape = (n, *(t.shape[1:] if t.shape[:1] == (1,) else t.shape))
        if t.dtype is None:
            raise EvaluationError(f"Cannot make samples for input {t.name!r}: its type is {t.dtype_str}.")
        if t.dtype.kind in "iu" and t.scale.size:
            info = np.iinfo(t.dtype)
            samples.append(rng.integers(info.min, int(info.max) + 1, shape, dtype=t.dtype))
        elif t.dtype.kind in "iu":
            samples.append(rng.integers(0, 2, shape).astype(t.dtype))
        else:
            samples.append(rng.standard_normal(shape).astype(t.dtype))
    return samples


def compare_engines(
    model: GraphSource,
    samples: np.ndarray | Sequence[np.ndarray],
    *,
    engines: Sequence[str] = ENGINE_ORDER,
    float_outputs: np.ndarray | Sequence[np.ndarray] | None = None,
    n_layer_samples: int = 8,
    reset_between_samples: bool = True,
    trusted: bool = True,
    children: Workers | None = None,
    processes: int | None = None,
    more: Sequence[BatchResult] = (),
) -> ParityReport:
    """Run a model on the same samples with several engines, and compare with the first engine that runs.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        samples: One array for each input in the input's dtype, first axis = samples.
        engines: Names of the engines.
        float_outputs: Outputs of the float model for the same samples in real units, one array for each output.
        n_layer_samples: Number of samples that are compared layer by layer, samples that differ first; 0 for none.
        reset_between_samples: Forget the state of the model after each sample. Otherwise the samples are one stream.
        trusted: As for :func:`~mltk.micro.engines.run.run_batch`.
        children: As for ``run_batch``.
        processes: As for ``run_batch``.
        more: Outputs of other programs for the same samples. They are compared with the reference, too.

    Raises:
        RuntimeFailure: No engine runs the model.
        EvaluationError: The samples or the float outputs do not fit the model.
    """
    graph = graph_of(model)
    inputs = check_inputs(graph, [samples] if isinstance(samples, np.ndarray) else list(samples))
    options = {
        "reset_between_samples": reset_between_samples,
        "trusted": trusted,
        "children": children,
        "processes": processes,
    }
    results: dict[str, BatchResult] = {}
    failures: dict[str, str] = {}
    for engine in engines:
        try:
            result = run_batch(graph, inputs, engine=engine, **options)  # type: ignore[arg-type]
            _check_outputs(result, next(iter(results.values()), result))
            results[engine] = result
        except (RuntimeFailure, MissingDependencyError) as e:
            failures[engine] = str(e)
    if not results:
        raise RuntimeFailure("No engine ran the model.", hint="\n".join(f"{k}: {v}" for k, v in failures.items()))
    reference, *others = results
    layers = _LayerComparer(graph, inputs, n_layer_samples, options)
    comparisons = []
    for engine in others:
        differing = _samples_differing(results[engine].outputs, results[reference].outputs)
        first = layers.first_divergence(engine, reference, differing)
        comparisons.append(_compare(graph, engine, results[engine], reference, results[reference], first))
    for result in more:
        _check_outputs(result, results[reference])
        results[result.engine] = result
        comparisons.append(_compare(graph, result.engine, result, reference, results[reference], None))
    report = ParityReport(
        len(inputs[0]),
        reference,
        {name: r.engine_description for name, r in results.items()},
        failures,
        comparisons,
        [note for r in results.values() for note in r.notes],
    )
    if float_outputs is not None:
        given = [float_outputs] if isinstance(float_outputs, np.ndarray) else list(float_outputs)
        report.comparisons += [_compare_float(graph, name, r, given) for name, r in results.items()]
    return report


def _check_outputs(result: BatchResult, reference: BatchResult) -> None:
    """Raise an error if the outputs cannot be compared with those of ``reference``."""
    if sum(y.size for y in result.outputs) > _MAX_VALUES:
        raise EvaluationError(f"The outputs are more than {_MAX_VALUES:,} values.", hint="Compare fewer samples.")
    ours, theirs = ([y.shape[1:] for y in r.outputs] for r in (result, reference))
    if ours != theirs:
        raise RuntimeFailure(f"Its outputs have shapes {ours}, but those of {_label(reference.engine)} have {theirs}.")


def _samples_differing(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> np.ndarray:
    differs = np.zeros(len(a[0]), bool)
    for x, y in zip(a, b, strict=True):
        differs |= (x != y).reshape(len(x), -1).any(axis=1)
    return differs


def _classes(values: np.ndarray) -> np.ndarray | None:
    """Return the class of each sample, from real outputs (samples, classes) or (samples, 1); None for other shapes."""
    if values.ndim != 2 or not values.shape[1]:
        return None
    return values.argmax(axis=1) if values.shape[1] > 1 else (values[:, 0] >= 0.5).astype(np.int64)


def _flips(tensor: Tensor, a: np.ndarray, b: np.ndarray) -> int | None:
    classes = [_classes(dequantize(v, tensor, np.float64)) for v in (a, b)]
    if classes[0] is None or classes[1] is None:
        return None
    return int(np.sum(classes[0] != classes[1]))


def _add_flips(counts: list[int | None]) -> int | None:
    known = [c for c in counts if c is not None]
    return sum(known) if known else None


def _compare(
    graph: Graph,
    engine: str,
    result: BatchResult,
    reference: str,
    expected: BatchResult,
    first: LayerDivergence | None,
) -> Comparison:
    triples = list(zip(graph.outputs, result.outputs, expected.outputs, strict=True))
    differences = [np.abs(a.astype(np.float64) - b.astype(np.float64)) for _, a, b in triples]
    real = [np.abs(dequantize(a, t, np.float64) - dequantize(b, t, np.float64)) for t, a, b in triples]
    n_values = max(1, sum(d.size for d in differences))
    return Comparison(
        engine,
        reference,
        sum(int(np.count_nonzero(d)) for d in differences) / n_values,
        int(_samples_differing(result.outputs, expected.outputs).sum()),
        max((float(d.max(initial=0)) for d in differences), default=0.0),
        max((float(d.max(initial=0)) for d in real), default=0.0),
        sum(float(d.sum()) for d in real) / n_values,
        _add_flips([_flips(t, a, b) for t, a, b in triples]),
        first,
    )


def _compare_float(graph: Graph, engine: str, result: BatchResult, given: Sequence[np.ndarray]) -> Comparison:
    if len(given) != len(graph.outputs):
        raise EvaluationError(f"The model has {len(graph.outputs)} outputs, but {len(given)} float arrays were given.")
    errors, flips = [], []
    for tensor, ours, floats in zip(graph.outputs, result.outputs, given, strict=True):
        theirs = np.asarray(floats, np.float64)
        if theirs.size != ours.size:
            raise EvaluationError(f"Float outputs of shape {theirs.shape} for quantized outputs of {ours.shape}.")
        real = dequantize(ours, tensor, np.float64)
        theirs = theirs.reshape(real.shape)
        errors.append(np.abs(real - theirs))
        a, b = _classes(real), _classes(theirs)
        flips.append(None if a is None or b is None else int(np.sum(a != b)))
    n_values = max(1, sum(e.size for e in errors))
    steps = [float(t.scale[0]) if t.scale.size == 1 else 1.0 for t in graph.outputs]
    # Quantizing the output alone may cost half a step.
    beyond = [e > s / 2 for e, s in zip(errors, steps, strict=True)]
    return Comparison(
        engine,
        "float",
        sum(int(b.sum()) for b in beyond) / n_values,
        int(np.any([b.reshape(len(b), -1).any(axis=1) for b in beyond], axis=0).sum()),
        max(float((e / s).max(initial=0)) for e, s in zip(errors, steps, strict=True)),
        max(float(e.max(initial=0)) for e in errors),
        sum(float(e.sum()) for e in errors) / n_values,
        _add_flips(flips),
    )


class _LayerComparer:
    """Compares the layers of engines on the same few samples."""

    def __init__(self, graph: Graph, inputs: list[np.ndarray], n: int, options: dict[str, Any]) -> None:
        self.graph, self.inputs, self.n = graph, inputs, n
        self.options = options

    def first_divergence(self, engine: str, reference: str, differing: np.ndarray) -> LayerDivergence | None:
        """Return the first layer that differs; None if no layer differs, or if the layers cannot run."""
        if self.n <= 0 or not len(differing):
            return None
        is_stream = self.graph.is_stateful and not self.options["reset_between_samples"]
        if is_stream:  # everything up to the first sample whose output differs
            chosen = np.arange(int(np.argmax(differing)) + 1 if differing.any() else min(len(differing), self.n))
        else:
            chosen = np.sort(np.argsort(~differing, kind="stable")[: self.n])  # samples that differ come first
        samples = [x[chosen] for x in self.inputs]
        try:
            ours, theirs = (run_layers(self.graph, samples, engine=e, **self.options) for e in (engine, reference))
        except RuntimeFailure:
            return None
        pairs = [
            (a, b)
            for a, b in zip(ours, theirs, strict=True)
            if a.values.shape == b.values.shape and not np.array_equal(a.values, b.values)
        ]
        if not pairs:
            return None
        if is_stream:  # the first layer that differs in time; later differences may come through the state
            first = min(pairs, key=lambda pair: int(np.argmax(_samples_differing([pair[0].values], [pair[1].values]))))
        else:
            first = pairs[0]
        n_differing = len(pairs)
        a, b = first
        difference = np.abs(a.values.astype(np.float64) - b.values.astype(np.float64))
        return LayerDivergence(
            a.index,
            a.operator,
            a.tensor.name,
            float(np.count_nonzero(difference)) / difference.size,
            float(difference.max()),
            float(np.abs(a.to_float() - b.to_float()).max()),
            n_differing,
            len(chosen),
        )
