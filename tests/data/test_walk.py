"""What belongs to a dataset: hidden folders, links, names in any encoding, and formats that are not read."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from helpers.class_folder import class_folder
from mltk.data.listing import ListingOptions, SampleList, list_samples

COUNTS = {"a": 20, "b": 10}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return class_folder(tmp_path)


def listed(folder: Path, classes: list[str] | None = None, **options: object) -> SampleList:
    chosen = ListingOptions(formats=[".wav"], follow_links=True, **options)  # type: ignore[arg-type]
    return list_samples(str(folder), classes or ["a", "b"], chosen)


@pytest.mark.parametrize("place", ["a/.ipynb_checkpoints", "a/deep/.git/objects", ".trash/a", "c/.cache"])
def test_hidden_folders_are_not_entered(folder: Path, place: str, caplog: pytest.LogCaptureFixture) -> None:
    (folder / place).mkdir(parents=True)
    (folder / place / "copy.wav").write_bytes(b"x")
    assert listed(folder).counts() == COUNTS
    unknown = listed(folder, ["a", "b", "_unknown_"], unknown_share=None)
    assert not any("copy" in str(name) for name in unknown.names + unknown.pool)
    if place.startswith("a"):
        assert "left out: a/" in caplog.text


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("a/all", ".."),
        ("a/all", "../.."),
        ("a/deep/all", "../../.."),
        ("a/here", "."),
        ("a/here", "here"),
        ("a/other", "../b"),
        ("all", "."),
        ("a/root", "/"),
    ],
)
@pytest.mark.parametrize("second", [False, True])
def test_each_file_is_listed_once_wherever_links_lead(folder: Path, link: str, target: str, second: bool) -> None:
    for name in [link, *([f"b/back{len(target)}"] if second else [])]:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(target, target_is_directory=True)
    assert listed(folder).counts() == COUNTS
    unknown = listed(folder, ["a", "b", "_unknown_"], unknown_share=10.0)
    names = [os.path.realpath(folder / str(name)) for name in unknown.names]
    assert unknown.counts() == {**COUNTS, "_unknown_": 70}
    assert len(set(names)) == 100


def test_a_link_to_the_dataset_is_named(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "a" / "all").symlink_to("..", target_is_directory=True)
    listed(folder)
    assert "1 link leads to a folder above the link or above the dataset, and not followed: a/all" in caplog.text


def test_links_to_recordings_elsewhere_count(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "more.wav").write_bytes(b"x")
    (elsewhere / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "a" / "elsewhere").symlink_to(elsewhere, target_is_directory=True)
    (folder / "b" / "one.wav").symlink_to(elsewhere / "more.wav")
    assert listed(folder).counts() == {"a": 21, "b": 10}


@pytest.mark.parametrize(
    "target", ["{elsewhere}/more.wav", "{linked}/more.wav", "{elsewhere}/chain.wav", "{linked}/../elsewhere/more.wav"]
)
def test_a_file_counts_once_by_whatever_links_it_is_reached(folder: Path, tmp_path: Path, target: str) -> None:
    elsewhere, linked = tmp_path / "elsewhere", tmp_path / "linked"
    elsewhere.mkdir()
    (elsewhere / "more.wav").write_bytes(b"x")
    (elsewhere / "chain.wav").symlink_to("more.wav")
    linked.symlink_to(elsewhere, target_is_directory=True)
    (folder / "a" / "direct.wav").symlink_to(elsewhere / "more.wav")
    place = target.format(elsewhere=elsewhere, linked=linked)
    (folder / "a" / "absolute.wav").symlink_to(place)
    (folder / "b" / "other.wav").symlink_to("../a/absolute.wav")
    assert listed(folder).counts() == {"a": 21, "b": 10}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse the name")
def test_names_that_are_not_utf8_are_listed_and_shown(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for place in (b"a", b"c", b"d/f\xf6lder"):
        os.makedirs(os.fsencode(folder) + b"/" + place, exist_ok=True)
        Path(os.fsdecode(os.fsencode(folder) + b"/" + place + b"/sch\xf6n.wav")).write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(folder) + b"/b/l\xf6r.wav")).touch()
    found = listed(folder, ["a", "b", "_unknown_"], unknown_share=10.0, shuffle_files=True, split=(0.0, 0.5))
    assert found.counts()["a"] == 10
    assert r"b/l\xf6r.wav" in caplog.text


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_a_class_is_found_however_its_name_is_composed(tmp_path: Path, on_disk: str, asked: str) -> None:
    name = unicodedata.normalize(on_disk, "grün")  # type: ignore[arg-type]
    wanted = unicodedata.normalize(asked, "grün")  # type: ignore[arg-type]
    (tmp_path / name / name).mkdir(parents=True)
    (tmp_path / name / name / "x.wav").write_bytes(b"x")
    assert listed(tmp_path, [wanted]).counts() == {wanted: 1}
    with_unknown = ListingOptions(formats=[".wav"])
    assert list_samples(str(tmp_path), [wanted, "_unknown_"], with_unknown).counts() == {wanted: 1, "_unknown_": 0}
    assert list_samples({wanted: tmp_path / wanted / wanted}, [name], with_unknown).counts() == {name: 1}


def test_files_of_other_formats_are_counted_once(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a/x.m4a", "a/y.m4a", "b/z.aiff", "b/notes.txt"):
        (folder / name).write_bytes(b"x")
    said: set[str] = set()
    for split in ((0.0, 0.5), (0.5, 1.0)):
        listed(folder, split=split, said=said)
    assert caplog.text.count("3 files have a format that is not read (1 .aiff, 2 .m4a)") == 1
    assert "for example b/z.aiff" in caplog.text


def speakers(where: Path, **takes: dict[str, int]) -> Path:
    for name, of in takes.items():
        (where / name).mkdir()
        for speaker, n in of.items():
            for i in range(n):
                (where / name / f"{speaker}_{i}.wav").write_bytes(b"x")
    return where


MANY = {f"sp{i:02d}": 2 for i in range(12)}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("own", [{"ben": 12}, {"ben": 2}, {"ben": 6, "eva": 6}, {"sp00": 12}, {"sp00": 3, "sp01": 3}])
def test_no_class_is_empty_in_a_part_because_of_its_speakers(
    tmp_path: Path, share: float, own: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    source = speakers(tmp_path, yes=MANY, no=MANY, up=own)
    train = listed(source, ["yes", "no", "up"], split=(share, 1.0), group_by="auto")
    validation = listed(source, ["yes", "no", "up"], split=(0.0, share), group_by="auto")
    assert min(train.counts().values()) > 0
    assert min(validation.counts().values()) > 0
    assert not set(train.names) & set(validation.names)
    assert len(train.names) + len(validation.names) == 48 + sum(own.values())
    if len(own) == 1:
        assert "Class 'up' has only one speaker" in caplog.text
        assert "group_by=None" in caplog.text


def test_a_class_that_is_empty_in_a_part_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = speakers(tmp_path, yes={"a": 20}, no={"b": 3})
    assert listed(source, ["yes", "no"], split=(0.0, 0.1)).counts() == {"yes": 2, "no": 0}
    assert "Class 'no' has no samples for validation" in caplog.text
