"""The recordings in the package seglearn: read without importing it, and only if the file is the published one."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from mltk.datasets.accelerometer import seglearn_watch
from mltk.errors import DatasetError, MissingDependencyError


@pytest.mark.skipif(importlib.util.find_spec("seglearn") is None, reason="seglearn is not installed")
def test_ten_people_do_seven_exercises_with_both_arms() -> None:
    recordings = seglearn_watch.load_recordings()
    assert len(recordings) == 140
    assert {(r.exercise, r.person, r.is_right) for r in recordings} == {
        (e, p, side) for e in range(7) for p in seglearn_watch.PEOPLE for side in (False, True)
    }
    assert all(r.samples.dtype == np.float32 and r.samples.shape[1:] == (6,) for r in recordings)
    assert "seglearn" not in sys.modules


def test_a_changed_file_is_never_unpickled(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "was_run",)  # type: ignore[return-value]  # any callable

    file = tmp_path / "watch_dataset.npy"
    file.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DatasetError, match="is not the published file"):
        seglearn_watch.load_recordings(file)
    assert not (tmp_path / "was_run").exists()


def test_a_missing_file_and_a_missing_package_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DatasetError, match=r"none\.npy can't be read: No such file"):
        seglearn_watch.load_recordings(tmp_path / "none.npy")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="seglearn is not installed") as e:
        seglearn_watch.load_recordings()
    assert "openmltk[examples]" in e.value.hint
