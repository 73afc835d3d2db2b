"""Whole clips, batches, threads and streams give the same features."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.random_frontends import random_clip, random_settings
from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings, AudioFeatureStream, FrontendError
from mltk.audio.frontend._native import load
from mltk.audio.frontend.features import _State

pytestmark = pytest.mark.filterwarnings("ignore:.*audio features are always 0")


def variants() -> list[str]:
    ffi, lib = load()
    names = []
    while (name := lib.mltk_frontend_batch_variant(len(names))) != ffi.NULL:
        names.append(ffi.string(name).decode())
    return names


def scalar(fe: AudioFeatureGeneratorSettings, clip: np.ndarray) -> tuple[np.ndarray, bool]:
    """The device's own loop over a whole clip."""
    ffi, lib = load()
    state = _State(fe)
    features = np.empty(fe.spectrogram_shape, np.uint16)
    n_rows = lib.mltk_frontend_process_clip(
        state.frontend, ffi.from_buffer("int16_t[]", clip), clip.size, ffi.from_buffer("uint16_t[]", features)
    )
    assert n_rows == len(features)
    return features, state.activity()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n_clips=st.integers(1, 5))
def test_every_variant_equals_the_device_code(seed: int, n_clips: int) -> None:
    rng = np.random.default_rng(seed)
    fe = random_settings(rng)
    clips = np.stack([random_clip(rng, fe.sample_length) for _ in range(n_clips)])
    expected = [scalar(fe, clip) for clip in clips]
    for variant in variants():
        features = np.zeros((n_clips, *fe.spectrogram_shape), np.uint16)
        activity = _State(fe, variant).clips(clips, features)
        np.testing.assert_array_equal(features, [one for one, _ in expected], err_msg=f"{variant} {fe}")
        assert activity.astype(bool).tolist() == [one for _, one in expected]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), longest=st.sampled_from([1, 7, 160, 1000, 100_000]))
def test_a_stream_in_chunks_equals_the_whole_clip(seed: int, longest: int) -> None:
    rng = np.random.default_rng(seed)
    fe = random_settings(rng)
    clip = random_clip(rng, fe.sample_length)[:20_000]
    stream = AudioFeatureStream(fe)
    rows, at = [], 0
    while at < clip.size:
        n = int(rng.integers(0, longest + 1))
        rows.append(stream.feed(clip[at : at + n]))
        at += n
    expected, activity = scalar(fe, np.resize(clip, fe.sample_length))
    got = np.concatenate(rows)
    np.testing.assert_array_equal(got, expected[: len(got)])
    if clip.size == fe.sample_length:
        assert len(got) == len(expected)
        assert stream.activity_was_detected() == activity


def test_a_reset_stream_starts_anew() -> None:
    fe = AudioFeatureGeneratorSettings(noise_reduction_enable=True, dc_notch_filter_enable=True)
    clip = random_clip(np.random.default_rng(0), 4000)
    stream = AudioFeatureStream(fe)
    first = stream.feed(clip)
    assert not np.array_equal(stream.feed(clip), first)
    stream.reset()
    np.testing.assert_array_equal(stream.feed(clip), first)


def test_stream_quantizes_as_the_generator_does() -> None:
    for dynamic in (False, True):
        fe = AudioFeatureGeneratorSettings(quantize_dynamic_scale_enable=dynamic)
        clip = random_clip(np.random.default_rng(1), fe.sample_length)
        stream = AudioFeatureStream(fe)
        int8 = AudioFeatureGenerator(fe).process_sample(clip, np.int8)
        np.testing.assert_array_equal(stream.quantize(stream.feed(clip)), int8)


@pytest.mark.parametrize("dtype", [np.uint16, np.int8, np.float32])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_batch_is_its_clips(dtype: type, threads: int) -> None:
    fe = AudioFeatureGeneratorSettings(
        noise_reduction_enable=True, quantize_dynamic_scale_enable=True, dc_notch_filter_enable=True
    )
    generator = AudioFeatureGenerator(fe)
    rng = np.random.default_rng(0)
    clips = np.stack([random_clip(rng, fe.sample_length) for _ in range(7)])
    batch = generator.process_batch(clips, dtype, threads=threads)
    assert batch.dtype == dtype
    assert batch.shape == (7, *fe.spectrogram_shape)
    for clip, features in zip(clips, batch, strict=True):
        np.testing.assert_array_equal(features, generator.process_sample(clip, dtype))


def test_an_empty_batch_has_no_features() -> None:
    fe = AudioFeatureGeneratorSettings()
    batch = AudioFeatureGenerator(fe).process_batch(np.empty((0, fe.sample_length), np.int16), threads=4)
    assert batch.shape == (0, *fe.spectrogram_shape)


def test_threads_may_share_a_generator() -> None:
    fe = AudioFeatureGeneratorSettings(noise_reduction_enable=True)
    generator = AudioFeatureGenerator(fe)
    rng = np.random.default_rng(0)
    clips = [random_clip(rng, fe.sample_length) for _ in range(40)]
    expected = [generator.process_sample(clip, np.uint16) for clip in clips]
    with ThreadPoolExecutor(8) as pool:
        for features, wanted in zip(
            pool.map(lambda x: generator.process_sample(x, np.uint16), clips), expected, strict=True
        ):
            np.testing.assert_array_equal(features, wanted)


def test_a_generator_pickles() -> None:
    generator = AudioFeatureGenerator(AudioFeatureGeneratorSettings(log_scale_shift=4))
    clip = random_clip(np.random.default_rng(0), 16000)
    copy = pickle.loads(pickle.dumps(generator))
    np.testing.assert_array_equal(copy.process_sample(clip), generator.process_sample(clip))


def test_windows_of_a_stream_are_quantized_each_by_itself():
    rng = np.random.default_rng(4)
    for dynamic in (False, True):
        fe = AudioFeatureGeneratorSettings(quantize_dynamic_scale_enable=dynamic, filterbank_n_channels=13)
        stream = AudioFeatureStream(fe)
        rows = rng.integers(0, 900, (40, 13)).astype(np.uint16)
        windows = stream.quantize_windows(rows, n_rows=11, step=3, n_windows=10)
        for k, window in enumerate(windows):
            np.testing.assert_array_equal(window, stream.quantize(rows[3 * k : 3 * k + 11]))
        assert stream.quantize_windows(rows[:0], 11, 3, 0).shape == (0, 11, 13)
        with pytest.raises(FrontendError, match="11 windows need 41 rows, but there are 40"):
            stream.quantize_windows(rows, 11, 3, 11)
        with pytest.raises(FrontendError, match=r"rows are uint16 \[40, 12\]; they must be uint16 \[rows, 13\]"):
            stream.quantize_windows(rows[:, :12], 11, 3, 1)
