"""Knowledge distillation in a specification: a student of images or of signals, trained, quantized and evaluated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import mltk
from mltk.training.distillation import KnowledgeDistillationModel

pytestmark = pytest.mark.tf
L = keras.layers


class Student(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """A small classifier that learns from a large one."""


def stripes(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Images of horizontal and vertical stripes in noise."""
    draw = np.random.default_rng(0 if subset == "training" else 1)
    y = draw.integers(2, size=160)
    waves = np.sin(np.arange(8) * 2 + draw.uniform(0, 6, (160, 1)))
    x = np.where(y[:, None, None] == 0, waves[:, :, None], waves[:, None, :]) + 0.5 * draw.normal(size=(160, 8, 8))
    return x[..., None].astype(np.float32), y


def tones(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Signals of two frequencies on two axes, in noise."""
    draw = np.random.default_rng(2 if subset == "training" else 3)
    y = draw.integers(2, size=160)
    phase = np.arange(32) * (0.4 + 0.8 * y[:, None]) + draw.uniform(0, 6, (160, 1))
    x = np.stack([np.sin(phase), np.cos(phase)], axis=-1) + 0.5 * draw.normal(size=(160, 32, 2))
    return x.astype(np.float32), y


def network(shape: tuple[int, ...], width: int) -> Any:
    """A network of one convolution that returns logits."""
    is_image = len(shape) == 3
    convolution = L.Conv2D(width, 3, activation="relu") if is_image else L.Conv1D(width, 5, activation="relu")
    pooling = L.GlobalMaxPooling2D() if is_image else L.GlobalMaxPooling1D()
    return keras.Sequential([keras.Input(shape), convolution, pooling, L.Dense(2)])


def build(model: Any) -> Any:
    """Train the teacher, then build the pair of teacher and student."""
    x, y = model.dataset("training")
    sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher = network(model.input_shape, 24)
    teacher.compile(keras.optimizers.Adam(0.02), sparse)
    teacher.fit(x, y, epochs=12, verbose=0)
    pair = KnowledgeDistillationModel(student=network(model.input_shape, 6), teacher=teacher)
    pair.compile(
        optimizer=keras.optimizers.Adam(0.03),
        metrics=["accuracy"],
        student_loss_fn=sparse,
        distillation_loss_fn=keras.losses.KLDivergence(),
        alpha=0.2,
        temperature=4,
    )
    return pair


@pytest.mark.parametrize(("dataset", "shape"), [(stripes, (8, 8, 1)), (tones, (32, 2))], ids=["images", "signals"])
def test_only_the_student_is_saved_quantized_and_evaluated(
    dataset: Callable[[str], Any], shape: tuple[int, ...], tmp_path: Path, fresh_user_dir: Path
) -> None:
    path = tmp_path / "student.py"
    path.write_text("# @mltk_model\n")
    model = Student(path)
    model.classes = ["a", "b"]
    model.input_shape = shape
    model.dataset = dataset
    model.build_model_function = build
    model.on_save_keras_model = lambda mltk_model, keras_model, logger: keras_model.student
    model.checkpoint = dict(monitor="loss")
    model.epochs = 15
    model.seed = 1
    model.tflite_converter["inference_input_type"] = "int8"
    model.tflite_converter["inference_output_type"] = "int8"
    results = mltk.train_model(model, verbose=False)
    assert {"student_loss", "distillation_loss"} <= set(results.history)
    keras_results, device = (mltk.evaluate_model(model, tflite=tflite) for tflite in (False, True))
    assert keras_results["overall_accuracy"] > 0.85
    assert device["overall_accuracy"] == pytest.approx(keras_results["overall_accuracy"], abs=0.05)
    assert mltk.load_tflite_model(model).flatbuffer_size < 12_000
    assert mltk.load_tflite_or_keras_model(model).count_params() == network(shape, 6).count_params()
