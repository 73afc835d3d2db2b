"""Typed layers, their options, and the integer parameters of quantized kernels."""

# mypy: disable-error-code="attr-defined"
# The attributes of a layer depend on its operator, which the type checker does not know.
from __future__ import annotations

import numpy as np
import pytest

import mltk.tflite
from helpers.tflite_builder import ModelBuilder, Op, lstm, make_options
from mltk.errors import TfliteError
from mltk.tflite import (
    TfliteActivation,
    TfliteConv2dLayer,
    TfliteFullyConnectedLayer,
    TfliteLayer,
    TfliteModel,
    TflitePadding,
    TflitePooling2dLayer,
    TfliteReshapeLayer,
    TfliteTransposeConvLayer,
    TfliteUnidirectionalLstmLayer,
)


def test_public_names():
    for name in mltk.tflite.__all__:
        assert getattr(mltk.tflite, name) is not None
    assert set(mltk.tflite.__all__) <= set(dir(mltk.tflite))
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = mltk.tflite.no_such_name


def test_cnn_layers(cnn_bytes):
    conv, pool, reshape, dense, softmax = TfliteModel(cnn_bytes).layers
    assert isinstance(conv, TfliteConv2dLayer)
    assert (conv.index, conv.name, conv.opcode, conv.opcode_str, conv.opcode_version) == (
        0, "op0-conv_2d", 3, "conv_2d", 3,
    )  # fmt: skip
    assert (conv.filters, conv.kernel_size, conv.strides) == (4, (3, 3), (1, 1))
    assert (conv.activation, conv.padding, conv.use_bias) == (TfliteActivation.RELU, TflitePadding.SAME, True)
    assert (str(conv.activation), str(conv.padding)) == ("Relu", "Same")
    assert str(conv.options) == "Padding:Same stride:1x1 activation:Relu"
    assert (conv.filters_data.shape, conv.bias_data.shape) == ((4, 3, 3, 1), (4,))
    assert (conv.n_inputs, conv.n_outputs, conv.input_tensor.name) == (3, 1, "image")
    assert (conv.input_data.shape, conv.output_data.shape) == ((1, 8, 8, 1), (1, 8, 8, 4))

    assert isinstance(pool, TflitePooling2dLayer)
    assert (pool.pool_size, pool.strides, pool.padding) == ((2, 2), (2, 2), TflitePadding.VALID)
    assert isinstance(reshape, TfliteReshapeLayer)
    assert (reshape.n_input_elements, reshape.requires_copy) == (64, True)
    assert isinstance(dense, TfliteFullyConnectedLayer)
    assert (dense.units, dense.accumulator_depth, dense.weights_data.shape) == (3, 64, (3, 64))
    assert type(softmax) is TfliteLayer
    assert (softmax.options.beta, softmax.options.options_type_str) == (1.0, "softmaxoptions")
    with pytest.raises(IndexError, match="There is no input 5: layer op4-softmax has 1"):
        softmax.get_input_tensor(5)


