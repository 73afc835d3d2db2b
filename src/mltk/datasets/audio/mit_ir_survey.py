"""The MIT impulse response survey: the acoustics of 271 rooms and places.

Traer and McDermott, "Statistics of natural reverberation enable perceptual separation of sound and space", PNAS
113(48), 2016. A clip that is convolved with a response sounds as if it was recorded in that place.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from mltk._lazy import names_of_0_20
from mltk.audio.files import read_audio
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.audio.convert import convert_folder
from mltk.datasets.places import dataset_path
from mltk.errors import DatasetError

__all__ = ["DOWNLOAD_URL", "VERIFY_SHA1", "apply_ir", "apply_random_ir", "download", "load_dataset"]

DOWNLOAD_URL = "https://mcdermottlab.mit.edu/Reverb/IRMAudio/Audio.zip"
VERIFY_SHA1 = "de04f5be419c12f4f847f65d7ef8e2356b73aa38"
__getattr__ = names_of_0_20(__name__)


def download(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/mit_ir_survey",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
    sample_rate_hz: int = 16000,
) -> str:
    """Download the impulse responses and convert them, unless they exist.

    Args:
        dest_dir: Folder of the responses; None is ``dest_subdir`` in the folder of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        logger: For compatibility with MLTK 0.20; ignored.
        clean_dest_dir: Convert the responses again.
        sample_rate_hz: Sample rate of the wav files in Hz.

    Returns:
        The folder of wav files (mono, 16 bits).

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    original = folder.with_name(f"{folder.name}_original")
    fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, original, file_name="mit_ir_survey.zip")
    return str(convert_folder(original, folder, sample_rate_hz, clean=clean_dest_dir))


def load_dataset(dataset_dir: str) -> list[np.ndarray]:
    """Read the responses in a folder, in the order of their names.

    Args:
        dataset_dir: Folder of wav files.

    Returns:
        The responses, each float32 ``[samples]``.

    Raises:
        DatasetError: The folder has no wav file.
    """
    paths = sorted(Path(dataset_dir).rglob("*.wav"))
    if not paths:
        raise DatasetError(f"There is no impulse response (.wav) in {dataset_dir}.")
    return [read_audio(str(path))[0] for path in paths]


def apply_ir(audio: np.ndarray, ir: np.ndarray) -> np.ndarray:
    """Convolve a clip with an impulse response, by FFT.

    Args:
        audio: Clip, ``[n]``.
        ir: Impulse response, ``[m]``.

    Returns:
        The clip as it sounds in the place of the response, ``[n + m - 1]``: float32 if ``audio`` is float32, else
        float64.
    """
    dtype = np.float32 if audio.dtype == np.float32 else np.float64
    n = len(audio) + len(ir) - 1
    size = 1 << max(n - 1, 1).bit_length()
    spectrum = np.fft.rfft(audio.astype(np.float64), size) * np.fft.rfft(ir.astype(np.float64), size)
    return np.fft.irfft(spectrum, size)[:n].astype(dtype)


def apply_random_ir(audio: np.ndarray, ir_samples: list[np.ndarray], seed: int = 42) -> np.ndarray:
    """Call :func:`apply_ir` with a random response.

    Args:
        audio: Clip, ``[n]``.
        ir_samples: Responses, each ``[m]``.
        seed: Seed of the random choice.
    """
    return apply_ir(audio, ir_samples[int(np.random.default_rng(seed).integers(len(ir_samples)))])
