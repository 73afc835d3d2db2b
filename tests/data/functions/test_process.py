"""A user's functions in other processes: results, errors, crashes."""

from __future__ import annotations

import operator
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from mltk.data.functions import pickling
from mltk.data.functions.process import FunctionProcess, FunctionProcesses, from_arrays, to_arrays
from mltk.errors import DatasetError, MltkError, RuntimeFailure, SettingError


@pytest.fixture
def holding() -> Iterator[Callable[..., FunctionProcess]]:
    """Starts a process for a function; it is closed after the test."""
    started: list[FunctionProcess] = []

    def start(function: Callable, **options: Any) -> FunctionProcess:
        started.append(FunctionProcess(pickling.dumps(function), **options))
        return started[-1]

    yield start
    for process in started:
        process.close()


def scaled(x, by=1.0):
    print("scaling")  # must not get between the answers
    os.write(1, b"native scaling\n" * 10_000)
    return x * by


def failing(kind):
    raise {
        "dataset": DatasetError("no samples", hint="add some"),
        "setting": SettingError("bad value", hint="another"),
        "python": ValueError("no such luck"),
    }[kind]


def unpicklable():
    return lambda: 0


def where():
    return sys.path, sys.argv, os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("MINE")


def test_arguments_and_results_go_there_and_back(holding):
    process = holding(scaled)
    x = np.arange(5, dtype=np.float32)
    assert np.array_equal(process(x), x)
    result = process(x, by=2.0)
    assert np.array_equal(result, 2 * x)
    result += 1  # it is the caller's own


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((0, 3), np.float32),
        np.float32(1.5),
        np.arange(12).reshape(3, 4)[:, ::2],
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.array(["a", None], dtype=object),
        {"a": [np.arange(3, dtype=np.int16), b"bytes", "text"]},
    ],
    ids=["empty", "scalar", "strided", "Fortran order", "objects", "nested"],
)
def test_values_of_every_kind_arrive_as_they_were_sent(value):
    received = from_arrays(to_arrays(value))
    np.testing.assert_equal(received, value)
    assert getattr(received, "dtype", None) == getattr(value, "dtype", None)


def test_an_mltk_error_keeps_its_message_and_hint(holding):
    process = holding(failing)
    with pytest.raises(DatasetError, match="no samples") as e:
        process("dataset")
    assert e.value.hint == "add some"
    with pytest.raises(MltkError, match="bad value") as other:
        process("setting")
    assert other.value.hint == "another"


def test_another_error_says_what_and_where(holding):
    process = holding(failing)
    with pytest.raises(RuntimeFailure, match=r"^ValueError: no such luck\n(.|\n)*in failing"):
        process("python")
    with pytest.raises(DatasetError):  # the process lives on
        process("dataset")


def test_a_result_that_can_not_be_sent_is_an_error(holding):
    with pytest.raises(RuntimeFailure, match="pickle"):
        holding(unpicklable)()


def test_a_crash_is_an_error_now_and_later(holding):
    process = holding(os._exit)
    with pytest.raises(RuntimeFailure, match=r"A worker process ended early \(exit code 7\)"):
        process(7)
    with pytest.raises(RuntimeFailure, match="A worker process"):
        process(7)


def test_a_process_that_is_killed_while_it_works_is_an_error(holding):
    process = holding(time.sleep)
    process(0)
    threading.Timer(0.2, os.kill, (process.pid, signal.SIGKILL)).start()
    with pytest.raises(RuntimeFailure, match=r"A worker process crashed \(signal 9\)"):
        process(60)


def test_a_process_that_is_closed_while_it_works_is_an_error(holding):
    process = holding(time.sleep)
    process(0)
    threading.Timer(0.2, process.close).start()
    with pytest.raises(RuntimeFailure):
        process(60)


def test_a_function_that_a_process_does_not_find_is_an_error(holding):
    process = FunctionProcess(b"cmltk.errors\nno_such_name\n.")
    try:
        process.wait_until_started()
        assert not process.is_ready
        with pytest.raises(RuntimeFailure, match="no_such_name"):
            process()
    finally:
        process.close()


def test_the_process_has_our_path_and_arguments_and_no_gpu(holding, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(tmp_path))
    path, arguments, gpus, mine = holding(where, env={"MINE": "1"})()
    assert str(tmp_path) in path
    assert arguments == sys.argv
    assert (gpus, mine) == ("-1", "1")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert holding(where, disable_gpu=False)()[2] is None


def test_many_threads_share_a_few_processes():
    processes = FunctionProcesses(operator.mul, 2)
    results: dict[int, int] = {}
    threads = [threading.Thread(target=lambda i=i: results.update({i: processes(i, i)})) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    processes.close()
    assert results == {i: i * i for i in range(20)}


def test_while_a_process_starts_its_calls_are_made_here():
    processes = FunctionProcesses(os.getpid, 1)
    pids = {processes()}
    processes._processes[0].wait_until_started()
    pids.add(processes())
    assert pids == {os.getpid(), processes._processes[0].pid}
    processes.close()
