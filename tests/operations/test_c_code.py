"""``my_model.c_code``: the archive has C code that always belongs to its ``.tflite``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mltk
from helpers import toy
from mltk.errors import SpecificationError
from mltk.specification.archive_file import ArchiveReader

pytestmark = pytest.mark.tf


def members(path: Path) -> dict[str, bytes]:
    with ArchiveReader(str(path)) as archive:
        return {name: archive.read(name) for name in archive.names}


def test_the_archive_has_c_code_that_follows_the_model(tmp_path):
    script = tmp_path / "toy_c.py"
    script.write_text(toy.SPECIFICATION + "my_model.c_code = True\n")
    model: Any = mltk.load_mltk_model(str(script))
    results = mltk.train_model(model)
    archive = Path(results.model_archive_path)
    files = members(archive)
    assert {"c/toy_c.h", "c/toy_c.c", "c/selftest.c", "c/Makefile"} <= files.keys()
    assert b"#define TOY_C_PARAM_THRESHOLD 190" in files["c/toy_c.h"]

    mltk.update_model_parameters(str(archive), {"threshold": 191})
    assert b"#define TOY_C_PARAM_THRESHOLD 191" in members(archive)["c/toy_c.h"]

    model.c_code = False
    mltk.quantize_model(model)
    assert not any(name.startswith("c/") for name in members(archive))
    assert "toy_c.tflite" in members(archive)

    model.c_code = True
    mltk.quantize_model(model)
    assert members(archive)["c/toy_c.c"] == files["c/toy_c.c"]


def test_a_layer_without_c_code_is_an_error_before_training(tmp_path):
    script = tmp_path / "toy_floor.py"
    layer = 'keras.layers.Activation(keras.ops.floor),\n        layers.Dense(model.n_classes, activation="softmax")'
    text = toy.SPECIFICATION.replace('layers.Dense(model.n_classes, activation="softmax")', layer)
    script.write_text(text + "my_model.c_code = True\n")
    with pytest.raises(SpecificationError, match="can't become C code"):
        mltk.train_model(mltk.load_mltk_model(str(script)))
    assert not (tmp_path / "toy_floor.mltk.zip").exists()
