"""Ten words, by a MobileNetV2 of the spectrogram.

    mltk train keyword_spotting_mobilenetv2
    mltk evaluate keyword_spotting_mobilenetv2 --tflite

The samples are Speech Commands (Warden, 2018). So far, this model was trained on a stand-in for its data only. The
commands above show the accuracy of a run. The first run downloads 2.3 GB.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.audio.speech_commands import speech_commands_v2
from mltk.models.shared import MobileNetV2


class KeywordSpotter(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is audio features, the output a probability for each word."""


my_model = KeywordSpotter()
my_model.version = 1
my_model.description = "Ten words, by a MobileNetV2"
my_model.dataset = speech_commands_v2
my_model.classes = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "_unknown_", "_silence_"]
my_model.class_mode = "categorical"

frontend_settings = mltk.AudioFeatureGeneratorSettings(
    sample_rate_hz=16000,
    sample_length_ms=1000,
    window_size_ms=30,
    window_step_ms=20,
    filterbank_n_channels=40,
    filterbank_lower_band_limit=125.0,
    filterbank_upper_band_limit=7500.0,
    noise_reduction_enable=True,
    noise_reduction_min_signal_remaining=0.4,
)

my_model.datagen = mltk.ParallelAudioDataGenerator(
    dtype=np.float32,
    frontend_dtype=np.float32,
    frontend_settings=frontend_settings,
    offset_range=(0.0, 1.0),
    trim_threshold_db=30,
    loudness_range=(0.2, 1.0),
    speed_range=(0.9, 1.1),
    noise_colors=["white", "brown", "pink"],
    noise_color_range=(0.01, 0.2),
    unknown_class_percentage=1.0,
    samplewise_center=True,
    samplewise_std_normalization=True,
    validation_split=0.10,
)


def build_model(model: KeywordSpotter) -> keras.Model:
    """Build a narrow MobileNetV2 of the spectrogram."""
    keras_model = MobileNetV2(
        model.input_shape, alpha=0.15, classes=model.n_classes, last_block_filters=384, name=model.name
    )
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 100
my_model.batch_size = 64
my_model.optimizer = keras.optimizers.Adam(1e-3)
my_model.reduce_lr_on_plateau = dict(monitor="val_loss", factor=0.5, patience=4, min_lr=1e-5)
my_model.early_stopping = dict(monitor="val_accuracy", patience=15, restore_best_weights=True)
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
