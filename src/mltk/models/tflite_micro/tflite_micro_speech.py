"""TensorFlow Lite Micro's first example: "yes" and "no", with one convolution and one dense layer; 18 kB.

    mltk train tflite_micro_speech

Warden and Situnayake, "TinyML", O'Reilly 2019, chapters 7 and 8. The frontend's settings are those of the example's
firmware: 49 rows of 40 features a second, with noise reduction and gain control. So far, this model was trained on a
stand-in for its data only. The first run downloads 2.3 GB.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.audio.speech_commands import speech_commands_v2


class MicroSpeech(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is audio features, the output a probability for each word."""


my_model = MicroSpeech()
my_model.version = 1
my_model.description = "TensorFlow Lite Micro's micro_speech: yes and no"
my_model.dataset = speech_commands_v2
my_model.classes = ["_silence_", "_unknown_", "yes", "no"]

frontend_settings = mltk.AudioFeatureGeneratorSettings(
    sample_rate_hz=16000,
    sample_length_ms=1000,
    window_size_ms=30,
    window_step_ms=20,
    filterbank_n_channels=40,
    filterbank_lower_band_limit=125.0,
    filterbank_upper_band_limit=7500.0,
    noise_reduction_enable=True,
    noise_reduction_smoothing_bits=10,
    noise_reduction_even_smoothing=0.025,
    noise_reduction_odd_smoothing=0.06,
    noise_reduction_min_signal_remaining=0.05,
    pcan_enable=True,
    pcan_strength=0.95,
    pcan_offset=80.0,
    pcan_gain_bits=21,
    log_scale_enable=True,
    log_scale_shift=6,
)

my_model.datagen = mltk.ParallelAudioDataGenerator(
    dtype=np.float32,
    frontend_dtype=np.int8,
    frontend_settings=frontend_settings,
    offset_range=(0.0, 1.0),
    trim_threshold_db=30,
    noise_colors=["white", "brown"],
    noise_color_range=(0.01, 0.1),
    validation_split=0.10,
)


def build_model(model: MicroSpeech) -> keras.Model:
    """Build the example's architecture "tiny_conv"."""
    keras_model = keras.Sequential(
        [
            keras.Input(model.input_shape),
            keras.layers.Conv2D(8, (10, 8), strides=2, padding="same", activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(model.n_classes, activation="softmax"),
        ],
        name=model.name,
    )
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 40
my_model.batch_size = 100
my_model.optimizer = keras.optimizers.Adam(1e-3)
my_model.lr_schedule = dict(schedule=lambda epoch: 1e-3 if epoch < 30 else 1e-4)
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
