"""Long recordings with their label files, read block by block at the model's sample rate.

The first channel of a file with several channels is read, as everywhere. A folder may have folders in it. A label file
has the name of its recording: ``kitchen.wav`` and ``kitchen.txt`` or ``kitchen.csv``. A CSV file with a column ``file``
serves all recordings of its folder.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.decoding import CLIPPED_ABOVE, HIGHEST_RATE_HZ, INTEGERS_ABOVE, LOWEST_RATE_HZ, AudioFileError, opened
from mltk.audio.files import AUDIO_FORMATS, to_int16
from mltk.audio.findings import Kind
from mltk.audio.streams.labels import (
    LABEL_FORMATS,
    Event,
    Label,
    LabelFileError,
    keyword_events,
    read_labels,
    refuse_without_keywords,
)
from mltk.data.walk import LeftOut, walk_files
from mltk.errors import DatasetError, MissingDependencyError, did_you_mean

_SHOWN = 5
_MOST_VALUES_OF_MP3 = 1 << 28  # a GiB of floats


@dataclass
class Recording:
    """One audio file, and the keywords in it.

    Attributes:
        path: Path of the audio file.
        name: Path of the audio file within the folder that was given.
        duration_s: Length in seconds, as its header says.
        file_rate_hz: Sample rate of the file in Hz.
        n_channels: Channels of the file.
        events: The keywords, ordered by their start.
        is_labelled: Whether there is a label file.
        is_cut: Whether the file was cut: it ends too early.
    """

    path: str
    name: str
    duration_s: float
    file_rate_hz: int
    n_channels: int
    events: list[Event] = field(default_factory=list)
    is_labelled: bool = False
    is_cut: bool = False

    def blocks(self, sample_rate_hz: int, block_s: float = 20.0) -> Iterator[npt.NDArray[np.int16]]:
        """Read the recording.

        Args:
            sample_rate_hz: Sample rate in Hz that the audio is resampled to.
            block_s: Seconds of a block.

        Yields:
            int16 [samples], one block after the other.

        Raises:
            AudioFileError: The file cannot be read, its first channel is silent and another is not, or it contains NaN.
        """
        resampler = _resampler(self.file_rate_hz, sample_rate_hz)
        peaks = np.zeros(self.n_channels)
        with opened(self.path) as (file, _):
            for samples, is_last in _with_last(_read(self.path, file, max(1, int(block_s * self.file_rate_hz)))):
                if self.n_channels > 1:
                    peaks = np.maximum(peaks, np.abs(samples.astype(np.float32)).max(axis=0, initial=0))
                mono = _checked(self.path, np.ascontiguousarray(samples[:, 0]))
                if resampler is not None:
                    mono = resampler.resample_chunk(mono, last=is_last)
                if len(mono):
                    yield to_int16(mono)
        if self.n_channels > 1 and peaks[0] == 0 and peaks.max() > 0:
            raise AudioFileError(
                f"{self.path} has {self.n_channels} channels, of which the first is silent and channel "
                f"{int(peaks.argmax()) + 1} is not. Write the channel to be heard as a file of one channel."
            )


def _with_last(items: Iterator[npt.NDArray[Any]]) -> Iterator[tuple[npt.NDArray[Any], bool]]:
    """Yield each item with whether it is the last."""
    held = next(items, None)
    while held is not None:
        following = next(items, None)
        yield held, following is None
        held = following


def _read(path: str, file: Any, n: int) -> Iterator[npt.NDArray[Any]]:
    """Yield blocks [samples, channels] of an open file: int16 if it has integers, otherwise float32.

    An mp3 file is read at once: soundfile seeks after each block, which changes the samples.
    """
    dtype = "int16" if str(file.subtype).startswith("PCM_") else "float32"
    if file.format in ("MP3", "MPEG"):
        n = max(1, int(file.frames))
        if n * file.channels > _MOST_VALUES_OF_MP3:
            raise AudioFileError(
                f"{path} has {n / file.samplerate / 3600:.1f} h of audio. An mp3 file is decoded in memory, which is "
                "too much for it.",
                hint="Convert the recording to wav or flac, or cut it into parts.",
            )
    left = int(file.frames)
    while left > 0:
        samples = file.read(min(n, left), dtype=dtype, always_2d=True)
        if not len(samples):
            return
        left -= len(samples)
        yield samples


def _checked(path: str, mono: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if mono.dtype != np.float32 or not len(mono):
        return mono
    peak = float(np.abs(mono).max())
    if not np.isfinite(peak):
        raise AudioFileError(f"{path} contains NaN or infinite samples.")
    if peak > INTEGERS_ABOVE:
        raise AudioFileError(f"{path} contains values up to {peak:.3g}, where 1 is full scale.")
    return np.clip(mono, -1, 1) if peak > CLIPPED_ABOVE else mono


def _resampler(from_hz: int, to_hz: int) -> Any:
    """Return a resampler of a stream of int16 or float32; None if both rates are the same."""
    if from_hz == to_hz:
        return None
    try:
        import soxr  # type: ignore[import-untyped]
    except ImportError:
        raise MissingDependencyError("soxr, which changes the rate of audio,", "audio") from None

    class Resampler:
        """Makes the resampler of the data type of the first block."""

        _stream: Any = None

        def resample_chunk(self, samples: npt.NDArray[Any], *, last: bool) -> npt.NDArray[Any]:
            if self._stream is None:
                self._stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype=str(samples.dtype), quality="HQ")
            return np.asarray(self._stream.resample_chunk(samples, last=last))

    return Resampler()


@dataclass
class Recordings:
    """What is evaluated as a stream.

    Attributes:
        recordings: The recordings, ordered by their names.
        notes: What a reader of the results must know about them.
    """

    recordings: list[Recording]
    notes: list[str]

    @property
    def hours(self) -> float:
        """Length of all recordings in hours."""
        return sum(r.duration_s for r in self.recordings) / 3600


def find_recordings(path: str, classes: Sequence[str], *, sample_rate_hz: int, shortest_s: float) -> Recordings:
    """Find recordings and their label files.

    Args:
        path: An audio file, or a folder of audio files.
        classes: Classes of the model.
        sample_rate_hz: Sample rate of the model in Hz.
        shortest_s: Seconds of audio that the model needs for its first inference.

    Raises:
        DatasetError: There is no audio, a recording lacks its label file or the other way round, or all recordings are
            too short.
        LabelFileError: A label file does not fit its recording.
        AudioFileError: A file cannot be read as audio.
    """
    full = os.path.abspath(os.path.expanduser(path))
    if os.path.isdir(full):
        names, notes = _audio_in(full)
        root = full
    elif os.path.isfile(full):
        root, name = os.path.split(full)
        _refuse_other_format(full)
        names, notes = [name], []
    else:
        raise DatasetError(f"There is no file or folder {full}.")
    labels = _LabelFiles(root, names, whole_folder=os.path.isdir(full))
    labels.check_partners()
    notes += labels.notes
    recordings, others = [], list[str]()
    for name in names:
        recording = _open(os.path.join(root, name), name)
        if recording.duration_s < shortest_s:
            notes.append(_too_short(recording, shortest_s))
            continue
        others += _add_events(recording, labels, classes)
        recordings.append(recording)
    if not recordings:
        raise DatasetError(f"{full}: {notes[-1]}", hint="Record at least a minute.")
    refuse_without_keywords(others, classes, sum(len(r.events) for r in recordings))
    found = Recordings(recordings, notes)
    notes += _notes(found, others, sample_rate_hz)
    return found


def _audio_in(folder: str) -> tuple[list[str], list[str]]:
    left_out = LeftOut()
    names = sorted(f.path for f in walk_files(folder, "", AUDIO_FORMATS, follow_links=True, left_out=left_out))
    notes = [f"{text}." for text in left_out.reports((*AUDIO_FORMATS, *LABEL_FORMATS))]
    if not names:
        hint = " ".join(notes) or None
        raise DatasetError(f"{folder} contains no audio files ({', '.join(AUDIO_FORMATS)}).", hint=hint)
    return names, notes


def _refuse_other_format(path: str) -> None:
    if not path.lower().endswith(AUDIO_FORMATS):
        raise DatasetError(
            f"{path} is not an audio file ({', '.join(AUDIO_FORMATS)}).",
            hint="Name the recording; its label file is found beside it."
            if path.lower().endswith(LABEL_FORMATS)
            else None,
        )


def _open(path: str, name: str) -> Recording:
    with opened(path) as (file, found):
        frames, rate, channels = int(file.frames), int(file.samplerate), int(file.channels)
        is_cut = any(kind is Kind.CUT for kind, _ in found)
    if not LOWEST_RATE_HZ <= rate <= HIGHEST_RATE_HZ:
        raise AudioFileError(
            f"{path}: the header says a sample rate of {rate} Hz, which no recorder of sound has. "
            "Write the file again with the right rate."
        )
    return Recording(path, name, frames / rate, rate, channels, is_cut=is_cut)


def _too_short(recording: Recording, shortest_s: float) -> str:
    return (
        f"{recording.name} has {recording.duration_s:.3g} s, but the model needs {shortest_s:.3g} s of audio before "
        "its first inference. It is left out."
    )


class _LabelFiles:
    """The label files of a folder, by recording.

    Args:
        root: The folder.
        recordings: Names of the recordings.
        whole_folder: Whether these are all recordings of the folder.

    Attributes:
        notes: Files that were ignored.
    """

    def __init__(self, root: str, recordings: Sequence[str], *, whole_folder: bool) -> None:
        self._root = root
        self._recordings = recordings
        self._stems = {os.path.splitext(name)[0] for name in recordings}
        self._beside: dict[str, tuple[str, list[Label]]] = {}  # recording without suffix → label file
        self._shared: dict[str, tuple[str, list[Label]]] = {}  # recording → CSV file that names it
        self._alone: list[str] = []
        self.notes: list[str] = []
        if whole_folder:
            names = sorted(_label_files(root, recordings))
        else:
            names = [stem + suffix for stem in self._stems for suffix in LABEL_FORMATS]
        for name in names:
            if os.path.isfile(os.path.join(root, name)):
                self._add(name)

    def _add(self, name: str) -> None:
        stem, _ = os.path.splitext(name)
        path = os.path.join(self._root, name)
        try:
            labels = read_labels(path)
        except LabelFileError:
            if stem in self._stems:
                raise
            self.notes.append(f"{name} is not a label file. It is ignored.")
            return
        if labels and all(label.file for label in labels):
            for label in labels:
                recording = posixpath.normpath(posixpath.join(posixpath.dirname(name), label.file))
                self._shared.setdefault(recording, (path, []))[1].append(label)
        elif stem in self._beside:
            raise LabelFileError(
                f"{self._root} has two label files for one recording: {os.path.basename(self._beside[stem][0])} and "
                f"{os.path.basename(name)}.",
                hint="Keep the right one.",
            )
        else:
            self._beside[stem] = (path, labels)

    def of(self, recording: str) -> tuple[str, list[Label]] | None:
        """Return the path of the label file, and its labels; None if there is none."""
        return self._shared.get(recording) or self._beside.get(os.path.splitext(recording)[0])

    def check_partners(self) -> None:
        """Raise an error if some recordings lack a label file, or a label file lacks its recording.

        Without any label file, no keyword is in the recordings.
        """
        alone = [path for stem, (path, _) in self._beside.items() if stem not in self._stems]
        alone += [f"{name} in {path}" for name, (path, _) in self._shared.items() if name not in self._recordings]
        if alone:
            near = did_you_mean(os.path.splitext(os.path.basename(alone[0]))[0], map(os.path.basename, self._stems))
            raise LabelFileError(
                f"There are labels, but no recording, for {_some(alone)}.",
                hint=near or "Rename the label file as its recording, or remove it.",
            )
        without = [name for name in self._recordings if self.of(name) is None]
        if self._beside and without:
            empty = os.path.splitext(os.path.join(self._root, without[0]))[0]
            raise LabelFileError(
                f"There is no label file for {_some(without)}, but other recordings have one.",
                hint=f"If no keyword is said in it, write an empty label file: {empty}.txt",
            )


def _label_files(root: str, recordings: Sequence[str]) -> set[str]:
    """Return the paths below a folder of files that may be label files, also empty ones, with ``/``."""
    folders = {os.path.dirname(name) for name in recordings}  # also behind links
    for folder, below, _ in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        folders.add("" if folder == root else os.path.relpath(folder, root).replace(os.sep, "/"))
    return {
        posixpath.join(folder, name)
        for folder in folders
        for name in os.listdir(os.path.join(root, folder))
        if name.lower().endswith(LABEL_FORMATS) and not name.startswith(".")
    }


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} others" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _add_events(recording: Recording, labels: _LabelFiles, classes: Sequence[str]) -> list[str]:
    """Add the keywords of a recording. Returns the texts of its other labels."""
    found = labels.of(recording.name)
    if found is None:
        return []
    path, own = found
    recording.is_labelled = True
    recording.events, others = keyword_events(own, classes, duration_s=recording.duration_s, path=path)
    return others


def _notes(found: Recordings, others: Sequence[str], sample_rate_hz: int) -> list[str]:
    notes = []
    if not any(r.is_labelled for r in found.recordings):
        notes.append("There are no label files: every detection counts as a false accept, and nothing can be missed.")
    cut = [r.name for r in found.recordings if r.is_cut]
    if cut:
        notes.append(f"These recordings were cut, and end too early; what they contain is used: {_some(cut)}.")
    names = sorted(set(others))
    if names:
        notes.append(f"Labels that are not keywords, so that nothing is expected there: {_some(names)}.")
    stereo = [r.name for r in found.recordings if r.n_channels > 1]
    if stereo:
        notes.append(f"Only the first channel is heard: {_some(stereo)}.")
    resampled = [f"{r.name} ({r.file_rate_hz} Hz)" for r in found.recordings if r.file_rate_hz != sample_rate_hz]
    if resampled:
        notes.append(f"Resampled to the model's {sample_rate_hz} Hz: {_some(resampled)}.")
    low = [r.name for r in found.recordings if r.file_rate_hz < sample_rate_hz]
    if low:
        notes.append(
            f"Recordings of a lower rate than the model's lack high frequencies, so the model may fail: {_some(low)}."
        )
    return notes
