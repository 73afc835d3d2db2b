"""Spoken digits of people that the model has never heard: int8 accuracy and size.

    python benchmarks/fsdd.py [folder of DIGIT_SPEAKER_N.wav files] [--epochs 60] [--unseen theo,yweweler]

The Free Spoken Digit Dataset has six speakers. Four of them (2,000 recordings) train a small convolutional model,
with speed, pitch, vocal tract length, loudness, place and noise varied; the other two (1,000 recordings) are only
used at the end, to evaluate the quantized model as TensorFlow Lite Micro computes it. Nothing is chosen by them: the
number of epochs and the learning rate are fixed beforehand.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile

from fsdd_folder import class_folder, recordings

import mltk

CLASSES = [str(digit) for digit in range(10)]
WANTED_ACCURACY, WANTED_BYTES = 0.95, 100_000


class Digits(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """Trains on one folder, is evaluated on another."""

    folders: dict


def build_model(model: Digits):
    """A convolution, then depthwise separable ones with shortcuts: 62 k parameters, 4.6 M multiply-accumulates."""
    import keras
    from keras import layers

    def separable(x, channels, strides=1):
        shortcut = x
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.BatchNormalization()(layers.Conv2D(channels, 1, use_bias=False)(x))
        if strides == 1 and shortcut.shape[-1] == channels:
            x = layers.Add()([x, shortcut])
        return layers.ReLU()(x)

    inputs = keras.Input(model.input_shape)
    x = layers.Conv2D(32, (5, 5), strides=(1, 2), padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for channels, strides in ((48, 2), (48, 1), (80, 2), (80, 1), (112, 2), (112, 1)):
        x = separable(x, channels, strides)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    keras_model = keras.Model(inputs, layers.Dense(model.n_classes, activation="softmax")(x))
    keras_model.compile(
        optimizer=keras.optimizers.AdamW(weight_decay=1e-3),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=model.metrics,
    )
    return keras_model


def make_model(folder: str, epochs: int) -> Digits:
    model = Digits(os.path.join(folder, "fsdd_digits.py"))
    model.classes = CLASSES
    model.build_model_function = build_model
    model.datagen = mltk.ParallelAudioDataGenerator(
        cores=2,
        frontend_dtype="int8",
        trim_threshold_db=30,
        frontend_settings=mltk.AudioFeatureGeneratorSettings(
            sample_rate_hz=8000,
            sample_length_ms=1000,
            window_size_ms=32,
            window_step_ms=16,
            filterbank_n_channels=40,
            filterbank_lower_band_limit=80.0,
            filterbank_upper_band_limit=3900.0,
            quantize_dynamic_scale_enable=True,
        ),
        offset_range=(0.0, 1.0),
        speed_range=(0.75, 1.3),
        pitch_range=(-0.4, 0.4),
        vtlp_range=(0.8, 1.25),
        loudness_range=(0.1, 1.0),
        noise_colors="all",
        noise_color_range=(0.0, 0.3),
    )
    model.epochs, model.batch_size, model.seed = epochs, 32, 1
    model.checkpoint = None
    model.checkpoints_enabled = False
    model.lr_schedule = {"schedule": lambda epoch: 3e-3 * (0.5 + 0.5 * math.cos(math.pi * epoch / epochs)) + 1e-6}
    model.tflite_converter["inference_input_type"] = "int8"
    model.tflite_converter["inference_output_type"] = "int8"
    return model


def main() -> int:
    parser = argparse.ArgumentParser(description="Spoken digits of unseen speakers.")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--unseen", default="theo,yweweler", help="two speakers to evaluate with")
    args = parser.parse_args()
    files = [args.folder] if args.folder else []
    unseen = set(args.unseen.split(","))
    speakers = {file.name.split("_")[1] for file in recordings(files)}
    with tempfile.TemporaryDirectory() as where:
        os.environ["MLTK_USER_DIR"] = where
        model = make_model(where, args.epochs)
        model.dataset = class_folder(files, where, speakers - unseen)
        mltk.train_model(model, verbose=True)
        model.dataset = class_folder(files, where, unseen)
        results = mltk.evaluate_model(model, tflite=True)
        size = os.path.getsize(model.tflite_log_dir_path)
    accuracy = results.overall_accuracy
    print(f"{accuracy:.2%} of the digits of {' and '.join(sorted(unseen))} with a .tflite of {size:,} bytes")
    print(f"wanted: {WANTED_ACCURACY:.0%} with less than {WANTED_BYTES:,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
