"""The document: loading, saving, metadata, tensors, and what it refuses."""

# mypy: disable-error-code="attr-defined"
# The attributes of a layer depend on its operator, which the type checker does not know.
from __future__ import annotations

import io
import pickle
import zipfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from helpers.tflite_builder import ModelBuilder, Op, make_options
from mltk.errors import OutputError, TfliteError
from mltk.tflite import TfliteModel, TfliteShape
from mltk.tflite.format import codec
from mltk.tflite.format.flatbuffer import parse_schema
from mltk.tflite.format.schema_layout import TFLITE_SCHEMA


def plain(value, source: bytes):
    """A schema object as plain values, with buffers as bytes: what two files must agree on."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, list):
        return [plain(item, source) for item in value]
    if hasattr(value, "__dict__"):
        fields = {name: plain(item, source) for name, item in vars(value).items() if not name.startswith("_")}
        if isinstance(value, schema.BufferT) and codec.is_external(value):
            fields = {"data": list(source[value.offset : value.offset + value.size]), "offset": 0, "size": 0}
        return fields
    return value.encode() if isinstance(value, str) else value


def graph_of(model: TfliteModel) -> dict:
    """Everything but metadata, with each tensor's data in place of the number of its buffer."""
    fb_model, _ = codec.unpack(model.flatbuffer_data)
    fields = plain(fb_model, model.flatbuffer_data)
    buffers = fields.pop("buffers")
    fields.pop("metadata")
    for subgraph in fields["subgraphs"]:
        for tensor in subgraph["tensors"] or []:
            tensor["buffer"] = buffers[tensor["buffer"]]
    return fields


def data_offsets(data: bytes) -> list[int]:
    """Where each buffer's data starts in the file."""
    fb_model, _ = codec.unpack(data)
    start = np.frombuffer(data, np.uint8).__array_interface__["data"][0]
    return [
        b.data.__array_interface__["data"][0] - start for b in fb_model.buffers if b.data is not None and len(b.data)
    ]


def test_untouched_saves_the_same_bytes(cnn_bytes, tmp_path):
    path = tmp_path / "cnn.tflite"
    path.write_bytes(cnn_bytes)
    model = TfliteModel.load_flatbuffer_file("cnn.tflite", cwd=str(tmp_path))
    model.summary()
    _ = [(layer.options, layer.inputs) for layer in model.layers]
    assert model.flatbuffer_data == cnn_bytes
    model.save(str(tmp_path / "copy.tflite"), update_path=True)
    assert (tmp_path / "copy.tflite").read_bytes() == cnn_bytes
    assert (model.filename, model.name) == ("copy.tflite", "copy")


def test_published_untouched(published, tmp_path):
    model = TfliteModel.load_flatbuffer_file(str(published))
    for index in range(model.n_subgraphs):
        model.selected_model_subgraph = index
        assert model.summary()
    model.save(str(tmp_path / "copy.tflite"))
    assert (tmp_path / "copy.tflite").read_bytes() == published.read_bytes()


def test_published_metadata_changes_nothing_else(published):
    model = TfliteModel.load_flatbuffer_file(str(published))
    graph, metadata = graph_of(model), model.get_all_metadata()
    model.add_metadata("extra", b"\x01\x02" * 50)
    changed = TfliteModel(model.flatbuffer_data)
    assert graph_of(changed) == graph
    assert changed.get_all_metadata() == {**metadata, "extra": b"\x01\x02" * 50}
    assert all(offset % 16 == 0 for offset in data_offsets(changed.flatbuffer_data))
    assert changed.remove_metadata("extra")
    assert graph_of(changed) == graph
    assert TfliteModel(changed.flatbuffer_data).get_all_metadata() == metadata
    assert len(changed.flatbuffer_model.buffers) == len(TfliteModel(published.read_bytes()).flatbuffer_model.buffers)


