"""Compare a quantized model with its float variant, layer by layer: what does quantization cost, and where?

    report = quantization_report(tflite_model, float_model, samples)
    print(report.to_text())

Both models run on the same samples and keep the outputs of all layers; the quantized model runs as the device computes
it. The dequantized values of each layer are compared with those of the float model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.errors import EvaluationError
from mltk.micro.engines.process import Workers
from mltk.micro.engines.run import check_inputs
from mltk.micro.layer_outputs import LayerOutput, run_layers
from mltk.operations.results.quantization import NOISY_DB, LayerQuantization, QuantizationReport
from mltk.tflite.graph import Graph, Tensor
from mltk.tflite.quantization import dequantize

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_MAX_SQNR_DB = 120.0  # of values that are equal
_IDEAL_DB = 40.0  # 8 bits on a signal that uses the range as activations do
_SATURATES, _UNUSED, _DROP_DB = 0.01, 0.4, 6.0
_FIXED_RANGE = {"SOFTMAX", "LOG_SOFTMAX", "LOGISTIC", "TANH"}
"""Operators whose output has a fixed scale. A score of 1 is beyond the range of int8, whatever the samples are."""
_WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"}


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
    """Compare a quantized model with its float variant, layer by layer.

    All layers' values of all samples are held in memory, so this is for some dozens of samples.

    Args:
        model: The quantized model.
        float_model: The float32 model, converted from the same Keras model.
        samples: One array for each input, ``[samples, …]``, in the data type of ``model``'s inputs.
        source: Where the samples come from, for the report.
        realistic: Whether the device will see samples like these. If not, their ranges say nothing about the
            calibration, and the report has no advice on ranges.
        engine: What runs ``model``; see `mltk.micro.engines.run.run_batch`.
        trusted: Where both models run; see `run_batch`.
        children: Where both models run; see `run_batch`.

    Returns:
        The report.

    Raises:
        EvaluationError: The models have different inputs, or no layer matches.
        RuntimeFailure: An engine refuses a model.
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
    """Return the samples in real units for the float model."""
    if len(graph.inputs) != len(float_graph.inputs):
        raise EvaluationError(
            f"The models have {len(graph.inputs)} and {len(float_graph.inputs)} inputs: they are different models."
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
    """Match the layers of both models that compute the same.

    The converter names a tensor after the operations that were fused into it, in the same way for both models. So
    layers match by name, otherwise by common parts of their names, otherwise by operator and shape in order.

    Args:
        ours: Layers of the quantized model.
        theirs: Layers of the float model.

    Returns:
        The pairs, and the names of the quantized layers without a counterpart.
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
    """Return the signal-to-quantization-noise ratio in dB.

    Args:
        wanted: The signal.
        found: The signal with noise.

    Returns:
        120 if both are equal, 0 if the signal is zero.
    """
    noise, signal = float(np.sum((wanted - found) ** 2)), float(np.sum(wanted**2))
    if noise == 0:
        return _MAX_SQNR_DB
    return min(_MAX_SQNR_DB, float(10 * np.log10(signal / noise))) if signal > 0 else 0.0


def _cosine(wanted: np.ndarray, found: np.ndarray) -> float:
    product = float(np.linalg.norm(wanted) * np.linalg.norm(found))
    return float(np.sum(wanted * found)) / product if product else float(not np.any(wanted) and not np.any(found))


def advice_on_ranges(layer: LayerQuantization) -> list[str]:
    """Return what to try, if the range of a layer does not fit its values."""
    found = []
    if layer.saturation > _SATURATES and layer.operator not in _FIXED_RANGE:
        found.append(
            "values lie beyond the calibrated range: quantize with more, and more varied, representative samples"
        )
    if layer.range_use < _UNUSED and layer.n_channels > 1:
        found.append(
            "most of the range is unused: the representative samples have outliers; remove them, or bound the layer "
            "(ReLU6)"
        )
    if layer.dead_channels and layer.dead_channels >= layer.n_channels / 8:
        found.append("channels that never change: try fewer filters, a lower learning rate or less regularization")
    return found


def _advice(layer: LayerQuantization, graph: Graph, realistic: bool) -> list[str]:
    """Return what to try for this layer."""
    found = advice_on_ranges(layer) if realistic else []
    operator = graph.main.operators[layer.index]
    weights = _weights(graph, operator.name, operator.inputs)
    noisy = layer.sqnr_db < NOISY_DB or layer.drop_db > _DROP_DB
    if noisy and weights is not None:
        if weights.scale.size == 1 and layer.n_channels > 1:
            found.append("its weights have one scale for all channels: quantize per channel")
        elif weights.scale.size > 1 and _spread(weights) > 100:
            found.append("its filters differ in size by a factor of more than 100: add weight decay, or fewer filters")
    if noisy and operator.name in {"ADD", "CONCATENATION", "SUB"}:
        found.append("it joins tensors of different ranges: normalize or bound (ReLU6) its inputs")
    if layer.sqnr_db < NOISY_DB and not found:
        found.append("noise has added up: train with quantization (QAT), or use 16-bit activations")
    return found


def _weights(graph: Graph, operator: str, inputs: Sequence[int]) -> Tensor | None:
    if operator not in _WEIGHTED or len(inputs) < 2 or inputs[1] < 0:
        return None
    return graph.main.tensors[inputs[1]]


def _spread(weights: Tensor) -> float:
    scales = weights.scale[weights.scale > 0]
    return float(scales.max() / scales.min()) if scales.size else 1.0
