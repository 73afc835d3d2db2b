"""What 0.20 specifications expect of Keras 2."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from mltk.training.keras2_habits import accept_keras2_calls, is_for_0_20, keras2_names

pytestmark = pytest.mark.tf


def functional() -> keras.Model:
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))


def script(folder: Path, text: str) -> str:
    path = folder / "script.py"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    "text",
    ["import mltk.core as mltk_core\n", "from mltk import core\n", "def f():\n    from mltk.core.model import X\n"],
)
def test_functional_models_of_a_0_20_script_are_named_as_keras_2_did(tmp_path: Path, text: str) -> None:
    with keras2_names(script(tmp_path, text)):
        names = [functional().name, functional().name]
    assert names == ["model", "model_1"]
    assert functional().name.startswith("functional")


def test_other_scripts_get_the_names_of_keras_3(tmp_path: Path) -> None:
    own = script(tmp_path, "import mltk\n# not mltk.core\n")
    assert not is_for_0_20(own)
    assert not is_for_0_20(None)
    with keras2_names(own):
        assert functional().name.startswith("functional")


def test_a_loaded_model_keeps_its_name(tmp_path: Path) -> None:
    with keras2_names(script(tmp_path, "import mltk.core\n")):
        model = functional()
        assert keras.models.clone_model(model).name == "model"


def test_an_optimizer_has_lr_and_save_ignores_the_format(tmp_path: Path) -> None:
    accept_keras2_calls()
    accept_keras2_calls()  # twice changes nothing
    optimizer = keras.optimizers.Adam(0.5)
    optimizer.lr = 0.25
    assert float(optimizer.lr) == float(optimizer.learning_rate) == 0.25
    import tensorflow as tf

    tf.keras.backend.set_value(optimizer.lr, tf.keras.backend.get_value(0.125))
    assert float(optimizer.learning_rate) == 0.125
    model = functional()
    model.save(str(tmp_path / "m.keras"), save_format="tf")
    x = np.ones((1, 3), np.float32)
    np.testing.assert_array_equal(keras.models.load_model(tmp_path / "m.keras")(x), model(x))