def test_options_are_set_by_name(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    conv, pool, *_ = model.layers
    conv.options.activation_str = "relu6"
    conv.options.padding_str = "valid"
    pool.options.filter_width = 3
    model.regenerate_flatbuffer()
    read = TfliteModel(model.flatbuffer_data).layers
    assert (read[0].activation, read[0].padding) == (TfliteActivation.RELU6, TflitePadding.VALID)
    assert read[1].pool_size == (2, 3)


def test_conv_params(cnn_bytes):
    params = TfliteModel(cnn_bytes).layers[0].params
    assert (params.input_offset, params.weights_offset, params.output_offset) == (10, 0, -128)
    assert (params.quantized_activation_min, params.quantized_activation_max) == (-128, 127)
    assert (params.stride_width, params.stride_height, params.padding) == (1, 1, TflitePadding.SAME)
    expected = np.array([0.01, 0.02, 0.005, 0.01]) * 0.02 / 0.05
    got = np.array(params.per_channel_output_multiplier) * 2.0 ** (np.array(params.per_channel_output_shift) - 31)
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def _dense(input_scale, weights_scale, output_scale, activation=1):
    b = ModelBuilder()
    x = b.tensor((1, 4), scale=input_scale, zero_point=-128)
    n = np.size(weights_scale)
    w = b.tensor((n, 4), data=np.ones((n, 4)), scale=weights_scale)
    y = b.tensor((1, n), scale=output_scale, zero_point=-128)
    b.operator(
        Op.FULLY_CONNECTED, [x, w], [y], make_options("FullyConnectedOptions", fusedActivationFunction=activation)
    )
    return TfliteModel(b.build([x], [y])).layers[0]


def test_fully_connected_params():
    # 0.20's figures for a layer of the MLPerf Tiny anomaly detection model.
    params = _dense(0.929411768913269, 3.555873627192341e-05, 0.05612827464938164).params
    assert (params.output_multiplier, params.output_shift) == (1294799822, -10)
    assert (params.input_offset, params.weights_offset, params.output_offset) == (128, 0, -128)
    per_channel = _dense(0.5, [0.25, 0.5], 0.5).params
    assert per_channel.per_channel_output_shift == [-1, 0]
    with pytest.raises(TfliteError, match="scale of 0"):
        _ = _dense(0.5, 0.25, 0.0, activation=0).params


def test_float_layers_have_no_integer_params():
    b = ModelBuilder()
    x, w, y = (
        b.tensor((1, 4), "float32"),
        b.tensor((2, 4), "float32", data=np.ones((2, 4))),
        b.tensor((1, 2), "float32"),
    )
    b.operator(Op.FULLY_CONNECTED, [x, w, -1], [y], make_options("FullyConnectedOptions"))
    layer = TfliteModel(b.build([x], [y])).layers[0]
    assert (layer.n_inputs, layer.inputs[2], layer.use_bias, layer.bias_data) == (3, None, False, None)
    with pytest.raises(TfliteError, match="not quantized"):
        _ = layer.params
    with pytest.raises(TfliteError, match="leaves its optional input 2 out"):
        layer.get_input_tensor(2)


def test_transpose_conv_and_depthwise():
    b = ModelBuilder()
    x = b.tensor((1, 4, 4, 10), scale=0.1)
    shape = b.tensor((4,), "int32", data=[1, 8, 8, 6])
    w = b.tensor((6, 3, 3, 10), data=np.ones((6, 3, 3, 10)), scale=[0.1] * 6)
    y = b.tensor((1, 8, 8, 6), scale=0.1)
    b.operator(Op.TRANSPOSE_CONV, [shape, w, x], [y], make_options("TransposeConvOptions", strideW=2, strideH=2))
    wd = b.tensor((1, 3, 5, 12), data=np.ones((1, 3, 5, 12)), scale=[0.1] * 12, dimension=3)
    z = b.tensor((1, 8, 8, 12), scale=0.1)
    b.operator(
        Op.DEPTHWISE_CONV_2D,
        [y, wd],
        [z],
        make_options("DepthwiseConv2DOptions", depthMultiplier=2, strideW=1, strideH=1, padding=0),
    )
    transpose, depthwise = TfliteModel(b.build([x], [z])).layers
    assert isinstance(transpose, TfliteTransposeConvLayer)
    assert (transpose.filters, transpose.kernel_size, transpose.strides) == (6, (3, 3), (2, 2))
    assert transpose.input_tensor.shape == (1, 4, 4, 10)
    assert len(transpose.params.per_channel_output_multiplier) == 6
    assert (depthwise.multiplier, depthwise.kernel_size, depthwise.use_bias) == (2, (3, 5), False)
    assert len(depthwise.params.per_channel_output_multiplier) == 12
    assert str(depthwise.options) == "Multiplier:2 padding:Same stride:1x1 activation:None"


def test_lstm():
    model = TfliteModel(lstm())
    (layer,) = model.layers
    assert isinstance(layer, TfliteUnidirectionalLstmLayer)
    assert (layer.n_cells, layer.is_time_major, layer.cell_clip, layer.proj_clip) == (2, False, 10.0, 0.0)
    assert layer.activation == TfliteActivation.TANH
    assert layer.input_to_forget_weights_tensor.shape == (2, 3)
    assert layer.recurrent_to_output_weights_tensor.shape == (2, 2)
    assert layer.cell_to_input_weights_tensor is None
    assert layer.cell_state_tensor.is_variable
    names = [name for name, _ in layer.get_tensor_name_value_tuples()]
    assert names[0] == "input_tensor"
    assert names[-1] == "output_tensor"
    assert len(names) == 1 + 4 + 4 + 4 + 2 + 1
    assert "Time major:False" in model.summary()


def test_core_paths_are_the_same_objects():
    from mltk.core.tflite_model import TfliteModel as core_model
    from mltk.core.tflite_model.tflite_layer import TfliteConv2dLayer as core_layer
    from mltk.core.tflite_model.tflite_schema import ModelT
    from mltk.core.tflite_model.tflite_types import TfliteConvParams
    from mltk.core.tflite_model_parameters import TFLITE_METADATA_TAG, TfliteModelParameters

    assert core_model is TfliteModel
    assert core_layer is TfliteConv2dLayer
    assert TfliteConvParams is mltk.tflite.TfliteConvParams
    assert TfliteModelParameters is mltk.tflite.TfliteModelParameters
    assert TFLITE_METADATA_TAG == "SL_PARAMSv1"
    assert ModelT is not None
