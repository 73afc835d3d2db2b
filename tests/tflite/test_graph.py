"""The graph of a ``.tflite``, made from the same objects and tables as `TfliteModel`."""

# mypy: disable-error-code="attr-defined"
# The attributes of a layer depend on its operator, which the type checker does not know.
from __future__ import annotations

import numpy as np
import pytest

from helpers.tflite_builder import ModelBuilder, Op
from mltk.errors import TfliteError
from mltk.tflite import TfliteModel
from mltk.tflite.graph import graph_of
from mltk.tflite.types import TENSOR_TYPES, bits_in_memory, stored_bits


def test_graph_and_model_agree(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    graph = model.graph
    assert [op.name.lower() for op in graph.main.operators] == [layer.opcode_str for layer in model.layers]
    for seen, tensor in zip(graph.main.tensors, model.tensors, strict=True):
        assert (seen.name, seen.shape, seen.dtype_str) == (tensor.name, tuple(tensor.shape), tensor.dtype_str)
        assert seen.dtype == tensor.dtype
        assert (seen.data is not None) == tensor.is_constant
        if seen.data is not None:
            np.testing.assert_array_equal(seen.data, tensor.data)
        assert seen.affine.scale.tolist() == tensor.quantization.scale


def test_a_graph_is_handed_on_and_not_made_again(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    assert graph_of(model) is model.graph
    assert graph_of(model.graph) is model.graph
    assert graph_of(cnn_bytes).data == cnn_bytes


def test_a_changed_model_has_a_new_graph(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    before = model.graph
    model.layers[3].bias_tensor.data = np.array([1, 2, 3], np.int32)
    bias = model.layers[3].bias_tensor.index
    assert model.graph.main.tensors[bias].data.tolist() == [1, 2, 3]
    assert before.main.tensors[bias].data.tolist() == [10, -20, 30]
    assert graph_of(model.graph.data).main.tensors[bias].data.tolist() == [1, 2, 3]


def test_other_outputs_leave_the_model_alone(cnn_bytes):
    graph = graph_of(cnn_bytes)
    exposed = graph.with_outputs([3, 4])
    assert (graph.main.outputs, exposed.main.outputs) == ((10,), (3, 4))
    assert [int(i) for i in graph.model.subgraphs[0].outputs] == [10]
    assert graph_of(exposed.data).main.outputs == (3, 4)


def test_other_outputs_of_a_model_with_data_behind_the_flatbuffer():
    b = ModelBuilder()
    x = b.tensor((4,), "float32")
    w = b.tensor((4,), "float32", data=np.zeros(4))
    y = b.tensor((4,), "float32")
    b.operator(Op.ADD, [x, w], [y])
    b.model.buffers[1].data, b.model.buffers[1].size = None, 16
    b.model.buffers[1].offset = 1 << 20
    packed = b.build([x], [y])
    b.model.buffers[1].offset = len(packed)
    source = b.build([x], [y]) + np.arange(4, dtype=np.float32).tobytes()
    graph = graph_of(source)
    for seen in (graph.with_outputs([x]), graph_of(graph.with_outputs([x]).data), graph):
        assert seen.main.tensors[w].data.tolist() == [0, 1, 2, 3]


def test_a_resource_has_no_size_in_the_file_and_four_bytes_in_memory():
    b = ModelBuilder()
    handle = b.tensor((), "resource")
    b.operator(Op.VAR_HANDLE, [], [handle])
    data = b.build([], [handle])
    assert TfliteModel(data).tensors[handle].size_bytes == 0
    assert graph_of(data).main.tensors[handle].nbytes == 4
    assert (stored_bits("resource"), bits_in_memory("resource")) == (None, 32)


def test_a_type_takes_as_much_in_memory_as_in_the_file():
    for name in TENSOR_TYPES.values():
        if stored_bits(name) is not None:
            assert bits_in_memory(name) == stored_bits(name), name


def test_bytes_that_are_not_a_tflite_have_no_graph():
    with pytest.raises(TfliteError, match=r"is not a \.tflite: it is a text file"):
        graph_of(b"not a flatbuffer")
