"""Convolutions of the speech embedding, with its published weights where their package is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.errors import MissingDependencyError, ModelNotFoundError, SettingError, TfliteError

pytestmark = pytest.mark.tf
needs_weights = pytest.mark.skipif(
    importlib.util.find_spec("pyopen_wakeword") is None, reason="pyopen-wakeword, which has the weights, is for Linux"
)


def embedding(frames: int = 60, convolutions: int = 9, **settings: Any) -> Any:
    """A Keras model that is nothing but the convolutions."""
    import keras

    from mltk.models.shared.speech_embedding import speech_embedding

    inputs = keras.Input((frames, 32, 1))
    return keras.Model(inputs, speech_embedding(inputs, convolutions, **settings))


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLTK_SPEECH_EMBEDDING", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)


class TestShapes:
    @pytest.mark.parametrize(("convolutions", "shape"), [(1, (60, 32, 24)), (3, (58, 32, 24)), (9, (23, 8, 72))])
    def test_of_output(self, convolutions: int, shape: tuple) -> None:
        # Each convolution over 3 frames takes 2, but for the margin of 2; the first maximum halves.
        assert embedding(60, convolutions, weights=None, margin=(1, 1)).output_shape == (None, *shape)

    def test_parameters_are_those_of_the_publication(self) -> None:
        assert embedding(100, 9, weights=None).count_params() == 54_192
        assert embedding(100, 19, weights=None).count_params() == 300_480

    def test_layers_have_names_and_can_be_frozen(self) -> None:
        model = embedding(40, 2, weights=None, trainable=False, name="ears")
        assert [layer.name for layer in model.layers if "ears" in layer.name] == ["ears_1", "ears_2"]
        assert not model.trainable_weights


class TestRefusals:
    def test_of_settings_that_the_features_depend_on(self) -> None:
        from mltk.models.shared.speech_embedding import frontend_settings

        assert frontend_settings(8000, noise_reduction_enable=True)["fe.noise_reduction_enable"]
        with pytest.raises(TypeError, match="quantize_dynamic_scale_range_db"):
            frontend_settings(quantize_dynamic_scale_range_db=40.0)

    @pytest.mark.parametrize("shape", [(98, 40, 1), (98, 32), (98, 32, 2)])
    def test_of_other_features(self, shape: tuple) -> None:
        import keras

        from mltk.models.shared.speech_embedding import speech_embedding

        with pytest.raises(SettingError, match=r"32, 1"):
            speech_embedding(keras.Input(shape), weights=None)

    @pytest.mark.parametrize("convolutions", [0, 20])
    def test_of_more_convolutions_than_there_are(self, convolutions: int) -> None:
        with pytest.raises(SettingError, match="1 to 19"):
            embedding(40, convolutions, weights=None)

    def test_names_the_extra(self, without_packages: None) -> None:
        with pytest.raises(MissingDependencyError, match=r"openmltk\[embedding\]"):
            embedding()

    def test_of_a_file_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("MLTK_SPEECH_EMBEDDING", str(tmp_path / "none.tflite"))
        with pytest.raises(ModelNotFoundError, match=r"none\.tflite"):
            embedding()

    def test_of_another_network(self, tmp_path: Path) -> None:
        import tensorflow as tf

        other = embedding(40, 2, weights=None)
        path = tmp_path / "other.tflite"
        path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(other).convert())
        with pytest.raises(TfliteError, match="2 convolutions"):
            embedding(weights=path)
        path.write_bytes(b"no flatbuffer at all")
        with pytest.raises(TfliteError):
            embedding(weights=path)


@needs_weights
class TestPretrained:
    @pytest.mark.filterwarnings("ignore:Warning. Enabling .experimental_preserve_all_tensors")
    def test_computes_what_the_published_network_does(self) -> None:
        """The first convolution, on features of ours and on the same in the network's own units."""
        import ai_edge_litert.interpreter as litert

        from mltk.models.shared.speech_embedding import find_weights

        # Any features in dB; the network is given 10 dB as 1, with the middle of ours at 8.75.
        features = np.random.default_rng(1).integers(-60, 128, (1, 76, 32, 1))
        reference = litert.Interpreter(str(find_weights()), experimental_preserve_all_tensors=True)
        details = reference.get_input_details()[0]
        reference.allocate_tensors()
        reference.set_tensor(details["index"], (8.75 + features * 60 / 255 / 10).astype(np.float32))
        reference.invoke()
        first = next(t["index"] for t in reference.get_tensor_details() if tuple(t["shape"]) == (1, 74, 32, 24))
        # The convolution's own output, before the activation; 1 to -1 leaves the padded channels out.
        wanted = reference.get_tensor(first)[:, :, 1:-1]
        wanted = np.where(wanted > 0, wanted, 0.2 * wanted)
        got = embedding(76, 1, margin=(0, 0)).predict(features.astype(np.float32), verbose=0)[:, :, 1:-1]
        np.testing.assert_allclose(got, wanted, atol=1e-3)

    def test_later_convolutions_have_the_published_weights(self) -> None:
        from mltk.models.shared.speech_embedding import find_weights, pretrained

        model, published = embedding(98, 9), pretrained(find_weights())
        for i in range(1, 9):
            kernel, bias = model.get_layer(f"speech_embedding_{i + 1}").get_weights()
            np.testing.assert_array_equal(kernel, published[i].kernel)
            np.testing.assert_array_equal(bias, published[i].bias)

    @pytest.mark.skipif(importlib.util.find_spec("espeakng_loader") is None, reason="espeakng-loader is not installed")
    def test_knows_words_of_voices_it_is_not_trained_on(self, tmp_path: Path) -> None:
        """The nearest mean of a few voices' words is right far more often than with weights that are drawn."""
        import keras

        from mltk.audio.frontend import AudioFeatureGenerator
        from mltk.audio.speech import SpeechDataset
        from mltk.core.preprocess.utils.audio import read_audio_file
        from mltk.models.shared.speech_embedding import frontend_settings

        words = ["zero", "one", "two", "three", "five", "six"]
        folder = Path(SpeechDataset(words, samples_per_keyword=16, samples_unknown=0).create(tmp_path))
        frontend = AudioFeatureGenerator(frontend_settings(16000, 1000))
        clips, labels = [], []
        for label, word in enumerate(words):
            for path in sorted((folder / word).glob("*.wav")):
                said = read_audio_file(str(path), return_numpy=True)[:12000] * 32767
                clips.append(np.pad(said, (3000, 13000 - len(said))))
                labels.append(label)
        features = frontend.process_batch(np.asarray(clips, np.int16), np.int8)[..., None].astype(np.float32)
        answers, here = np.asarray(labels), np.arange(len(labels)) % 16 < 8

        def right(weights: Any) -> float:
            keras.utils.set_random_seed(1)
            pooled = (
                embedding(98, 19, weights=weights).predict(features, verbose=0).max(axis=1).reshape(len(labels), -1)
            )
            means = np.stack([pooled[here & (answers == word)].mean(0) for word in range(len(words))])
            nearest = ((pooled[~here][:, None] - means) ** 2).sum(-1).argmin(1)
            return float((nearest == answers[~here]).mean())

        assert right("pretrained") > 0.85
        assert right("pretrained") > right(None) + 0.1

    def test_what_it_is_made_of_runs_in_tflite_micro(self) -> None:
        pytest.importorskip("tflite_micro")
        import tensorflow as tf

        from mltk.micro.engines.run import run_batch

        given = np.random.default_rng(1).integers(-128, 128, (20, 98, 32, 1))
        converter = tf.lite.TFLiteConverter.from_keras_model(embedding(98, 4))
        converter.representative_dataset = lambda: ([sample[None].astype(np.float32)] for sample in given)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        model = converter.convert()
        # Exact evaluation of many samples compares itself with TensorFlow Lite Micro; here only the latter runs.
        on_device = run_batch(model, [given.astype(np.float32)], engine="tflm").outputs[0]
        as_float = embedding(98, 4).predict(given.astype(np.float32), verbose=0)
        assert np.corrcoef(on_device.ravel(), as_float.ravel())[0, 1] > 0.99
