"""Label files: what is said in a recording, and when.

Two formats are read:

- Audacity's label tracks (``.txt``): start, end and label, separated by tabs, in seconds. Lines that begin with a
  backslash, with which Audacity stores frequencies, are skipped.
- CSV (``.csv``) with a header. Columns ``start``, ``end`` and ``label``; other columns are ignored. A column ``file``
  lets one CSV file serve several recordings. The separator is a comma, a semicolon or a tab.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mltk.errors import DatasetError, did_you_mean

LABEL_FORMATS = (".txt", ".csv")
"""File name extensions of label files."""

END_SLACK_S = 0.1
"""A label may end this many seconds after its recording: tools round times."""

_COLUMNS = {
    "start": ("start", "start_s", "begin", "onset"),
    "end": ("end", "end_s", "stop", "offset"),
    "label": ("label", "class", "keyword", "word", "text", "event_label"),
    "file": ("file", "filename", "path", "recording"),
}
_AUDACITY_HINT = (
    "A line has three parts, separated by tabs: start and end in seconds, then the label. For example: 1.25\t1.80\tyes"
)


class LabelFileError(DatasetError):
    """A label file cannot be read, or does not fit its recording; the message names the file and the line."""


@dataclass(frozen=True)
class Label:
    """A labelled part of a recording.

    Attributes:
        start_s: Where it begins, in seconds.
        end_s: Where it ends, in seconds.
        text: What it is.
        line: Line of the label file.
        file: Name of the recording; empty if the label file does not say it.
    """

    start_s: float
    end_s: float
    text: str
    line: int
    file: str = ""


@dataclass(frozen=True)
class Event:
    """A keyword in a recording.

    Attributes:
        start_s: Where it begins, in seconds.
        end_s: Where it ends, in seconds.
        class_index: Position in the model's classes.
    """

    start_s: float
    end_s: float
    class_index: int


def read_labels(path: str) -> list[Label]:
    """Read a label file.

    Args:
        path: A ``.txt`` file of Audacity, or a ``.csv`` file.

    Returns:
        The labels, in the order of the file.

    Raises:
        LabelFileError: The file cannot be read, or has another format.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            text = stream.read()
    except UnicodeDecodeError:
        raise LabelFileError(f"{path} is not a label file: it is not text in UTF-8.") from None
    except OSError as error:
        raise LabelFileError(f"The label file {path} can't be read: {error.strerror or error}.") from None
    lines = text.splitlines()
    return list(_read_csv(path, lines) if path.lower().endswith(".csv") else _read_audacity(path, lines))


def _read_audacity(path: str, lines: Sequence[str]) -> Iterator[Label]:
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("\\"):
            continue
        parts = line.split("\t", 2)
        if len(parts) < 3 or not parts[2].strip():
            raise LabelFileError(f"{path}, line {number}: {line.strip()!r} is not a label.", hint=_AUDACITY_HINT)
        yield _label(path, number, parts[0], parts[1], parts[2])


def _read_csv(path: str, lines: Sequence[str]) -> Iterator[Label]:
    if not lines:
        return
    separator = max(",;\t", key=lines[0].count)
    header = [name.strip().lower() for name in next(csv.reader(lines[:1], delimiter=separator))]
    places = {
        name: next((header.index(known) for known in names if known in header), None)
        for name, names in _COLUMNS.items()
    }
    start, end, label, file = (places[name] for name in ("start", "end", "label", "file"))
    if start is None or end is None or label is None:
        missing = [name for name in ("start", "end", "label") if places[name] is None]
        raise LabelFileError(
            f"{path}: the first line is {lines[0]!r}. It has no column {' and no column '.join(missing)}.",
            hint="The first line names the columns: start,end,label. Times are in seconds.",
        )
    for number, row in enumerate(csv.reader(lines[1:], delimiter=separator), 2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) <= max(start, end, label, file or 0):
            raise LabelFileError(f"{path}, line {number}: it has {len(row)} columns, but the header has {len(header)}.")
        yield _label(path, number, row[start], row[end], row[label], row[file] if file is not None else "")


