"""The features are those of MLTK 0.20, value for value (``make_golden.py`` made the vectors)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings

GOLDEN = Path(__file__).parent / "golden.npz"
SHARED = Path(__file__).parents[4] / "shared" / "golden" / "audio_frontend.npz"

pytestmark = pytest.mark.filterwarnings("ignore:.*audio features are always 0")


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.mark.parametrize("index", range(17))
def test_features_and_activity_are_those_of_mltk_0_20(golden: dict[str, np.ndarray], index: int) -> None:
    settings = AudioFeatureGeneratorSettings(**json.loads(bytes(golden["settings"]))[index])
    generator = AudioFeatureGenerator(settings)
    for clip in range(golden["activity"].shape[1]):
        audio = golden[f"clip_{clip}"][: settings.sample_length]
        uint16 = generator.process_sample(audio, np.uint16)
        int8 = generator.process_sample(audio, np.int8)
        assert uint16.dtype == np.uint16
        assert int8.dtype == np.int8
        np.testing.assert_array_equal(uint16, golden[f"uint16_{index}_{clip}"])
        np.testing.assert_array_equal(int8, golden[f"int8_{index}_{clip}"])
        assert generator.activity_was_detected() == bool(golden["activity"][index, clip])


@pytest.mark.parametrize("index", range(13, 17))
def test_the_window_of_the_tensorflow_microfrontend_differs_there(golden: dict[str, np.ndarray], index: int) -> None:
    settings = AudioFeatureGeneratorSettings(**json.loads(bytes(golden["settings"]))[index])
    settings.window_double_precision_enable = True
    generator = AudioFeatureGenerator(settings)
    features = [generator.process_sample(golden[f"clip_{c}"][: settings.sample_length], np.uint16) for c in range(4)]
    assert any(np.any(features[c] != golden[f"uint16_{index}_{c}"]) for c in range(4))


def test_float32_features_are_the_uint16_ones(golden: dict[str, np.ndarray]) -> None:
    settings = AudioFeatureGeneratorSettings(**json.loads(bytes(golden["settings"]))[0])
    generator = AudioFeatureGenerator(settings)
    audio = golden["clip_0"][: settings.sample_length]
    features = generator.process_sample(audio)
    assert features.dtype == np.float32
    np.testing.assert_array_equal(features, generator.process_sample(audio, np.uint16))


@pytest.mark.skipif(not SHARED.exists(), reason="the larger set of vectors is not part of the repository")
def test_the_larger_set_of_vectors() -> None:
    with np.load(SHARED) as vectors:
        for k, values in enumerate(json.loads(bytes(vectors["settings"]))):
            shape, fft_length = tuple(values.pop("spectrogram_shape")), values.pop("fft_length")
            settings = AudioFeatureGeneratorSettings(**values)
            assert (settings.spectrogram_shape, settings.fft_length) == (shape, fft_length)
            generator = AudioFeatureGenerator(settings)
            for j in range(4):
                prefix = f"s{k}_c{j}_"
                audio = vectors[prefix + "x"]
                np.testing.assert_array_equal(generator.process_sample(audio, np.uint16), vectors[prefix + "uint16"])
                np.testing.assert_array_equal(generator.process_sample(audio, np.int8), vectors[prefix + "int8"])
                assert generator.activity_was_detected() == bool(vectors[prefix + "act"])
