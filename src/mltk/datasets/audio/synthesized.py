"""Datasets of spoken words that MLTK 0.20 downloaded from recordings by cloud services, synthesized here instead.

The words are said by speech synthesizers on this machine (:class:`mltk.audio.speech.SpeechDataset`), so nothing is
downloaded and no account is needed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mltk.audio.speech import SpeechDataset
from mltk.datasets.places import dataset_path

SAMPLES_PER_KEYWORD = 2000
SAMPLES_UNKNOWN = 6000


def synthesize(
    classes: Sequence[str],
    dest_dir: str | None,
    dest_subdir: str,
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Folder with a class folder for each word and ``_unknown_``, made unless it is there.

    Raises:
        MissingDependencyError: no speech synthesizer is installed; names the extra.
        DatasetError: the folder holds something else.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    if logger is not None:
        logger.info("Synthesized speech of %s: %s", ", ".join(classes), folder)
    dataset = SpeechDataset(
        list(classes), samples_per_keyword=SAMPLES_PER_KEYWORD, samples_unknown=SAMPLES_UNKNOWN, folder=folder
    )
    return str(dataset.create(clean=clean_dest_dir))
