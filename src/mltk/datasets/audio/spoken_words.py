"""Spoken words from speech synthesizers: what the four datasets of words have in common.

MLTK 0.20 downloaded recordings of synthesized voices that cloud services made. Here, speech synthesizers on this
machine say the words (:class:`mltk.audio.speech.SpeechDataset`). Nothing is downloaded, and no account is needed.
"""

from __future__ import annotations

import logging
from typing import NamedTuple, Protocol

from mltk.audio.speech import SpeechDataset
from mltk.datasets.places import dataset_path

SAMPLES_PER_KEYWORD = 2000
SAMPLES_UNKNOWN = 6000


class SpokenWords(NamedTuple):
    """One dataset of words.

    Args:
        classes: The words.
        url: Address of the recordings that MLTK 0.20 downloaded; not used.
        sha1: SHA-1 of these recordings; not used.
    """

    classes: list[str]
    url: str
    sha1: str


SPOKEN_WORDS = {
    "direction_commands": SpokenWords(
        ["left", "right", "up", "down", "stop", "go"],
        "https://www.dropbox.com/s/ulumv0sxbtcssvr/synthetic_direction_commands.7z?dl=1",
        "9e9295b4eda3d9da9cd242063c1646b15908da55",
    ),
    "on_off": SpokenWords(
        ["on", "off"],
        "https://www.dropbox.com/s/mkvbeyjdks28241/sl_synthetic_on_off.7z?dl=1",
        "b20697b82f883e4dc5e0afc4b7dc950d3339e703",
    ),
    "ten_digits": SpokenWords(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
        "https://www.dropbox.com/s/o8e84fsb5abu3t1/sl_synthetic_ten_digits.7z?dl=1",
        "a716e86a27fb5255d2a3bff4441dcd5b4044ea3a",
    ),
    "yes_no": SpokenWords(
        ["yes", "no"],
        "https://www.dropbox.com/s/83z0pkvtunpw7cy/sl_synthetic_yes_no.7z?dl=1",
        "abf31f3444f17e94b5bded4d4e2a001b5a6cb1b7",
    ),
}


class Download(Protocol):
    """Type of the functions that :func:`make_download` returns."""

    def __call__(
        self,
        dest_dir: str | None = None,
        dest_subdir: str = ...,
        logger: logging.Logger | None = None,
        clean_dest_dir: bool = False,
    ) -> str: ...


def make_download(name: str) -> Download:
    """Make the function ``download`` of the dataset ``name``."""

    def download(
        dest_dir: str | None = None,
        dest_subdir: str = f"datasets/{name}",
        logger: logging.Logger | None = None,
        clean_dest_dir: bool = False,
    ) -> str:
        """Synthesize the dataset, unless it exists.

        Args:
            dest_dir: Folder of the dataset; None is ``dest_subdir`` in the folder of all datasets.
            dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
            logger: Logs the words and the folder.
            clean_dest_dir: Synthesize again.

        Returns:
            The folder, with a class folder for each word and a class folder ``_unknown_``.

        Raises:
            MissingDependencyError: No speech synthesizer is installed; the hint names the extra.
            DatasetError: The folder holds a speech dataset that was made with other settings.
        """
        words = SPOKEN_WORDS[name].classes
        folder = dataset_path(dest_dir, dest_subdir)
        if logger is not None:
            logger.info("Synthesized speech of %s: %s", ", ".join(words), folder)
        dataset = SpeechDataset(
            list(words), samples_per_keyword=SAMPLES_PER_KEYWORD, samples_unknown=SAMPLES_UNKNOWN, folder=folder
        )
        # Published specifications put other recordings into the same folder.
        return str(dataset.create(clean=clean_dest_dir, beside_others=True))

    return download
