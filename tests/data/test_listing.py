"""Choosing samples: folders, dicts, lists; classes that are made; limits and splits."""

from __future__ import annotations

from collections import Counter

import pytest

from helpers.class_folder import class_folder, speakers_folder
from mltk.data.listing import ListingOptions, list_samples
from mltk.errors import DatasetError


@pytest.fixture
def folder(tmp_path):
    return class_folder(tmp_path)


def listed(source, classes, **options):
    return list_samples(source, classes, ListingOptions(formats=[".wav"], **({"empty_label": "_silence_"} | options)))


def test_a_folder_of_class_folders(folder) -> None:
    found = listed(str(folder), ["a", "b"])
    assert found.counts() == {"a": 20, "b": 10}
    assert found.names[0] == "a/s0.wav"
    assert found.paths()[0] == str(folder / "a" / "s0.wav")


def test_the_unknown_and_the_empty_class_are_shares_of_the_mean_class(folder) -> None:
    classes = ["a", "b", "_unknown_", "_silence_"]
    found = listed(str(folder), classes, unknown_share=2.0, empty_share=0.6)
    assert found.counts() == {"a": 20, "b": 10, "_unknown_": 30, "_silence_": 9}
    unknown = [name for name, label in zip(found.names, found.labels, strict=True) if label == 2]
    assert Counter(name[0] for name in unknown) == {"c": 15, "d": 15}
    assert found.names[-9:] == [None] * 9
    assert len(found.pool) == 70


def test_without_an_empty_label_no_class_is_made_of_nothing(folder) -> None:
    with pytest.raises(DatasetError, match="no class '_silence_'"):
        listed(str(folder), ["a", "_silence_"], empty_label=None)


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
        (3, ["a"], "Cannot list samples from int"),
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


def test_a_speaker_is_on_one_side_of_a_split(tmp_path) -> None:
    source = speakers_folder(tmp_path)
    train = listed(source, list("012"), split=(0.2, 1.0), group_by="auto")
    validation = listed(source, list("012"), split=(0.0, 0.2), group_by="auto")

    def speakers(found):
        return {name.split("_")[1] for name in found.names}

    assert len(speakers(validation)) == 1
    assert not speakers(train) & speakers(validation)
    assert validation.counts() == {"0": 4, "1": 4, "2": 4}


def test_the_unknown_class_is_split_by_speaker_too(tmp_path) -> None:
    source = speakers_folder(tmp_path)
    train = listed(source, ["0", "_unknown_"], split=(0.2, 1.0), group_by="auto")
    validation = listed(source, ["0", "_unknown_"], split=(0.0, 0.2), group_by="auto")
    assert not {n.split("_")[1] for n in train.names + train.pool} & {n.split("_")[1] for n in validation.names}


def test_no_grouping_if_it_is_off(tmp_path) -> None:
    source = speakers_folder(tmp_path)
    validation = listed(source, ["0"], split=(0.0, 0.2), group_by=None)
    assert validation.counts() == {"0": 4}
    with pytest.raises(DatasetError, match="group_by"):
        listed(source, ["0"], split=(0.0, 0.2), group_by="speaker")


def test_files_are_not_grouped_unless_asked(tmp_path) -> None:
    validation = listed(speakers_folder(tmp_path), list("012"), split=(0.0, 0.2))
    assert {name.split("_")[1] for name in validation.names} == {"anna"}
    assert validation.counts() == {"0": 4, "1": 4, "2": 4}
    half = listed(str(tmp_path), ["0"], split=(0.0, 0.5))
    assert Counter(name.split("_")[1] for name in half.names) == {"anna": 4, "ben": 4, "carla": 2}


def test_a_function_of_0_20_chooses_and_adds_files_of_the_unknown_class(folder) -> None:
    given = []

    def process(directory, sample_paths, split, **_):
        given.append({name: len(paths) for name, paths in sample_paths.items()})
        sample_paths["_unknown_"] = [*sample_paths["_unknown_"][:3], "more/x.wav", ""]

    classes = ["a", "b", "_unknown_"]
    for share, n in ((1.0, 3), (0, 0), (None, 0)):  # MLTK 0.20 gives the function what it has chosen, too
        found = listed(str(folder), classes, unknown_share=share, process_function=process)
        assert given[-1] == {**listed(str(folder), classes, unknown_share=share).counts()}
        assert found.counts()["_unknown_"] == n + 2
        assert found.names[-2:] == ["more/x.wav", None]
        assert found.pool == []  # an epoch does not draw others
    limited = listed(str(folder), classes, max_samples_per_class=2, process_function=process)
    assert limited.counts() == {"a": 2, "b": 2, "_unknown_": 2}


def test_a_function_of_0_20_gets_the_samples_of_the_split(folder) -> None:
    given = []

    def process(directory, sample_paths, split, **_):
        given.append((split, {name: len(paths) for name, paths in sample_paths.items()}))

    classes = ["a", "b", "_unknown_", "_silence_"]
    found = listed(str(folder), classes, split=(0, 0.3), empty_label="_silence_", process_function=process)
    assert given == [((0, 0.3), found.counts())]
    with pytest.raises(DatasetError, match="process_samples_function added 'new', which is not a class"):
        listed(str(folder), ["a"], process_function=lambda sample_paths, **_: sample_paths.update(new=["x"]))


def test_a_function_finds_an_empty_unknown_class(folder) -> None:
    def process(directory, sample_paths, **_):
        assert sample_paths["_unknown_"] == []
        sample_paths["_unknown_"] += ["more/x.wav", "more/y.wav"]

    found = listed(str(folder), ["a", "b", "c", "d", "_unknown_"], process_function=process)
    assert found.counts()["_unknown_"] == 2
