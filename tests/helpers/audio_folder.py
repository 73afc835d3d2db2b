"""Made-up recordings for the tests: tones whose frequency is the class, by several speakers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mltk.audio.files import write_audio

CLASSES = {"low": 300.0, "middle": 900.0, "high": 2500.0}
SPEAKERS = ("anna", "ben", "carla", "dan", "eve")
RATE = 16000


def tone(frequency: float, seconds: float = 0.5, amplitude: float = 0.3, rate: int = RATE) -> np.ndarray:
    """float32 [samples]."""
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def tones_folder(where: Path, takes: int = 4, rate: int = RATE) -> Path:
    """``<class>/<class>_<speaker>_<take>.wav``, a tone with silence around it."""
    rng = np.random.default_rng(1)
    for name, frequency in CLASSES.items():
        for speaker in SPEAKERS:
            for take in range(takes):
                sound = tone(frequency * rng.uniform(0.95, 1.05), rng.uniform(0.3, 0.6), rng.uniform(0.1, 0.5), rate)
                silence = np.zeros(rate // 10, np.float32)
                clip = np.concatenate([silence, sound, silence])
                write_audio(str(where / name / f"{name}_{speaker}_{take}.wav"), clip, rate)
    return where


def noise_folder(where: Path, level: float = 0.1) -> Path:
    """Two recordings of 2 s of white noise."""
    rng = np.random.default_rng(2)
    for i in range(2):
        write_audio(str(where / f"{i}.wav"), rng.normal(0, level, 2 * RATE), RATE)
    return where
