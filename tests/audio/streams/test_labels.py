"""Label files: what is read, and what is refused with the line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mltk.audio.streams.labels import Event, Label, LabelFileError, keyword_events, read_labels, refuse_without_keywords

CLASSES = ["yes", "no", "_unknown_"]


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_bytes(text.encode())
    return str(folder / name)


def labels_of(*parts: tuple[float, float, str]) -> list[Label]:
    return [Label(start, end, text, line) for line, (start, end, text) in enumerate(parts, 1)]


def test_the_label_track_of_audacity_is_read(tmp_path: Path) -> None:
    text = "1.250000\t1.800000\tyes\r\n\\\t300.0\t4000.0\r\n\r\n2\t2\tup and down\r\n"
    assert read_labels(write(tmp_path, "a.txt", text)) == [
        Label(1.25, 1.8, "yes", 1),
        Label(2.0, 2.0, "up and down", 4),
    ]
    assert read_labels(write(tmp_path, "empty.txt", "")) == []


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_csv_is_read_by_the_names_of_its_columns(tmp_path: Path, separator: str) -> None:
    rows = [("Speaker", "label", "end", "start"), ("Ann", "yes", "1.5", "1"), ("Bob", '"no"', "3", "2.5")]
    path = write(tmp_path, "a.csv", "\n".join(separator.join(row) for row in rows))
    assert read_labels(path) == [Label(1.0, 1.5, "yes", 2), Label(2.5, 3.0, "no", 3)]


def test_a_csv_may_name_the_recording_of_each_label(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "\ufefffile,onset,offset,event_label\nday1\\a.wav,1,2,yes\n")
    assert read_labels(path) == [Label(1, 2, "yes", 2, "day1/a.wav")]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.txt", "1.0 2.0 yes\n", r"a.txt, line 1: '1.0 2.0 yes' is not a label.*separated by tabs"),
        ("a.txt", "1\t2\tyes\n1\t2\t \n", r"line 2: .* is not a label"),
        ("a.txt", "1,5\t2\tyes\n", r"line 1: the start '1,5' is not a number.*with a point"),
        ("a.txt", "0:01\t2\tyes\n", "in seconds"),
        ("a.txt", "2\t1\tyes\n", "ends at 1 s, before it starts at 2 s"),
        ("a.txt", "-1\t1\tyes\n", "-1 to 1 s is not a time"),
        ("a.txt", "nan\t1\tyes\n", "nan to 1 s is not a time"),
        ("a.csv", "1,2,yes\n", r"the first line is '1,2,yes'. It has no column start and no column end and no"),
        ("a.csv", "start,end,label\n1,2\n", "line 2: it has 2 columns, but the header has 3"),
        ("a.txt", "\0\udcff", "not text in UTF-8"),
    ],
)
def test_another_format_is_an_error_with_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(LabelFileError, match=f"(?s){message}"):
        read_labels(str(tmp_path / name))


def test_keywords_are_found_among_the_labels() -> None:
    labels = labels_of((2.0, 2.5, "no"), (1.0, 1.5, "yes"), (0.0, 4.0, "_unknown_"), (1.2, 1.4, "no"), (3.0, 3.2, "hi"))
    events, others = keyword_events(labels, CLASSES, duration_s=4.0, path="a.txt")
    assert events == [Event(1.0, 1.5, 0), Event(1.2, 1.4, 1), Event(2.0, 2.5, 1)]
    assert others == ["_unknown_", "hi"]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            [(3.0, 4.5, "yes")],
            r"a.txt, line 1: 'yes' ends at 4.5 s, but the recording has only 4.0 s.*another recording",
        ),
        ([(3.0, 4.5, "hi")], r"'hi' ends at 4.5 s"),
        ([(1.0, 2.0, "yes"), (1.9, 3.0, "yes")], r"labels of 'yes' in the lines 1 and 2 overlap"),
        ([(1.0, 2.0, "Yes")], r"'Yes' is not a keyword of the model, but 'yes' is"),
    ],
)
def test_labels_that_do_not_fit_the_recording_are_refused(parts: list[tuple[float, float, str]], message: str) -> None:
    with pytest.raises(LabelFileError, match=f"(?s){message}"):
        keyword_events(labels_of(*parts), CLASSES, duration_s=4.0, path="a.txt")


def test_a_label_may_end_a_little_after_the_recording() -> None:
    events, _ = keyword_events(labels_of((3.0, 4.05, "yes")), CLASSES, duration_s=4.0, path="a.txt")
    assert events == [Event(3.0, 4.0, 0)]


def test_labels_of_other_words_alone_are_refused() -> None:
    with pytest.raises(LabelFileError, match=r"Not one label is a keyword of the model \(yes, no\).*'ye'.*\n.*'yes'"):
        refuse_without_keywords(["ye", "ye"], CLASSES, 0)
    refuse_without_keywords(["_unknown_"], CLASSES, 0)
    refuse_without_keywords(["ye"], CLASSES, 1)
    refuse_without_keywords([], CLASSES, 0)
