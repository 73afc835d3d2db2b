"""The folder of a speech dataset."""

from __future__ import annotations

import json
from pathlib import Path

from mltk.audio.speech.store import JOURNAL, MANIFEST, Store

SETTINGS = {"keywords": {"yes": ["yes"]}}


def test_clean_removes_clips_and_what_a_killed_run_left_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text(json.dumps({"format": 1, "settings": SETTINGS}) + "\n")
    ours = [
        "espeak-en-us-m3_nohash_00000.wav",
        ".espeak-en-us-m3_nohash_00001.0a1b2c3d.wav",
        ".espeak-en-us-m3_nohash_00001.wav.part",
    ]
    theirs = ["recorded.wav", "recorded_nohash_1.wav", "notes_nohash_00000.txt"]
    for class_name in ("yes", "_unknown_", "another"):
        (tmp_path / class_name).mkdir()
        for name in [*ours, *theirs]:
            (tmp_path / class_name / name).touch()
    store = Store(tmp_path, {"keywords": {"no": ["no"]}})
    store.open(clean=True, needed_bytes=0)
    store.close()
    for class_name in ("yes", "_unknown_"):
        assert sorted(p.name for p in (tmp_path / class_name).iterdir()) == sorted(theirs)
    assert len(list((tmp_path / "another").iterdir())) == 6


def test_a_manifest_makes_it_complete(tmp_path: Path) -> None:
    store = Store(tmp_path, SETTINGS)
    assert store.open(clean=False, needed_bytes=0) == {}
    (tmp_path / "yes").mkdir()
    (tmp_path / "yes" / "a_nohash_00000.wav").touch()
    entry = {"file": "yes/a_nohash_00000.wav", "text": "yés"}
    store.record([entry])
    assert not store.is_complete()
    store.complete({"classes": {"yes": 1}}, [entry])
    assert store.is_complete()
    assert sorted(p.name for p in tmp_path.iterdir()) == [MANIFEST, "yes"]
    assert "yés" in (tmp_path / MANIFEST).read_text(encoding="utf-8")
    assert not Store(tmp_path, {"keywords": {"no": ["no"]}}).is_complete()
    (tmp_path / "yes" / "a_nohash_00000.wav").unlink()
    assert not store.is_complete()
