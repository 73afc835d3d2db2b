"""Splitting files: speakers that file names tell, groups that a function tells, parts of a list."""

from __future__ import annotations

import pytest

from helpers.class_folder import class_folder
from mltk.data.class_files import ClassFiles
from mltk.data.splitting import (
    guess_group,
    guess_groups,
    select_groups,
    shuffle_file_list_by_group,
    split_by_group,
    split_file_list,
)


@pytest.mark.parametrize(
    ("path", "name", "group"),
    [
        ("7/7_jackson_32.wav", "7", "jackson"),
        ("yes/0a2b400e_nohash_1.wav", "yes", "0a2b400e"),
        ("yes/anna-yes-3.wav", "yes", "anna_yes"),
        ("yes/anna_yes.wav", "yes", "anna"),
        ("yes/12.wav", "yes", None),
        ("yes/0001_yes.wav", "yes", None),
    ],
)
def test_guess_group(path, name, group) -> None:
    assert guess_group(path, name) == group


def test_running_numbers_and_words_are_not_speakers() -> None:
    assert guess_groups([(f"a/s{i}.wav", "a") for i in range(9)] + [("b/s0.wav", "b")]) is None
    assert guess_groups([(f"{c}/{c}_{i}.wav", c) for c in "ab" for i in range(9)]) is None
    assert guess_groups([("a/anna_1.wav", "a"), ("b/anna_1.wav", "b")]) is None  # one speaker


def test_a_function_says_the_group(tmp_path) -> None:
    folder = class_folder(tmp_path)
    parity = {str(i): str(i % 3) for i in range(40)}

    def group(path):
        return parity[path.rpartition("/s")[2].removesuffix(".wav")]

    files = {name: ClassFiles(str(folder), [".wav"]).files(name) for name in "ab"}
    held_out = split_by_group(files, 1 / 3, group)
    assert len({group(path) for path in held_out}) == 1


def test_select_groups_leaves_some_on_either_side() -> None:
    assert len(select_groups({"a": 5, "b": 5}, 0.99)) == 1
    assert select_groups({"a": 100, "b": 1}, 0.01) == {"b"}
    counts = {f"speaker{i}": 10 for i in range(100)}
    assert len(select_groups(counts, 0.2)) == 20


def test_split_and_shuffle_lists() -> None:
    numbers = [str(i) for i in range(10)]
    assert split_file_list(numbers, (0, 0.2)) == ["0", "1"]
    assert split_file_list(numbers, (0.2, 1)) == numbers[2:]
    files = [f"s{i}_{i % 3}.wav" for i in range(9)]
    shuffled = shuffle_file_list_by_group(files, lambda path: path.split("_")[1])
    groups = [path.split("_")[1] for path in shuffled]
    assert sorted(shuffled) == sorted(files)
    assert [groups[i] for i in (0, 3, 6)] == [groups[i] for i in (2, 5, 8)]
