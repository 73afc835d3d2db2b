"""Folders of class folders with files of one byte, for the tests of listing and splitting."""

from __future__ import annotations

from pathlib import Path


def class_folder(where: Path) -> Path:
    """Make classes a (20 files), b (10), c (30), d (40)."""
    for name, n in {"a": 20, "b": 10, "c": 30, "d": 40}.items():
        (where / name).mkdir()
        for i in range(n):
            (where / name / f"s{i}.wav").write_bytes(b"x")
    return where


def speakers_folder(where: Path) -> str:
    """Make classes 0, 1, 2 with four takes of each of five speakers."""
    for digit in "012":
        (where / digit).mkdir()
        for speaker in ("anna", "ben", "carla", "dan", "eve"):
            for i in range(4):
                (where / digit / f"{digit}_{speaker}_{i}.wav").write_bytes(b"x")
    return str(where)
