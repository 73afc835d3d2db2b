"""Helpers for single samples, as MLTK 0.20 has them."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio_folder import RATE, tone
from mltk.audio.files import audio_info, to_int16
from mltk.core.preprocess.utils.audio import adjust_length, apply_frontend, read_audio_file, write_audio_file
from mltk.errors import DatasetError


def test_read_and_write(tmp_path) -> None:
    path = write_audio_file(str(tmp_path / "a.wav"), tone(440), RATE)
    assert path == str(tmp_path / "a.wav")
    samples, rate = read_audio_file(path, return_sample_rate=True)
    assert (samples.dtype, rate) == (np.float32, RATE)
    np.testing.assert_allclose(samples, tone(440), atol=1 / 32768)
    assert audio_info(path) == (len(samples), RATE, 1)
    assert np.array_equal(read_audio_file(np.array(path)), samples)
    assert len(read_audio_file(path, desired_samples=100)) == 100
    assert len(read_audio_file(path, desired_samples=20000)) == 20000
    with pytest.raises(DatasetError, match="desired_channels"):
        read_audio_file(path, desired_channels=2)


def test_a_path_without_an_extension_is_a_folder(tmp_path) -> None:
    path = write_audio_file(str(tmp_path / "folder"), to_int16(tone(440)), RATE)
    assert path.startswith(str(tmp_path / "folder"))
    assert path.endswith(".wav")
    assert len(read_audio_file(path)) == RATE // 2


def test_adjust_length() -> None:
    clip = np.concatenate([np.zeros(8000, np.float32), tone(440), np.zeros(8000, np.float32)])
    assert len(adjust_length(clip)) < len(clip)
    assert len(adjust_length(clip, trim_threshold_db=0)) == len(clip)
    assert len(adjust_length(clip, out_length=500, offset=1.0)) == 500
    assert len(adjust_length(clip, target_sr=8000, original_sr=RATE, trim_threshold_db=0)) == len(clip) // 2


def test_apply_frontend_pads_and_cuts() -> None:
    from mltk.audio.frontend import AudioFeatureGeneratorSettings

    settings = AudioFeatureGeneratorSettings()
    for n in (1000, RATE, 20000):
        features = apply_frontend(tone(440, 2.0)[:n], settings, np.int8)
        assert features.shape == (98, 32)
        assert features.dtype == np.int8
        as_pixels = features + 128  # NumPy 2 alone refuses this
        np.testing.assert_array_equal(as_pixels, features.astype(np.int16) + 128)


@pytest.mark.tf
def test_audio_folder_as_tf_datasets(tones, tmp_path) -> None:
    import tensorflow as tf

    from mltk.core.preprocess.utils import tf_dataset

    counts: dict[str, int] = {}
    samples, labels = tf_dataset.load_audio_directory(
        str(tones),
        ["low", "_unknown_", "_silence_"],
        silence_class_percentage=0.5,
        class_counts=counts,
        onehot_encode=True,
        return_audio_data=True,
        return_audio_sample_rate=True,
        sample_rate_hz=8000,
        shuffle=True,
        seed=3,
    )
    assert counts == {"low": 20, "_unknown_": 20, "_silence_": 10}
    elements = list(tf.data.Dataset.zip(samples, labels))
    assert len(elements) == 50
    for (audio, rate), label in elements:
        assert int(rate) == 8000
        assert (not np.any(audio)) == bool(label[2])
    paths, _ = tf_dataset.load_audio_directory(str(tones), ["low"])
    read = next(iter(paths.map(lambda path: tf_dataset.read_audio_file(path, return_numpy=False))))
    assert read.shape[0] > 4000
    assert tf_dataset.enable_numpy_behavior()


@pytest.mark.tf
def test_parallel_process_keeps_the_order() -> None:
    import tensorflow as tf

    from mltk.core.preprocess.utils import tf_dataset

    made, pool = tf_dataset.parallel_process(tf.data.Dataset.range(20), np.square, dtype=np.int64, n_jobs=2)
    with pool:
        assert [int(x) for x in made] == [i * i for i in range(20)]
        assert pool.is_running
        batch = pool.create_batch(2)
        pool.process(3, pool_batch=batch)
        pool.process(4, pool_batch=batch)
        assert batch.wait(30) == [9, 16]
    assert not pool.is_running


def test_resample_takes_the_arguments_of_librosa() -> None:
    from mltk.core.preprocess.utils import audio as audio_utils

    tone = np.sin(2 * np.pi * 300 * np.arange(8000) / 8000).astype(np.float32)
    assert audio_utils.resample(tone, orig_sr=8000, target_sr=16000).shape == (16000,)
    assert audio_utils.resample(tone, orig_sr=8000, target_sr=8000) is not None
