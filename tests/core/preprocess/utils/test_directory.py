"""The functions that list a dataset's folder in MLTK 0.20."""

from __future__ import annotations

import pytest

from helpers.class_folder import class_folder, speakers_folder
from mltk.core.preprocess.utils.directory import list_dataset_directory, list_valid_filenames_in_directory

WAV = [".wav"]


@pytest.fixture
def folder(tmp_path):
    return class_folder(tmp_path)


def test_list_dataset_directory(folder) -> None:
    counts: dict[str, int] = {}
    paths, labels = list_dataset_directory(
        str(folder),
        ["a", "b", "other", "none"],
        unknown_class_label="other",
        empty_class_label="none",
        empty_class_percentage=0.6,
        class_counts=counts,
        white_list_formats=WAV,
    )
    assert counts == {"a": 20, "b": 10, "other": 15, "none": 9}
    assert paths[:2] == ["a/s0.wav", "a/s1.wav"]
    assert labels == [0] * 20 + [1] * 10 + [2] * 15 + [3] * 9
    assert not (folder / ".index").exists()


def test_list_dataset_directory_shuffles_by_seed(folder) -> None:
    def shuffled(seed):
        return list_dataset_directory(str(folder), ["a", "b"], shuffle=True, seed=seed, white_list_formats=WAV)

    assert shuffled(1) == shuffled(1) != shuffled(2)
    assert all((path[0] == "b") == bool(label) for path, label in zip(*shuffled(1), strict=True))


def test_a_split_keeps_a_speaker_on_one_side(tmp_path) -> None:
    sides = [
        {path.split("_")[1] for path in list_dataset_directory(source, list("012"), split=split)[0]}
        for source in [speakers_folder(tmp_path)]
        for split in [(0.0, 0.2), (0.2, 1.0)]
    ]
    assert len(sides[0]) == 1
    assert not sides[0] & sides[1]


def test_functions_of_the_users_list_and_change_files(folder) -> None:
    def lister(base_directory, search_class, white_list_formats, split, follow_links, shuffle_index_directory):
        return search_class, [f"{search_class}/s0.wav"] if split[0] == 0 else [f"{search_class}/s1.wav"]

    def add(directory, sample_paths, split, follow_links, white_list_formats, shuffle, seed, **kwargs):
        sample_paths["a"].append("b/s9.wav")

    paths, _ = list_dataset_directory(
        str(folder),
        ["a", "b"],
        split=(0, 0.5),
        list_valid_filenames_in_directory_function=lister,
        process_samples_function=add,
    )
    assert paths == ["a/s0.wav", "b/s9.wav", "b/s0.wav"]


def test_list_valid_filenames_in_directory(folder) -> None:
    name, files = list_valid_filenames_in_directory(str(folder), "a", WAV, split=(0, 0.2))
    assert (name, files) == ("a", ["a/s0.wav", "a/s1.wav", "a/s10.wav", "a/s11.wav"])
