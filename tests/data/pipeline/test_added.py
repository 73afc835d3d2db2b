"""Added samples are in every epoch, repeated to matter, and in no validation part."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from helpers.audio_folder import tones_folder
from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings
from mltk.audio.generator import ParallelAudioDataGenerator
from mltk.data.listing import SampleList
from mltk.data.pipeline.added import add_samples


def listed(n: int) -> SampleList:
    names: list[str | None] = [f"a/{i}" for i in range(n)]
    return SampleList("/data", ["a", "b"], [*names, "b/0"], [0] * n + [1])


def test_added_samples_are_a_tenth_of_their_class() -> None:
    samples = listed(900)
    assert add_samples(samples, {"a": ["/own/1", "/own/2"]}) == {"a": 50}
    assert samples.added == 100
    assert samples.counts() == {"a": 1000, "b": 1}
    assert samples.paths()[-2:] == ["/own/1", "/own/2"]


def test_many_added_samples_are_not_repeated() -> None:
    samples = listed(10)
    assert add_samples(samples, {"b": [f"/own/{i}" for i in range(7)]}) == {"b": 1}
    assert samples.counts()["b"] == 8


def test_one_sample_is_repeated_a_hundred_times_at_most() -> None:
    samples = listed(9_000)
    assert add_samples(samples, {"a": ["/own/1"]}) == {"a": 100}


def test_a_limit_holds_for_added_samples_too() -> None:
    samples = listed(900)
    assert add_samples(samples, {"a": ["/own/1", "/own/2", "/own/3"]}, limit=2) == {"a": 1}
    assert samples.added == 2


def test_added_samples_are_in_training_only_and_in_every_epoch(tmp_path: Path) -> None:
    tones_folder(tmp_path / "tones", takes=2)
    own = sorted(str(p) for p in (tmp_path / "tones" / "low").glob("*.wav"))[:1]
    other = sorted(str(p) for p in (tmp_path / "tones" / "high").glob("*.wav"))[:1]
    generator = ParallelAudioDataGenerator(
        frontend_settings=AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=20, filterbank_n_channels=16),
        validation_split=0.3,
    )
    batches = generator.flow_from_directory(
        tmp_path / "tones",
        ["low", "_unknown_"],
        subset="training",
        seed=1,
        added_files={"low": own, "_unknown_": other},
    )
    added = [i for i, name in enumerate(batches.filenames) if name in (*own, *other)]
    assert len(added) >= 2
    for epoch in range(5):  # samples of the unknown class are drawn again in each epoch, but not the added ones
        assert np.isin(added, batches.order(epoch)).all()
    assert batches.class_counts["low"] == sum(1 for label in batches.labels if label == 0)
    batches.shutdown()
    without = generator.flow_from_directory(tmp_path / "tones", ["low", "_unknown_"], subset="validation", seed=1)
    assert not set(own) & set(without.filenames)
