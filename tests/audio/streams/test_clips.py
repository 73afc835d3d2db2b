"""Clips of a recording: the right samples, also at its ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.streams import write_recording
from mltk.audio.files import read_audio_int16
from mltk.audio.streams.clips import WantedClip, folder_of_other_sounds, write_clips
from mltk.audio.streams.recordings import Recording

RATE = 8000


def test_each_clip_has_the_samples_before_its_end(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).integers(-9000, 9000, 65 * RATE).astype(np.int16)
    recording = Recording(str(write_recording(tmp_path, samples=samples)), "day 1/kitchen.wav", 65.0, RATE, 1)
    wanted = [WantedClip(end, "yes", "false-yes") for end in (40.0, 0.3, 20.3, 20.4, 19.999, 64.99, 70.0)]
    paths = write_clips(recording, wanted, str(tmp_path / "clips"), RATE, RATE // 2)
    assert len(paths) == len(set(paths)) == 7
    assert Path(paths[0]).name == "false-yes-day_1_kitchen-000000.300.wav"
    half = RATE // 2
    for path, end in zip(paths, [half, 159992, 162400, 163200, 320000, 519920, 520000], strict=True):
        assert Path(path).parent == tmp_path / "clips" / "yes"
        np.testing.assert_array_equal(read_audio_int16(path, RATE)[0], samples[end - half : end])


@pytest.mark.parametrize(
    ("classes", "folder"),
    [
        (["yes", "_silence_", "_unknown_"], "_unknown_"),
        (["yes", "_noise_"], "_noise_"),
        (["yes", "_silence_"], "_silence_"),
        (["yes", "no"], "_unknown_"),
    ],
)
def test_sounds_without_a_keyword_have_their_folder(classes: list[str], folder: str) -> None:
    assert folder_of_other_sounds(classes) == folder
