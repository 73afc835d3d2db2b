"""``mltk parity``: engines side by side, and what quantization costs layer by layer."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

import mltk
from mltk.errors import DatasetError
from mltk.micro.engines import run as engine_module
from mltk.micro.engines.process import WorkerProcess
from mltk.micro.engines.runtimes import have_tflm
from mltk.operations.parity import check_parity
from mltk.specification.archive_file import ArchiveReader


@pytest.fixture
def twins(trained: Path) -> tuple[Path, Path]:
    """``m.tflite`` and ``m.float32.tflite``, taken from the archive of a trained model."""
    paths = trained.parent / "m.tflite", trained.parent / "m.float32.tflite"
    with ArchiveReader(trained.parent / "toy_spec.mltk.zip") as reader:
        for path, ending in zip(paths, (".tflite", ".float32.tflite"), strict=True):
            path.write_bytes(reader.read(f"toy_spec{ending}"))
    return paths


def load(path: Path) -> mltk.TfliteModel:
    return mltk.TfliteModel.load_flatbuffer_file(str(path))


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
