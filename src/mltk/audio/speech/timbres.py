"""Speakers drawn by number: the lines of an eSpeak NG voice file that make one throat differ from another.

A few numbers describe the speaker of a formant synthesizer: frequency, strength and width of the formants, pitch of the
voice, and how steady it is. The frequencies of the formants depend on the length of the vocal tract. Adults' vocal
tracts are about 13 to 19 cm long, so formants scale by 0.85 to 1.25 around the average (Peterson and Barney, "Control
methods used in a study of the vowels", JASA 24, 1952). Pitch is 75–150 Hz for most men and 150–260 Hz for most women.
eSpeak NG's ``docs/voices.md`` explains the lines.
"""

from __future__ import annotations

import random

PREFIX = "timbre"
N_FORMANTS = 9


def timbre_lines(number: int) -> list[str]:
    """Draw the lines of a voice file; the same number always returns the same lines."""
    draw = random.Random(f"{PREFIX}{number}")
    female = draw.random() < 0.5
    low_hz = draw.uniform(150, 240) if female else draw.uniform(72, 140)
    high_hz = low_hz * draw.uniform(1.2, 1.65)
    tract = draw.uniform(1.02, 1.22) if female else draw.uniform(0.86, 1.06)
    lines = [f"pitch {low_hz:.0f} {high_hz:.0f}"]
    for formant in range(N_FORMANTS):
        frequency = 100 * tract * draw.uniform(0.96, 1.04)
        strength = 100 * draw.uniform(0.8, 1.2) if formant else 100 * draw.uniform(0.85, 1.3)
        width = 100 * draw.uniform(0.8, 1.35)
        lines.append(f"formant {formant} {frequency:.0f} {strength:.0f} {width:.0f}")
    lines.append(f"flutter {draw.choice([0, 1, 2, 2, 3, 5, 8])}")
    lines.append(f"roughness {draw.choice([0, 0, 1, 2, 2, 3, 4])}")
    lines.append(f"consonants {draw.uniform(75, 130):.0f} {draw.uniform(75, 130):.0f}")
    if draw.random() < 0.5:  # tilt of the spectrum: a bright or a dull voice
        lines.append(
            f"tone 600 {draw.uniform(140, 220):.0f} 1200 {draw.uniform(100, 160):.0f} 2000 {draw.uniform(70, 140):.0f}"
        )
    return lines
