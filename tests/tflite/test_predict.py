"""Running a model: shapes, types, several inputs, iterators, state."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from helpers.tflite_builder import ModelBuilder, Op, lstm, make_options
from mltk.errors import RuntimeFailure, TfliteError
from mltk.tflite import TfliteModel


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(2).uniform(-2, 3, (7, 8, 8, 1)).astype(np.float32)


@pytest.fixture
def cnn(cnn_bytes) -> TfliteModel:
    return TfliteModel(cnn_bytes)


def _reference(data: bytes, samples: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=data, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.allocate_tensors()
    outputs = []
    for sample in samples:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[np.newaxis])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0].copy())
    return np.array(outputs)


def test_floats_in_integers_or_floats_out(cnn, cnn_bytes, images):
    stored = cnn.quantize_to_input_dtype(images)
    assert stored.dtype == np.int8
    expected = _reference(cnn_bytes, stored)
    assert len(np.unique(expected, axis=0)) > 1
    np.testing.assert_array_equal(cnn.predict(images), expected)
    np.testing.assert_array_equal(cnn.predict(stored), expected)
    np.testing.assert_array_equal(cnn.predict(images.astype(np.float64)), expected)
    floats = cnn.predict(images, y_dtype=np.float32)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, (expected.astype(np.float32) + 128) / 256)
    np.testing.assert_array_equal(floats, cnn.dequantize_output_to_float32(expected))
    assert cnn.predict(images, y_dtype="float32").dtype == np.float32
    assert cnn.predict(images, y_dtype=np.int8).dtype == np.int8


def test_fast_engine_is_near(cnn, images):
    difference = cnn.predict(images, engine="fast").astype(int) - cnn.predict(images)
    assert np.abs(difference).max() <= 4


def test_own_engine(cnn, images):
    calls = []

    def engine(inputs):
        calls.append(inputs[0].shape)
        return [np.full((1, 3), len(calls), np.int8)]

    assert cnn.predict(images[:2], engine=engine).tolist() == [[1, 1, 1], [2, 2, 2]]
    assert calls == [(1, 8, 8, 1)] * 2
    with pytest.raises(TfliteError, match="Unknown engine 'tpu'"):
        cnn.predict(images, engine="tpu")


def test_one_sample_without_batch(cnn, images):
    np.testing.assert_array_equal(cnn.predict(images[3]), cnn.predict(images)[3])
    assert cnn.predict(images[:0]).shape == (0, 3)


def test_iterators_of_batches(cnn, images):
    expected = cnn.predict(images)
    for batches in (
        [images[:3], images[3:]],
        (batch for batch in (images[:3], images[3:])),
        ((batch, np.zeros(len(batch))) for batch in (images[:3], images[3:])),
        (sample for sample in images),
        [(images, np.zeros(7))],
    ):
        np.testing.assert_array_equal(cnn.predict(batches), expected)


def test_indexed_data_sets_end(cnn, images):
    class Sequence:
        """As Keras has them: indexing works past the end, iterating need not stop."""

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return images[: 3 + index], np.zeros(3 + index)

    assert cnn.predict(Sequence()).shape == (7, 3)


def test_refuses_what_does_not_fit(cnn, images):
    with pytest.raises(TfliteError, match=r"takes samples of shape 8x8x1, not 4"):
        cnn.predict(np.zeros((3, 4), np.float32))
    with pytest.raises(TfliteError, match=r"'image' takes int8 values, not uint8"):
        cnn.predict(np.zeros((3, 8, 8, 1), np.uint8))
    with pytest.raises(TfliteError, match="is int8, not "):
        cnn.predict(images, y_dtype=np.int16)
    with pytest.raises(TfliteError, match="Can't take samples from a int"):
        cnn.predict(5)


def test_quantize_rounds_as_the_device_does():
    b = ModelBuilder()
    x = b.tensor((1, 6), scale=0.5, zero_point=3)
    b.operator(Op.CUSTOM, [x], [x], custom_code="none")
    model = TfliteModel(b.build([x], [x]))
    values = np.array([[0.25, -0.25, 0.74, 1e9, -np.inf, np.nan]], np.float32)
    assert model.quantize_to_input_dtype(values).tolist() == [[4, 2, 4, 127, -128, 3]]
    assert model.dequantize_output_to_float32(np.array([[4, 2]], np.int8)).tolist() == [[0.5, -0.5]]


def test_per_channel_quantization_broadcasts():
    b = ModelBuilder()
    x = b.tensor((1, 2, 3), scale=[1.0, 10.0], dimension=1)
    b.operator(Op.CUSTOM, [x], [x], custom_code="none")
    model = TfliteModel(b.build([x], [x]))
    assert model.quantize_to_input_dtype(np.full((1, 2, 3), 20.0)).tolist() == [[[20] * 3, [2] * 3]]


@pytest.fixture
def adder() -> TfliteModel:
    """Two inputs, two outputs: a + b and a − b."""
    b = ModelBuilder()
    left, right = b.tensor((1, 2), "float32", name="left"), b.tensor((1, 2), "float32", name="right")
    total, difference = b.tensor((1, 2), "float32"), b.tensor((1, 2), "float32")
    b.operator(Op.ADD, [left, right], [total], make_options("AddOptions"))
    b.operator(Op.SUB, [left, right], [difference], make_options("SubOptions"))
    return TfliteModel(b.build([left, right], [total, difference]))


def test_several_inputs_and_outputs(adder):
    a, b = np.array([[1, 2], [3, 4], [5, 6]], np.float32), np.ones((3, 2), np.float32)
    for x in ([a, b], (a, b), {0: a, 1: b}, {"left": a, "right": b}, iter([[a[:2], b[:2]], [a[2:], b[2:]]])):
        total, difference = adder.predict(x)
        np.testing.assert_array_equal(total, a + b)
        np.testing.assert_array_equal(difference, a - b)
    with_labels = iter([((a, b), np.zeros(3)), ((a, b), np.zeros(3))])
    assert adder.predict(with_labels)[0].shape == (6, 2)
    total, _ = adder.predict([[7, 8], [1, 1]])
    assert total.tolist() == [8, 9]
    with pytest.raises(TfliteError, match="2 inputs: pass a list or dict"):
        adder.predict([a])
    with pytest.raises(TfliteError, match=r"There is no array for input 1 \('right'\)"):
        adder.predict({"left": a})
    with pytest.raises(TfliteError, match="different numbers of samples"):
        adder.predict([a, b[:2]])


def test_model_with_a_batch_of_its_own():
    b = ModelBuilder()
    x, y = b.tensor((4, 2), "float32"), b.tensor((4, 2), "float32")
    b.operator(Op.ADD, [x, x], [y], make_options("AddOptions"))
    model = TfliteModel(b.build([x], [y]))
    values = np.arange(14, dtype=np.float32).reshape(7, 2)
    np.testing.assert_array_equal(model.predict(values), values * 2)


def test_state_is_reset_between_samples_unless_asked():
    model = TfliteModel(lstm())
    x = np.random.default_rng(1).normal(size=(4, 5, 3)).astype(np.float32)
    alone = np.stack([model.predict(sample) for sample in x])
    np.testing.assert_array_equal(model.predict(x), alone)
    kept = model.predict(x, reset_state=False)
    np.testing.assert_array_equal(kept[0], alone[0])
    assert np.abs(kept[1:] - alone[1:]).max() > 1e-3
    np.testing.assert_array_equal(model.predict(x, reset_state=False), kept)


def test_streaming_model_keeps_resources(published):
    model = TfliteModel.load_flatbuffer_file(str(published))
    rng = np.random.default_rng(4)
    shape = model.inputs[0].shape[1:]
    x = rng.integers(-128, 128, (20, *shape)).astype(model.inputs[0].dtype)
    kept = model.predict(x, reset_state=False)
    np.testing.assert_array_equal(model.predict(x, reset_state=False), kept)
    np.testing.assert_array_equal(model.predict(x)[0], kept[0])


def test_changed_model_is_run_as_changed(cnn, images):
    before = cnn.predict(images)
    cnn.layers[3].bias_tensor.data = np.array([30000, 0, 0], np.int32)
    after = cnn.predict(images)
    assert (after[:, 0] > before[:, 0]).all()


def test_failures_of_the_runtime_are_errors_of_ours():
    b = ModelBuilder()
    x, y = b.tensor((1, 2), "float32"), b.tensor((1, 2), "float32")
    b.operator(Op.CUSTOM, [x], [y], custom_code="nobody_has_this")
    with pytest.raises(RuntimeFailure, match="LiteRT refuses this model"):
        TfliteModel(b.build([x], [y])).predict(np.zeros((1, 2)))
