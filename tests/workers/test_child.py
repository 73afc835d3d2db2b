"""Children that crash, hang, print, exit, answer with garbage or take too much: each is an error that says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.errors import RuntimeFailure
from mltk.workers import child as child_module
from mltk.workers.child import Child, ChildEndedError, RequestFailedError, child_environment
from mltk.workers.wire import TooLargeError

TESTS = Path(__file__).parents[1]
needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(autouse=True)
def _helpers_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(TESTS))


@pytest.fixture
def start() -> Iterator[Callable[..., Child]]:
    """Starts a child of ``helpers.naughty_child``, which is closed after the test."""
    started: list[Child] = []

    def make(*arguments: str, **options: Any) -> Child:
        options = {"name": "The naughty child", "timeout_s": 20, **options}
        started.append(Child("helpers.naughty_child", arguments, **options))
        return started[-1]

    yield make
    for child in started:
        child.close()


def echo(child: Child) -> bool:
    reply, (array,) = child.request({"task": "echo", "say": "hello"}, [np.arange(3)])
    return reply["back"] == "hello" and array.tolist() == [0, 1, 2]


# --- answers --------------------------------------------------------------------------------------------------------


def test_requests_are_answered_one_after_another(start):
    child = start()
    assert all(echo(child) for _ in range(3))
    assert child.is_idle
    assert child.is_alive


def test_megabytes_go_there_and_back(start):
    x = np.random.default_rng(0).standard_normal((1000, 1000))
    _, (y,) = start().request({"task": "echo", "say": ""}, [x])
    assert np.array_equal(x, y)


def test_an_error_in_the_child_says_what_and_of_what_kind(start):
    child = start()
    with pytest.raises(RequestFailedError, match="no data") as e:
        child.request({"task": "raise_error", "error": "ours"})
    assert e.value.hint == "get some"
    assert e.value.kinds[:2] == ("DatasetError", "MltkError")
    assert not e.value.traceback
    assert not child.is_idle
    with pytest.raises(RequestFailedError, match="KeyError: 'key'") as e:
        child.request({"task": "raise_error", "error": "other"})
    assert "in raise_error" in e.value.traceback
    assert echo(child)  # it lives on
    assert child.is_idle


def test_the_environment_is_this_ones_and_one_core(start, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("MINE", "1")
    child = start(environment={"MORE": "2"})
    found = child.request({"task": "environment"})[0]["environment"]
    assert (found["MINE"], found["MORE"], found["OMP_NUM_THREADS"]) == ("1", "2", "1")
    assert found["PYTHONPATH"].split(os.pathsep)[0] == str(Path(child_module.__file__).parents[2])
    assert str(TESTS) in child_environment()["PYTHONPATH"]


def test_ctrl_c_is_left_to_the_parent(start):
    child = start()
    assert child.request({"task": "ignores_interrupts"})[0]["ignored"]
    if os.name == "posix":
        assert os.getpgid(child.pid) != os.getpgid(0)


# --- flood ----------------------------------------------------------------------------------------------------------


def test_what_is_printed_does_not_disturb_the_answers(start):
    child = start()
    child.request({"task": "flood", "lines": 100})  # 3.8 MB, more than any pipe holds
    assert echo(child)
    assert child.stderr_text().startswith("printed before the first request\nnative code prints")
    child.clear_stderr()
    assert child.last_output() is None
    child.request({"task": "flood", "lines": 0})
    assert child.last_output() == "Its last output was:\nto the end"


def test_requests_can_not_be_read_by_others(start):
    child = start()
    assert child.request({"task": "read_input"})[0]["read"] == ""
    assert echo(child)


# --- crash, kill, exit ----------------------------------------------------------------------------------------------


def test_a_crash_is_an_error_with_the_last_output(start):
    child = start()
    with pytest.raises(ChildEndedError, match=r"^The naughty child crashed while crashing \(signal 11\)\.") as e:
        child.request({"task": "crash", "signal": 11}, doing="crashing")
    assert e.value.signal == 11
    assert not e.value.timed_out
    assert e.value.hint.endswith("about to crash")
    assert not child.is_alive
    with pytest.raises(ChildEndedError):
        echo(child)


def test_an_exit_is_an_error_with_its_code(start):
    with pytest.raises(ChildEndedError, match=r"^The naughty child ended early \(exit code 3\)\.") as e:
        start().request({"task": "exit", "code": 3})
    assert e.value.signal is None


def test_a_child_that_can_not_start_is_an_error_with_its_traceback(start):
    with pytest.raises(ChildEndedError, match=r"ended early \(exit code 1\)") as e:
        echo(start("fail"))
    assert "the child could not start" in e.value.hint


def test_a_python_that_can_not_be_started_is_an_error(start, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(RuntimeFailure, match="Can't start a process with '/no/such/python'"):
        start()


def test_another_thread_can_kill_it(start):
    child = start()
    assert echo(child)
    threading.Timer(0.2, child.kill).start()
    with pytest.raises(ChildEndedError, match=r"crashed \(signal 9\)"):
        child.request({"task": "hang"})


# --- hang -----------------------------------------------------------------------------------------------------------


def test_a_hang_is_stopped_after_the_timeout(start):
    child = start(timeout_s=0.5)
    with pytest.raises(ChildEndedError, match=r"did not answer within 0\.5 s while waiting and was stopped") as e:
        child.request({"task": "hang"}, doing="waiting")
    assert e.value.timed_out
    assert e.value.signal is None
    assert not child.is_alive


def test_a_child_that_does_not_read_is_stopped_too(start):
    child = start(timeout_s=1.0)
    assert echo(child)
    os.kill(child.pid, signal.SIGSTOP)
    with pytest.raises(ChildEndedError, match="did not answer"):
        child.request({"task": "echo", "say": ""}, [np.zeros(1 << 22, np.uint8)])  # more than the pipe holds


# --- malformed and oversized replies --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    ["INFO: a native library says hello", "MLTK\x7f\x7f\x7f\x7f", "MLTK\x02\0\0\0{}", 'MLTK\x0e\0\0\0{"arrays": []}'],
)
def test_a_malformed_reply_is_an_error_and_the_child_is_stopped(start, data):
    child = start()
    before = time.monotonic()
    with pytest.raises(ChildEndedError, match="The naughty child sent a malformed reply and was stopped"):
        child.request({"task": "corrupt", "bytes": data})
    assert not child.is_alive
    assert time.monotonic() - before < child_module._END_S


def test_a_crash_in_the_middle_of_a_reply_is_a_crash(start):
    header = '{"ok": true, "arrays": [["|u1", [1000000]]]}'
    begun = f"MLTK{chr(len(header))}\0\0\0{header}"
    with pytest.raises(ChildEndedError, match=r"crashed \(signal 6\)"):
        start().request({"task": "corrupt", "bytes": begun, "signal": 6})


def test_a_reply_over_the_limit_stops_the_child(start):
    child = start(reply_limit_bytes=1000)
    assert len(child.request({"task": "fill", "n_bytes": 1000})[1][0]) == 1000
    with pytest.raises(TooLargeError, match="1,001 bytes, and 1,000 are allowed"):
        child.request({"task": "fill", "n_bytes": 1001})
    with pytest.raises(ChildEndedError):
        echo(child)


@needs_proc
def test_memory_and_files_of_untrusted_work_are_limited(start):
    child = start(str(2 << 30))
    with pytest.raises(RequestFailedError, match="MemoryError") as e:
        child.request({"task": "allocate", "n_bytes": 4 << 30})
    assert "MemoryError" in e.value.kinds
    assert child.request({"task": "allocate", "n_bytes": 1 << 20})[0]["sum"] == 1 << 20
    child.request({"task": "flood", "lines": 2000})  # 76 MB, of which the last are dropped
    assert echo(child)
    assert os.fstat(child._stderr.fileno()).st_size <= 64 << 20


# --- the end --------------------------------------------------------------------------------------------------------


def test_it_is_gone_after_the_block():
    with Child("helpers.naughty_child", name="It") as child:
        assert echo(child)
    assert not child.is_alive
    assert child.stderr_text() == ""
    child.close()  # once more does no harm
    with pytest.raises(ChildEndedError, match="It was stopped before"):
        echo(child)


@pytest.mark.parametrize(("closing_s", "ends_by_itself"), [(10.0, True), (0.0, False)])
def test_a_child_may_be_given_time_to_clean_up(start, tmp_path, closing_s, ends_by_itself):
    note = tmp_path / "note"
    child = start(closing_s=closing_s)
    child.request({"task": "leave_note", "path": str(note)})
    child.close()
    assert note.exists() == ends_by_itself


def test_a_child_that_owes_an_answer_gets_no_time(start):
    child = start(closing_s=30.0)
    assert echo(child)

    def wait_for_it() -> None:
        with pytest.raises(ChildEndedError):
            child.request({"task": "hang"})

    thread = threading.Thread(target=wait_for_it)
    thread.start()
    time.sleep(0.3)
    before = time.monotonic()
    child.close()
    thread.join()
    assert time.monotonic() - before < 10


@needs_proc
def test_a_child_ends_with_its_parent():
    script = """
        import os
        from mltk.workers.child import Child
        child = Child("helpers.naughty_child", name="It")
        child.request({"task": "echo", "say": ""})
        print(child.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, env=child_environment(), check=False
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 10
    while _is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _is_running(pid)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
