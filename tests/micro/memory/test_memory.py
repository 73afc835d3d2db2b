"""The arena as measured, and the memory plan against what TFLM reports."""

from __future__ import annotations

import re

import numpy as np
import pytest

from helpers.published_models import wake_words
from helpers.random_models import MODELS
from helpers.tflite_builder import ModelBuilder, float_model
from mltk.errors import RuntimeFailure
from mltk.micro.engines.process import WorkerProcess
from mltk.micro.memory import arena as arena_module
from mltk.micro.memory.arena import estimate_arena, measure_arena
from mltk.micro.memory.planner import Buffer, place_greedily, plan_memory
from mltk.tflite.graph import graph_of


def runs_in(model: bytes, n_bytes: int) -> bool:
    with WorkerProcess() as worker:
        try:
            worker.request({"task": "measure_arena", "arena_bytes": n_bytes}, [np.frombuffer(model, np.uint8)])
        except RuntimeFailure:
            return False
        return True


def models() -> list[bytes]:
    return [float_model(), *(p.read_bytes() for p in wake_words()[-1:])]


@pytest.mark.parametrize("index", range(len(models())))
def test_the_arena_is_the_smallest_that_works(needs_tflm, index):
    model = models()[index]
    usage = measure_arena(model)
    assert usage.total % 16 == 0
    assert runs_in(model, usage.total)
    assert not runs_in(model, usage.total - 16)
    assert usage.total >= usage.head + usage.tail - 15
    assert not usage.is_estimate
    assert "TensorFlow Lite Micro" in usage.source


def test_preparing_may_need_more_than_running(needs_tflm):
    # The reported head and tail alone would not let this model start.
    usage = measure_arena(float_model())
    assert usage.startup > 0
    assert usage.total == -(-(usage.head + usage.tail + usage.startup) // 16) * 16


def test_the_plan_is_the_head_that_tflm_reports(needs_tflm, cnn):
    for model in [cnn, float_model(), *(p.read_bytes() for p in wake_words())]:
        assert plan_memory(graph_of(model)).size == measure_arena(model).head


def test_scratch_memory_of_kernels_is_planned(needs_tflm):
    wrong = {}
    with WorkerProcess() as worker:
        for operator, make in MODELS.items():
            model = make(np.random.default_rng(3))
            before = len(worker.stderr_text())
            worker.request({"task": "measure_arena", "arena_bytes": 1 << 22}, [np.frombuffer(model, np.uint8)])
            head = int(re.search(r"head (\d+) bytes", worker.stderr_text()[before:])[1])
            if head != plan_memory(graph_of(model)).size:
                wrong[operator] = head
    assert not wrong


def test_a_missing_wheel_gives_an_estimate_that_says_so(needs_tflm, cnn, monkeypatch):
    measured = measure_arena(cnn)
    monkeypatch.setattr(arena_module, "have_tflm", lambda: False)
    usage = measure_arena(cnn)
    assert usage.is_estimate
    assert "estimate" in usage.source
    assert usage.head == measured.head
    assert usage.total == pytest.approx(measured.total, rel=0.25)


def test_a_model_that_tflm_refuses_has_no_arena(needs_tflm):
    b = ModelBuilder()
    x, y = b.tensor((1, 4), scale=0.1), b.tensor((1, 4), scale=0.1)
    b.operator("SEGMENT_SUM", [x], [y])
    with pytest.raises(RuntimeFailure, match="SEGMENT_SUM"):
        measure_arena(b.build([x], [y]))


def test_the_estimate_counts_variables_and_kernels():
    for path in wake_words():
        usage = estimate_arena(graph_of(path.read_bytes()))
        assert usage.tail > 10_000


# --- planner ----------------------------------------------------------------------------------------------------


def test_greedy_placement_by_hand():
    buffers = [Buffer(100, 0, 1), Buffer(200, 1, 2), Buffer(40, 2, 3), Buffer(100, 3, 4)]
    place_greedily(buffers)
    # Rounded to 16; largest first; of two equals the later one first; then the lowest gap that is free in time.
    assert [b.size for b in buffers] == [112, 208, 48, 112]
    assert [b.offset for b in buffers] == [208, 0, 208, 0]


def test_buffers_alive_together_never_overlap():
    rng = np.random.default_rng(0)
    for _ in range(50):
        buffers = []
        for _ in range(20):
            first = int(rng.integers(0, 10))
            buffers.append(Buffer(int(rng.integers(1, 500)), first, first + int(rng.integers(0, 5))))
        place_greedily(buffers)
        for i, a in enumerate(buffers):
            for b in buffers[:i]:
                together = a.first <= b.last and b.first <= a.last
                assert not (together and a.offset < b.end and b.offset < a.end)


def test_a_buffer_with_an_offset_stays_there():
    buffers = [Buffer(64, 0, 5, offset=128), Buffer(128, 0, 5), Buffer(64, 0, 5)]
    place_greedily(buffers)
    assert [b.offset for b in buffers] == [128, 0, 192]


def test_the_picture_shows_every_buffer_and_step(cnn):
    plan = plan_memory(graph_of(cnn))
    text = plan.to_text(width=100)
    assert "CONV_2D" in text
    assert "DEPTHWISE_CONV_2D" in text
    assert all(f"{b.size:,}" in text for b in plan.buffers)
    assert max(map(len, text.splitlines())) <= 100
    assert plan.lower_bound <= plan.size
    data = plan.to_dict()
    assert data["steps"][0] == "(inputs)"
    assert len(data["bytes_per_step"]) == len(data["steps"])
    assert {"offset", "size", "first", "last"} <= set(data["buffers"][0])
