"""Crowds, offices and keyboards: royalty-free recordings by Mixkit."""

from __future__ import annotations

import logging
import os
import wave
from pathlib import Path

from mltk.audio.files import read_audio_int16, write_audio
from mltk.data.fetch.download import fetch

__all__ = ["DOWNLOAD_URLS", "download"]

_BASE = "https://assets.mixkit.co/sfx/download/mixkit-"
DOWNLOAD_URLS = [
    f"{_BASE}very-crowded-pub-or-party-loop-360.wav",
    f"{_BASE}big-crowd-talking-loop-364.wav",
    f"{_BASE}restaurant-crowd-talking-ambience-444.wav",
    f"{_BASE}keyboard-typing-1386.wav",
    f"{_BASE}office-ambience-447.wav",
    f"{_BASE}hotel-lobby-with-dining-area-ambience-453.wav",
]


def download(
    dest_dir: str,
    sample_rate_hertz: int = 16000,
    urls: str | list[str] | None = None,
    logger: logging.Logger | None = None,
) -> list[str]:
    """Download the recordings and convert them to wav files (mono, 16 bits), unless they exist.

    The publisher has no checksums. A file is accepted if it is readable audio.

    Args:
        dest_dir: Folder of the wav files.
        sample_rate_hertz: Sample rate of the wav files in Hz.
        urls: Addresses of audio files, in place of :data:`DOWNLOAD_URLS`.
        logger: Logs the path of each file.

    Returns:
        Paths of the wav files.

    Raises:
        DownloadError: A file cannot be downloaded.
        AudioFileError: A file is not audio.
    """
    paths = []
    for url in [urls] if isinstance(urls, str) else urls or DOWNLOAD_URLS:
        original = fetch(url)
        path = Path(dest_dir).expanduser() / original.with_suffix(".wav").name
        if not _has_rate(path, sample_rate_hertz):
            samples, _ = read_audio_int16(str(original), sample_rate_hertz)
            write_audio(str(path), samples, sample_rate_hertz)
        if logger is not None:
            logger.info("%s", path)
        paths.append(os.fspath(path))
    return paths


def _has_rate(path: Path, sample_rate_hz: int) -> bool:
    if not path.is_file():
        return False
    try:
        with wave.open(str(path), "rb") as file:
            return file.getframerate() == sample_rate_hz
    except (wave.Error, EOFError):
        return False
