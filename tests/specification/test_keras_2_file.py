"""Files that Keras 2 wrote load, and the models compute what Keras 2 computed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mltk
from mltk.errors import ArchiveError
from mltk.operations.shared.keras_model import load_keras_model
from mltk.specification.keras_2_file import adapt_to_keras_3, readable_by_keras_3
from mltk.specification.keras_2_functions import function_of

FILES = Path(__file__).with_name("keras_2_files")


class Old(mltk.MltkModel, mltk.TrainMixin):
    """A specification of MLTK 0.20."""


@pytest.mark.tf
@pytest.mark.parametrize("name", ["plane", "line", "volume"])
def test_an_archive_with_a_file_of_keras_2_has_the_outputs_of_keras_2(tmp_path: Path, name: str) -> None:
    script = tmp_path / f"{name}.py"
    script.write_text("# @mltk_model\nimport mltk\n")
    with zipfile.ZipFile(tmp_path / f"{name}.mltk.zip", "w") as archive:
        archive.write(script, script.name)
        archive.write(FILES / f"{name}.h5", f"{name}.h5")
    keras_model = load_keras_model(Old(str(script)))
    arrays = np.load(FILES / f"{name}.npz")
    np.testing.assert_allclose(keras_model.predict(arrays["x"], verbose=0), arrays["y"], rtol=1e-4, atol=1e-5)


NESTED = [
    (version, name.removesuffix(".h5"))
    for version in ("2.10", "2.16")
    for name in zipfile.ZipFile(FILES / f"nested-{version}.zip").namelist()
    if name.endswith(".h5")
]


def nested_model(version: str, name: str, folder: Path) -> tuple[Path, dict[str, np.ndarray]]:
    """Extract a file of Keras 2, and the inputs and outputs of its model."""
    with zipfile.ZipFile(FILES / f"nested-{version}.zip") as archive:
        path = Path(archive.extract(f"{name}.h5", folder))
        return path, dict(np.load(io.BytesIO(archive.read(f"{name}.npz"))))


def assert_same_outputs(keras_model: Any, arrays: dict[str, np.ndarray], tolerance: float = 1e-5) -> None:
    inputs = [arrays[key] for key in sorted(arrays) if key.startswith("x")]
    outputs = keras_model(inputs if len(inputs) > 1 else inputs[0])
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    assert len(outputs) == sum(key.startswith("y") for key in arrays)
    for n, output in enumerate(outputs):
        np.testing.assert_allclose(np.asarray(output), arrays[f"y{n}"], atol=tolerance, rtol=tolerance)


@pytest.mark.tf
@pytest.mark.parametrize(("version", "name"), NESTED)
def test_nested_and_wrapped_models_compute_what_they_computed_in_keras_2(
    tmp_path: Path, version: str, name: str
) -> None:
    import keras

    path, arrays = nested_model(version, name, tmp_path)
    before = path.read_bytes()
    with readable_by_keras_3(str(path)) as readable:
        keras_model = keras.saving.load_model(readable, compile=False)
    assert path.read_bytes() == before
    half = name == "half_precision"
    assert half == any(layer.dtype_policy.name == "mixed_float16" for layer in keras_model.layers)
    assert_same_outputs(keras_model, arrays, 2e-3 if half else 1e-5)


@pytest.mark.tf
@pytest.mark.parametrize("name", ["operators", "shapes", "inner"])
def test_functions_of_tensorflow_compute_what_they_computed_in_keras_2(tmp_path: Path, name: str) -> None:
    import keras

    with zipfile.ZipFile(FILES / "functions-2.10.zip") as archive:
        path = archive.extract(f"{name}.h5", tmp_path)
        arrays = np.load(io.BytesIO(archive.read(f"{name}.npz")))
    with readable_by_keras_3(path) as readable:
        keras_model = keras.saving.load_model(readable, compile=False)
    np.testing.assert_allclose(np.asarray(keras_model(arrays["x"])), arrays["y"], atol=1e-6)
    keras_model.save(tmp_path / "again.keras")
    again = keras.saving.load_model(tmp_path / "again.keras")
    np.testing.assert_allclose(np.asarray(again(arrays["x"])), arrays["y"], atol=1e-6)


@pytest.mark.parametrize(
    "name", ["io.write_file", "py_function", "raw_ops.Exit", "math._x", "__operators__.x", "a.b.c"]
)
def test_a_file_cannot_call_a_function_that_does_more_than_compute(name: str) -> None:
    with pytest.raises(ArchiveError, match="which openmltk does not call"):
        function_of(name)


@pytest.mark.tf
@pytest.mark.parametrize("name", ["shared_seq_twice", "hard_sigmoid"])
def test_the_export_of_a_file_of_keras_2_is_one_of_keras_3(tmp_path: Path, name: str) -> None:
    import keras

    path, arrays = nested_model("2.10", name, tmp_path)
    script = tmp_path / "exported.py"
    script.write_text("# @mltk_model\nimport mltk\n")
    exported = Old(str(script)).export_h5(str(path))
    assert exported == str(path)
    with readable_by_keras_3(exported) as readable:
        assert readable == exported, "it needs no change"
        assert_same_outputs(keras.saving.load_model(readable, compile=False), arrays)


@pytest.mark.tf
def test_files_of_keras_3_stay_as_they_are(tmp_path: Path) -> None:
    import keras

    inner = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="hard_sigmoid")])
    inputs = keras.Input((4,))
    keras_model = keras.Model(inputs, inner(inputs))
    path = str(tmp_path / "new.h5")
    keras_model.save(path)
    with readable_by_keras_3(path) as readable:
        assert readable == path


@pytest.mark.parametrize("kind", ["DepthwiseConv1D", "SeparableConv2D", "Conv2DTranspose"])
def test_keys_are_removed_from_layers_in_models_and_wrappers(kind: str) -> None:
    layer = {"class_name": kind, "config": {"name": "a", "groups": 1}}
    wrapper = {"class_name": "TimeDistributed", "config": {"layer": layer}}
    assert adapt_to_keras_3({"config": {"layers": [{"class_name": "Sequential", "config": {"layers": [wrapper]}}]}})
    assert layer["config"] == {"name": "a"}


def test_groups_that_change_the_outputs_are_kept() -> None:
    assert not adapt_to_keras_3({"class_name": "DepthwiseConv2D", "config": {"groups": 2}})
    assert not adapt_to_keras_3({"class_name": "Conv2D", "config": {"groups": 1}})
