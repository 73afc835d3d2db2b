"""Counts against the published tables, and the summary's text."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers.tflite_builder import ModelBuilder, Op, lstm, make_options
from mltk.errors import TfliteError
from mltk.tflite import TfliteModel, TfliteModelParameters, count_layer, count_model, summarize
from mltk.tflite.layers.counts import LayerCounts
from mltk.tflite.summary import format_count

# Every different layer of the 0.20 reference models' tables for the xG24: figures rounded to one decimal of k or M.
with (Path(__file__).parent / "published_counts.csv").open() as _file:
    PUBLISHED_ROWS = list(csv.DictReader(_file))

OPTIONS = {
    "conv_2d": "Conv2DOptions",
    "depthwise_conv_2d": "DepthwiseConv2DOptions",
    "fully_connected": "FullyConnectedOptions",
    "average_pool_2d": "Pool2DOptions",
    "max_pool_2d": "Pool2DOptions",
    "add": "AddOptions",
}


def _layer_of(row: dict[str, str]):
    b = ModelBuilder()

    def tensors(text: str) -> list[int]:
        return [b.tensor(() if part == "0" else tuple(map(int, part.split("x")))) for part in text.split(",")]

    inputs, outputs = tensors(row["inputs"]), tensors(row["output"])
    given = dict(re.findall(r"(\w+):(\S+)", row["options"]))
    fields: dict[str, int] = {}
    if "activation" in given:
        fields["fusedActivationFunction"] = {"none": 0, "relu": 1, "relu6": 3}[given["activation"]]
    if "padding" in given:
        fields["padding"] = ["same", "valid"].index(given["padding"])
    for name, width, height in (("stride", "strideW", "strideH"), ("filter", "filterWidth", "filterHeight")):
        if name in given:
            fields[width], fields[height] = map(int, given[name].split("x"))
    if "multiplier" in given:
        fields["depthMultiplier"] = int(given["multiplier"])
    kind = OPTIONS.get(row["opcode"])
    b.operator(getattr(Op, row["opcode"].upper()), inputs, outputs, make_options(kind, **fields) if kind else None)
    return TfliteModel(b.build(inputs[:1], outputs)).layers[0]


@pytest.mark.parametrize("opcode", sorted({row["opcode"] for row in PUBLISHED_ROWS}))
def test_counts_reproduce_the_published_tables(opcode):
    for row in (row for row in PUBLISHED_ROWS if row["opcode"] == opcode):
        counts = count_layer(_layer_of(row))
        for ours, published in ((counts.macs, int(row["macs"])), (counts.ops, int(row["ops"]))):
            unit = 10 ** (3 * ((len(str(published)) - 1) // 3))
            # Their rounding to one decimal goes down at some x.x5: allow for that last half digit.
            tolerance = 0.06 * unit if unit > 1 else 0
            assert abs(ours - published) <= tolerance, row


def test_counts_of_other_layers():
    layer = TfliteModel(lstm(n_features=3, n_cells=2, n_steps=5)).layers[0]
    macs = 5 * 4 * (2 * 3 + 2 * 2)
    assert count_layer(layer) == LayerCounts(macs, 2 * macs + 5 * 4 * 2)

    b = ModelBuilder()
    x = b.tensor((1, 4, 4, 10))
    shape = b.tensor((4,), "int32", data=[1, 8, 8, 6])
    w = b.tensor((6, 3, 3, 10), data=np.ones((6, 3, 3, 10)))
    y = b.tensor((1, 8, 8, 6))
    b.operator(Op.TRANSPOSE_CONV, [shape, w, x], [y], make_options("TransposeConvOptions", strideW=2, strideH=2))
    b.operator(Op.RELU, [y], [y])
    b.operator(Op.BATCH_MATMUL, [b.tensor((2, 3, 4)), b.tensor((2, 4, 5))], [b.tensor((2, 3, 5))])
    b.operator(Op.SVDF, [b.tensor((1, 8)), b.tensor((6, 8)), b.tensor((6, 10)), -1], [b.tensor((1, 6))])
    b.operator(5000, [x], [y])
    b.operator(Op.CONV_2D, [x], [y])
    model = TfliteModel(b.build([x], [y]))
    assert [count_layer(layer) for layer in model.layers] == [
        LayerCounts(8640, 17280),
        LayerCounts(0, 768),
        LayerCounts(120, 240),
        LayerCounts(108, 216),
        LayerCounts(),
        LayerCounts(),
    ]
    assert count_model(model) == LayerCounts(8868, 18504)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (640, "640"), (999, "999"), (1000, "1.0k"), (36864, "36.9k"), (999_999, "1.0M"), (2_700_000, "2.7M")],
)
def test_format_count(value, text):
    assert format_count(value) == text


def test_summary(cnn_bytes, tmp_path):
    data = TfliteModelParameters(classes=["a", "b"], f=0.1).add_to_tflite_flatbuffer(cnn_bytes)
    path = tmp_path / "cnn.tflite"
    path.write_bytes(data)
    text = summarize(path)
    assert text == TfliteModel.load_flatbuffer_file(str(path)).summary()
    assert max(map(len, text.splitlines())) <= 120
    assert text.isprintable() or {c for c in text if not c.isprintable()} == {"\n"}
    row = next(line for line in text.splitlines() if "conv_2d" in line)
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "0", "conv_2d", "8x8x1 (int8)", "8x8x4 (int8)", "Padding:Same stride:1x1 activation:Relu", "2.3k", "5.4k",
    ]  # fmt: skip
    for line in (
        "Name: cnn",
        "Description: made by hand",
        "Input: 1x8x8x1 (int8) image, scale=0.02 zeropoint=-10",
        "Output: 1x3 (int8) scores, scale=0.00390625 zeropoint=-128",
        "Layers: 5",
        "Multiply-accumulates: 2,496",
        "Operations: 6,098",
        f"File size (bytes): {len(data):,}",
        "Metadata: min_runtime_version",
        "Parameters (SL_PARAMSv1):",
        "  classes: a,b",
        "  f: 0.1",
    ):
        assert line in text.splitlines()
    assert summarize(data).splitlines()[-2:] == text.splitlines()[-2:]


def test_width_of_the_table():
    b = ModelBuilder()
    x = b.tensor((1, 4), "int8")
    b.operator(Op.SOFTMAX, [x], [x], make_options("SoftmaxOptions", beta=1.0))
    narrow = summarize(b.build([x], [x]))
    assert max(map(len, narrow.splitlines())) <= 80
    assert "beta:1" in narrow
    b.operator(Op.CONCATENATION, [x], [x], make_options("ConcatenationOptions", axis=1, fusedActivationFunction=1))
    wrapped = summarize(b.build([x], [x]))
    assert max(map(len, wrapped.splitlines())) <= 80
    assert "axis:1" in wrapped
    assert "activation:Relu" in wrapped
    b.operator(Op.CUSTOM, [x], [x], custom_code="a_custom_operator_with_a_name_of_quite_some_length_that_takes_room")
    wide = summarize(b.build([x], [x]))
    assert 80 < max(map(len, wide.splitlines())) <= 120


def test_hostile_texts_are_shown_harmless():
    b = ModelBuilder(description="\x1b[2Jgone\nName: other " + "x" * 9000)
    x = b.tensor((1, 4), "float32", name="\x07bell")
    b.operator(Op.CUSTOM, [x], [x], custom_code="a\x1b]0;title" + "y" * 300)
    text = summarize(b.build([x], [x]))
    assert not any(ord(c) < 32 for c in text.replace("\n", ""))
    assert "\\x1b[2Jgone\\nName: other" in text
    assert len(text) < 10_000
    assert max(len(line) for line in text.splitlines() if line.startswith(("|", "+"))) <= 120


def test_unreadable_parameters_are_named():
    b = ModelBuilder()
    x = b.tensor((1, 4), "float32")
    b.operator(Op.SOFTMAX, [x], [x])
    b.metadata("SL_PARAMSv1", b"junk junk junk")
    assert "Parameters: unreadable (Not a dictionary of model parameters" in summarize(b.build([x], [x]))


def test_summarize_refuses():
    with pytest.raises(TfliteError, match="not found"):
        summarize("no_such_file.tflite")
    with pytest.raises(TfliteError, match="not a valid"):
        summarize(b"junk")


def test_no_tensorflow_is_imported(cnn_bytes, tmp_path):
    path = tmp_path / "cnn.tflite"
    path.write_bytes(cnn_bytes)
    code = (
        "import sys, mltk.tflite\n"
        "assert 'numpy' not in sys.modules\n"
        f"mltk.tflite.summarize({str(path)!r}); mltk.tflite.update_file_params({str(path)!r}, dict(a=1))\n"
        "heavy = {'tensorflow', 'keras', 'ai_edge_litert.interpreter', 'matplotlib', 'tflite_micro'}\n"
        "assert not heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
