"""Draws the pictures of audio-dataset.md: ``python docs/guides/audio_dataset_pictures.py [recording.wav]``.

Without a recording, a vowel is made up.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import mltk
from mltk.audio.files import read_audio

RATE = 16000
FOLDER = Path(__file__).parent / "images"
SHOWN = {
    "as recorded": {},
    "offset 0.6": {"offset_percentage": 0.6},
    "speed 1.4": {"speed_factor": 1.4},
    "pitch +5 semitones": {"pitch_factor": 5},
    "vocal tract ×1.2": {"vtlp_factor": 1.2},
    "pink noise 0.2": {"noise_color": "pink", "noise_color_factor": 0.2},
}


def made_up_vowel() -> np.ndarray:
    """float32 [0.5 s]: pulses through three resonances."""
    time = np.arange(RATE // 2) / RATE
    clip = np.diff(np.floor(120 * time + 6 * time**2), prepend=0)
    for formant in (700, 1200, 2600):
        radius = np.exp(-np.pi * 90 / RATE)
        out = np.zeros(len(clip) + 2)
        for i, x in enumerate(clip):
            out[i] = x + 2 * radius * np.cos(2 * np.pi * formant / RATE) * out[i - 1] - radius**2 * out[i - 2]
        clip = out[:-2]
    return (0.5 * np.hanning(len(clip)) * clip / np.abs(clip).max()).astype(np.float32)


def main(argv: list[str]) -> int:
    """Draw the picture of the guide."""
    from matplotlib.figure import Figure

    clip, _ = read_audio(argv[0], RATE) if argv else (made_up_vowel(), RATE)
    datagen = mltk.ParallelAudioDataGenerator(
        trim_threshold_db=30,
        frontend_settings=mltk.AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=10),
    )
    figure = Figure(figsize=(13, 4))
    axes = figure.subplots(2, len(SHOWN), sharex="row", sharey="row")
    for column, (title, params) in zip(axes.T, SHOWN.items(), strict=True):
        changed = datagen.apply_transform(clip, RATE, params)
        column[0].plot(np.arange(len(changed)) / RATE, changed, linewidth=0.4)
        column[0].set_title(title, fontsize=9)
        column[0].set_xlabel("s", fontsize=8)
        column[1].imshow(datagen.apply_frontend(changed).T, origin="lower", aspect="auto", cmap="magma")
        column[1].set_xlabel("frame", fontsize=8)
    axes[0, 0].set_ylabel("amplitude", fontsize=8)
    axes[1, 0].set_ylabel("channel", fontsize=8)
    figure.tight_layout()
    FOLDER.mkdir(exist_ok=True)
    figure.savefig(FOLDER / "audio-augmentations.png", dpi=90)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
