"""Results as plain data and as text."""

from __future__ import annotations

from mltk.operations.results.plain_data import wrap_lines


def test_a_path_is_never_cut_in_two() -> None:
    path = "/home/me/a-folder-with-a-long-name/another-folder/recordings-of-monday"
    wrapped = wrap_lines(f"Note: The data are 16 samples of {path} (good 9, bad 7).\nshort", 60)
    assert wrapped.splitlines() == [
        "Note: The data are 16 samples of",
        f"    {path}",
        "    (good 9, bad 7).",
        "short",
    ]
