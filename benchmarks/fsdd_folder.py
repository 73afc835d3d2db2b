"""The recordings that the audio benchmarks use: the Free Spoken Digit Dataset, laid out in class folders.

Zohar Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset: 3,000 digits of 6 speakers at 8 kHz,
in files named ``DIGIT_SPEAKER_N.wav``.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

NEAR = Path(__file__).resolve().parents[2] / "shared" / "data" / "fsdd"


def recordings(argv: list[str]) -> list[Path]:
    """The files, from the folder that the command line names or from beside the repository; without it, an error."""
    folder = Path(argv[0]) if argv else NEAR
    files = sorted(folder.rglob("[0-9]_*_*.wav"))
    if not files:
        raise SystemExit(f"There are no recordings in {folder}. Give the folder of DIGIT_SPEAKER_N.wav files.")
    return files


def class_folder(argv: list[str], where: str, speakers: set[str] | None = None) -> str:
    """A folder of links ``0/0_george_0.wav``, of all speakers or some."""
    base = Path(where) / ("fsdd" if speakers is None else "fsdd-" + "-".join(sorted(speakers)))
    for file in recordings(argv):
        digit, speaker, _ = file.name.split("_")
        if speakers is None or speaker in speakers:
            (base / digit).mkdir(parents=True, exist_ok=True)
            os.symlink(file.resolve(), base / digit / file.name)
    return str(base)


def background_folder(where: str) -> str:
    """Three recordings of 20 s each of made-up noise at 16 kHz."""
    from mltk.audio.files import write_audio

    base = Path(where) / "noise"
    rng = np.random.default_rng(1)
    for i in range(3):
        write_audio(str(base / f"{i}.wav"), rng.normal(0, 0.05, 20 * 16000).astype(np.float32), 16000)
    return str(base)
