"""``mltk evaluate --engine c``: the figures of TensorFlow Lite Micro, computed by compiled code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mltk
from helpers.tflm_outputs import assert_same_outputs, random_inputs
from mltk.codegen.host import HostModel
from mltk.errors import EvaluationError, RuntimeFailure

pytestmark = pytest.mark.tf


def test_the_figures_are_those_of_tflm(needs_tflm, trained: Path) -> None:
    archive = str(trained.parent / "toy_spec.mltk.zip")
    model = mltk.load_mltk_model(archive)
    device = mltk.evaluate_model(model, tflite=True, update_archive=False)
    compiled = mltk.evaluate_model(model, engine="c", update_archive=False)
    assert compiled["engine"] == "c"
    assert "random samples equal to" in compiled["engine_description"]
    assert compiled["overall_accuracy"] == device["overall_accuracy"]
    assert np.array_equal(compiled["confusion_matrix"], device["confusion_matrix"])


def test_a_difference_is_an_error(needs_tflm, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    right = HostModel.run
    monkeypatch.setattr(HostModel, "run", lambda *a, **k: [y ^ 1 for y in right(*a, **k)])
    model = mltk.load_mltk_model(str(trained.parent / "toy_spec.mltk.zip"))
    with pytest.raises(RuntimeFailure, match="differs from"):
        mltk.evaluate_model(model, engine="c", update_archive=False)


def test_an_unknown_engine_is_refused(trained: Path) -> None:
    with pytest.raises(EvaluationError, match="'cc'"):
        mltk.evaluate_model(str(trained.parent / "toy_spec.mltk.zip"), engine="cc")


def test_threads_compute_the_same(cnn: bytes) -> None:
    inputs = random_inputs(cnn, 101)
    with HostModel(cnn, flags=["-O1"]) as one, HostModel(cnn, flags=["-O1"], threads=3) as three:
        assert_same_outputs(three.run(inputs), one.run(inputs))
