"""Quantization: every way to spell a setting, every kind of model, and graphs that accelerators take."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import mltk
from helpers import toy
from mltk.errors import ArchiveError, OutputError, QuantizationError, SettingError
from mltk.operations.quantize import quantize_keras_model
from mltk.specification.archive_file import write_archive
from mltk.tflite.format import loading
from mltk.tflite.format.verify import verify_model
from mltk.tflite.model_parameters import TfliteModelParameters
from mltk.tflite.structure import structure_hash

pytestmark = pytest.mark.tf


def quantize(model, keras_model=None, **converter):
    for key, value in converter.items():
        model.tflite_converter[key] = value
    model.tflite_converter.setdefault("generate_unquantized", False)
    model.create_log_dir()
    return quantize_keras_model(model, keras_model if keras_model is not None else toy.build(model))


def operators(tflite_model):
    return [layer.opcode_str for layer in tflite_model.layers]


@pytest.mark.parametrize(
    ("converter", "input_type", "output_type"),
    [
        ({}, "float32", "float32"),
        ({"inference_input_type": "int8", "inference_output_type": np.int8}, "int8", "int8"),
        ({"inference_input_type": tf.int8, "inference_output_type": np.dtype("float32")}, "int8", "float32"),
        (
            {
                "optimizations": [tf.lite.Optimize.DEFAULT],
                "supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8],
                "inference_input_type": np.int8,
            },
            "int8",
            "float32",
        ),
        ({"optimizations": "DEFAULT", "supported_ops": "tf.lite.OpsSet.TFLITE_BUILTINS_INT8"}, "float32", "float32"),
        ({"inference_input_type": tf.uint8, "inference_output_type": "uint8"}, "uint8", "uint8"),
    ],
)
def test_settings_in_any_spelling(make_toy, converter, input_type, output_type):
    tflite_model = quantize(make_toy(), generate_unquantized=False, **converter)
    assert tflite_model.inputs[0].dtype_str == input_type
    assert tflite_model.outputs[0].dtype_str == output_type
    weights = [t for t in tflite_model.tensors if t.shape[:] == (8, 4)]
    assert [t.dtype_str for t in weights] == ["int8"]


def test_int8_activations_with_int16(make_toy):
    """16x8: activations in 16 bits, weights in 8."""
    tflite_model = quantize(
        make_toy(),
        generate_unquantized=False,
        supported_ops=["EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8"],
        inference_input_type="int16",
        inference_output_type=np.int16,
    )
    assert tflite_model.inputs[0].dtype_str == "int16"
    assert tflite_model.outputs[0].dtype_str == "int16"
    assert {"int8", "int16"} <= {t.dtype_str for t in tflite_model.tensors}
    y = tflite_model.predict(toy.clouds(4)[0], y_dtype=np.float32)
    assert y.shape == (4, 3)


def test_dynamic_range(make_toy):
    """Without representative samples only the weights are quantized."""

    def build(model):
        return keras.Sequential([keras.Input((64,)), keras.layers.Dense(64), keras.layers.Dense(3)])

    model = make_toy(input_shape=(64,))
    tflite_model = quantize(
        model,
        build(model),
        generate_unquantized=False,
        representative_dataset=None,
        supported_ops=["TFLITE_BUILTINS"],
    )
    assert operators(tflite_model) == ["fully_connected", "fully_connected"]
    assert tflite_model.inputs[0].dtype_str == "float32"
    assert "int8" in {t.dtype_str for t in tflite_model.tensors}


def test_float32_variant_is_written_beside(make_toy):
    model = make_toy()
    quantize(model)
    path = Path(model.unquantized_tflite_log_dir_path)
    variant = mltk.TfliteModel.load_flatbuffer_file(str(path))
    assert path.name == "toy.float32.tflite"
    assert {t.dtype_str for t in variant.tensors} <= {"float32", "int32"}
    assert TfliteModelParameters.load_from_tflite_model(variant)["name"] == "toy"


def test_representative_dataset_function(make_toy):
    asked = []

    def samples(model=None):
        asked.append(model)
        for x in toy.clouds(5)[0]:
            yield [x[None]]

    def of_model(mltk_model):
        asked.append(mltk_model)
        return samples()

    model = make_toy(dataset=None)
    quantize(model, representative_dataset=samples, generate_unquantized=False)
    assert asked
    assert set(asked) == {None}
    quantize(model, representative_dataset=of_model, generate_unquantized=False)
    assert model in asked


def test_a_representative_dataset_function_may_read_the_training_samples_of_the_model(make_toy):
    model = make_toy()
    assert model.x is None

    def samples():
        for x in model.x[:5]:
            yield [x[None]]

    quantize(model, representative_dataset=samples, generate_unquantized=False)


@pytest.mark.parametrize("kind", ["arrays", "tf.data"])
def test_generated_representative_dataset_is_spread_over_the_training_samples(make_toy, kind, monkeypatch):
    from mltk.operations.shared.representative import representative_dataset

    x, y = toy.clouds()
    data = (x, y) if kind == "arrays" else tf.data.Dataset.from_tensor_slices((x, y)).batch(32)
    model = make_toy(dataset=data)
    model.tflite_converter["representative_dataset_max_samples"] = 10
    given = [s[0] for s in representative_dataset(model, toy.build(model), model.tflite_converter, build=False)()]
    assert [g.shape for g in given] == [(1, 4)] * 10
    if kind == "arrays":
        np.testing.assert_array_equal(given[0][0], x[0])
        np.testing.assert_array_equal(given[-1][0], x[-1])


def test_range_of_the_input_covers_the_samples(make_toy):
    """The scale comes from real samples, not from made-up ones."""
    x, _ = toy.clouds()
    tensor = quantize(make_toy(dataset=toy.clouds()), inference_input_type="int8", generate_unquantized=False).inputs[0]
    scale = float(tensor.quantization.scale[0])
    assert 255 * scale == pytest.approx(x.max() - min(x.min(), 0), rel=0.02)


@pytest.mark.parametrize("kind", ["reshape", "flatten", "global pooling", "functional", "two inputs", "dict of inputs"])
def test_no_operators_for_a_dynamic_batch(make_toy, kind):
    """The NPUs refuse SHAPE, STRIDED_SLICE and PACK, which a batch of unknown size brings."""
    layers = keras.layers
    image = keras.Input((8, 8, 1), name="image")
    number = keras.Input((4,), name="number")
    conv = layers.Conv2D(4, 3, activation="relu")
    samples = [np.random.default_rng(0).uniform(size=(1, 8, 8, 1)).astype("float32")]
    if kind == "reshape":
        keras_model = keras.Sequential([image, conv, layers.Reshape((36, 4)), layers.Flatten(), layers.Dense(3)])
    elif kind == "flatten":
        keras_model = keras.Sequential([image, conv, layers.MaxPooling2D(), layers.Flatten(), layers.Dense(3)])
    elif kind == "global pooling":
        keras_model = keras.Sequential([image, conv, layers.GlobalAveragePooling2D(), layers.Dense(3)])
    elif kind == "functional":
        flat = layers.Flatten()(conv(image))
        keras_model = keras.Model(image, layers.Dense(3)(layers.Reshape((12, 12))(flat)[:, :, 0]))
    else:
        flat = layers.Concatenate()([layers.Flatten()(conv(image)), number])
        inputs = {"image": image, "number": number} if kind == "dict of inputs" else [image, number]
        keras_model = keras.Model(inputs, layers.Dense(3)(flat))
        samples.append(np.ones((1, 4), np.float32))
    tflite_model = quantize(
        make_toy(dataset=None),
        keras_model,
        generate_unquantized=False,
        representative_dataset=lambda: iter([samples]),
        inference_input_type="int8",
        inference_output_type="int8",
    )
    found = set(operators(tflite_model))
    if kind == "functional":
        found -= {"strided_slice"}  # the model's own slice
    assert not found & {"shape", "pack", "strided_slice"}, found
    assert all(t.shape[0] == 1 for t in tflite_model.inputs)


def test_generated_samples_of_a_model_with_two_inputs(make_toy):
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    keras_model = keras.Model([a, b], keras.layers.Add()([keras.layers.Dense(3)(a), keras.layers.Dense(3)(b)]))
    x, y = toy.clouds()
    for data in (((x, x[:, :2] * 10), y), ({"b": x[:, :2] * 10, "a": x}, y)):
        model = make_toy(dataset=None)
        model.x, model.y = data
        tflite_model = quantize(model, keras_model, inference_input_type="int8", generate_unquantized=False)
        by_size = {t.shape[1]: float(t.quantization.scale[0]) for t in tflite_model.inputs}
        assert by_size[2] > 5 * by_size[4]


@pytest.mark.parametrize(
    ("converter", "message", "hint"),
    [
        ({"optimizations": ["DEFALT"]}, "'DEFALT' is not one of Optimize's members", "'DEFAULT'"),
        ({"supported_ops": ["TFLITE_BUILTIN_INT8"]}, "is not one of OpsSet's members", "TFLITE_BUILTINS_INT8"),
        ({"inference_input_type": "int9"}, "'int9' is not a dtype", "tf.int8"),
        ({"representative_dataset": "genrate"}, "'genrate' is unknown", "'generate'"),
    ],
)
def test_settings_that_can_not_be(make_toy, converter, message, hint):
    with pytest.raises(SettingError, match=message) as e:
        quantize(make_toy(), generate_unquantized=False, **converter)
    assert hint in str(e.value)


def test_misspelled_key():
    with pytest.raises(SettingError, match="'inference_input_typ' is not one of its keys") as e:
        toy.Toy("x.py").tflite_converter["inference_input_typ"] = "int8"
    assert "'inference_input_type'" in str(e.value)


def test_refusal_of_the_converter_is_one_short_error(make_toy, capfd):
    class Odd(keras.layers.Layer):
        def call(self, x):
            return tf.linalg.svd(tf.reshape(x, (-1, 2, 2)), compute_uv=False)

    keras_model = keras.Sequential([keras.Input((4,)), Odd()])
    with pytest.raises(QuantizationError, match="the TensorFlow Lite converter refused the model") as e:
        quantize(make_toy(), keras_model, generate_unquantized=False)
    assert len(str(e.value).splitlines()) <= 12
    assert "Svd" in str(e.value)
    assert not Path(make_toy().tflite_log_dir_path).exists()
    assert "Traceback" not in capfd.readouterr().err


def test_failing_representative_dataset_says_where(make_toy):
    def samples():
        raise RuntimeError("no microphone")
        yield

    with pytest.raises(mltk.MltkError, match="no microphone"):
        quantize(make_toy(), representative_dataset=samples, generate_unquantized=False)


def test_build_output_and_archive(make_toy, tmp_path):
    model = make_toy()
    with pytest.raises(ArchiveError, match="has not been trained") as e:
        mltk.quantize_model(model)
    assert e.value.hint == "mltk train toy"
    tflite_model = mltk.quantize_model(model, build=True, output=str(tmp_path / "out"))
    assert tflite_model.path == str(tmp_path / "out/toy.tflite")
    assert Path(tflite_model.path).is_file()
    assert not (tmp_path / "toy.mltk.zip").exists()
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        mltk.quantize_model(model, build=True, output=str(tmp_path / "file/below"))


def test_figures_of_a_former_network_in_the_archive_are_said(make_toy, caplog):
    model = make_toy()
    model.tflite_converter["generate_unquantized"] = False
    network = toy.build(model)
    former = quantize(model, network)
    write_archive(model.archive_path, {"toy.tflite": former.flatbuffer_data, "report.html": b"old"}, {"name": "toy"})
    said = "the report in the archive are those of the former .tflite"
    with caplog.at_level("WARNING", logger="mltk"):
        mltk.quantize_model(model, keras_model=network, update_archive=True)
        assert said not in caplog.text
        mltk.quantize_model(model, keras_model=toy.build(model), update_archive=True)
    assert said in caplog.text
    assert "mltk evaluate toy --tflite" in caplog.text


def test_parameters_inside(make_toy, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    model = make_toy(version=7, description="Which cloud?")
    model.model_parameters["threshold"] = 190
    model.model_parameters["hash"] = "mine"
    model.add_model_parameter_populate_callback(lambda m: m.model_parameters.update(late=2.5))
    model.add_tflite_metadata_entry("NOTE", b"hello")
    tflite_model = quantize(model, generate_unquantized=False)
    found = TfliteModelParameters.load_from_tflite_model(tflite_model)
    assert found["name"] == "toy"
    assert found["version"] == 7
    assert found["classes"] == toy.CLASSES
    assert found["date"] == "2023-11-14T22:13:20.000Z"
    assert found["threshold"] == 190
    assert found["hash"] == "mine"
    assert found["late"] == 2.5
    assert 0 < found["runtime_memory_size"] < 10_000
    assert found["runtime_memory_model"] == structure_hash(tflite_model.graph)
    assert tflite_model.description == "Which cloud?"
    assert tflite_model.get_metadata("NOTE") == b"hello"


def test_quantization_report_when_asked_for(make_toy):
    model = make_toy()
    tflite_model = quantize(model, generate_unquantized=True, generate_quantization_report=True)
    base = Path(tflite_model.path).parent / f"{model.name}.quantization_report"
    assert "SQNR" in Path(f"{base}.txt").read_text()
    report = json.loads(Path(f"{base}.json").read_text())
    assert {layer["operator"] for layer in report["layers"]} >= {"FULLY_CONNECTED"}


def test_a_quantization_checks_a_file_when_it_is_read_and_when_it_is_written(make_toy, monkeypatch):
    """Once what the converter made, and twice what we write: with short names, then with the parameters."""
    checked = []
    monkeypatch.setattr(
        loading, "verify_model", lambda *args: (checked.append(len(args[0].buffers)), verify_model(*args))[1]
    )
    tflite_model = quantize(make_toy(), generate_unquantized=False)
    assert len(checked) == 3
    assert tflite_model.path is not None
    assert Path(tflite_model.path).read_bytes() == tflite_model.flatbuffer_data
    checked.clear()
    quantize(make_toy("other"), generate_unquantized=True, generate_quantization_report=True)
    assert len(checked) == 6, "the same for the float32 file; the report reads neither file again"


def test_build_quantizes_the_model_that_would_be_saved(make_toy):
    """Its size is what the device needs, not that of the model that is trained."""
    import keras

    def student(mltk_model, keras_model, logger):
        assert Path(mltk_model.log_dir).is_dir()  # published specifications copy a file there
        return keras.Sequential([keras.Input((toy.FEATURES,)), keras.layers.Dense(3)])

    model = make_toy(on_save_keras_model=student)
    assert [layer.opcode_str for layer in mltk.quantize_model(model, build=True).layers].count("fully_connected") == 1


def test_the_converter_that_tensorflow_removed_is_not_used(make_toy, caplog):
    """As in the published specification fingerprint_signature_generator."""
    model = make_toy()
    model.tflite_converter.update(experimental_new_converter=False, experimental_new_quantizer=False)
    assert mltk.quantize_model(model, build=True).layers
    assert "experimental_new_converter=False is ignored" in caplog.text
