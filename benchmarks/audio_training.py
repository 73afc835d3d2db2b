"""The cost of augmentation in training: the time of an epoch with all augmentations, divided by that with ready arrays.

    python benchmarks/audio_training.py [folder of DIGIT_SPEAKER_N.wav files] [--model ds_cnn|narrow] [--rounds 20]

The models have 5 M multiply-accumulates and batches of 32 samples of int8 features. ``ds_cnn`` is the keyword spotter
of MLPerf Tiny on 49×20 features. ``narrow`` has 49×49 features and needs less time for as many multiply-accumulates, so
augmentation has a larger share.

Both sides train the same model on the same number of samples, with the ``fit`` inputs of ``mltk train``. They run in
turn, two epochs at a time, because the speed of a machine changes from minute to minute. The second epoch counts. The
figure is the median of the ratios of all rounds. The ratio of the processor times is more reliable on a busy machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from statistics import median

import numpy as np
from epoch_times import EpochTimes
from fsdd_folder import background_folder, class_folder

import mltk

EPOCHS = 2  # per side and round
LIMIT = 1.05


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin):
    """The settings that ``fit_inputs`` reads."""


def ds_cnn(shape, n_classes):
    """5.3 M multiply-accumulates: the reference network of MLPerf Tiny's keyword spotting."""
    from mltk.models.shared import DepthwiseSeparableConv2D_ARM

    return DepthwiseSeparableConv2D_ARM(input_shape=shape, num_classes=n_classes)


def narrow(shape, n_classes):
    """5.1 M multiply-accumulates: a convolution, then depthwise separable ones."""
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    x = layers.Conv2D(24, 5, strides=2, padding="same", activation="relu")(inputs)
    for channels, strides in ((64, 2), (80, 1), (80, 1), (128, 2), (128, 1), (128, 1)):
        x = layers.DepthwiseConv2D(3, strides=strides, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Conv2D(channels, 1)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    outputs = layers.Dense(n_classes, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs)


MODELS = {"ds_cnn": (ds_cnn, 20), "narrow": (narrow, 49)}


def multiply_accumulates(keras_model) -> int:
    """Multiply-accumulates of one inference, in convolutions and dense layers."""
    total = 0
    for layer in keras_model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        positions = np.prod(layer.output.shape[1:-1]) if len(layer.output.shape) == 4 else 1
        total += int(np.prod(kernel.shape) * positions)
    return total


def main() -> int:
    """Run the comparison and print the ratio."""
    from mltk.training.inputs import fit_inputs

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="*")
    parser.add_argument("--model", choices=MODELS, default="ds_cnn")
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    build, n_features = MODELS[arguments.model]
    with tempfile.TemporaryDirectory() as folder:
        model = Model("audio_training.py")
        model.classes = [str(digit) for digit in range(10)]
        model.dataset = class_folder(arguments.folder, folder)
        model.datagen = mltk.ParallelAudioDataGenerator(
            cores=2,
            dtype="int8",
            frontend_settings=mltk.AudioFeatureGeneratorSettings(
                window_size_ms=30, window_step_ms=20, filterbank_n_channels=n_features
            ),
            bg_noise_dir=background_folder(folder),
            bg_noise_range=(0.1, 0.4),
            speed_range=(0.8, 1.2),
            pitch_range=(-2, 2),
            vtlp_range=(0.9, 1.1),
            loudness_range=(0.2, 1.0),
        )
        model.seed = 1
        model.load_dataset("training")
        batches = model.x
        made = [batches.batch(0, i) for i in range(len(batches))]
        arrays = tuple(np.concatenate(part) for part in zip(*made, strict=True))
        keras_model = build(model.input_shape, model.n_classes)
        keras_model.compile(optimizer="adam", loss="categorical_crossentropy")
        print(f"{multiply_accumulates(keras_model) / 1e6:.1f} M multiply-accumulates, {batches.n} samples an epoch")

        def inputs_of(x, y):
            model.x, model.y = x, y
            return fit_inputs(model, seed=1, first_epoch=0)

        sides = {"arrays": inputs_of(*arrays), "augmented": inputs_of(batches, None)}
        pairs: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
        for i in range(arguments.rounds):
            for side in sorted(sides, reverse=bool(i % 2)):  # each side is first in every other round
                times = EpochTimes()
                keras_model.fit(**sides[side], epochs=EPOCHS, verbose=0, shuffle=False, callbacks=[times])
                pairs[side].append(times.last())
            print(f"round {i + 1}: " + ", ".join(f"{side} {t[-1][0]:.2f} s" for side, t in pairs.items()), flush=True)
        ratios = [(a[0] / b[0], a[1] / b[1]) for a, b in zip(pairs["augmented"], pairs["arrays"], strict=True)]
        wall, cpu = (median(r) for r in zip(*ratios, strict=True))
        print(f"augmented / arrays: {wall:.3f} (wanted: at most {LIMIT}); processor time: {cpu:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
