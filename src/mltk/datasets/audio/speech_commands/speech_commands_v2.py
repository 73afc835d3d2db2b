"""Speech Commands, version 2: 105,829 clips of 35 words, said by 2,618 people; 16 kHz, at most 1 s.

Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209, 2018. CC BY 4.0.
A file is named ``<speaker>_nohash_<take>.wav``; a speaker is on one side of a split.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import wave
from pathlib import Path

import numpy as np

from mltk.data.class_files import list_class_folder
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.places import dataset_path
from mltk.specification.logs import get_mltk_logger
from mltk.utils.archive_downloader import download_verify_extract
from mltk.utils.path import copy_directory

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "VERIFY_SHA1",
    "copy_directory",
    "download_verify_extract",
    "get_mltk_logger",
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


def load_data(
    dest_dir: str | None = None, dest_subdir: str = "datasets/speech_commands/v2", clean_dest_dir: bool = False
) -> str:
    """Folder of class folders, downloaded (2.3 GB) unless it is there.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    return str(fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder, clean=clean_dest_dir))


def load_clean_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/speech_commands/v2_cleaned",
    clean_in_place: bool = True,
    clean_dest_dir: bool = False,
) -> str:
    """The dataset without the clips in which no word can be: shorter than 0.3 s, or with a peak below −40 dBFS.

    Args:
        dest_dir: the folder; None is ``dest_subdir`` where datasets are kept.
        dest_subdir: see there.
        clean_in_place: unpack into this folder and remove the clips there; else keep the whole dataset too
            (:func:`load_data`) and copy it.
        clean_dest_dir: begin anew.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
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
    """Whether a 16-bit wav file is long and loud enough to hold a word."""
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
    """The files of a class in a part of the dataset, a speaker being in one part whatever is added later.

    A speaker's place between 0 and 1 is the hash of the name, as the dataset's authors do it (``which_set`` of its
    README); the files are those of speakers from ``split[0]`` to ``split[1]``.

    Args:
        base_directory: folder of class folders.
        search_class: the class, in any case.
        white_list_formats: file name extensions.
        split: the part, as shares of the whole; None is all.
        follow_links: go into folders that are links.
        shuffle_index_directory: not used: the order of the speakers is that of their hashes.

    Returns:
        ``(search_class, paths relative to base_directory)``.
    """
    folders = {p.name.lower(): p.name for p in Path(base_directory).iterdir() if p.is_dir()}
    folder = folders.get(search_class.lower(), search_class)
    paths, _ = list_class_folder(base_directory, folder, white_list_formats, follow_links)
    begin, end = split or (0.0, 1.0)
    placed = sorted((place_of_speaker(path), path) for path in paths)
    return search_class, [path for place, path in placed if begin <= place < end]


def place_of_speaker(path: str) -> float:
    """0 ≤ place < 1, the same for all files of a speaker."""
    speaker = _SPEAKER.sub("", path.rpartition("/")[2])
    return int.from_bytes(hashlib.sha1(speaker.encode()).digest()[:6], "big") / 2**48
