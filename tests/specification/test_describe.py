"""Settings as JSON and as a page."""

# mypy: disable-error-code="attr-defined"
# The names are made when they are first used; the type checker does not see them all.
from __future__ import annotations

import enum
import functools
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import mltk
from mltk.specification import setting_names
from mltk.specification.describe import setting_names_module, settings_page, settings_to_json, to_json_value
from mltk.specification.setting_names import MIXINS_OF_SETTING
from mltk.specification.settings import Spec, iter_settings, own_settings

ROOT = Path(__file__).resolve().parent.parent.parent


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateAutoEncoderMixin):
    pass


class Color(enum.Enum):
    RED = 3


class Configured:
    def get_config(self) -> dict:
        return {"rate": np.float32(0.5), "name": "adam"}


class Unconfigured:
    def get_config(self) -> dict:
        raise NotImplementedError


def build(model: object) -> None:
    """A builder."""


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("a", "a"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.zeros((2, 3), np.int8), "ndarray (2, 3) int8"),
        ((1, 2), [1, 2]),
        (list(range(101)), "list of 101"),
        ({1: {"a": (None,)}}, {"1": {"a": [None]}}),
        (np.int8, "numpy.int8"),
        (np.dtype("int8"), "int8"),
        (Color.RED, "RED"),
        (build, f"{__name__}.build()"),
        (functools.partial(build, 1), "partial"),
        (Configured(), {"class": "Configured", "config": {"rate": "0.5", "name": "adam"}}),
        (Unconfigured(), "Unconfigured"),
        (object(), "object"),
        (b"a", "b'a'"),
    ],
)
def test_json_values(value: object, json_value: object) -> None:
    got = to_json_value(value)
    if isinstance(value, functools.partial):
        assert "build" in str(got)
        assert "0x" not in str(got)
    else:
        assert got == json_value
        assert type(got) is type(json_value)
    json.dumps(got, allow_nan=False)


def test_what_contains_itself_ends() -> None:
    loop: list = []
    loop.append(loop)
    json.dumps(to_json_value(loop))


def test_settings_of_a_model() -> None:
    model = Model("digits.py")
    model.epochs = 7
    model.build_model_function = build
    model.early_stopping = {"patience": 3, "baseline": float("-inf")}
    model.x = np.zeros((10, 4), np.float32)
    model.model_parameters["gain"] = 2.5
    got = settings_to_json(model)
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    assert got["epochs"] == 7
    assert got["build_model_function"] == f"{__name__}.build()"
    assert got["early_stopping"] == {"patience": 3, "baseline": "-inf"}
    assert got["x"] == "ndarray (10, 4) float32"
    assert got["model_parameters"] == {"gain": 2.5}
    assert "classes" not in got
    names = {name for name, _ in iter_settings(Model)}
    assert names - set(got) == {"classes", "input_shape"}
    assert set(got) - names == {"model_parameters"}


def classes_of_the_page() -> list[type[Spec]]:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return list(module.MIXINS)


MIXINS = classes_of_the_page()


def test_the_page_is_about_every_public_specification_class() -> None:
    public = [getattr(mltk, name) for name in mltk.__all__]
    assert set(MIXINS) == {c for c in public if isinstance(c, type) and issubclass(c, Spec)}


def test_every_specification_class_of_the_package_is_public_or_shares_its_settings() -> None:
    found: list[type] = []
    todo: list[type] = [Spec]
    while todo:
        todo += (below := [c for c in todo.pop().__subclasses__() if c.__module__.startswith("mltk.")])
        found += below
    packaged = {c for c in found if not c.__module__.startswith("mltk.models.") and "shares_settings" not in vars(c)}
    packaged = {c for c in packaged if own_settings(c)}
    assert packaged == set(MIXINS)


def test_the_table_of_setting_names_is_that_of_the_code() -> None:
    path = Path(setting_names.__file__)
    assert path.read_text(encoding="utf-8") == setting_names_module(MIXINS) + "\n"
    assert MIXINS_OF_SETTING["follow_links"] == ("AudioDatasetMixin", "ImageDatasetMixin")
    assert set(MIXINS_OF_SETTING) == {name for mixin in MIXINS for name, _ in iter_settings(mixin)}


def test_the_page_lists_every_setting_once_for_each_mixin() -> None:
    page = settings_page(MIXINS)
    for mixin in MIXINS:
        assert page.count(f"\n## {mixin.__name__}\n") == 1
        for name, s in own_settings(mixin):
            row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
            assert s.doc.split("|")[0].strip() in row
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len({row.split("`")[1] for row in rows}) == len(MIXINS_OF_SETTING)
    assert len(rows) == sum(map(len, MIXINS_OF_SETTING.values()))  # the media share settings


def test_the_page_is_a_table_whatever_a_document_holds() -> None:
    for line in settings_page(MIXINS).splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 5, line


def test_the_page_tells_defaults_and_keys() -> None:
    page = settings_page(MIXINS)
    assert "| `epochs` | int | `100` | Passes over the training data" in page
    assert "`~/.mltk/models/<name>`" in page
    assert "`patience`" in page
    assert "`monitor='val_accuracy'`" in page
    assert "_experimental" not in page
