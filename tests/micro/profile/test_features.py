"""The counts that estimates are made of, against windows followed one by one."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.micro.profile.features import Axis, LayerShape, layer_features, shape_of
from mltk.tflite.layers.counts import count_layer
from mltk.tflite.model import TfliteModel


def followed(n_in: int, kernel: int, stride: int, dilation: int, same: bool) -> tuple[int, int, int]:
    """(positions, taps, kinds) by looking at every element of every window, padding as TensorFlow documents it."""
    reach = (kernel - 1) * dilation + 1
    n_out = -(-n_in // stride) if same else max(0, (n_in - reach) // stride + 1)
    before = max(0, (n_out - 1) * stride + reach - n_in) // 2 if same else 0
    cuts = []
    for i in range(n_out):
        inside = [k for k in range(kernel) if 0 <= i * stride - before + k * dilation < n_in]
        cuts.append((inside[0], len(inside)) if inside else (0, 0))
    return n_out, sum(n for _, n in cuts), len(set(cuts))


@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.booleans())
def test_axis_counts_what_lies_inside(n_in, kernel, stride, dilation, same):
    n_out, taps, kinds = followed(n_in, kernel, stride, dilation, same)
    found = Axis.of(n_in, n_out, kernel, stride, dilation, same)
    assert (found.positions, found.taps) == (n_out, taps)
    assert found.kinds == kinds or taps < n_out  # windows that lie in the padding alone are told apart differently


def test_convolution_without_padding_has_the_macs_of_the_count():
    shape = LayerShape("conv_2d", (1, 10, 8, 6), (1, 8, 6, 12), (3, 3))
    counts = layer_features(shape)
    assert counts["macs"] == 8 * 6 * 12 * 9 * 6
    assert counts["taps"] * 6 == counts["macs"]
    assert counts["regions"] == 1
    assert "macs_odd" not in counts


def test_padding_is_not_multiplied_and_cuts_the_output_into_nine():
    shape = LayerShape("conv_2d", (1, 8, 8, 1), (1, 8, 8, 4), (3, 3), same_padding=True)
    counts = layer_features(shape)
    assert counts["macs_odd"] == (3 * 8 - 2) ** 2 * 4
    assert counts["regions"] == 9


def test_global_pooling_is_told_from_a_window_that_moves():
    assert "positions" not in layer_features(LayerShape("average_pool_2d", (1, 4, 4, 8), (1, 1, 1, 8), (4, 4), (4, 4)))
    assert layer_features(LayerShape("average_pool_2d", (1, 4, 4, 8), (1, 2, 2, 8), (2, 2), (2, 2)))["positions"] == 4


def test_shapes_of_a_file_are_those_of_a_table(cnn_model):
    shapes = [shape_of(layer, count_layer(layer).macs) for layer in cnn_model.layers]
    assert [s.operator for s in shapes][:3] == ["conv_2d", "depthwise_conv_2d", "average_pool_2d"]
    macs = count_layer(cnn_model.layers[0]).macs
    assert shapes[0] == LayerShape(
        "conv_2d", (1, 8, 8, 3), (1, 8, 8, 16), (3, 3), same_padding=True, weights=16 * 27, macs=macs
    )
    assert shapes[1].stride == (2, 2)
    assert shapes[2].kernel == (4, 4)
    assert not shapes[2].same_padding


def test_published_models_have_counts(published: TfliteModel):
    for layer in published.layers:
        counts = layer_features(shape_of(layer, count_layer(layer).macs))
        assert counts["layer"] == 1
        assert all(value > 0 for value in counts.values())


@pytest.mark.parametrize("n_out", [1 << 20, 1 << 31])
def test_absurd_shapes_take_no_time(n_out):
    start = time.perf_counter()
    counts = layer_features(LayerShape("max_pool_2d", (1, n_out, n_out, 3), (1, n_out, n_out, 3), (9, 9), (1, 1)))
    assert counts["outputs"] == n_out * n_out * 3
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize(
    "operator", ["conv_2d", "depthwise_conv_2d", "transpose_conv", "max_pool_2d", "fully_connected"]
)
@pytest.mark.parametrize("shape", [(), (3,), (1, 2, 3)])
def test_damaged_shapes_are_counted_by_their_elements(operator, shape):
    assert layer_features(LayerShape(operator, shape, shape, (3, 3)))["layer"] == 1
