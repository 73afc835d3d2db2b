"""Names of models."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.errors import ModelNameError
from mltk.specification import names


@given(st.from_regex(r"[A-Za-z0-9_]+", fullmatch=True))
def test_letters_digits_and_underscores_make_a_name(name: str) -> None:
    assert names.check_model_name(name) == name


@given(st.text().filter(lambda s: not re.fullmatch(r"[A-Za-z0-9_]+", s)))
def test_anything_else_does_not_and_what_is_suggested_does(name: str) -> None:
    with pytest.raises(ModelNameError) as e:
        names.check_model_name(name)
    suggested = re.fullmatch(r"Rename the file to (.+)\.py", e.value.hint or "", re.DOTALL)
    assert suggested
    assert names.check_model_name(suggested[1]) == suggested[1]


def test_the_error_says_which_characters_and_where() -> None:
    with pytest.raises(ModelNameError) as e:
        names.check_model_name("my-model v2", "/a/my-model v2.py")
    assert e.value.message.startswith("/a/my-model v2.py: 'my-model v2' can't be a model's name: it holds ' ', '-'.")
    assert e.value.hint == "Rename the file to my_model_v2.py"


def test_an_empty_name() -> None:
    with pytest.raises(ModelNameError, match="it holds no character"):
        names.check_model_name("")


def test_a_trailing_newline_is_not_overlooked() -> None:
    with pytest.raises(ModelNameError):
        names.check_model_name("model\n")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b/yes_no.py", "yes_no"),
        ("yes_no.mltk.zip", "yes_no"),
        ("yes_no-test.mltk.zip", "yes_no"),
        ("yes_no.tflite", "yes_no"),
        ("yes_no.float32.tflite", "yes_no"),
        (Path("yes_no-test.py"), "yes_no"),
        ("yes_no", "yes_no"),
    ],
)
def test_name_of_file(path: str, name: str) -> None:
    assert names.name_of_file(path) == name
