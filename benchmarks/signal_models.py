"""The figures of the examples that train on small real data: accuracies and areas under the ROC curve, for three seeds.

    python benchmarks/signal_models.py

This takes about ten minutes on two cores. It trains the specifications in ``mltk/models/examples`` as they are, except
for the seed. It evaluates the Keras model, and the ``.tflite`` as TensorFlow Lite Micro computes it. The figures are
those of docs/guides/signals.md.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="train with this number of seeds")
    parser.add_argument("--epochs", type=int, help="epochs, for a quick try; by default those of the specifications")
    arguments = parser.parse_args()
    for seed in range(1, arguments.seeds + 1):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["MLTK_USER_DIR"] = folder  # the archives of this run, apart from the user's own
            run(seed, arguments.epochs)


def run(seed: int, epochs: int | None) -> None:
    """Train and evaluate all models with one seed, and print their figures."""
    for held_out in ([8, 9, 10], [1, 2, 3], [4, 5, 6]):  # the first is that of the specification
        people = {"training": sorted(set(range(1, 11)) - set(held_out)), "evaluation": held_out}
        exercises = train("watch_exercises", seed, epochs, PEOPLE=people)
        report(seed, exercises, f"accuracy of people {held_out}", lambda r: r["overall_accuracy"])
    for normal in ("PEN", "IR"):
        anomaly = train("watch_anomaly", seed, epochs, NORMAL=normal)
        report(seed, anomaly, f"area under ROC, normal is {normal}", lambda r: r["overall_roc_auc"])
        for name in anomaly.eval_classes[1:]:
            report(seed, anomaly, f"  {normal} against {name}", lambda r, n=name: r["class_stats"][n]["roc_auc"])
    pairs = train("digits_contrastive", seed, epochs)
    report(seed, pairs, "accuracy of pairs, digits 0 to 6", lambda r: r["overall_accuracy"])
    report(seed, pairs, "area under ROC, digits 0 to 6", lambda r: r["roc_auc"][1])
    functions = pairs.dataset.__globals__

    def new_digits(subset: str) -> Any:
        x, y = functions["digits_of"](subset)
        new = np.isin(y, [7, 8, 9])
        return functions["make_pairs"](x[new], y[new], 1000, np.random.default_rng(3))

    pairs.dataset = new_digits
    report(seed, pairs, "area under ROC, digits 7 to 9", lambda r: r["roc_auc"][1])
    transferred = train("digits_transfer", seed, epochs)
    report(seed, transferred, "accuracy, ten pictures of each", lambda r: r["overall_accuracy"])
    report(seed, from_scratch(seed, epochs), "the same without transfer", lambda r: r["overall_accuracy"])


def train(name: str, seed: int, epochs: int | None, **constants: Any) -> Any:
    """Train a specification and quantize it, with other values of constants in its script."""
    import mltk

    model: Any = mltk.load_mltk_model(name)
    model.seed = seed
    model.epochs = epochs or model.epochs
    model.dataset.__globals__.update(constants)
    if "NORMAL" in constants:
        normal = constants["NORMAL"]
        model.eval_classes = [normal, *(c for c in sorted(model.eval_classes) if c != normal)]
    mltk.train_model(model, verbose=False)
    return model


def from_scratch(seed: int, epochs: int | None) -> Any:
    """Train the network of digits_transfer from random weights, all layers, with the same pictures."""
    import keras

    import mltk

    model: Any = mltk.load_mltk_model("digits_transfer")
    model.seed, model.epochs = seed, epochs or model.epochs
    build = model.build_model_function

    def build_anew(model: Any) -> Any:
        transferred = build(model)
        fresh = keras.models.clone_model(transferred)  # which draws new weights
        fresh.trainable = True
        fresh.compile(keras.optimizers.Adam(5e-3), model.loss, metrics=["accuracy"])
        return fresh

    model.build_model_function = build_anew
    mltk.train_model(model, verbose=False)
    return model


def report(seed: int, model: Any, what: str, figure: Callable[[Any], float]) -> None:
    """Print a figure of the Keras model and of the .tflite."""
    import mltk

    keras_figure, device = (
        figure(mltk.evaluate_model(model, tflite=tflite, update_archive=False)) for tflite in (False, True)
    )
    print(f"seed {seed}  {model.name:20} {what:40} Keras {keras_figure:.4f}   int8 {device:.4f}", flush=True)


if __name__ == "__main__":
    main()
