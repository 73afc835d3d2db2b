"""``mltk parity``: engines side by side, and what quantization costs layer by layer."""

from __future__ import annotations

import json
import math
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

import mltk
from mltk.errors import DatasetError, EvaluationError
from mltk.micro.engines import run as engine_module
from mltk.micro.engines.process import WorkerProcess
from mltk.micro.engines.runtimes import have_tflm
from mltk.micro.layer_outputs import LayerOutput
from mltk.operations.parity import check_parity
from mltk.operations.results.quantization import match_layers, quantization_report, sqnr_db
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


# ---- matching layers, measuring noise


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
    values = [x.sqnr_db for x in report.worst]
    assert values == sorted(values)
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


# ---- the operation


def test_parity_of_an_archive_runs_nothing_in_it(trained):
    trained.write_text("raise SystemExit('the specification was run')\n# @mltk_model\n")
    results = check_parity(str(trained.parent / "toy_spec.mltk.zip"), n_samples=40)
    assert results.engines.n_samples == 40
    assert "litert-xnnpack" in results.engines.engines
    assert results.quantization is not None
    assert {c.reference for c in results.engines.comparisons} >= {"float"}
    assert "toy_spec.float32.tflite" in results.to_text()
    if have_tflm():
        assert results.engines.reference == "tflm"
    content = json.loads(results.to_json())
    assert content["quantization"]["layers"]
    assert all(math.isfinite(c["share"]) for c in content["engines"]["comparisons"])


def test_float_model_is_found_beside_the_file_or_given(twins):
    model, twin = twins
    assert check_parity(str(model), n_samples=5).quantization is not None
    elsewhere = twin.rename(twin.parent / "elsewhere.tflite")
    alone = check_parity(str(model), n_samples=5)
    assert alone.quantization is None
    assert any("no float model" in note for note in alone.notes)
    assert check_parity(str(model), float_model=str(elsewhere), n_samples=5).quantization is not None


@pytest.fixture
def nothing_native_here(monkeypatch):
    """An engine that is loaded in this process is an error."""

    def refuse(*_, **__):
        raise AssertionError("native code in this process")

    monkeypatch.setattr(engine_module, "make_runtime", refuse)


def test_a_file_by_its_path_is_not_trusted(nothing_native_here, twins, trained):
    model, twin = twins
    for path in (model, trained.parent / "toy_spec.mltk.zip"):
        results = check_parity(str(path), n_samples=5)
        assert results.quantization is not None
        assert len(results.engines.engines) >= 2
    without_ending = model.rename(model.parent / "model")
    assert check_parity(str(without_ending), float_model=str(twin), n_samples=5).quantization is not None
    assert check_parity(load(without_ending), float_model=str(twin), n_samples=5).quantization is not None
    assert check_parity(load(without_ending), n_samples=5, trusted=False).engines.engines


def test_what_is_in_memory_or_was_trained_here_is_trusted(nothing_native_here, twins, trained, monkeypatch):
    monkeypatch.chdir(trained.parent)
    for model in (load(twins[0]), str(trained), "toy_spec"):
        with pytest.raises(AssertionError, match="native code in this process"):
            check_parity(model, n_samples=5)
    with pytest.raises(AssertionError, match="native code in this process"):
        check_parity(str(twins[0]), n_samples=5, trusted=True)


def test_parity_takes_one_child(twins, monkeypatch):
    started = []
    start = WorkerProcess.__init__
    monkeypatch.setattr(WorkerProcess, "__init__", lambda self, **kw: (started.append(kw), start(self, **kw))[1])
    assert check_parity(str(twins[0]), n_samples=5).quantization is not None
    assert len(started) == 1
    assert started[0]["memory_limit_bytes"]


def test_same_seed_same_results(twins):
    a, b, c = (check_parity(str(twins[0]), n_samples=20, seed=seed).to_dict() for seed in (1, 1, 2))
    assert a == b
    assert a["quantization"] != c["quantization"]


def test_models_that_this_project_did_not_make():
    package = pytest.importorskip("pymicro_wakeword")
    path = next(iter(sorted((Path(package.__file__).parent / "models").glob("*.tflite"))))
    results = check_parity(str(path), n_samples=3)
    assert results.engines.n_samples == 3
    assert not results.engines.failures


def test_a_file_has_no_dataset(twins):
    with pytest.raises(DatasetError, match="no dataset"):
        check_parity(str(twins[0]), dataset=True)


def test_command_writes_text_json_and_plots(run_here, twins):
    folder = twins[0].parent
    done = run_here("parity", "m.tflite", "-c", "10", "-o", "report", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "Quantization of m against float32" in done.stdout
    assert {"parity.json", "parity.txt"} <= {p.name for p in (folder / "report").iterdir()}
    for trust in ("--trusted", "--untrusted"):
        assert (
            run_here("parity", "m.tflite", "-c", "10", trust, cwd=folder).stdout
            == done.stdout[: done.stdout.index("wrote")]
        )
    done = run_here("parity", "m.tflite", "-c", "10", "--no-quantization", "-o", "p.json", cwd=folder)
    assert done.returncode == 0
    assert json.loads((folder / "p.json").read_text())["quantization"] is None


@pytest.mark.tf
def test_dataset_of_the_specification_and_its_keras_model(run_here, trained):
    done = run_here("parity", "toy_spec", "--dataset", "-c", "30", cwd=trained.parent)
    assert done.returncode == 0, done.stderr
    assert "evaluation dataset" in done.stdout
    assert "the trained Keras model" in done.stdout
