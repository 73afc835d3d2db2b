"""What is asked of an archive or a .tflite never runs the specification in it; what is changed keeps the rest."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

import mltk
from helpers import toy
from mltk.errors import ArchiveError, MltkError, ModelNotFoundError, OutputError, ParameterError
from mltk.operations.update_params import parse_params, read_params_file
from mltk.specification.archive_file import ArchiveReader
from mltk.tflite.model_parameters import TfliteModelParameters


@pytest.fixture
def archive(trained: Path) -> Path:
    """An archive of a trained model, whose specification raises when it is run."""
    path = trained.parent / "toy_spec.mltk.zip"
    with zipfile.ZipFile(path) as old:
        members = {n: old.read(n) for n in old.namelist()}
    members["toy_spec.py"] = b"raise SystemExit('the specification was run')\n"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members.items():
            new.writestr(name, content)
    trained.write_text("raise SystemExit('the specification was run')\n# @mltk_model\n")
    return path


def parameters(path: Path) -> dict:
    with ArchiveReader(path) as reader:
        model = mltk.TfliteModel(reader.read("toy_spec.tflite"))
    return dict(TfliteModelParameters.load_from_tflite_model(model))


def test_summaries_run_nothing(archive, monkeypatch):
    monkeypatch.chdir(archive.parent)
    for name in ("toy_spec", "toy_spec.py", str(archive)):
        keras_text = mltk.summarize_model(name)
        assert "Param #" in keras_text
        assert "Classes: red, green, blue" in keras_text
        tflite_text = mltk.summarize_model(name, tflite=True)
        assert "fully_connected" in tflite_text
        assert "threshold" in tflite_text
    with pytest.raises((SystemExit, MltkError)):
        mltk.summarize_model("toy_spec", build=True)


def test_summary_of_a_file_and_of_built_models(archive, tmp_path):
    with ArchiveReader(archive) as reader:
        path = reader.extract("toy_spec.tflite", str(tmp_path / "else"))
    text = mltk.summarize_model(path)
    assert text == mltk.TfliteModel.load_flatbuffer_file(path).summary()
    assert mltk.summarize_model(mltk.TfliteModel.load_flatbuffer_file(path)) == text


def test_summarize_what_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.py").write_text("# @mltk_model\nraise SystemExit\n")
    with pytest.raises(ArchiveError, match="spec has not been trained") as e:
        mltk.summarize_model("spec")
    assert "mltk train spec" in e.value.hint
    with pytest.raises(ModelNotFoundError):
        mltk.summarize_model("nothing_of_that_name")
    with pytest.raises(MltkError):
        mltk.summarize_model("none.tflite")


def test_update_params_of_an_archive(archive):
    before = parameters(archive)
    with ArchiveReader(archive) as reader:
        others = {n: reader.read(n) for n in reader.names}
    assert mltk.update_model_parameters(str(archive), {"threshold": 7, "classes": None, "gain": 2.5}) == str(archive)
    assert parameters(archive) == {**{k: v for k, v in before.items() if k != "classes"}, "threshold": 7, "gain": 2.5}
    with ArchiveReader(archive) as reader:
        reader.verify()
        for name, content in others.items():
            if name not in ("toy_spec.tflite", "toy_spec.tflite.summary.txt", "manifest.json", "report.html"):
                assert reader.read(name) == content, name
        assert "gain" in reader.read("toy_spec.tflite.summary.txt").decode()


def test_update_params_of_a_file(archive, tmp_path):
    with ArchiveReader(archive) as reader:
        path = Path(reader.extract("toy_spec.tflite", str(tmp_path / "else")))
    whole = path.read_bytes()
    assert mltk.update_model_parameters(str(path), {"a": 1}, description="new") == str(path)
    model = mltk.TfliteModel.load_flatbuffer_file(str(path))
    assert model.description == "new"
    assert TfliteModelParameters.load_from_tflite_model(model)["a"] == 1
    mltk.update_model_parameters(str(path), {"a": None}, description="Made with openmltk")
    assert len(path.read_bytes()) <= len(whole) + 64
    inside = mltk.update_model_parameters(str(path), {"a": 1}, output=str(tmp_path / "folder"))
    assert inside == str(tmp_path / "folder/toy_spec.tflite")
    named = mltk.update_model_parameters(str(path), {"a": 1}, output=str(tmp_path / "named.tflite"))
    assert Path(named).is_file()
    (tmp_path / "plain").touch()
    with pytest.raises(OutputError):
        mltk.update_model_parameters(str(path), {"a": 1}, output=str(tmp_path / "plain/folder"))


def test_value_that_can_not_be_stored_changes_nothing(archive):
    before = archive.read_bytes()
    with pytest.raises(ParameterError, match="odd"):
        mltk.update_model_parameters(str(archive), {"threshold": 1, "odd": object()})
    assert archive.read_bytes() == before


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("a=190", 190),
        ("a=-3", -3),
        ("a=0x10", 16),
        ("a=2.5", 2.5),
        ("a=1e-3", 0.001),
        ("a=true", True),
        ("a=False", False),
        ("a=yes", "yes"),
        ("a=yes,no", ["yes", "no"]),
        ("a=1,2,3", [1, 2, 3]),
        ("a=1, 2.5", [1.0, 2.5]),
        ("a=1,x", ["1", "x"]),
        ("a='190'", "190"),
        ('a="a,b"', "a,b"),
        ("a=b=c", "b=c"),
        ("a=", None),
    ],
)
def test_values_from_words(word, value):
    found = parse_params([word])
    assert found == {"a": value}
    assert type(found["a"]) is type(value)


def test_words_and_files_that_are_no_parameters(tmp_path):
    with pytest.raises(ParameterError, match="'threshold' is not of the form name=value"):
        parse_params(["threshold"])
    with pytest.raises(ParameterError):
        parse_params(["=3"])
    file = tmp_path / "params.txt"
    file.write_text("# gains\ngain = 2.5\n\nlabels = a, b\n")
    assert read_params_file(str(file)) == {"gain": 2.5, "labels": ["a", "b"]}
    (tmp_path / "p.json").write_text('{"gain": 2.5, "labels": ["a"]}')
    assert read_params_file(str(tmp_path / "p.json")) == {"gain": 2.5, "labels": ["a"]}
    for name, content, message in (
        ("bad.json", "{", "is not JSON"),
        ("list.json", "[1]", "is not a JSON object"),
        ("none.txt", None, "can't be read"),
    ):
        if content is not None:
            (tmp_path / name).write_text(content)
        with pytest.raises(ParameterError, match=message):
            read_params_file(str(tmp_path / name))


def test_what_an_archive_holds_and_says(trained):
    with ArchiveReader(trained.parent / "toy_spec.mltk.zip") as reader:
        assert set(reader.names) >= {
            "toy_spec.py",
            "toy_spec.keras",
            "toy_spec.tflite",
            "toy_spec.float32.tflite",
            "toy_spec.keras.summary.txt",
            "toy_spec.tflite.summary.txt",
            "train/log.txt",
            "train/training-history.json",
            "train/training-history.png",
            "eval/keras/eval-results.json",
            "eval/tflite/eval-results.json",
            "eval/tflite/summary.txt",
            "manifest.json",
        }
        assert not [n for n in reader.names if n.startswith("/") or ".." in n or "checkpoint" in n]
        assert reader.read("toy_spec.py").decode() == toy.SPECIFICATION
        reader.verify()
        manifest = json.loads(reader.read("manifest.json"), parse_constant=lambda c: pytest.fail(c))
        for name, digest in manifest["sha256"].items():
            assert hashlib.sha256(reader.read(name)).hexdigest() == digest
        assert set(manifest["sha256"]) == set(reader.names) - {"manifest.json"}
    assert manifest["format"] == "openmltk-archive"
    assert manifest["name"] == "toy_spec"
    assert manifest["seed"] == 3
    assert manifest["epochs"] == 2
    assert set(manifest["versions"]) >= {"python", "openmltk", "tensorflow", "keras", "numpy"}
    settings = manifest["settings"]
    assert settings["classes"] == ["red", "green", "blue"]
    assert settings["input_shape"] == [4]
    assert settings["epochs"] == 2
    assert settings["model_parameters"] == {"threshold": 190}
    assert settings["tflite_converter"]["inference_input_type"] == "int8"
    dataset = manifest["dataset"]
    assert dataset["kind"] == "arrays"
    assert dataset["samples"] == 90
    assert sum(dataset["class_counts"]) == 90
    assert len(dataset["sha256"]) == 64


def test_manifest_is_json_that_any_reader_takes(make_toy):
    from mltk.operations.shared.manifest import manifest

    model = make_toy(early_stopping={"min_delta": float("inf")}, train_kwargs={"odd": float("nan")})
    text = json.dumps(manifest(model, seed=1, odd=float("nan")), allow_nan=False)
    assert json.loads(text)["odd"] is None


def test_fingerprint_tells_datasets_apart():
    from mltk.operations.shared.fingerprint import dataset_fingerprint

    x, y = toy.clouds()
    same = dataset_fingerprint(x.copy(), y.copy())
    assert dataset_fingerprint(x, y) == same
    changed = x.copy()
    changed[7, 1] += 1e-6
    assert dataset_fingerprint(changed, y)["sha256"] != same["sha256"]
    relabelled = y.copy()
    relabelled[0] = (y[0] + 1) % 3
    assert dataset_fingerprint(x, relabelled)["sha256"] != same["sha256"]
    assert dataset_fingerprint({"a": x}, y)["samples"] == 90
