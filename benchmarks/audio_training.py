"""What augmentation costs a training: the time of an epoch with all of it on, over that on ready-made arrays.

    python benchmarks/audio_training.py [folder of DIGIT_SPEAKER_N.wav files]

A convolutional model of 5 M multiply-accumulates, batches of 32 samples of 49×49 int8 features. Both sides train the
same model on as many samples, through the same ``fit`` inputs as ``mltk train`` uses, epoch by epoch in turn, so that
both see the same state of the machine. The figure is the ratio of the medians; that of the processor time says what the
batches cost where other programs don't let the machine rest.
"""

from __future__ import annotations

import sys
import tempfile
import time
from statistics import median

import numpy as np
from fsdd_folder import background_folder, class_folder

import mltk

EPOCHS = 7


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin):
    """What ``fit_inputs`` reads the settings of."""


def build_keras_model(shape, n_classes):
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
    model = keras.Model(inputs, outputs)
    model.compile(optimizer="adam", loss="categorical_crossentropy")
    return model


def multiply_accumulates(keras_model) -> int:
    """Of one inference, in convolutions and dense layers."""
    total = 0
    for layer in keras_model.layers:
        kernel = getattr(layer, "kernel", None)
        if kernel is None:
            continue
        positions = np.prod(layer.output.shape[1:-1]) if len(layer.output.shape) == 4 else 1
        total += int(np.prod(kernel.shape) * positions)
    return total


def main(argv: list[str]) -> int:
    from mltk.training.inputs import fit_inputs

    with tempfile.TemporaryDirectory() as folder:
        model = Model("audio_training.py")
        model.classes = [str(digit) for digit in range(10)]
        model.dataset = class_folder(argv, folder)
        model.datagen = mltk.ParallelAudioDataGenerator(
            cores=2,
            dtype="int8",
            frontend_settings=mltk.AudioFeatureGeneratorSettings(
                window_size_ms=30, window_step_ms=20, filterbank_n_channels=49
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
        keras_model = build_keras_model(model.input_shape, model.n_classes)
        print(f"{multiply_accumulates(keras_model) / 1e6:.1f} M multiply-accumulates, {batches.n} samples an epoch")

        def inputs_of(x, y):
            model.x, model.y = x, y
            return fit_inputs(model, seed=1, first_epoch=0)

        sides = {"arrays": inputs_of(*arrays), "augmented": inputs_of(batches, None)}
        seconds: dict[str, list[float]] = {side: [] for side in sides}
        work: dict[str, list[float]] = {side: [] for side in sides}
        for epoch in range(EPOCHS):
            for side, inputs in sides.items():
                start, start_work = time.perf_counter(), time.process_time()
                keras_model.fit(**inputs, epochs=1, verbose=0, shuffle=False)
                if epoch:  # the first compiles, and decodes the files
                    seconds[side].append(time.perf_counter() - start)
                    work[side].append(time.process_time() - start_work)
            print(f"epoch {epoch}: " + ", ".join(f"{s} {t[-1]:.2f} s" for s, t in seconds.items() if t))
        ratio = median(seconds["augmented"]) / median(seconds["arrays"])
        print(f"augmented / arrays: {ratio:.3f} (wanted: at most 1.05)")
        print(f"processor time: {median(work['augmented']) / median(work['arrays']):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
