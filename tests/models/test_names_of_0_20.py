"""The specifications under 0.20's names: they load, and build a model that fits their classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mltk

pytestmark = pytest.mark.tf

PARAMETERS = {
    "anomaly_detection": 269_992,
    "audio_example1": 6_884,
    "audio_tf_dataset": 55_210,
    "autoencoder_example": 10_484,
    "basic_example": 34_826,
    "basic_tf_dataset_example": 34_826,
    "binary_classification": 44_057,
    "conv1d_example": 18_964,
    "image_classification": 78_666,
    "image_tf_dataset": 97_394,
    "keyword_spotting": 24_908,
    "keyword_spotting_alexa": 40_643,
    "keyword_spotting_mobilenetv2": 101_100,
    "keyword_spotting_numbers": 119_980,
    "keyword_spotting_on_off": 2_092,
    "keyword_spotting_on_off_v3": 119_716,
    "keyword_spotting_pacman": 12_416,
    "keyword_spotting_pacman_v3": 40_728,
    "kws_bc_resnet": 10_184,
    "rock_paper_scissors": 98_020,
    "tflite_micro_magic_wand": 4_300,
    "tflite_micro_speech": 16_652,
    "visual_wake_words": 221_794,
}
"""Parameters of the models. Those of MLPerf Tiny and of TensorFlow Lite Micro are the published numbers."""
OTHERS = ("image_example1", "siamese_contrastive", "fingerprint_signature_generator")
"""Models whose number of parameters nobody published."""


@pytest.mark.parametrize("name", [*PARAMETERS, *OTHERS])
def test_a_specification_loads_and_builds(name: str, fresh_user_dir: Path) -> None:
    path = next(Path(mltk.__file__).parent.glob(f"models/*/{name}.py"))
    model: Any = mltk.load_mltk_model(str(path))
    assert model.description
    keras_model = model.build_model_function(model)
    if name in PARAMETERS:
        assert keras_model.count_params() == PARAMETERS[name]
    kinds = type(model).__mro__
    if mltk.EvaluateClassifierMixin in kinds and mltk.EvaluateAutoEncoderMixin not in kinds:
        binary = getattr(model, "class_mode", None) == "binary"
        assert keras_model.output_shape[-1] == (1 if binary else model.n_classes)


def test_transfer_learning_says_which_model_to_train_first(fresh_user_dir: Path) -> None:
    model: Any = mltk.load_mltk_model("keyword_spotting_with_transfer_learning")
    with pytest.raises(mltk.ArchiveError, match="keyword_spotting_mobilenetv2 has not been trained"):
        model.build_model_function(model)
