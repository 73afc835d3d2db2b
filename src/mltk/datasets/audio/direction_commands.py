"""Left, right, up, down, stop and go, said by many synthesized voices."""

from __future__ import annotations

import logging

from mltk.datasets.audio.synthesized import synthesize
from mltk.utils.archive_downloader import create_user_dir, download_verify_extract, fullpath
from mltk.utils.audio_dataset_generator import AudioDatasetGenerator, Augmentation, Keyword, VoicePitch, VoiceRate

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "VERIFY_SHA1",
    "AudioDatasetGenerator",
    "Augmentation",
    "Keyword",
    "VoicePitch",
    "VoiceRate",
    "create_user_dir",
    "download",
    "download_verify_extract",
    "fullpath",
    "generate_dataset",
    "load_data",
]

CLASSES = ["left", "right", "up", "down", "stop", "go"]
# The recordings by cloud services that MLTK 0.20 downloaded; nothing here does.
DOWNLOAD_URL = "https://www.dropbox.com/s/ulumv0sxbtcssvr/synthetic_direction_commands.7z?dl=1"
VERIFY_SHA1 = "9e9295b4eda3d9da9cd242063c1646b15908da55"


def download(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/direction_commands",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Folder of class folders, one of them ``_unknown_``; synthesized on this machine unless it is there.

    Raises:
        MissingDependencyError: no speech synthesizer is installed; names the extra.
    """
    return synthesize(CLASSES, dest_dir, dest_subdir, logger, clean_dest_dir)


def load_data() -> str:
    """The same as :func:`download`, so that ``my_model.dataset`` may be this module."""
    return download()


def generate_dataset(out_dir: str | None = None) -> str:
    """Synthesize the dataset into ``out_dir``; None is where :func:`download` keeps it."""
    return download(out_dir)
