"""Shorter names of tensors, and nothing else changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mltk.tflite import TfliteModel
from mltk.tflite.tensor_names import shorten_names

pytestmark = pytest.mark.tf


@pytest.fixture(scope="module")
def converted() -> bytes:
    """Two convolutions with batch normalization, within a model within a model, as int8."""
    import keras
    import tensorflow as tf
    from keras import layers

    inputs = x = keras.Input((12, 12, 3), batch_size=1)
    for name in ("first", "second"):
        x = layers.Conv2D(4, 3, use_bias=False, name=f"conv_{name}")(x)
        x = layers.ReLU(name=f"relu_{name}")(layers.BatchNormalization(beta_initializer="ones")(x))
    inner = keras.Model(inputs, layers.Dense(3, name="head")(layers.Flatten()(x)), name="inner")
    outer = keras.Model(inputs, inner(inputs), name="outer")
    converter = tf.lite.TFLiteConverter.from_keras_model(outer)
    draw = np.random.default_rng(1)
    converter.representative_dataset = lambda: ([draw.normal(size=inputs.shape).astype(np.float32)] for _ in range(8))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return bytes(converter.convert())


def names_of(model: TfliteModel) -> list[str]:
    return [tensor.name for tensor in model.tensors]


def shortened(data: bytes, **settings: Any) -> TfliteModel:
    model = TfliteModel(data)
    shorten_names(model, **settings)
    return TfliteModel(model.flatbuffer_data)


def test_names_are_one_operation_without_the_path(converted: bytes) -> None:
    before, after = TfliteModel(converted), shortened(converted)
    assert any(";" in name and "inner" in name for name in names_of(before))
    results = [layer.outputs[0].name for layer in after.layers]
    assert any(name.startswith("relu_first") for name in results)
    assert not any("inner" in name or ";" in name for name in results)
    assert len(after.flatbuffer_data) < len(converted)


def test_names_stay_distinct(converted: bytes) -> None:
    after = names_of(shortened(converted))
    assert len(set(after)) == len(after)


def test_inputs_and_outputs_keep_theirs(converted: bytes) -> None:
    before, after = TfliteModel(converted), shortened(converted)
    for end in ("inputs", "outputs"):
        assert [t.name for t in getattr(before, end)] == [t.name for t in getattr(after, end)]


def test_all_operations_can_be_kept(converted: bytes) -> None:
    before, after = TfliteModel(converted), shortened(converted, one_operation=False)
    ends = {t.name for t in (*before.inputs, *before.outputs)}
    kept = [(old, new) for old, new in zip(names_of(before), names_of(after), strict=True) if old not in ends]
    assert any(";" in new for _, new in kept)
    for old, new in kept:
        assert len([part for part in new.split(";") if not part.isdigit()]) == len([p for p in old.split(";") if p])
        assert all(part.isdigit() or part in old for part in new.split(";"))


def test_nothing_else_changes(converted: bytes) -> None:
    before, after = TfliteModel(converted), shortened(converted)
    assert [layer.opcode_str for layer in before.layers] == [layer.opcode_str for layer in after.layers]
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert old.shape == new.shape
        assert old.dtype == new.dtype
        np.testing.assert_array_equal(old.data, new.data)
    samples = np.random.default_rng(2).normal(size=(5, 12, 12, 3)).astype(np.float32)
    np.testing.assert_array_equal(before.predict(samples), after.predict(samples))


def test_a_name_taken_by_an_output_is_not_given_again(converted: bytes) -> None:
    model = TfliteModel(converted)
    output = model.outputs[0].name
    subgraph = model.flatbuffer_model.subgraphs[0]
    for i in range(2):
        inner = subgraph.operators[i].outputs[0]
        subgraph.tensors[inner].name = f"{output};something"
    shorten_names(model)
    names = names_of(model)
    assert names.count(output) == 1
    assert {f"{output};1", f"{output};2"} <= set(names)


def test_models_without_names(converted: bytes) -> None:
    model = TfliteModel(converted)
    for tensor in model.flatbuffer_model.subgraphs[0].tensors:
        tensor.name = None
    shorten_names(model)
    assert set(names_of(model)) == {""}
