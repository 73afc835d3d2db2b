"""Recordings of background noise, of which random pieces are mixed into clips."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple

from mltk.audio.clip_bank import ClipBank
from mltk.audio.files import AUDIO_FORMATS
from mltk.audio.findings import Findings
from mltk.data.walk import LeftOut, existing_path, walk_files
from mltk.errors import DatasetError

MEMORY_LIMIT_BYTES = 1 << 29


class Backgrounds(NamedTuple):
    """Background recordings.

    Attributes:
        names: Path of each recording, relative to its folder.
        bank: The recordings; None if there are none.
    """

    names: list[str]
    bank: ClipBank | None


def find_folder(folder: str, dataset: str | None) -> str:
    """Return the absolute path of the folder of background recordings.

    Args:
        folder: The setting ``bg_noise_dir``. A relative path is looked for in the working directory, then in the
            dataset's folder.
        dataset: The dataset's folder; None if it is not known.

    Raises:
        DatasetError: The folder does not exist.
    """
    given = os.path.expanduser(os.fspath(folder))
    places = [os.path.abspath(given)]
    if dataset is not None:
        places.append(os.path.abspath(os.path.join(os.path.expanduser(dataset), given)))
    for place in map(existing_path, places):
        if os.path.isdir(place):
            return place
    more = f" It is not in the dataset's folder either: {places[-1]}." if len(set(places)) > 1 else ""
    raise DatasetError(f"bg_noise_dir: the folder {places[0]} does not exist.{more}")


def open_backgrounds(
    folder: str, sample_rate_hz: int, max_unreadable: float, findings: Findings, say: Callable[[str], None]
) -> Backgrounds:
    """List the recordings of a folder. They are decoded when they are used.

    Args:
        folder: Folder of audio files, also in folders below it.
        sample_rate_hz: Sample rate in Hz that the recordings are resampled to.
        max_unreadable: Largest share of unreadable files.
        findings: Receives what is wrong with the files.
        say: Receives a sentence for each reason why files were left out.

    Raises:
        DatasetError: The folder contains no audio files.
    """
    left_out = LeftOut()
    names = [file.path for file in walk_files(folder, "", AUDIO_FORMATS, follow_links=True, left_out=left_out)]
    reports = [f"bg_noise_dir: {text} ({folder})" for text in left_out.reports(AUDIO_FORMATS)]
    if not names:
        raise DatasetError(
            f"bg_noise_dir: {folder} contains no audio files ({', '.join(AUDIO_FORMATS)}).",
            hint=" ".join(reports) or None,
        )
    for text in reports:
        say(text)
    paths = [os.path.join(folder, name) for name in names]
    bank = ClipBank(
        paths,
        sample_rate_hz,
        max_unreadable=max_unreadable,
        memory_limit_bytes=MEMORY_LIMIT_BYTES,
        findings=findings,
    )
    return Backgrounds(names, bank)
