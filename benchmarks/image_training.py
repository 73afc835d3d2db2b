"""The cost of augmentation in training: the time of an epoch with augmented images, divided by that with ready arrays.

    python benchmarks/image_training.py [--size 32|96] [--rounds 20]

The model is the ResNet-8 of MLPerf Tiny (12.5 M multiply-accumulates at 32×32 pixels), with batches of 32 color images.
The augmentation is rotation, shifts, zoom, contrast, flips, and noise of four kinds.

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
from image_generator import CLASSES, SETTINGS, image_folder

import mltk

EPOCHS = 2  # per side and round
LIMIT = 1.05
SAMPLES = 1600


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin):
    """The settings that ``fit_inputs`` reads."""


def resnet8(shape, n_classes):
    """The reference network of MLPerf Tiny's image classification."""
    import keras
    from keras import layers

    def block(x, channels, strides):
        y = layers.Conv2D(channels, 3, strides=strides, padding="same")(x)
        y = layers.ReLU()(layers.BatchNormalization()(y))
        y = layers.BatchNormalization()(layers.Conv2D(channels, 3, padding="same")(y))
        if strides > 1:
            x = layers.Conv2D(channels, 1, strides=strides, padding="same")(x)
        return layers.ReLU()(layers.Add()([x, y]))

    inputs = keras.Input(shape)
    x = layers.Conv2D(16, 3, padding="same")(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for channels, strides in ((16, 1), (32, 2), (64, 2)):
        x = block(x, channels, strides)
    outputs = layers.Dense(n_classes, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, outputs)


def main() -> int:
    """Run the comparison and print the ratio."""
    from mltk.training.inputs import fit_inputs

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = Model("image_training.py")
        model.classes = CLASSES
        model.input_shape = (arguments.size, arguments.size, 3)
        model.dataset = image_folder(folder, arguments.samples, (arguments.size, arguments.size))
        model.datagen = mltk.ParallelImageDataGenerator(cores=2, **SETTINGS)
        model.seed = 1
        model.load_dataset("training")
        batches = model.x
        made = [batches.batch(0, i) for i in range(len(batches))]
        arrays = tuple(np.concatenate(part) for part in zip(*made, strict=True))
        keras_model = resnet8(model.input_shape, model.n_classes)
        keras_model.compile(optimizer="adam", loss="categorical_crossentropy")

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
    wall, cpu = (median(a[k] / b[k] for a, b in zip(pairs["augmented"], pairs["arrays"], strict=True)) for k in (0, 1))
    print(f"augmented / arrays: {wall:.3f} of the time, {cpu:.3f} of the processor time (wanted: at most {LIMIT})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
