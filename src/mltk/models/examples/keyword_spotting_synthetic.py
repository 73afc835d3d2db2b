"""A keyword spotter for "one", "two", "three" and "four" without recordings: all clips are synthesized.

    mltk train keyword_spotting_synthetic

This takes some minutes on two cores. 300 voices of eSpeak NG with many accents, and 400 speakers that are drawn from a
natural voice, say the words, words that sound similar, and other words. A small convolutional network learns them. The
int8 model is evaluated on speakers that it was not trained on.

This model is an example of the steps, not a product. In noise it recognizes 93 % of the words of these speakers, and
rejects 74 % of the other and similar words. It was then tested on 3,000 recordings of six people
(``benchmarks/people.py``). For 88 % of their keywords, it says which of the four was spoken. But it takes a third of
them for other words: it recognizes 63 %, and rejects 93 % of the people's other digits. Train with recordings for real
use.
"""
# @mltk_model

import math

import keras
import numpy as np
from keras import layers

import mltk
from mltk.audio.process_params import ParallelProcessParams
from mltk.audio.speech import SpeechDataset
from mltk.training.spectrogram_layers import RandomChannelResponse, SpecAugment


class KeywordSpotter(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is audio features, the output a probability for each word."""


my_model = KeywordSpotter()
my_model.version = 1
my_model.description = "Says which of one, two, three and four was spoken"
my_model.classes = ["one", "two", "three", "four", "_unknown_", "_silence_"]

# Each word is said 700 times: half by 300 voices of eSpeak NG, half by 400 speakers drawn from a natural voice.
# "_unknown_" is half similar words, half common words. There are about 100 similar words, and each needs some speakers.
# Simulated rooms and microphones record the clips.
my_model.dataset = SpeechDataset(
    ["one", "two", "three", "four"],
    samples_per_keyword=700,
    samples_unknown=4200,
    voices=300,
    engines=["espeak", "hibari"],
    surroundings=True,
)

# The features that the device computes from the microphone: 49 rows of 40 mel features a second, as int8. They end at
# 3800 Hz: these words are told apart below, and many microphones and lines have nothing above 4 kHz.
frontend_settings = mltk.AudioFeatureGeneratorSettings(
    sample_rate_hz=16000,
    sample_length_ms=1000,
    window_size_ms=30,
    window_step_ms=20,
    filterbank_n_channels=40,
    filterbank_lower_band_limit=125.0,
    filterbank_upper_band_limit=3800.0,
    noise_reduction_enable=True,
    noise_reduction_min_signal_remaining=0.4,
    quantize_dynamic_scale_enable=True,
    quantize_dynamic_scale_range_db=40.0,
)


def as_in_a_stream(params: ParallelProcessParams, x: np.ndarray, class_id: int) -> np.ndarray:
    """Make clips of two classes that a microphone hears all the time, but that no recording of one word has.

    Three of ten clips of other words end with the begin of the word and begin with its end. Two of five clips of the
    silence class are nearly or entirely silent, as a muted or digital microphone is.
    """
    if class_id == params.class_indices.get("_unknown_"):
        return np.roll(x, np.random.randint(len(x))) if np.random.random() < 0.3 else x
    if class_id != params.class_indices.get("_silence_") or np.random.random() >= 0.4:
        return x
    return x * (0.0 if np.random.random() < 0.5 else 10 ** np.random.uniform(-3, -0.5))


# In each epoch, each clip has another position, other noise, other ends, and another speed, pitch and vocal tract.
my_model.datagen = mltk.ParallelAudioDataGenerator(
    cores=2,
    dtype=np.float32,
    frontend_dtype=np.int8,
    frontend_settings=frontend_settings,
    offset_range=(0.0, 1.0),
    noise_colors=["white", "brown", "pink"],
    noise_color_range=(0.02, 0.4),
    loudness_range=(0.3, 1.0),
    vtlp_range=(0.85, 1.18),
    speed_range=(0.8, 1.25),
    pitch_range=(-0.3, 0.3),
    trim_range_db=(12.0, 40.0),
    silence_class_percentage=0.6,
    preprocessing_function=as_in_a_stream,
    validation_split=0.15,
)


def separable(x: keras.KerasTensor, channels: int, strides: int = 1) -> keras.KerasTensor:
    """Filter each channel, then mix the channels; add the input if the shape is the same."""
    shortcut = x
    x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
    x = layers.BatchNormalization(momentum=0.95)(layers.Conv2D(channels, 1, use_bias=False)(x))
    if x.shape == shortcut.shape:
        x = layers.Add()([x, shortcut])
    return layers.ReLU()(x)


def build_model(model: KeywordSpotter) -> keras.Model:
    """Build depthwise separable convolutions over time and frequency, as "Hello Edge" has (arXiv:1711.07128).

    A network with the mel features as channels learns the synthesized voices as well. But it recognizes fewer words of
    people, whose formants are at other frequencies: a convolution over the frequency finds them there too.
    """
    inputs = keras.Input(model.input_shape)
    x = RandomChannelResponse()(inputs)
    x = SpecAugment(max_frames=7, max_channels=6)(x)
    x = layers.Rescaling(1 / 128)(x)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.95)(x))
    for channels, strides in ((32, 1), (48, 2), (48, 1), (64, 2), (64, 1), (64, 1)):
        x = separable(x, channels, strides)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    outputs = layers.Dense(model.n_classes, activation="softmax")(x)
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=keras.optimizers.AdamW(weight_decay=1e-3), loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 36
my_model.batch_size = 64
my_model.lr_schedule = dict(schedule=lambda epoch: 2e-3 * (1 + math.cos(math.pi * epoch / my_model.epochs)))
my_model.loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
my_model.metrics = ["accuracy"]
# Without this, the many clips of other words would make the model miss keywords.
my_model.class_weights = {"one": 1, "two": 1, "three": 1, "four": 1, "_unknown_": 0.4, "_silence_": 1}
my_model.seed = 42

# A microphone is never silent: evaluate in noise too.
my_model.eval_augment = True

my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"

# For the firmware: when an output is a detection.
my_model.model_parameters["average_window_duration_ms"] = 500
my_model.model_parameters["detection_threshold"] = 180
my_model.model_parameters["suppression_ms"] = 1000
my_model.model_parameters["minimum_count"] = 3
my_model.model_parameters["volume_gain"] = 0
my_model.model_parameters["latency_ms"] = 20
