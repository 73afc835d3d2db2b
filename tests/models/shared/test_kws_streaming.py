"""BC-ResNet of kws_streaming: its size, its features, and that a file has all of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.utils.python import DictObject

pytestmark = pytest.mark.tf


def flags(**changes: Any) -> DictObject:
    """The settings of the published specification kws_bc_resnet, of fewer blocks."""
    settings = {
        "preprocess": "raw",
        "desired_samples": 16000,
        "spectrogram_length": 98,
        "mel_num_bins": 40,
        "mel_lower_edge_hertz": 125.0,
        "mel_upper_edge_hertz": 7500.0,
        "dropouts": "0.1, 0.1",
        "filters": "8, 12",
        "blocks_n": "1, 0",
        "strides": "(1,1),(1,2)",
        "dilations": "(1,1),(2,1)",
        "paddings": "same",
        "first_filters": 16,
        "last_filters": 32,
        "sub_groups": 5,
        "pools": "1, 1",
        "max_pool": 0,
        "label_count": 12,
        "return_softmax": 0,
    }
    return DictObject({**settings, **changes})


def test_parameters_are_those_of_0_20() -> None:
    """Counted in the model that 0.20 builds, whose import has to be repaired first."""
    from mltk.models.shared.kws_streaming.models import bc_resnet

    stages = {"dropouts": "0.1, 0.1, 0.1, 0.1", "filters": "8, 12, 16, 20", "blocks_n": "2, 2, 4, 4"}
    stages |= {"strides": "(1,1),(1,2),(1,2),(1,1)", "dilations": "(1,1),(2,1),(4,1),(8,1)", "pools": "1, 1, 1, 1"}
    assert bc_resnet.model(flags(**stages)).count_params() == 14_024


def test_a_saved_model_computes_the_same(tmp_path: Path) -> None:
    import keras

    from mltk.models.shared.kws_streaming.models import bc_resnet

    model = bc_resnet.model(flags())
    clips = np.random.default_rng(1).uniform(-1, 1, (2, 16000)).astype(np.float32)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(clips, verbose=0), model.predict(clips, verbose=0), atol=1e-5)


def test_a_tone_has_most_energy_in_its_mel_band() -> None:
    from mltk.models.shared.kws_streaming.layers.speech_features import SpeechFeatures, mel_matrix

    layer = SpeechFeatures(SpeechFeatures.get_params(flags()))
    tone = np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000).astype(np.float32)
    features = np.asarray(layer(tone[None]))
    assert features.shape == (1, 98, 40)
    expected = mel_matrix(40, np.array([0.0, 1000.0]), 125.0, 7500.0)[1].argmax()
    assert set(features[0].argmax(axis=1)) == {expected}


def test_features_equal_those_of_an_fft() -> None:
    from mltk.models.shared.kws_streaming.layers.speech_features import SpeechFeatures, mel_matrix

    clip = np.random.default_rng(2).uniform(-1, 1, 16000)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(480) / 480)
    frames = np.stack([clip[i * 160 : i * 160 + 480] * window for i in range(98)])
    mel = mel_matrix(40, np.arange(257) * 16000 / 512, 125.0, 7500.0)
    expected = np.log(np.maximum(np.abs(np.fft.rfft(frames, 512)) @ mel, 1e-12))
    layer = SpeechFeatures(SpeechFeatures.get_params(flags()))
    np.testing.assert_allclose(layer(clip[None].astype(np.float32))[0], expected, atol=1e-3)


def test_what_is_not_there_is_an_error() -> None:
    from mltk.models.shared.kws_streaming.layers.speech_features import SpeechFeatures
    from mltk.models.shared.kws_streaming.models import bc_resnet

    with pytest.raises(ValueError, match=r"use_spec_augment: augment the samples before the model instead"):
        SpeechFeatures({"use_spec_augment": 1})
    with pytest.raises(ValueError, match=r"feature_type 'mfcc_op'.* is not available: use feature_type 'mfcc_tf'"):
        SpeechFeatures({"feature_type": "mfcc_op"})
    with pytest.raises(ValueError, match=r"20 frequencies cannot be divided into 3 equal groups"):
        bc_resnet.model(flags(sub_groups=3))
