"""Places in the arena: nothing that is needed at the same time overlaps, and in-place tensors share their memory."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from helpers.random_models import MODELS
from helpers.tflite_builder import ModelBuilder, depthwise_cnn
from mltk.codegen.lowering.lower import lower
from mltk.codegen.memory_plan import ALIGNMENT, ArenaPlan, plan_arena
from mltk.tflite.graph import graph_of


def _assert_nothing_overlaps(plan: ArenaPlan) -> None:
    for place, other in itertools.combinations(plan.places, 2):
        for first, last, size in place.spans:
            for other_first, other_last, other_size in other.spans:
                if first <= other_last and other_first <= last:
                    before = place.offset + size <= other.offset
                    assert before or other.offset + other_size <= place.offset
    assert all(p.offset % ALIGNMENT == 0 and p.offset + p.size <= plan.size for p in plan.places)


@pytest.mark.parametrize("operator", MODELS)
def test_what_is_needed_at_the_same_time_does_not_overlap(operator: str) -> None:
    for seed in range(3):
        plan = plan_arena(lower(graph_of(MODELS[operator](np.random.default_rng([seed, 3])))))
        _assert_nothing_overlaps(plan)
        assert plan.lower_bound <= plan.size


def test_a_chain_is_placed_as_tightly_as_its_lifetimes_allow() -> None:
    plan = plan_arena(lower(graph_of(depthwise_cnn())))
    _assert_nothing_overlaps(plan)
    assert plan.size == plan.lower_bound


def test_memory_behind_a_smaller_result_in_place_is_free_again() -> None:
    b = ModelBuilder()
    x = b.tensor((1, 16, 16, 4), scale=0.1)
    small = b.tensor((1, 8, 8, 4), scale=0.1)
    wide = b.tensor((1, 8, 8, 16), scale=0.1)
    pool = {"padding": 1, "strideH": 2, "strideW": 2, "filterHeight": 2, "filterWidth": 2}
    b.operator("MAX_POOL_2D", [x], [small], ("Pool2DOptions", pool), version=2)
    b.operator("CONCATENATION", [small] * 4, [wide], ("ConcatenationOptions", {"axis": 3}), version=2)
    plan = plan_arena(lower(graph_of(b.build([x], [wide]))))
    _assert_nothing_overlaps(plan)
    assert plan.offsets[x] == plan.offsets[small]
    assert plan.size == 256 + 1024  # not 1024 + 1024
