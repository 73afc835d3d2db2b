"""Listing a dataset: folders, dicts, lists; classes that are made; splits that keep speakers together."""

from __future__ import annotations

from collections import Counter

import pytest

from mltk.core.preprocess.utils.directory import list_dataset_directory, list_valid_filenames_in_directory
from mltk.data.listing import (
    ListingOptions,
    SampleFiles,
    list_samples,
    split_by_group,
)
from mltk.data.splitting import (
    guess_group,
    guess_groups,
    select_groups,
    shuffle_file_list_by_group,
    split_file_list,
)
from mltk.errors import DatasetError

WAV = [".wav"]


@pytest.fixture
def folder(tmp_path):
    """Classes a (20 files), b (10), c (30), d (40)."""
    for name, n in {"a": 20, "b": 10, "c": 30, "d": 40}.items():
        (tmp_path / name).mkdir()
        for i in range(n):
            (tmp_path / name / f"s{i}.wav").write_bytes(b"x")
    return tmp_path


def listed(source, classes, **options):
    return list_samples(source, classes, ListingOptions(formats=WAV, **options))


def test_a_folder_of_class_folders(folder) -> None:
    found = listed(str(folder), ["a", "b"])
    assert found.counts() == {"a": 20, "b": 10}
    assert found.names[0] == "a/s0.wav"
    assert found.paths()[0] == str(folder / "a" / "s0.wav")


def test_unknown_and_silence_are_shares_of_the_mean_class(folder) -> None:
    classes = ["a", "b", "_unknown_", "_silence_"]
    found = listed(str(folder), classes, unknown_share=2.0, silence_share=0.6)
    assert found.counts() == {"a": 20, "b": 10, "_unknown_": 30, "_silence_": 9}
    unknown = [name for name, label in zip(found.names, found.labels, strict=True) if label == 2]
    assert Counter(name[0] for name in unknown) == {"c": 15, "d": 15}
    assert found.names[-9:] == [None] * 9
    assert len(found.pool) == 70


def test_a_folder_called_unknown_is_a_class_like_any_other(folder) -> None:
    (folder / "_unknown_").mkdir()
    (folder / "_unknown_" / "x.wav").write_bytes(b"x")
    assert listed(str(folder), ["a", "_unknown_"]).counts() == {"a": 20, "_unknown_": 1}


def test_a_dict_and_a_list(folder) -> None:
    files = {"a": folder / "a", "b": [folder / "b" / "s1.wav", folder / "b" / "s0.wav"]}
    found = listed(files, ["a", "b"])
    assert found.counts() == {"a": 20, "b": 2}
    assert found.names[-1] == str(folder / "b" / "s1.wav")
    pairs = [(str(folder / "a" / "s0.wav"), "yes"), (str(folder / "b" / "s0.wav"), "no")]
    assert listed(pairs, ["no", "yes"]).counts() == {"no": 1, "yes": 1}
    assert listed([path for path, _ in pairs], ["a", "b"]).counts() == {"a": 1, "b": 1}


def test_max_samples_per_class(folder) -> None:
    found = listed(str(folder), ["a", "b", "_unknown_", "_silence_"], max_samples_per_class=5)
    assert set(found.counts().values()) == {5}


def test_the_parts_of_a_split_are_everything_once(folder) -> None:
    train = listed(str(folder), ["a", "b"], split=(0.2, 1.0))
    validation = listed(str(folder), ["a", "b"], split=(0.0, 0.2))
    assert validation.counts() == {"a": 4, "b": 2}
    assert not set(train.names) & set(validation.names)
    assert len(train.names) + len(validation.names) == 30


@pytest.mark.parametrize(
    ("source", "classes", "message"),
    [
        ("nowhere", ["a"], "does not exist"),
        (".", ["a", "aa"], "no class 'aa'.*\n.*Did you mean 'a'"),
        ("empty", ["a"], "is empty"),
        (".", ["text"], "has no samples"),
        ({}, ["a"], "lists no files"),
        (3, ["a"], "can't be listed from int"),
    ],
)
def test_what_cannot_be_listed_says_why(folder, source, classes, message) -> None:
    (folder / "empty").mkdir()
    (folder / "text").mkdir()
    (folder / "text" / "a.txt").write_text("x")
    with pytest.raises(DatasetError, match=message):
        listed(str(folder / source) if isinstance(source, str) else source, classes)