def test_metadata(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    assert list(model.get_all_metadata()) == ["min_runtime_version"]
    assert model.get_metadata("nope") is None
    assert model.remove_metadata("nope") is False
    assert model.flatbuffer_data == cnn_bytes
    model.add_metadata("a", b"one")
    model.add_metadata("a", b"two")
    assert model.get_metadata("a") == b"two"
    model.add_metadata("empty", b"")
    assert TfliteModel(model.flatbuffer_data).get_all_metadata() == {
        **TfliteModel(cnn_bytes).get_all_metadata(),
        "a": b"two",
        "empty": b"",
    }
    for bad in (("", b"x"), ("x", None), (None, b"x"), ("x", "text")):
        with pytest.raises(TfliteError, match="name"):
            model.add_metadata(*bad)


def test_description(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    assert model.description == "made by hand"
    model.description = "Grüße"
    assert TfliteModel(model.flatbuffer_data).description == "Grüße"
    model.description = None
    assert TfliteModel(model.flatbuffer_data).description == ""


def test_changed_tensors_are_regenerated(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    layer = model.layers[0]
    layer.options.stride_width = 2
    layer.bias_tensor.data = np.arange(4, dtype=np.int32)
    layer.output_tensor.quantization.scale = 0.25
    layer.output_tensor.shape = (1, 8, 4, 4)
    model.layers[2].get_input_tensor(1).quantization.scale = [0.5]  # had no quantization at all
    model.regenerate_flatbuffer(reload_model=True)
    read = TfliteModel(model.flatbuffer_data)
    assert read.layers[0].options.stride_width == 2
    assert read.layers[0].bias_data.tolist() == [0, 1, 2, 3]
    assert read.layers[0].output_tensor.quantization.scale == [0.25]
    assert read.layers[0].output_tensor.shape == (1, 8, 4, 4)
    assert read.layers[2].get_input_tensor(1).quantization.scale == [0.5]
    assert model.layers[0] is not layer


def test_reading_quantization_adds_none(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    graph = graph_of(model)
    assert model.layers[2].get_input_tensor(1).quantization.n_channels == 0
    model.regenerate_flatbuffer()
    assert graph_of(TfliteModel(model.flatbuffer_data)) == graph


def test_refuses_what_would_not_be_valid(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    model.layers[0].filters_tensor.shape = (9, 9, 9, 9)
    with pytest.raises(TfliteError, match=r"takes 6561 bytes .* but 36 are stored"):
        model.regenerate_flatbuffer()
    with pytest.raises(TfliteError, match="holds int32, not int8"):
        model.layers[0].bias_tensor.data = np.zeros(4, np.int8)
    with pytest.raises(TfliteError, match="is of shape 4, not 5"):
        model.layers[0].bias_tensor.data = np.zeros(5, np.int32)
    with pytest.raises(TfliteError, match="Buffer 0 can't hold data"):
        model.inputs[0].data = np.zeros((1, 8, 8, 1), np.int8)


def test_tensors(cnn_bytes):
    model = TfliteModel(cnn_bytes)
    image = model.get_input_tensor()
    assert (image.name, image.shape, str(image.shape), image.shape.flat_size) == ("image", (1, 8, 8, 1), "1x8x8x1", 64)
    assert (image.dtype, image.dtype_str, image.size_bytes, image.is_variable) == (np.int8, "int8", 64, False)
    assert (image.shape_dtype_str(), image.shape_dtype_str(True)) == ("8x8x1 (int8)", "1x8x8x1 (int8)")
    assert image.quantization.scale == [pytest.approx(0.02)]
    assert image.quantization.zeropoint == [-10]
    assert image.data.shape == (1, 8, 8, 1)
    filters = model.layers[0].filters_tensor
    assert (filters.quantization.n_channels, filters.quantization.quantization_dimension) == (4, 0)
    assert model.get_tensor_data(filters.index).shape == (4, 3, 3, 1)
    assert TfliteShape(()).flat_size == 1
    for name in ("get_tensor", "get_input_tensor", "get_output_tensor", "get_input_data", "get_tensor_data"):
        with pytest.raises(IndexError) as caught:
            getattr(model, name)(99)
        assert isinstance(caught.value, TfliteError)


@pytest.mark.parametrize(("dtype", "shape", "n_bytes"), [("int4", (3, 3), 5), ("int2", (5,), 2), ("bfloat16", (3,), 6)])
def test_types_that_numpy_lacks_are_raw_bytes(dtype, shape, n_bytes):
    b = ModelBuilder()
    x = b.tensor((1, 3), "float32")
    y = b.tensor((1, 3), "float32")
    constant = b.tensor(shape, "int8", data=np.zeros(shape, np.int8))
    b.graph.tensors[constant].type = getattr(schema.TensorType, dtype.upper())
    b.model.buffers[-1].data = np.arange(n_bytes, dtype=np.uint8)
    b.operator(Op.ADD, [x, constant], [y], make_options("AddOptions"))
    tensor = TfliteModel(b.build([x], [y])).get_tensor(constant)
    assert (tensor.dtype, tensor.dtype_str, tensor.size_bytes) == (None, dtype, n_bytes)
    assert tensor.data.tolist() == list(range(n_bytes))


def test_data_behind_the_flatbuffer(tmp_path):
    """Models above 2 GB keep constants after the FlatBuffer, found by offset and size."""
    b = ModelBuilder()
    x, y = b.tensor((1, 4), "float32", name="x"), b.tensor((1, 4), "float32")
    weights = b.tensor((4,), "float32", data=np.zeros(4))
    b.operator(Op.ADD, [x, weights], [y], make_options("AddOptions"))
    b.operator(Op.CUSTOM, [y], [y], custom_code="mine")
    source = bytes(16) + np.arange(4, dtype=np.float32).tobytes() + b"custom options"
    buffer = b.model.buffers[1]
    buffer.data, buffer.offset, buffer.size = None, 16, 16
    b.graph.operators[1].largeCustomOptionsOffset, b.graph.operators[1].largeCustomOptionsSize = 32, 14
    b.graph.inputs, b.graph.outputs = [x], [y]
    data = codec.pack(b.model, source)

    model = TfliteModel(data)
    assert model.layers[0].input2_data.tolist() == [0, 1, 2, 3]
    model.add_metadata("a", b"x" * 1000)
    changed = TfliteModel(model.flatbuffer_data)
    assert changed.layers[0].input2_data.tolist() == [0, 1, 2, 3]
    operator = changed.flatbuffer_subgraph.operators[1]
    start = operator.largeCustomOptionsOffset
    assert changed.flatbuffer_data[start : start + operator.largeCustomOptionsSize] == b"custom options"
    assert changed.flatbuffer_model.buffers[1].offset % 16 == 0
    for end in range(len(data) - 30, len(data)):
        with pytest.raises(TfliteError, match="outside the file"):
            TfliteModel(data[:end])


@pytest.mark.parametrize("padding", [0, 5])
def test_associated_files_follow(cnn_bytes, padding):
    """TensorFlow Lite Metadata appends labels and the like as a ZIP archive."""
    file = io.BytesIO(cnn_bytes + bytes(padding))
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("labels.txt", "yes\nno\n" * 50, zipfile.ZIP_DEFLATED)
        archive.writestr("other.bin", bytes(range(256)))
    model = TfliteModel(file.getvalue())
    assert model.flatbuffer_data == file.getvalue()
    for change in (
        lambda: model.add_metadata("a", b"x" * 999),
        lambda: model.remove_metadata("a"),
        lambda: model.remove_metadata("min_runtime_version"),
    ):
        change()
        data = model.flatbuffer_data
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            assert archive.read("labels.txt") == b"yes\nno\n" * 50
            # Exactly where the directory says, without zipfile's allowance for a prefix.
            for info in archive.infolist():
                assert data[info.header_offset : info.header_offset + 4] == b"PK\x03\x04"
            end = data.rfind(b"PK\x05\x06")
            assert data[int.from_bytes(data[end + 16 : end + 20], "little") :][:4] == b"PK\x01\x02"
    assert TfliteModel(data).get_all_metadata() == {}


def test_unknown_bytes_at_the_end_are_kept(cnn_bytes):
    for tail in (b"signature", b"PK\x03\x04 but no archive", b"PK\x03\x04 PK\x05\x06" + b"\xff" * 40):
        model = TfliteModel(cnn_bytes + tail)
        model.add_metadata("a", b"b")
        assert model.flatbuffer_data.endswith(tail)
    model = TfliteModel(cnn_bytes + bytes(40))
    model.add_metadata("a", b"b")
    assert len(model.flatbuffer_data) < len(cnn_bytes) + 150


def test_constants_are_aligned(cnn_bytes):
    assert all(offset % 16 == 0 for offset in data_offsets(cnn_bytes))


def test_newer_schema_is_read_but_not_changed(cnn_bytes):
    b = ModelBuilder()
    x, y = b.tensor((1, 4), "float32"), b.tensor((1, 4), "float32")
    b.operator(Op.CUSTOM, [x], [y], make_options("SoftmaxOptions"), custom_code="mine")
    b.graph.operators[0].builtinOptionsType = 250
    model = TfliteModel(b.build([x], [y]))
    assert model.layers[0].opcode_str == "mine"
    assert model.layers[0].options.options_type_str == "options_250"
    with pytest.raises(TfliteError, match=r"can't be changed without loss: .* type 250"):
        model.add_metadata("a", b"b")


def test_unknown_operators_have_a_name():
    b = ModelBuilder()
    x, y = b.tensor((1, 4), "float32"), b.tensor((1, 4), "float32")
    b.operator(5000, [x], [y])
    b.operator(Op.CONV_2D, [x], [y])  # no filters: not what a convolution needs
    model = TfliteModel(b.build([x], [y]))
    assert [layer.opcode_str for layer in model.layers] == ["builtin_5000", "conv_2d"]
    assert "builtin_5000" in model.summary()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "only 0 bytes long"),
        (b"1234567", "only 7 bytes long"),
        (b"PK\x03\x04" * 10, "ZIP archive"),
        (b"\x1c\0\0\0TFL3", "outside the file"),
        (b"\xff\xff\xff\xffTFL3" + bytes(100), "outside the file"),
    ],
)
def test_refuses_other_bytes(data, message):
    with pytest.raises(TfliteError, match=message):
        TfliteModel(data)


def test_refuses_missing_and_unwritable_files(tmp_path, cnn_bytes):
    with pytest.raises(FileNotFoundError, match="not found") as caught:
        TfliteModel.load_flatbuffer_file(str(tmp_path / "nope.tflite"))
    assert isinstance(caught.value, TfliteError)
    with pytest.raises(TfliteError, match="Can't read"):
        TfliteModel.load_flatbuffer_file(str(tmp_path))
    with pytest.raises(TfliteError, match="is not a file"):
        TfliteModel.load_flatbuffer_file("/dev/null")
    with pytest.raises(TfliteError, match="came from no file"):
        TfliteModel(cnn_bytes).save()
    with pytest.raises(OutputError, match="Can't write"):
        TfliteModel(cnn_bytes).save(str(tmp_path / "no" / "folder.tflite"))


def _invalid(change) -> bytes:
    b = ModelBuilder()
    x = b.tensor((1, 4), scale=0.1)
    w = b.tensor((2, 4), data=np.zeros((2, 4)), scale=[0.1, 0.2])
    y = b.tensor((1, 2), scale=0.1)
    b.operator(Op.FULLY_CONNECTED, [x, w, -1], [y], make_options("FullyConnectedOptions"))
    b.metadata("m", b"data")
    b.graph.inputs, b.graph.outputs = [x], [y]
    change(b)
    return codec.pack(b.model, b"")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: None, None),
        (lambda b: setattr(b.model, "version", 2), "schema version is 2"),
        (lambda b: setattr(b.model, "subgraphs", []), "no subgraph"),
        (lambda b: setattr(b.graph, "inputs", [7]), "inputs name tensor 7"),
        (lambda b: setattr(b.graph, "outputs", [-1]), "outputs name tensor -1"),
        (lambda b: setattr(b.graph.operators[0], "inputs", [0, -2]), "tensor -2"),
        (lambda b: setattr(b.graph.operators[0], "opcodeIndex", 1), "is of kind 1"),
        (lambda b: setattr(b.graph.tensors[0], "buffer", 99), "in buffer 99"),
        (lambda b: setattr(b.graph.tensors[0], "type", 99), "type 99"),
        (lambda b: setattr(b.graph.tensors[0], "shape", [-1, 4]), "negative size"),
        (lambda b: setattr(b.graph.tensors[0], "shape", [2**31 - 1] * 3), "would take"),
        (lambda b: setattr(b.graph.tensors[1], "shape", [2, 5]), "takes 10 bytes .* but 8 are stored"),
        (lambda b: setattr(b.graph.tensors[1].quantization, "zeroPoint", [0] * 3), "2 scales but 3 zero points"),
        (lambda b: setattr(b.graph.tensors[1].quantization, "quantizedDimension", 1), "along dimension 1"),
        (lambda b: setattr(b.graph.tensors[1].quantization, "quantizedDimension", 9), "along dimension 9"),
        (lambda b: setattr(b.model.metadata[0], "buffer", 77), "names buffer 77"),
    ],
)
def test_refuses_what_does_not_add_up(change, message):
    data = _invalid(change)
    if message is None:
        TfliteModel(data)
        return
    with pytest.raises(TfliteError, match=message):
        TfliteModel(data)


