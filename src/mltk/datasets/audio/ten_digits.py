"""The ten digits, said by many synthesized voices."""

from __future__ import annotations

from mltk._lazy import names_of_0_20
from mltk.datasets.audio.spoken_words import SPOKEN_WORDS, make_download

__all__ = ["CLASSES", "DOWNLOAD_URL", "VERIFY_SHA1", "download", "generate_dataset", "load_data"]

CLASSES, DOWNLOAD_URL, VERIFY_SHA1 = SPOKEN_WORDS["ten_digits"]
download = make_download("ten_digits")
__getattr__ = names_of_0_20(__name__)


def load_data() -> str:
    """Do what :func:`download` does, so that ``my_model.dataset`` can be this module."""
    return download()


def generate_dataset(out_dir: str | None = None) -> str:
    """Synthesize the dataset into ``out_dir``; None is the folder that :func:`download` uses."""
    return download(out_dir)