def test_an_impossible_split(folder) -> None:
    with pytest.raises(DatasetError, match="split"):
        listed(str(folder), ["a"], split=(0.5, 0.5))


def test_empty_files_are_left_out_and_named(folder, caplog) -> None:
    (folder / "a" / "nothing.wav").touch()
    found = listed(str(folder), ["a"])
    assert found.counts() == {"a": 20}
    assert "a/nothing.wav" in caplog.text


def test_links_are_followed_if_asked(folder, tmp_path) -> None:
    (folder / "a" / "more").symlink_to(folder / "b")
    assert listed(str(folder), ["a"]).counts() == {"a": 20}
    assert listed(str(folder), ["a"], follow_links=True).counts() == {"a": 30}


# -- speakers ------------------------------------------------------------------------------------------------------


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


def test_running_numbers_and_words_are_no_speakers() -> None:
    assert guess_groups([(f"a/s{i}.wav", "a") for i in range(9)] + [("b/s0.wav", "b")]) is None
    assert guess_groups([(f"{c}/{c}_{i}.wav", c) for c in "ab" for i in range(9)]) is None
    assert guess_groups([("a/anna_1.wav", "a"), ("b/anna_1.wav", "b")]) is None  # one speaker


def speakers_folder(tmp_path):
    for digit in "012":
        (tmp_path / digit).mkdir()
        for speaker in ("anna", "ben", "carla", "dan", "eve"):
            for i in range(4):
                (tmp_path / digit / f"{digit}_{speaker}_{i}.wav").write_bytes(b"x")
    return str(tmp_path)


def test_a_speaker_is_on_one_side_of_a_split(tmp_path) -> None:
    source = speakers_folder(tmp_path)
    train = listed(source, list("012"), split=(0.2, 1.0))
    validation = listed(source, list("012"), split=(0.0, 0.2))

    def speakers(found):
        return {name.split("_")[1] for name in found.names}

    assert len(speakers(validation)) == 1
    assert not speakers(train) & speakers(validation)
    assert validation.counts() == {"0": 4, "1": 4, "2": 4}


def test_the_unknown_class_is_split_by_speaker_too(tmp_path) -> None:
    source = speakers_folder(tmp_path)
    train = listed(source, ["0", "_unknown_"], split=(0.2, 1.0))
    validation = listed(source, ["0", "_unknown_"], split=(0.0, 0.2))
    assert not {n.split("_")[1] for n in train.names + train.pool} & {n.split("_")[1] for n in validation.names}


def test_a_function_says_the_group(folder) -> None:
    parity = {str(i): str(i % 3) for i in range(40)}

    def group(path):
        return parity[path.rpartition("/s")[2].removesuffix(".wav")]

    files = {name: SampleFiles(str(folder), WAV).files(name) for name in "ab"}
    held_out = split_by_group(files, 1 / 3, group)
    assert len({group(path) for path in held_out}) == 1


def test_no_grouping_if_it_is_off(tmp_path) -> None:
    source = speakers_folder(tmp_path)
    validation = listed(source, ["0"], split=(0.0, 0.2), group_by=None)
    assert validation.counts() == {"0": 4}
    with pytest.raises(DatasetError, match="group_by"):
        listed(source, ["0"], split=(0.0, 0.2), group_by="speaker")


def test_select_groups_leaves_some_on_either_side() -> None:
    assert len(select_groups({"a": 5, "b": 5}, 0.99)) == 1
    assert select_groups({"a": 100, "b": 1}, 0.01) == {"b"}
    counts = {f"speaker{i}": 10 for i in range(100)}
    assert len(select_groups(counts, 0.2)) == 20


# -- 0.20's functions ----------------------------------------------------------------------------------------------


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


def test_split_and_shuffle_lists() -> None:
    numbers = [str(i) for i in range(10)]
    assert split_file_list(numbers, (0, 0.2)) == ["0", "1"]
    assert split_file_list(numbers, (0.2, 1)) == numbers[2:]
    files = [f"s{i}_{i % 3}.wav" for i in range(9)]
    shuffled = shuffle_file_list_by_group(files, lambda path: path.split("_")[1])
    groups = [path.split("_")[1] for path in shuffled]
    assert sorted(shuffled) == sorted(files)
    assert [groups[i] for i in (0, 3, 6)] == [groups[i] for i in (2, 5, 8)]
