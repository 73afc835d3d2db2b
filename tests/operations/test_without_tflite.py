"""``tflite_converter = None``: a specification that wants no ``.tflite``, such as a teacher."""

from __future__ import annotations

from typing import Any

import pytest

import mltk
from mltk.errors import QuantizationError
from mltk.specification.archive_file import ArchiveReader

pytestmark = pytest.mark.tf


def test_training_makes_no_tflite(make_toy: Any) -> None:
    model = make_toy(tflite_converter=None)
    results = mltk.train_model(model)
    assert results.tflite_model is None
    with ArchiveReader(results.model_archive_path) as archive:
        assert not any(name.endswith(".tflite") for name in archive.names)
    with pytest.raises(QuantizationError, match="tflite_converter is None"):
        mltk.quantize_model(model)


def test_settings_assigned_afterwards_count(make_toy: Any) -> None:
    model = make_toy(tflite_converter=None)
    model.tflite_converter = {"inference_input_type": "int8"}
    assert model.wants_tflite
