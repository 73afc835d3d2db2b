"""Speech Commands, version 2: 105,829 clips of 35 words by 2,618 people, at 16 kHz and at most 1 s long.

Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209, 2018. CC BY 4.0.
A file is named ``<speaker>_nohash_<take>.wav``. A split never divides the clips of a speaker.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import wave
from pathlib import Path

import numpy as np

from mltk._lazy import names_of_0_20
from mltk.data.class_files import list_class_folder
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.places import dataset_path
from mltk.specification.logs import get_mltk_logger

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "VERIFY_SHA1",
    "list_valid_filenames_in_directory",
    "load_clean_data",
    "load_data",
]

DOWNLOAD_URL = "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
VERIFY_SHA1 = "4264eb9753e38eef2ec1d15dfac8441f09751ca9"
CLASSES = [
    *("Yes", "No", "Up", "Down", "Left", "Right", "On", "Off", "Stop", "Go"),
    *("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"),
    *("Bed", "Bird", "Cat", "Dog", "Happy", "House", "Marvin", "Sheila", "Tree", "Wow"),
]
QUIETEST_PEAK = 0.01  # of full scale
SHORTEST_S = 0.3
_SPEAKER = re.compile(r"_nohash_.*$")
__getattr__ = names_of_0_20(__name__)


def load_data(
    dest_dir: str | None = None, dest_subdir: str = "datasets/speech_commands/v2", clean_dest_dir: bool = False
) -> str:
    """Download the dataset (2.3 GB), unless it exists.

    Args:
        dest_dir: Folder of the dataset; None is ``dest_subdir`` in the folder of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        clean_dest_dir: Unpack the dataset again.

    Returns:
        The folder of class folders.

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    return str(fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder, clean=clean_dest_dir))


def load_clean_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/speech_commands/v2_cleaned",
    clean_in_place: bool = True,
    clean_dest_dir: bool = False,
) -> str:
    """Download the dataset and remove the clips that cannot hold a word, unless this was done.

    These clips are shorter than 0.3 s, or have a peak below −40 dBFS.

    Args:
        dest_dir: Folder of the dataset; None is ``dest_subdir`` in the folder of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        clean_in_place: Unpack into this folder and remove the clips there. False copies the whole dataset of
            :func:`load_data`, which stays.
        clean_dest_dir: Unpack or copy the dataset again.

    Returns:
        The folder of class folders.

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    target = dataset_path(dest_dir, dest_subdir)
    done = target / ".cleaned"
    if done.exists() and not clean_dest_dir:
        return str(target)
    if clean_in_place:
        load_data(dest_dir, dest_subdir, clean_dest_dir)
    else:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(load_data(), target)
    removed = 0
    for path in sorted(target.glob("*/*.wav")):
        if not path.parent.name.startswith("_") and not has_sound(path):
            path.unlink()
            removed += 1
    get_mltk_logger().info("Removed %d clips without a word from %s", removed, target)
    done.touch()
    return str(target)


def has_sound(path: Path) -> bool:
    """Whether a wav file (mono, 16 bits) is long and loud enough to hold a word."""
    try:
        with wave.open(str(path), "rb") as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            seconds = file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, ZeroDivisionError, ValueError):
        return False
    return seconds >= SHORTEST_S and int(np.abs(samples.astype(np.int32)).max(initial=0)) >= QUIETEST_PEAK * 32768


def list_valid_filenames_in_directory(
    base_directory: str,
    search_class: str,
    white_list_formats: list[str],
    split: tuple[float, float] | None,
    follow_links: bool,
    shuffle_index_directory: str | None,
) -> tuple[str, list[str]]:
    """List the files of a class in a part of the dataset. A speaker stays in one part, whatever files are added later.

    The place of a speaker is the hash of the name, from 0 to 1, as in the dataset's README (``which_set``). The part
    has the speakers whose place is at least ``split[0]`` and less than ``split[1]``.

    Args:
        base_directory: Folder of class folders.
        search_class: Name of the class, in upper or lower case.
        white_list_formats: File name extensions.
        split: The part, as shares of the whole; None is the whole.
        follow_links: Whether to enter folders that are links.
        shuffle_index_directory: For compatibility with MLTK 0.20; ignored. The order is that of the speakers' hashes.

    Returns:
        ``search_class``, and the paths relative to ``base_directory``.
    """
    folders = {p.name.lower(): p.name for p in Path(base_directory).iterdir() if p.is_dir()}
    folder = folders.get(search_class.lower(), search_class)
    paths, _ = list_class_folder(base_directory, folder, white_list_formats, follow_links)
    begin, end = split or (0.0, 1.0)
    placed = sorted((place_of_speaker(path), path) for path in paths)
    return search_class, [path for place, path in placed if begin <= place < end]


def place_of_speaker(path: str) -> float:
    """Return the place of the speaker of a file, at least 0 and less than 1; the same for all files of the speaker."""
    speaker = _SPEAKER.sub("", path.rpartition("/")[2])
    return int.from_bytes(hashlib.sha1(speaker.encode()).digest()[:6], "big") / 2**48
