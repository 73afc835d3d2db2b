"""Ten words, by a BC-ResNet.

    mltk train kws_bc_resnet
    mltk evaluate kws_bc_resnet --tflite

The samples are Speech Commands (Warden, 2018). Kim et al., "Broadcasted Residual Learning for Efficient Keyword
Spotting", Interspeech 2021. So far, this model was trained on a stand-in for its data only. The commands above show the
accuracy of a run. The first run downloads 2.3 GB.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.audio.speech_commands import speech_commands_v2
from mltk.models.shared import BCResNet


class KeywordSpotter(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is audio features, the output a probability for each word."""


my_model = KeywordSpotter()
my_model.version = 1
my_model.description = "Ten words, by a BC-ResNet"
my_model.dataset = speech_commands_v2
my_model.classes = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "_unknown_", "_silence_"]
my_model.class_mode = "categorical"

frontend_settings = mltk.AudioFeatureGeneratorSettings(
    sample_rate_hz=16000,
    sample_length_ms=1000,
    window_size_ms=30,
    window_step_ms=10,
    filterbank_n_channels=40,
    filterbank_lower_band_limit=125.0,
    filterbank_upper_band_limit=7500.0,
    noise_reduction_enable=True,
    noise_reduction_min_signal_remaining=0.4,
    quantize_dynamic_scale_enable=True,
)

my_model.datagen = mltk.ParallelAudioDataGenerator(
    dtype=np.float32,
    frontend_dtype=np.int8,
    frontend_settings=frontend_settings,
    offset_range=(0.0, 1.0),
    trim_threshold_db=30,
    loudness_range=(0.2, 1.0),
    speed_range=(0.9, 1.1),
    noise_colors=["white", "brown", "pink"],
    noise_color_range=(0.01, 0.2),
    unknown_class_percentage=1.0,
    validation_split=0.10,
)


def build_model(model: KeywordSpotter) -> keras.Model:
    """Build a BC-ResNet."""
    inputs = keras.Input(model.input_shape)
    core = BCResNet(model.input_shape, model.n_classes)
    keras_model = keras.Model(inputs, core(keras.layers.Rescaling(1 / 128)(inputs)), name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 100
my_model.batch_size = 100
my_model.optimizer = keras.optimizers.Adam(1e-3)
my_model.reduce_lr_on_plateau = dict(monitor="val_loss", factor=0.5, patience=4, min_lr=1e-5)
my_model.early_stopping = dict(monitor="val_accuracy", patience=15, restore_best_weights=True)
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
