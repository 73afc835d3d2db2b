"""The MIT impulse response survey: how 271 rooms and places sound.

Traer and McDermott, "Statistics of natural reverberation enable perceptual separation of sound and space", PNAS
113(48), 2016. Convolved with such a response, a clip sounds as if said there.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from mltk.audio.files import read_audio
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.audio.convert import convert_folder
from mltk.datasets.places import dataset_path
from mltk.errors import DatasetError
from mltk.utils.archive_downloader import download_verify_extract
from mltk.utils.python import append_exception_msg

__all__ = [
    "DOWNLOAD_URL",
    "VERIFY_SHA1",
    "append_exception_msg",
    "apply_ir",
    "apply_random_ir",
    "download",
    "download_verify_extract",
    "load_dataset",
]

DOWNLOAD_URL = "https://mcdermottlab.mit.edu/Reverb/IRMAudio/Audio.zip"
VERIFY_SHA1 = "de04f5be419c12f4f847f65d7ef8e2356b73aa38"


def download(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/mit_ir_survey",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
    sample_rate_hz: int = 16000,
) -> str:
    """Folder of wav files at ``sample_rate_hz``, downloaded unless it is there.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    original = folder.with_name(f"{folder.name}_original")
    fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, original, file_name="mit_ir_survey.zip")
    return str(convert_folder(original, folder, sample_rate_hz, clean=clean_dest_dir))


def load_dataset(dataset_dir: str) -> list[np.ndarray]:
    """The responses in a folder, each float32 ``[samples]``, in the order of their names.

    Raises:
        DatasetError: there is none.
    """
    paths = sorted(Path(dataset_dir).rglob("*.wav"))
    if not paths:
        raise DatasetError(f"There is no impulse response (.wav) in {dataset_dir}.")
    return [read_audio(str(path))[0] for path in paths]


def apply_ir(audio: np.ndarray, ir: np.ndarray) -> np.ndarray:
    """``audio`` [n] as it sounds in the place that ``ir`` [m] is of: their convolution, ``[n + m - 1]``.

    Computed by FFT, in float32 for float32 and in float64 otherwise.
    """
    dtype = np.float32 if audio.dtype == np.float32 else np.float64
    n = len(audio) + len(ir) - 1
    size = 1 << max(n - 1, 1).bit_length()
    spectrum = np.fft.rfft(audio.astype(np.float64), size) * np.fft.rfft(ir.astype(np.float64), size)
    return np.fft.irfft(spectrum, size)[:n].astype(dtype)


def apply_random_ir(audio: np.ndarray, ir_samples: list[np.ndarray], seed: int = 42) -> np.ndarray:
    """:func:`apply_ir` with one of ``ir_samples``, drawn by ``seed``."""
    return apply_ir(audio, ir_samples[int(np.random.default_rng(seed).integers(len(ir_samples)))])
