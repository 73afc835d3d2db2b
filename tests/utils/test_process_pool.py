"""``ProcessPool`` of MLTK 0.20."""

from __future__ import annotations

import logging
import os

import pytest

from mltk.utils.process_pool import ProcessPool


def test_a_script_for_a_large_machine_does_not_overload_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(logging.getLogger("mltk"), "warning", lambda text, *a: said.append(text % a))
    pool = ProcessPool(len, n_jobs=10_000, start=False)
    assert pool.n_jobs <= max(4, 2 * (os.cpu_count() or 1))
    assert "10000 processes are wanted" in said[0]


def test_a_number_of_processes_that_fits_is_used_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("mltk"), "warning", pytest.fail)
    assert ProcessPool(len, n_jobs=3, start=False).n_jobs == 3
