"""An archive that MLTK 0.20 wrote is read, evaluated and changed."""

# mypy: disable-error-code="attr-defined"
# A loaded specification is a MltkModel; its mixins are not known to the type checker.
from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import mltk
from mltk.errors import ArchiveError
from mltk.specification.archive_file import ArchiveReader

PARAMETERS = {
    "classes": ["red", "green", "blue"],
    "date": "2026-11-22T08:22:12.871Z",
    "detect": ["red", "blue"],
    "hash": "f8ad348ec11519360e9bfe4771065f44",
    "name": "tiny_blobs",
    "runtime_memory_size": 1924,
    "sensitivity": 7,
    "version": 3,
    "volume_gain": 2.5,
}


def test_summaries_need_neither_tensorflow_nor_the_specification(archive: Path) -> None:
    code = f"""
        import sys, mltk
        keras = mltk.summarize_model({str(archive)!r})
        assert 'dense_1 (Dense)             (None, 3)                 27' in keras, keras
        assert keras.endswith("detect: ['red', 'blue']"), keras
        tflite = mltk.summarize_model({str(archive)!r}, tflite=True)
        assert 'fully_connected' in tflite and 'volume_gain: 2.5' in tflite, tflite
        assert not {{'tensorflow', 'keras', 'tiny_blobs'}} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_parameters(archive: Path) -> None:
    model = mltk.load_tflite_model(str(archive))
    parameters = mltk.TfliteModelParameters.load_from_tflite_model(model)
    assert dict(parameters) == PARAMETERS
    assert (model.name, model.description) == ("tiny_blobs", "Three blobs")


def test_parameters_are_changed_and_the_rest_stays(archive: Path) -> None:
    with zipfile.ZipFile(archive) as before:
        members = {n: before.read(n) for n in before.namelist()}
    assert mltk.update_model_parameters(str(archive), {"sensitivity": 9, "added": "x"}) == str(archive)
    with ArchiveReader(archive) as reader:
        reader.verify()
        changed = {n for n in reader.names if reader.read(n) != members.get(n)}
        assert changed == {"tiny_blobs.tflite", "tiny_blobs.tflite.summary.txt", "manifest.json"}
    parameters = mltk.TfliteModelParameters.load_from_tflite_model(mltk.load_tflite_model(str(archive)))
    assert dict(parameters) == {**PARAMETERS, "sensitivity": 9, "added": "x"}
    text = mltk.summarize_model(str(archive))
    assert "dense_1 (Dense)" in text
    assert text.count("Name: tiny_blobs") == 1


@pytest.mark.parametrize("manifest", [b"{}", b'{"name": 3}', b'{"name": "a", "settings": [1], "description": null}'])
def test_a_summary_of_an_archive_with_an_odd_manifest(archive: Path, manifest: bytes) -> None:
    with zipfile.ZipFile(archive, "a") as changed:
        changed.writestr("manifest.json", manifest)
    assert "dense_1 (Dense)" in mltk.summarize_model(str(archive))


@pytest.mark.tf
def test_the_specification_loads(archive: Path) -> None:
    model = mltk.load_mltk_model(str(archive))
    assert (model.name, model.version, model.description) == ("tiny_blobs", 3, "Three blobs")
    assert (model.classes, model.input_shape, model.n_classes) == (["red", "green", "blue"], (4,), 3)
    assert (model.epochs, model.batch_size) == (5, 20)
    assert model.reduce_lr_on_plateau == {"monitor": "loss", "factor": 0.9, "patience": 3}
    assert dict(model.model_parameters) == {"volume_gain": 2.5, "sensitivity": 7, "detect": ["red", "blue"]}
    assert model.has_cli
    assert model.archive_path == str(archive)
    assert Path(model.h5_archive_path).name == "tiny_blobs.h5"
    assert Path(model.tflite_archive_path).read_bytes()[4:8] == b"TFL3"
    history = json.loads(Path(model.get_archive_file("train/training-history.json")).read_text())
    assert len(history["history"]["loss"]) == 5
    assert Path(model.get_archive_dir("eval/h5"), "summary.txt").is_file()
    with pytest.raises(ArchiveError, match="has no member"):
        model.get_archive_file(".keras")


@pytest.mark.tf
def test_both_models_are_evaluated(archive: Path) -> None:
    model = mltk.load_mltk_model(str(archive))
    keras = mltk.evaluate_model(model)
    # 0.20 itself stored 0.42 and 0.43: its own kernels for the .tflite, of float32, round differently.
    assert keras["overall_accuracy"] == pytest.approx(0.42)
    tflite = mltk.evaluate_model(model, tflite=True)
    assert tflite["overall_accuracy"] == pytest.approx(0.43, abs=0.011)
    with ArchiveReader(archive) as reader:
        reader.verify()
        stored = json.loads(reader.read("eval/h5/eval-results.json"))
        assert stored["overall_accuracy"] == pytest.approx(keras["overall_accuracy"])
        assert "tiny_blobs.h5" in reader.names
        ours = json.loads(reader.read("eval/tflite/eval-results.json"))
        assert ours["overall_accuracy"] == pytest.approx(tflite["overall_accuracy"])


@pytest.mark.tf
def test_the_keras_model_computes_what_the_tflite_computes(archive: Path) -> None:
    import numpy as np

    keras_model = mltk.load_tflite_or_keras_model(str(archive))
    float32 = mltk.load_tflite_model(str(archive), archive_file_ext=".float32.tflite")
    x = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
    assert np.allclose(keras_model.predict(x, verbose=0), float32.predict(x), atol=1e-5)


@pytest.mark.tf
def test_commands_of_the_specification(archive: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mltk.cli.main", "custom", str(archive), "greet", "--name", "Bo"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "hello Bo"
