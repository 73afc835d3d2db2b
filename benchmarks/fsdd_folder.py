"""The recordings for the audio benchmarks: the Free Spoken Digit Dataset, in class folders.

Zohar Jackson and others, https://github.com/Jakobovski/free-spoken-digit-dataset: 3,000 digits of 6 speakers at 8 kHz,
in files named ``DIGIT_SPEAKER_N.wav``.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

NEAR = Path(__file__).resolve().parents[2] / "shared" / "data" / "fsdd"


def recordings(argv: list[str]) -> list[Path]:
    """Return the files in the folder of the command line, or in the one beside the repository."""
    folder = Path(argv[0]) if argv else NEAR
    files = sorted(folder.rglob("[0-9]_*_*.wav"))
    if not files:
        raise SystemExit(f"There are no recordings in {folder}. Give the folder of DIGIT_SPEAKER_N.wav files.")
    return files


def class_folder(argv: list[str], where: str, speakers: set[str] | None = None) -> str:
    """Make a folder of links ``0/0_george_0.wav`` to the files of some speakers, or of all."""
    base = Path(where) / ("fsdd" if speakers is None else "fsdd-" + "-".join(sorted(speakers)))
    for file in recordings(argv):
        digit, speaker, _ = file.name.split("_")
        if speakers is None or speaker in speakers:
            (base / digit).mkdir(parents=True, exist_ok=True)
            os.symlink(file.resolve(), base / digit / file.name)
    return str(base)


def background_folder(where: str) -> str:
    """Write three recordings of synthetic noise, 20 s each, at 16 kHz."""
    from mltk.audio.files import write_audio

    base = Path(where) / "noise"
    rng = np.random.default_rng(1)
    for i in range(3):
        write_audio(str(base / f"{i}.wav"), rng.normal(0, 0.05, 20 * 16000).astype(np.float32), 16000)
    return str(base)