def _label(path: str, line: int, start: str, end: str, text: str, file: str = "") -> Label:
    times = []
    for name, value in (("start", start), ("end", end)):
        try:
            times.append(float(value))
        except ValueError:
            hint = "Write times in seconds, with a point: 1.5" if "," in value or ":" in value else None
            raise LabelFileError(f"{path}, line {line}: the {name} {value!r} is not a number.", hint=hint) from None
    start_s, end_s = times
    if not (math.isfinite(start_s) and math.isfinite(end_s)) or start_s < 0:
        raise LabelFileError(f"{path}, line {line}: {start} to {end} s is not a time in a recording.")
    if end_s < start_s:
        raise LabelFileError(f"{path}, line {line}: the label ends at {end_s:g} s, before it starts at {start_s:g} s.")
    return Label(start_s, end_s, text.strip(), line, file.strip().replace("\\", "/"))


def keyword_events(
    labels: Iterable[Label], classes: Sequence[str], *, duration_s: float, path: str
) -> tuple[list[Event], list[str]]:
    """Find the keywords among labels, and check them against the recording.

    Args:
        labels: The labels of one recording.
        classes: Classes of the model. A class whose name begins with ``_`` is not a keyword.
        duration_s: Length of the recording in seconds.
        path: Path of the label file, for messages.

    Returns:
        The keywords, ordered by their start, and the texts of the labels that are not keywords.

    Raises:
        LabelFileError: A label lies past the end of the recording. Two labels of the same keyword overlap. Or a label
            differs from a keyword only in capital letters.
    """
    keywords = {name: i for i, name in enumerate(classes) if not name.startswith("_")}
    similar = {name.casefold(): name for name in keywords}
    found: list[tuple[Event, Label]] = []
    others = []
    for label in labels:
        if label.end_s > duration_s + END_SLACK_S:
            raise LabelFileError(
                f"{path}, line {label.line}: {label.text!r} ends at {label.end_s:g} s, but the recording has only "
                f"{duration_s:.1f} s.",
                hint="The label file is of another recording, or the recording was cut.",
            )
        if label.text in keywords:
            event = Event(label.start_s, min(label.end_s, duration_s), keywords[label.text])
            found.append((event, label))
        elif label.text.casefold() in similar:
            raise LabelFileError(
                f"{path}, line {label.line}: {label.text!r} is not a keyword of the model, but "
                f"{similar[label.text.casefold()]!r} is.",
                hint="Write the label as the model's class.",
            )
        else:
            others.append(label.text)
    found.sort(key=lambda pair: (pair[0].start_s, pair[0].end_s))
    _refuse_overlaps(path, found)
    return [event for event, _ in found], others


def _refuse_overlaps(path: str, found: Sequence[tuple[Event, Label]]) -> None:
    """Raise an error if two labels of the same keyword overlap: nobody could say which of them was detected."""
    latest: dict[str, Label] = {}
    for _, label in found:
        before = latest.get(label.text)
        if before is not None and label.start_s < before.end_s:
            raise LabelFileError(
                f"{path}: the labels of {label.text!r} in the lines {before.line} and {label.line} overlap.",
                hint="Give each spoken word one label.",
            )
        latest[label.text] = label


def refuse_without_keywords(texts: Iterable[str], classes: Sequence[str], n_events: int) -> None:
    """Raise an error if there are labels, but not one keyword.

    Args:
        texts: Texts of the labels that are not keywords.
        classes: Classes of the model.
        n_events: Number of keywords.

    Raises:
        LabelFileError: Not one label is a keyword.
    """
    names = sorted(set(texts))
    if n_events or not names:
        return
    keywords = [name for name in classes if not name.startswith("_")]
    if all(name in classes for name in names):
        return
    near = next(filter(None, (did_you_mean(name, keywords) for name in names)), "")
    shown = ", ".join(map(repr, names[:5])) + (" and others" if len(names) > 5 else "")
    raise LabelFileError(
        f"Not one label is a keyword of the model ({', '.join(keywords)}). The labels are {shown}.",
        hint=f"{near} Write the labels as the model's classes.".strip(),
    )
