"""Exact evaluation compared with TensorFlow Lite Micro in one process, on ResNet-8 (MLPerf Tiny, image classification).

    python benchmarks/exact_evaluation.py [--samples 2000] [--model model.tflite]

Both sides compute the same int8 samples in one run. TFLM runs in this process, one sample after another. ``run_batch``
runs as users call it, including its worker processes, their start, and the check against TFLM. The script prints both
rates, their ratio, and the number of output values that differ. Without ``--model``, Keras and the TensorFlow Lite
converter make an int8 ResNet-8. Its weights are random, but its batch normalization is fitted to data.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import numpy as np

from mltk.micro.engines.run import available_cpus, run_batch


def resnet8(seed: int = 0) -> bytes:
    """The int8 model; about 10 s, most of it for importing TensorFlow."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)

    def conv(x, filters, kernel=3, stride=1, relu=True):
        x = layers.Conv2D(filters, kernel, strides=stride, padding="same")(x)
        x = layers.BatchNormalization()(x)
        return layers.ReLU()(x) if relu else x

    image = keras.Input(batch_shape=(1, 32, 32, 3))
    x = conv(image, 16)
    for filters, stride in ((16, 1), (32, 2), (64, 2)):
        y = conv(conv(x, filters, stride=stride), filters, relu=False)
        shortcut = x if stride == 1 else layers.Conv2D(filters, 1, strides=stride, padding="same")(x)
        x = layers.ReLU()(layers.Add()([shortcut, y]))
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    model = keras.Model(image, layers.Dense(10, activation="softmax")(x))
    for variable in model.weights:
        if "moving_mean" in variable.path or "bet" in variable.path or "bias" in variable.path:
            variable.assign(rng.normal(0, 0.2, variable.shape))
        elif "moving_variance" in variable.path or "gamma" in variable.path:
            variable.assign(rng.uniform(0.6, 1.5, variable.shape))

    images = rng.normal(size=(50, 1, 32, 32, 3)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([x] for x in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


def cpu_seconds() -> float:
    """CPU time of this process and of the children that have ended."""
    return sum(os.times()[:4])


def main() -> None:
    """Run both sides and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--model", type=Path, help="another int8 .tflite with one input")
    arguments = parser.parse_args()
    model = arguments.model.read_bytes() if arguments.model else resnet8()

    from mltk.tflite.graph import graph_of

    shape = graph_of(model).inputs[0].shape
    samples = np.random.default_rng(1).integers(-128, 128, (arguments.samples, *shape[1:])).astype(np.int8)

    start, cpu = time.perf_counter(), cpu_seconds()
    tflm = run_batch(model, samples, engine="tflm", processes=1)
    tflm_s, tflm_cpu_s = time.perf_counter() - start, cpu_seconds() - cpu
    start, cpu = time.perf_counter(), cpu_seconds()
    exact = run_batch(model, samples)
    exact_s, exact_cpu_s = time.perf_counter() - start, cpu_seconds() - cpu

    mismatches = sum(int(np.sum(a != b)) for a, b in zip(tflm.outputs, exact.outputs, strict=True))
    n, values = len(samples), sum(a.size for a in tflm.outputs)
    print(f"TFLM, one process:       {tflm_s:8.2f} s  {n / tflm_s:8.0f} samples/s   {tflm.engine_description}")
    print(f"run_batch, {available_cpus():2} core(s):   {exact_s:8.2f} s  {n / exact_s:8.0f} samples/s   {exact.engine}")
    print(f"    {exact.engine_description}; {exact.n_processes} process(es)")
    for note in exact.notes:
        print(f"    note: {note}")
    print(f"ratio: {tflm_s / exact_s:.1f}")
    # Wall time depends on the other programs on the machine; CPU time hardly does.
    print(f"CPU time: {tflm_cpu_s:.2f} s and {exact_cpu_s:.2f} s, ratio {tflm_cpu_s / exact_cpu_s:.1f} on each core")
    print(f"mismatches: {mismatches} of {values} output values over {n} samples")


if __name__ == "__main__":
    main()
