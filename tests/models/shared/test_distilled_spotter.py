"""A spotter that learns from a teacher: the teacher is trained first, and only the student is saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import mltk
from mltk.models.shared.distilled_spotter import TRAIN_TEACHER, learn_from_teacher

pytestmark = pytest.mark.tf
SHAPE = (12, 8, 1)


class Spotter(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    pass


def features(subset: str) -> Any:
    """Int8 features: the second class is louder in its upper half."""
    draw = np.random.default_rng(len(subset))
    y = draw.integers(0, 2, 120)
    x = draw.normal(-60, 20, (120, *SHAPE))
    x[:, :, 4:] += 100 * y[:, None, None, None]
    return np.clip(x, -128, 127).astype(np.float32), keras.utils.to_categorical(y, 2)


def spotter(folder: Path) -> Any:
    path = folder / "spotter.py"
    path.write_text("# @mltk_model\n")
    model: Any = Spotter(path)
    model.classes = ["quiet", "loud"]
    model.input_shape = SHAPE
    model.dataset = features
    model.epochs, model.batch_size, model.seed = 8, 16, 1
    model.optimizer = keras.optimizers.Adam(3e-3)
    learn_from_teacher(model, teacher=(16, 16), student=(4, 4))
    return model


def test_the_student_of_a_trained_teacher_is_evaluated(
    tmp_path: Path, fresh_user_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(mltk.errors.SpecificationError, match="spotter has no trained teacher"):
        mltk.train_model(spotter(tmp_path), verbose=False)
    monkeypatch.setenv(TRAIN_TEACHER, "1")
    teacher = spotter(tmp_path)
    mltk.train_model(teacher, clean=True, verbose=False)
    saved = keras.models.load_model(Path(teacher.log_dir) / "teacher" / "teacher.keras")
    assert saved.layers[-1].get_config()["activation"] == "linear"  # logits
    monkeypatch.setenv(TRAIN_TEACHER, "0")
    student = spotter(tmp_path)
    results = mltk.train_model(student, clean=True, verbose=False)
    assert "distillation_loss" in results.history
    on_device = mltk.evaluate_model(student, tflite=True)
    assert on_device["overall_accuracy"] > 0.9
    kept = mltk.load_tflite_or_keras_model(student)
    assert kept.count_params() < saved.count_params() / 4
    np.testing.assert_allclose(kept(features("evaluation")[0][:3]).numpy().sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "n_of_student", "n_of_teacher"),
    [("keyword_spotting_on_off_v2", 31_583, 877_251), ("keyword_spotting_pacman_v2", 31_907, 393_351)],
)
def test_the_specifications_have_the_sizes_of_0_20(
    name: str, n_of_student: int, n_of_teacher: int, fresh_user_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRAIN_TEACHER, "1")
    model: Any = mltk.load_mltk_model(name)
    teacher = model.build_model_function(model)
    assert teacher.count_params() == n_of_teacher
    model.on_save_keras_model(model, teacher, mltk.get_mltk_logger())
    monkeypatch.delenv(TRAIN_TEACHER)
    model = mltk.load_mltk_model(name)
    assert model.build_model_function(model).student.count_params() == n_of_student
