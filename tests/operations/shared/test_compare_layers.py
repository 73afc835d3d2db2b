"""What quantization costs, layer by layer: matching layers, measuring noise, advice."""

from __future__ import annotations

import json
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import mltk
from mltk.errors import EvaluationError
from mltk.micro.layer_outputs import LayerOutput
from mltk.operations.results.quantization import LayerQuantization
from mltk.operations.shared.compare_layers import advice_on_ranges, match_layers, quantization_report, sqnr_db
from mltk.specification.archive_file import ArchiveReader
from mltk.tflite.graph import Tensor


@pytest.fixture
def twins(trained: Path) -> tuple[Path, Path]:
    """``m.tflite`` and ``m.float32.tflite``, taken from the archive of a trained model."""
    paths = trained.parent / "m.tflite", trained.parent / "m.float32.tflite"
    with ArchiveReader(trained.parent / "toy_spec.mltk.zip") as reader:
        for path, ending in zip(paths, (".tflite", ".float32.tflite"), strict=True):
            path.write_bytes(reader.read(f"toy_spec{ending}"))
    return paths


def float_model() -> bytes:
    """A model of one layer, SQUARE, in float32."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    graph.tensors = [schema.TensorT() for _ in range(2)]
    for tensor, name in zip(graph.tensors, ("x", "y"), strict=True):
        tensor.shape, tensor.type, tensor.name, tensor.buffer = [1, 4], schema.TensorType.FLOAT32, name, 0
    operator, code = schema.OperatorT(), schema.OperatorCodeT()
    operator.inputs, operator.outputs, operator.opcodeIndex = [0], [1], 0
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.SQUARE
    code.version = 1
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [1]
    model.version, model.subgraphs, model.operatorCodes, model.buffers = 3, [graph], [code], [schema.BufferT()]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def load(path: Path) -> mltk.TfliteModel:
    return mltk.TfliteModel.load_flatbuffer_file(str(path))


def layer(name: str, values: np.ndarray, scale: float | None = 0.1, operator: str = "CONV_2D") -> LayerOutput:
    none = np.array([], np.float32)
    scales = none if scale is None else np.array([scale], np.float32)
    zeros = np.array([] if scale is None else [0], np.int64)
    kind = values.dtype.name.upper()
    return LayerOutput(0, operator, Tensor(0, name, values.shape, kind, scales, zeros, 0, False, 0, None), values)


def test_sqnr_is_the_ratio_of_energies_in_db():
    wanted = np.array([3.0, 4.0])
    assert sqnr_db(wanted, wanted) == 120
    assert sqnr_db(wanted, wanted + np.array([0.3, 0.4])) == pytest.approx(20)
    assert sqnr_db(np.zeros(2), np.ones(2)) == 0


def test_layers_match_by_name_by_parts_of_it_and_by_order():
    a, b = np.zeros((2, 4), np.int8), np.zeros((2, 4), np.float32)
    ours = [layer("x;relu", a), layer("other", a), layer("same", a), layer("wide", np.zeros((2, 9), np.int8))]
    theirs = [layer(n, b, None) for n in ("relu;bias", "same", "unnamed")]
    pairs, unmatched = match_layers(ours, theirs)
    assert [(p.tensor.name, q.tensor.name) for p, q in pairs] == [
        ("x;relu", "relu;bias"),
        ("other", "unnamed"),
        ("same", "same"),
    ]
    assert unmatched == ["0 conv_2d"]


def test_report_of_a_trained_model(twins):
    model, twin = map(load, twins)
    values = np.random.default_rng(1).normal(size=(32, 4)) + 3 * np.eye(4)[np.arange(32) % 3]
    report = quantization_report(model, twin, [model.quantize_to_input_dtype(values.astype(np.float32))])
    assert report.n_samples == 32
    assert {x.operator for x in report.layers} >= {"FULLY_CONNECTED", "SOFTMAX"}
    for x in report.layers:
        assert x.sqnr_db > 15, x
        assert 0.97 < x.cosine <= 1.0001
        assert 0 <= x.saturation <= 1
        assert 0 < x.range_use <= 1
    ratios = [x.sqnr_db for x in report.worst]
    assert ratios == sorted(ratios)
    assert report.to_text(80).splitlines()[0].startswith("Quantization of m")
    assert max(map(len, report.to_text(80).splitlines()[2:])) <= 80
    assert json.loads(report.to_json())["layers"][0]["index"] == 0


def test_what_is_wrong_with_a_layer_is_found_and_advised(twins):
    """A hidden layer whose scale is 16 times too small: most of its values lie beyond what it can hold."""
    model, twin = map(load, twins)
    hidden = model.layers[0].outputs[0]
    hidden.quantization.scale = [hidden.quantization.scale[0] / 16]
    model.regenerate_flatbuffer(reload_model=True)
    samples = [np.random.default_rng(0).integers(-128, 128, (32, 4)).astype(np.int8)]
    report = quantization_report(model, twin, samples)
    first = report.layers[0]
    assert first.saturation > 0.1
    assert any("representative samples" in text for text in first.advice)
    assert any(text.startswith("layer") and "beyond the calibrated range" in text for text in report.advice)
    assert "What to try" in report.to_text()


@pytest.mark.parametrize(("operator", "is_advised"), [("CONV_2D", True), ("SOFTMAX", False), ("LOGISTIC", False)])
def test_a_score_of_one_is_not_a_fault_of_the_calibration(operator, is_advised):
    """int8 holds 255/256 at most, so a certain softmax is beyond its range, whatever the samples are."""
    measured = LayerQuantization(0, operator, "a", "a", 45.0, 0.0, 1.0, 0.07, 0, 10, 1.0)
    assert any("beyond the calibrated range" in text for text in advice_on_ranges(measured)) is is_advised


def test_models_that_do_not_belong_together_are_refused(twins):
    model, twin = map(load, twins)
    with pytest.raises(EvaluationError):
        quantization_report(model, twin, [np.zeros((2, 5), np.int8)])
    other = mltk.TfliteModel(float_model())
    with pytest.raises(EvaluationError, match="No layer of"):
        quantization_report(model, other, [np.zeros((2, 4), np.int8)])


def test_random_samples_say_nothing_of_the_calibration(twins):
    model, twin = map(load, twins)
    samples = [np.random.default_rng(0).integers(-128, 128, (32, 4)).astype(np.int8)]
    assert any(x.advice for x in quantization_report(model, twin, samples).layers)
    assert not any("calibrated" in text for text in quantization_report(model, twin, samples, realistic=False).advice)


def test_plot_shows_all_layers(twins, tmp_path):
    pytest.importorskip("matplotlib")
    model, twin = map(load, twins)
    report = quantization_report(model, twin, [np.zeros((4, 4), np.int8)])
    report.plot(str(tmp_path / "q.png"))
    assert (tmp_path / "q.png").read_bytes().startswith(b"\x89PNG")
