"""Recordings of background noise, of which random pieces are mixed into clips."""

from __future__ import annotations

import os
from typing import NamedTuple

from mltk.audio.clip_bank import ClipBank
from mltk.audio.files import AUDIO_FORMATS
from mltk.data.class_files import list_class_folder
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


def open_backgrounds(folder: str, sample_rate_hz: int, max_unreadable: float) -> Backgrounds:
    """List the recordings of a folder. They are decoded when they are used.

    Args:
        folder: Folder of audio files, also in folders below it.
        sample_rate_hz: Sample rate in Hz that the recordings are resampled to.
        max_unreadable: Largest share of unreadable files.

    Raises:
        DatasetError: The folder does not exist or contains no audio files.
    """
    if not os.path.isdir(folder):
        raise DatasetError(f"bg_noise_dir: the folder {folder} does not exist.")
    names, _ = list_class_folder(folder, "", AUDIO_FORMATS, follow_links=True)
    if not names:
        raise DatasetError(f"bg_noise_dir: {folder} contains no audio files ({', '.join(AUDIO_FORMATS)}).")
    paths = [os.path.join(folder, name) for name in names]
    bank = ClipBank(paths, sample_rate_hz, max_unreadable=max_unreadable, memory_limit_bytes=MEMORY_LIMIT_BYTES)
    return Backgrounds(names, bank)
