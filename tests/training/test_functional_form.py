"""Any Keras model as a functional one with fixed shapes, and what cannot become one."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mltk.errors import SettingError, SpecificationError
from mltk.training.functional_form import has_inputs, with_batch_of_one

pytestmark = pytest.mark.tf
L = keras.layers


class Sum(keras.Model):
    """A subclass whose inputs may be in any structure."""

    def __init__(self, two_outputs=False):
        super().__init__()
        self.scores, self.two_outputs = L.Dense(3), two_outputs

    def call(self, x):
        y = self.scores(L.Concatenate()(keras.tree.flatten(x)) if keras.tree.is_nested(x) else x)
        return (y, y * 2) if self.two_outputs else y


A, B = np.ones((2, 3), np.float32), np.full((2, 4), 2, np.float32)


@pytest.mark.parametrize(
    ("example", "names"),
    [
        (A, None),
        ([A, B], None),
        ((A, B), None),
        ({"a": A, "b": B}, ["a", "b"]),
        ({"x": A, "more": {"y": B}}, ["y", "x"]),
    ],
)
@pytest.mark.parametrize("known_from", ["example", "build"])
def test_subclass_becomes_functional(example, names, known_from):
    keras_model = Sum()
    expected = keras_model(example).numpy()
    assert not has_inputs(keras_model)
    fixed = with_batch_of_one(keras_model, example if known_from == "example" else None)
    flat = keras.tree.flatten(example)
    assert [t.shape for t in fixed.inputs] == [(1, *a.shape[1:]) for a in flat]
    if names:
        assert [t.name for t in fixed.inputs] == names
    single = [a[:1] for a in flat]
    np.testing.assert_array_equal(fixed(single if len(single) > 1 else single[0]), expected[:1])


def test_several_outputs_and_integer_inputs():
    keras_model = Sum(two_outputs=True)
    keras_model(A)
    assert len(with_batch_of_one(keras_model).outputs) == 2
    tokens = keras.Sequential([L.Embedding(5, 2)])
    fixed = with_batch_of_one(tokens, np.zeros((1, 4), np.int32))
    assert fixed.inputs[0].dtype == "int32"


def test_shapes_that_nobody_knows():
    with pytest.raises(SpecificationError, match="shapes of the inputs of Sum are not known") as e:
        with_batch_of_one(Sum())
    assert "my_model.input_shape" in e.value.hint


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ([(None, 4)], r"The input of the Keras model has the shape \(None, 4\): dimension 0 is open"),
        ([(None,)], r"has the shape \(None,\): dimension 0 is open"),
        ([(8, None, 3)], r"has the shape \(8, None, 3\): dimension 1 is open"),
        ([(4,), (None, 4)], r"Input 'in1' of the Keras model has the shape \(None, 4\)"),
    ],
)
def test_open_dimensions_are_refused(shapes, message):
    inputs = [keras.Input(shape, name=f"in{i}") for i, shape in enumerate(shapes)]
    with pytest.raises(SettingError, match=message):
        with_batch_of_one(keras.Model(inputs, [t * 2 for t in inputs]))


def test_batch_of_one_is_left_alone():
    keras_model = keras.Sequential([keras.Input(batch_shape=(1, 4)), L.Dense(2)])
    assert with_batch_of_one(keras_model) is keras_model
