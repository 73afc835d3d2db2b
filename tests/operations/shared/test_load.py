"""Which model an argument means: by name, by path, in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

import mltk
from mltk.errors import ArchiveError, ModelNotFoundError
from mltk.operations.shared.load import ModelKind, is_keras_model, resolve
from mltk.specification.archive_file import ArchiveReader


@pytest.fixture
def tflite(trained: Path) -> Path:
    """``m.tflite``, taken from the archive of a trained model."""
    path = trained.parent / "m.tflite"
    with ArchiveReader(trained.parent / "toy_spec.mltk.zip") as reader:
        path.write_bytes(reader.read("toy_spec.tflite"))
    return path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("m.tflite", ModelKind.TFLITE_FILE),
        ("not_there.tflite", ModelKind.TFLITE_FILE),
        ("toy_spec.mltk.zip", ModelKind.ARCHIVE_FILE),
        ("toy_spec.py", ModelKind.NAME),
        ("toy_spec", ModelKind.NAME),
        ("toy_spec-test", ModelKind.NAME),
    ],
)
def test_a_path_says_what_it_is(path: str, kind: ModelKind) -> None:
    assert resolve(path).kind is kind
    assert resolve(Path(path)).kind is kind


def test_any_other_file_is_a_tflite(tflite: Path) -> None:
    renamed = tflite.rename(tflite.parent / "model.bin")
    reference = resolve(renamed)
    assert reference.kind is ModelKind.TFLITE_FILE
    assert reference.tflite_model().n_inputs == 1


def test_only_paths_of_files_may_come_from_anywhere(tflite: Path) -> None:
    outside = [resolve(path).is_outside_file for path in ("a.tflite", "a.mltk.zip", "a", "a.py")]
    assert outside == [True, True, False, False]
    assert not resolve(mltk.load_tflite_model(tflite)).is_outside_file


def test_a_model_in_memory_is_returned_as_it_is(tflite: Path) -> None:
    model = mltk.load_tflite_model(tflite)
    assert resolve(model).tflite_model() is model
    assert mltk.load_tflite_model(model, build=True) is model
    assert resolve(model).float_tflite_model() is None


def test_the_float_model_is_in_the_archive_or_beside_the_file(trained: Path, tflite: Path) -> None:
    assert resolve(tflite).float_tflite_model() is None
    in_archive = resolve(trained).float_tflite_model()
    assert in_archive is not None
    assert in_archive.inputs[0].dtype_str == "float32"
    in_archive.save(str(tflite.with_suffix(".float32.tflite")))
    beside = resolve(tflite).float_tflite_model()
    assert beside is not None
    assert beside.flatbuffer_data == in_archive.flatbuffer_data


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text("# @mltk_model\nraise SystemExit\n")
    with pytest.raises(ArchiveError, match="has not been trained: there is no archive") as e:
        resolve(tmp_path / "new.py", can_build=True).tflite_model()
    assert "--build" in str(e.value.hint)
    with pytest.raises(ArchiveError) as e:
        resolve(tmp_path / "new.py").tflite_model()
    assert "--build" not in str(e.value.hint)
    for missing in ("none.tflite", "none.mltk.zip"):
        with pytest.raises(ModelNotFoundError, match=missing):
            resolve(tmp_path / missing).tflite_model()
    with pytest.raises(ModelNotFoundError, match="type int is not a model"):
        resolve(3)


def test_a_path_of_the_file_is_found_or_written(trained: Path, tflite: Path) -> None:
    assert mltk.find_tflite_path(tflite) == str(tflite)
    assert mltk.load_tflite_model(tflite, return_tflite_path=True) == str(tflite)
    written = Path(mltk.find_tflite_path(trained))
    assert written.name == "toy_spec.tflite"
    assert written.read_bytes() == tflite.read_bytes()


@pytest.mark.tf
def test_a_keras_model_of_any_class_is_known() -> None:
    import keras

    class Own(keras.Model):
        pass

    assert resolve(Own()).kind is ModelKind.KERAS_MODEL
    assert is_keras_model(keras.Sequential())
    assert not is_keras_model(keras.layers.Dense(1))
