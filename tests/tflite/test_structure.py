"""What two files have in common: the structure, or the whole network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpers.tflite_builder import small_cnn
from mltk.tflite.graph import graph_of
from mltk.tflite.model import TfliteModel
from mltk.tflite.structure import network_hash, structure_hash


def test_parameters_and_descriptions_do_not_change_the_network() -> None:
    model = TfliteModel(small_cnn())
    before = network_hash(model.graph)
    model.description = "another"
    model.add_metadata("NOTE", b"anything")
    assert network_hash(graph_of(model.flatbuffer_data)) == before


@pytest.mark.parametrize("change", ["data", "scale", "zero_point", "name"])
def test_a_value_or_a_name_changes_the_network_and_not_the_structure(change: str) -> None:
    graph = TfliteModel(small_cnn()).graph
    tensors = graph.main.tensors
    k, weights = next((k, t) for k, t in enumerate(tensors) if t.data is not None and t.scale.size)
    value = getattr(weights, change)
    changed: Any = f"{value}x" if change == "name" else np.asarray(value) + np.asarray(value).dtype.type(1)
    others = (*tensors[:k], replace(weights, **{change: changed}), *tensors[k + 1 :])
    other = replace(graph, subgraphs=(replace(graph.main, tensors=others), *graph.subgraphs[1:]))
    assert network_hash(other) != network_hash(graph)
    assert structure_hash(other) == structure_hash(graph)