def test_subgraphs(published):
    model = TfliteModel.load_flatbuffer_file(str(published))
    with pytest.raises(IndexError, match="There is no subgraph 9"):
        model.selected_model_subgraph = 9
    if model.n_subgraphs > 1:
        main = model.layers
        model.selected_model_subgraph = 1
        assert model.layers is not main
        assert model.get_flatbuffer_subgraph() is model.flatbuffer_model.subgraphs[1]


def test_pickles(cnn_bytes):
    model = pickle.loads(pickle.dumps(TfliteModel(cnn_bytes, path="/some/where.tflite")))
    assert (model.flatbuffer_data, model.name) == (cnn_bytes, "where")


def test_reads_what_the_generated_readers_read(published):
    data = published.read_bytes()
    ours, _ = codec.unpack(data)
    assert plain(ours, data) == plain(schema.ModelT.InitFromPackedBuf(data), data)


@pytest.mark.parametrize("union", ["BuiltinOptions", "BuiltinOptions2"])
def test_reads_every_options_table(union):
    """Each member of the unions, all fields filled with something, through writer and reader."""
    b = ModelBuilder()
    x = b.tensor((1,), "float32")
    layout = parse_schema(TFLITE_SCHEMA)
    for number, name in enumerate(layout.unions[union], 1):
        table = getattr(schema, f"{name}T")()
        for i, field in enumerate(layout.tables[name], 1):
            if field.kind == "scalar":
                setattr(table, field.name, True if field.target == "bool" else i)
            elif field.kind == "scalars":
                setattr(table, field.name, [1, 0, 1])
            elif field.kind == "string":
                setattr(table, field.name, f"text {i}")
        b.operator(Op.CUSTOM, [x], [x], custom_code=name)
        prefix = "builtinOptions2" if union == "BuiltinOptions2" else "builtinOptions"
        setattr(b.graph.operators[-1], prefix, table)
        setattr(b.graph.operators[-1], f"{prefix}Type", number)
    data = b.build([x], [x])
    assert plain(codec.unpack(data)[0], data) == plain(schema.ModelT.InitFromPackedBuf(data), data)
    model = TfliteModel(data)
    model.regenerate_flatbuffer()
    assert graph_of(model) == graph_of(TfliteModel(data))
    assert "text 1" in model.summary()


def test_layout_is_that_of_the_installed_schema():
    """A newer ai-edge-litert may know fields that the bounds check does not: regenerate the layout then."""
    layout = parse_schema(TFLITE_SCHEMA)
    for name, fields in layout.tables.items():
        known = {field.name for field in fields if field.kind != "deprecated"}
        assert set(vars(getattr(schema, f"{name}T")())) == known, name
    for name, members in layout.unions.items():
        numbers = {number: text for text, number in vars(getattr(schema, name)).items() if not text.startswith("_")}
        assert sorted(numbers) == list(range(len(members) + 1)), name
