"""run_batch: engines, processes, state, and what goes wrong."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

from helpers.published_models import wake_words
from helpers.random_models import MODELS
from helpers.tflite_builder import ModelBuilder, depthwise_cnn, float_model
from mltk.errors import EvaluationError, MltkError, RuntimeFailure, TfliteError, UnsupportedModelError
from mltk.micro.engines import pool, runtimes
from mltk.micro.engines import run as engine_module
from mltk.micro.engines.process import WorkerProcess
from mltk.micro.engines.run import run_batch
from mltk.micro.engines.runtimes import TflmRuntime
from mltk.micro.memory.arena import measure_arena
from mltk.micro.parity import compare_engines
from mltk.tflite.graph import graph_of


@pytest.mark.parametrize("engine", ["tflm", "exact-batched", "litert-reference", "litert-xnnpack"])
def test_every_engine_gives_one_row_a_sample(needs_tflm, cnn, images, engine):
    result = run_batch(cnn, images[:6], engine=engine)
    assert result.engine == engine
    assert [o.shape for o in result.outputs] == [(6, 4)]
    assert result.outputs[0].dtype == np.int8
    assert any(c.isdigit() for c in result.engine_description)  # says the version


def test_samples_are_computed_one_by_one_and_in_order(needs_tflm, cnn, images):
    together = run_batch(cnn, images, engine="tflm").outputs[0]
    alone = TflmRuntime(cnn)
    assert np.array_equal(together, np.concatenate([alone.invoke([x])[0] for x in images]))


def test_worker_processes_give_the_same_in_the_same_order(needs_tflm, cnn, images, monkeypatch):
    monkeypatch.setattr(pool, "SPAWN_S", 0.0)  # so that even a small job is shared
    here = run_batch(cnn, images, engine="tflm", processes=1)
    there = run_batch(cnn, images, engine="tflm", processes=2, trusted=False)
    assert there.n_processes == 2
    assert np.array_equal(here.outputs[0], there.outputs[0])


def test_no_samples_give_no_rows(needs_tflm, cnn, images):
    for trusted in (True, False):
        assert run_batch(cnn, images[:0], trusted=trusted).outputs[0].shape == (0, 4)


def test_progress_counts_every_sample_once(needs_tflm, cnn, images):
    for trusted in (True, False):
        seen: list[int] = []
        run_batch(cnn, images, engine="tflm", progress=seen.append, trusted=trusted)
        assert sum(seen) == len(images)


def test_a_scripts_own_code_is_not_run_again_by_workers(needs_tflm, tmp_path):
    # multiprocessing's spawn would import this file again in each worker.
    model = tmp_path / "model.tflite"
    model.write_bytes(depthwise_cnn())
    script = tmp_path / "unguarded.py"
    script.write_text(
        textwrap.dedent(f"""
        import numpy as np
        from mltk.micro.engines.run import run_batch
        print("once")
        run_batch(open({str(model)!r}, "rb").read(), np.zeros((8, 8, 8, 3), np.int8), trusted=False, processes=2)
        """)
    )
    # A file beside the script that would shadow the standard library in a worker that puts the folder on its path.
    (tmp_path / "json.py").write_text("raise RuntimeError('shadowed')")
    done = subprocess.run(
        [sys.executable, "-P", str(script)], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["once"]


def test_ctrl_c_ends_the_workers(needs_tflm, tmp_path):
    model = tmp_path / "model.tflite"
    model.write_bytes(depthwise_cnn())
    script = textwrap.dedent(f"""
        import numpy as np
        from mltk.micro.engines.run import run_batch
        model = open({str(model)!r}, "rb").read()
        samples = np.zeros((5_000_000, 8, 8, 3), np.int8)
        print("start", flush=True)
        run_batch(model, samples, engine="tflm", trusted=False, processes=2)
    """)
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert child.stdout.readline() == b"start\n"
    time.sleep(1.0)
    workers = _children(child.pid)
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=20)
    assert b"KeyboardInterrupt" in errors
    assert b"Exception in thread" not in errors
    deadline = time.monotonic() + 5
    while any(_is_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers
    assert not any(_is_alive(pid) for pid in workers)


def _children(pid: int) -> list[int]:
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8") as f:
                    if f.read().rsplit(")", 1)[1].split()[1] == str(pid):
                        found.append(int(entry))
            except OSError:
                continue
    return found


def _is_alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_native_crash_is_an_error_that_says_so(needs_tflm, cnn):
    with WorkerProcess() as worker:
        worker.request({"task": "measure_arena", "arena_bytes": 1 << 20}, [np.frombuffer(cnn, np.uint8)])
        os.kill(worker.pid, signal.SIGSEGV)
        with pytest.raises(RuntimeFailure, match=r"crashed while running this model \(signal 11\)"):
            worker.request({"task": "run"}, [])


def test_a_hang_is_ended_after_the_timeout(needs_tflm, cnn, images):
    with pytest.raises(RuntimeFailure, match=r"did not answer within 0.01 s"):
        run_batch(cnn, images, trusted=False, timeout_s=0.01)


def test_an_error_of_one_worker_ends_all(needs_tflm, images):
    b = ModelBuilder()
    x, y = b.tensor((1, 8, 8, 3), scale=0.1), b.tensor((1, 8, 8, 3), scale=0.1)
    b.operator("SEGMENT_SUM", [x], [y])
    with pytest.raises(RuntimeFailure, match="no operator SEGMENT_SUM"):
        run_batch(b.build([x], [y]), images, engine="tflm", trusted=False, processes=2)


def test_auto_falls_back_where_tflm_lacks_an_operator_and_says_so(needs_tflm):
    b = ModelBuilder()
    x, y = b.tensor((1, 4), np.float32), b.tensor((1, 4), np.float32)
    b.operator("RELU_N1_TO_1", [x], [y])
    result = run_batch(b.build([x], [y]), np.array([[-3, -0.5, 0.5, 3]], np.float32))
    assert result.engine == "litert-reference"
    assert "no operator RELU_N1_TO_1" in result.notes[0]
    assert result.outputs[0].tolist() == [[-1, -0.5, 0.5, 1]]


def test_a_model_known_to_crash_tflm_never_reaches_it(needs_tflm):
    b = ModelBuilder()
    x = b.tensor((1, 4, 4, 2), scale=0.1)
    w = b.constant(np.ones((1, 2, 2, 2)), np.int8, scale=[0.1, 0.1], dimension=3)
    y = b.tensor((1, 2, 2, 2), scale=0.1)
    options = {"strideH": 2, "strideW": 2, "depthMultiplier": 1}
    b.operator("DEPTHWISE_CONV_2D", [x, w], [y], ("DepthwiseConv2DOptions", options), version=3)
    model = b.build([x], [y])
    with pytest.raises(UnsupportedModelError, match="Give the layer a bias"):
        run_batch(model, np.zeros((1, 4, 4, 2), np.int8), engine="tflm")


def test_inputs_that_do_not_fit_are_refused_with_what_was_wanted(cnn, images):
    with pytest.raises(EvaluationError, match=r"is int8, and the samples are float32"):
        run_batch(cnn, images.astype(np.float32))
    with pytest.raises(EvaluationError, match=r"has shape \(1, 8, 8, 3\).*\(40, 7, 8, 3\)"):
        run_batch(cnn, images[:, 1:])
    with pytest.raises(EvaluationError, match=r"1 input\(s\), and 2 array"):
        run_batch(cnn, [images, images])
    with pytest.raises(TfliteError):
        run_batch(cnn[: len(cnn) // 2], images)
    with pytest.raises(MltkError, match="No engine is called 'tlfm'"):
        run_batch(cnn, images, engine="tlfm")


def test_two_inputs_and_their_numbers_of_samples(needs_tflm):
    model = MODELS["MAXIMUM"](np.random.default_rng(1))
    shape = graph_of(model).inputs[0].shape[1:]
    a, b = (np.random.default_rng(s).integers(-128, 128, (5, *shape)).astype(np.int8) for s in (1, 2))
    assert np.array_equal(run_batch(model, [a, b]).outputs[0], np.maximum(a, b))
    with pytest.raises(EvaluationError, match=r"different numbers of samples: \[5, 4\]"):
        run_batch(model, [a, b[:4]])


# --- auto -------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_short_cut(monkeypatch):
    """Even a small job is worth the exact kernels."""
    monkeypatch.setattr(engine_module, "_SHORT_S", 0.0)


def test_auto_checks_the_exact_kernels_against_tflm(needs_tflm, no_short_cut, cnn, images):
    result = run_batch(cnn, images, rng=np.random.default_rng(0))
    assert result.engine == "exact-batched"
    assert result.n_verified == 8
    assert "8 random samples equal to TensorFlow Lite Micro" in result.engine_description
    assert np.array_equal(result.outputs[0], run_batch(cnn, images, engine="tflm").outputs[0])


def test_auto_does_not_trust_a_kernel_that_is_wrong(needs_tflm, no_short_cut, cnn, images, monkeypatch):
    right = runtimes.ExactRuntime.run
    monkeypatch.setattr(runtimes.ExactRuntime, "run", lambda *a: [o + 1 for o in right(*a)])
    with pytest.warns(RuntimeWarning, match="disagreed with TensorFlow Lite Micro on 8 of 8"):
        result = run_batch(cnn, images)
    assert result.engine == "tflm"
    assert "disagreed" in result.notes[0]
    assert np.array_equal(result.outputs[0], run_batch(cnn, images, engine="tflm").outputs[0])


def test_auto_leaves_what_has_no_exact_kernel_to_tflm(needs_tflm, no_short_cut):
    result = run_batch(float_model(), np.ones((20, 4), np.float32))
    assert result.engine == "tflm"
    assert "FLOAT32 tensor" in result.notes[0]


def test_without_the_wheel_the_exact_kernels_are_used_unchecked(monkeypatch, cnn, images):
    monkeypatch.setattr(engine_module, "have_tflm", lambda: False)
    result = run_batch(cnn, images)
    assert result.engine == "exact-batched"
    assert result.n_verified == 0
    assert "not checked" in result.notes[0]


def test_without_the_wheel_the_rest_goes_to_litert_and_is_marked(monkeypatch):
    monkeypatch.setattr(engine_module, "have_tflm", lambda: False)
    result = run_batch(float_model(), np.ones((2, 4), np.float32))
    assert result.engine == "litert-reference"
    assert "nearest substitute" in result.notes[0]


# --- state ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not wake_words(), reason="pymicro-wakeword is not installed")
@pytest.mark.parametrize("engine", ["tflm", "exact-batched", "litert-reference"])
def test_state_is_forgotten_between_samples(needs_tflm, engine):
    model = wake_words()[2].read_bytes()
    shape = graph_of(model).inputs[0].shape
    x = np.random.default_rng(0).integers(-128, 128, (30, *shape[1:])).astype(np.int8)
    fresh = np.concatenate([TflmRuntime(model).invoke([s])[0] for s in x[:6]])
    assert np.array_equal(run_batch(model, x[:6], engine=engine).outputs[0], fresh)


@pytest.mark.skipif(not wake_words(), reason="pymicro-wakeword is not installed")
def test_a_stream_keeps_its_state_and_stays_in_order(needs_tflm):
    model = wake_words()[2].read_bytes()
    shape = graph_of(model).inputs[0].shape
    x = np.random.default_rng(0).integers(-128, 128, (60, *shape[1:])).astype(np.int8)
    one = TflmRuntime(model)
    expected = np.concatenate([one.invoke([s])[0] for s in x])
    assert np.array_equal(run_batch(model, x, reset_between_samples=False).outputs[0], expected)
    there = run_batch(model, x, reset_between_samples=False, trusted=False, processes=2)
    assert there.n_processes == 1
    assert np.array_equal(there.outputs[0], expected)


def _elementwise(name: str) -> bytes:
    """An int8 model whose only operator TensorFlow Lite Micro has, but refuses when it prepares or runs int8."""
    b = ModelBuilder()
    x, y = (b.tensor((1, 4), scale=0.1, zero_point=-128) for _ in range(2))
    b.operator(name, [x], [y])
    return b.build([x], [y])


@pytest.mark.parametrize("trusted", [True, False])
def test_an_operator_that_tflm_refuses_falls_back_and_is_named(needs_tflm, capfd, trusted):
    result = run_batch(_elementwise("SQRT"), np.arange(40, dtype=np.int8).reshape(10, 4), trusted=trusted)
    assert result.engine == "litert-reference"
    assert "operator SQRT" in result.notes[0]
    assert "\n" not in result.notes[0]
    assert capfd.readouterr().err == ""


def test_the_memory_of_a_model_that_tflm_refuses_names_the_operator(needs_tflm):
    with pytest.raises(UnsupportedModelError, match="operator SQRT"):
        measure_arena(_elementwise("SQRT"))


def test_parity_runs_the_other_engines_if_tflm_refuses_an_operator(needs_tflm, capfd):
    report = compare_engines(_elementwise("SQRT"), np.arange(40, dtype=np.int8).reshape(10, 4))
    assert report.reference == "litert-reference"
    assert "SQRT" in report.failures["tflm"]
    assert capfd.readouterr().err == ""
