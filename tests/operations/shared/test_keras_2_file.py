"""Files that Keras 2 wrote load, and the models compute what Keras 2 computed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import mltk
from mltk.operations.shared.keras_2_file import remove_unused_keys
from mltk.operations.shared.keras_model import load_keras_model

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


@pytest.mark.parametrize("kind", ["DepthwiseConv1D", "SeparableConv2D", "Conv2DTranspose"])
def test_keys_are_removed_from_layers_in_models_and_wrappers(kind: str) -> None:
    layer = {"class_name": kind, "config": {"name": "a", "groups": 1}}
    wrapper = {"class_name": "TimeDistributed", "config": {"layer": layer}}
    assert remove_unused_keys({"config": {"layers": [{"class_name": "Sequential", "config": {"layers": [wrapper]}}]}})
    assert layer["config"] == {"name": "a"}


def test_groups_that_change_the_outputs_are_kept() -> None:
    assert not remove_unused_keys({"class_name": "DepthwiseConv2D", "config": {"groups": 2}})
    assert not remove_unused_keys({"class_name": "Conv2D", "config": {"groups": 1}})
