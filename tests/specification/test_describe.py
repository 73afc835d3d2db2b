"""Settings as JSON and as a page."""

from __future__ import annotations

import enum
import functools
import json

import numpy as np
import pytest

import mltk
from mltk.specification.describe import settings_page, settings_to_json, to_json_value
from mltk.specification.settings import all_mixins, iter_settings


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


def test_the_page_lists_every_setting_of_every_mixin_once() -> None:
    page = settings_page()
    for mixin in all_mixins():
        own = [(name, s) for name, s in iter_settings(mixin) if s.owner is mixin]
        if own:
            assert page.count(f"\n## {mixin.__name__}\n") == 1
        for name, s in own:
            row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
            assert s.doc.split("|")[0].strip() in row
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) == len({row.split("`")[1] for row in rows})


def test_the_page_is_a_table_whatever_a_document_holds() -> None:
    for line in settings_page().splitlines():
        if line.startswith("|"):
            assert line.replace("\\|", "").count("|") == 5, line


def test_the_page_tells_defaults_and_keys() -> None:
    page = settings_page()
    assert "| `epochs` | int | `100` | Passes over the training data" in page
    assert "`~/.mltk/models/<name>`" in page
    assert "`patience`" in page
    assert "`monitor='val_accuracy'`" in page
    assert "_experimental" not in page


def test_the_page_does_not_list_a_users_classes() -> None:
    class Mine(mltk.TrainMixin):
        pass

    assert "Mine" not in settings_page()
    assert Mine not in all_mixins()
