"""A tf.data pipeline of Python functions trains, although it does not know its shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mltk
from helpers import toy

pytestmark = pytest.mark.tf


def test_samples_of_a_python_function_train_and_evaluate(make_toy: Any) -> None:
    import tensorflow as tf

    x, y = toy.clouds(30)[:2]

    def dataset(subset: str) -> Any:
        made = tf.data.Dataset.from_tensor_slices((x, y)).batch(10)
        return made.map(lambda a, b: (tf.numpy_function(lambda v: v, [a], tf.float32), b))

    assert dataset("training").element_spec[0].shape.rank is None
    model = make_toy(dataset=dataset, epochs=1)
    mltk.train_model(model, quantize=False)
    assert model.x is None or model.x.element_spec[0].shape[1:] == (toy.FEATURES,)
    assert np.isfinite(mltk.evaluate_model(model)["overall_accuracy"])
