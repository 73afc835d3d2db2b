"""Scripts that a worker process loads for their functions."""

from __future__ import annotations

import pytest

from mltk.workers.script_loading import ScriptEnd, loading_script, stop_if_loading_script


def test_nothing_is_stopped_elsewhere():
    stop_if_loading_script()
    with loading_script():
        pass
    stop_if_loading_script()


def test_a_script_ends_at_its_first_operation():
    came_to = []
    with loading_script():
        came_to.append("functions")
        stop_if_loading_script()
        came_to.append("training")
    assert came_to == ["functions"]


def test_an_error_of_the_script_is_passed_on():
    with pytest.raises(ZeroDivisionError), loading_script():
        _ = 1 / 0
    stop_if_loading_script()


def test_a_script_that_catches_exceptions_does_not_catch_its_end():
    assert not issubclass(ScriptEnd, Exception)
