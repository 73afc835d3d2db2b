"""Ten words of Speech Commands: how to load audio with ``tf.data`` and a Python function.

    mltk train audio_tf_dataset
    mltk evaluate audio_tf_dataset --tflite

Prefer ``AudioDatasetMixin``, which is faster and has more effects. Use this example as a start if you need effects of
another package. So far, this model was trained on a stand-in for its data only. The commands above show the accuracy
of a run. The first run downloads 2.3 GB.
"""
# @mltk_model

import keras
import numpy as np
import tensorflow as tf

import mltk
from mltk.audio.files import read_audio_int16
from mltk.datasets.audio.speech_commands import speech_commands_v2
from mltk.models.shared import tenet

VALIDATION_SPLIT = 0.1

frontend_settings = mltk.AudioFeatureGeneratorSettings(
    sample_rate_hz=16000,
    sample_length_ms=1000,
    window_size_ms=30,
    window_step_ms=20,
    filterbank_n_channels=40,
    filterbank_lower_band_limit=125.0,
    filterbank_upper_band_limit=7500.0,
    quantize_dynamic_scale_enable=True,
)


class KeywordSpotter(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is audio features, the output a probability for each word."""


class Words(mltk.MltkDataset):
    """Batches of features."""

    def __init__(self) -> None:
        super().__init__()
        self.frontend = mltk.AudioFeatureGenerator(frontend_settings)

    def load_dataset(self, subset: str, test: bool = False, **kwargs: object) -> object:
        """Load batches for training and validation, or for evaluation."""
        if subset == "training":
            return self.batches((VALIDATION_SPLIT, 1.0), test), None, self.batches((0.0, VALIDATION_SPLIT), test)
        return self.batches((0.0, VALIDATION_SPLIT), test)

    def batches(self, split: tuple[float, float], test: bool) -> tf.data.Dataset:
        """Make batches of features and labels. No speaker is in two parts."""
        folder = speech_commands_v2.load_data()
        paths: list[str] = []
        labels: list[int] = []
        for label, word in enumerate(my_model.classes):
            listed = speech_commands_v2.list_valid_filenames_in_directory(folder, word, [".wav"], split, False, None)[1]
            listed = listed[:10] if test else listed
            paths += [f"{folder}/{name}" for name in listed]
            labels += [label] * len(listed)
        dataset = tf.data.Dataset.from_tensor_slices((paths, labels)).enumerate().shuffle(len(paths), my_model.seed)
        dataset = dataset.map(self.with_features, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        return dataset.batch(my_model.batch_size).prefetch(2)

    def with_features(self, index: tf.Tensor, sample: tuple[tf.Tensor, tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        """Replace the path of a clip by its features int8 ``[frames, features, 1]``."""
        path, label = sample
        features = tf.numpy_function(self.features_of, [path, index], tf.int8)
        return tf.ensure_shape(features, my_model.input_shape), label

    def features_of(self, path: bytes, seed: int) -> np.ndarray:
        """Compute the features of a clip at a random place, with a random gain and noise."""
        draw = np.random.default_rng(int(seed))
        clip, _ = read_audio_int16(path.decode(), frontend_settings.sample_rate_hz)
        length = frontend_settings.sample_length
        padded = np.zeros(length, np.float32)
        start = draw.integers(0, max(1, length - len(clip) + 1))
        padded[start : start + len(clip)] = clip[:length]
        heard = padded * draw.uniform(0.2, 1.0) + draw.normal(0, 100, length)
        samples = np.clip(heard, -32768, 32767).astype(np.int16)
        return self.frontend.process_sample(samples, np.int8)[..., np.newaxis]


def build_model(model: KeywordSpotter) -> keras.Model:
    """Build a TENet over time; the mel features are its channels."""
    frames, features, _ = model.input_shape
    inputs = keras.Input(model.input_shape)
    x = keras.layers.Rescaling(1 / 128)(keras.layers.Reshape((frames, 1, features))(inputs))
    outputs = tenet.TENet6((frames, 1, features), model.n_classes, input_layer=x, return_model=False)
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = KeywordSpotter()
my_model.version = 1
my_model.description = "Ten words of Speech Commands, loaded with tf.data"
my_model.dataset = Words()
my_model.classes = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
my_model.input_shape = (*frontend_settings.spectrogram_shape, 1)
my_model.model_parameters.update(frontend_settings)
my_model.build_model_function = build_model
my_model.epochs = 80
my_model.batch_size = 100
my_model.optimizer = "adam"
my_model.loss = "sparse_categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.early_stopping = dict(monitor="val_accuracy", patience=15, restore_best_weights=True)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
