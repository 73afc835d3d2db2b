"""However samples, labels and weights are put together, an epoch has each sample once, with its label and weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mltk.data.nested import leaves
from mltk.errors import DatasetError, SettingError
from mltk.training.inputs import fit_inputs

pytestmark = pytest.mark.tf

N = 10
NUMBER = np.arange(N, dtype=np.float32)
A, B = NUMBER[:, None] + np.zeros(3, np.float32), NUMBER[:, None] + np.zeros(2, np.float32)

X_FORMS: dict[str, Any] = {
    "array": A,
    "plain list": A.tolist(),
    "tuple": (A, B),
    "list": [A, B],
    "dict": {"a": A, "b": B},
    "tuple of plain lists": (A.tolist(), B.tolist()),
    "list of plain lists": [A.tolist(), B.tolist()],
}
Y_FORMS: dict[str, Any] = {
    "array": NUMBER,
    "plain list": NUMBER.tolist(),
    "tuple": (NUMBER, B),
    "list": [NUMBER, B],
    "dict": {"one": NUMBER, "two": B},
}


@pytest.fixture
def specification(make_toy: Any) -> Any:
    def make(x: Any, y: Any, weight: Any = None, **settings: Any) -> Any:
        model = make_toy(batch_size=4, **settings)
        model.x, model.y, model.sample_weight = x, y, weight
        return model

    return make


def samples_of_an_epoch(kwargs: dict[str, Any]) -> list[np.ndarray]:
    """All arrays of one epoch's batches."""
    batches = list(kwargs["x"].take(kwargs["steps_per_epoch"]).as_numpy_iterator())
    return [np.concatenate(parts) for parts in zip(*(leaves(b) for b in batches), strict=True)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("y", Y_FORMS)
@pytest.mark.parametrize("x", X_FORMS)
def test_an_epoch_has_each_sample_once(specification: Any, x: str, y: str, weighted: bool) -> None:
    model = specification(X_FORMS[x], Y_FORMS[y], NUMBER + 0.5 if weighted else None)
    arrays = samples_of_an_epoch(fit_inputs(model, seed=1, first_epoch=0))
    numbers = [a if a.ndim == 1 else a[:, 0] for a in arrays]
    assert sorted(numbers[0]) == list(range(N))
    for other in numbers[1 : len(numbers) - weighted]:
        np.testing.assert_array_equal(other, numbers[0])
    if weighted:
        np.testing.assert_array_equal(numbers[-1], numbers[0] + 0.5)


@pytest.mark.parametrize("y", Y_FORMS)
@pytest.mark.parametrize("x", X_FORMS)
def test_a_share_for_validation(specification: Any, x: str, y: str) -> None:
    kwargs = fit_inputs(specification(X_FORMS[x], Y_FORMS[y], validation_split=0.3), seed=1, first_epoch=0)
    train = samples_of_an_epoch(kwargs)[0][:, 0]
    held_out = np.concatenate([leaves(b)[0] for b in kwargs["validation_data"].as_numpy_iterator()])[:, 0]
    assert sorted(train) == [0, 1, 2, 3, 4, 5, 6]
    assert list(held_out) == [7, 8, 9]


@pytest.mark.parametrize("form", ["tuple", "list"])
def test_validation_data_of_several_inputs(specification: Any, form: str) -> None:
    model = specification((A, B), NUMBER)
    model.validation_data = ((A[:3], B[:3]), NUMBER[:3].tolist()) if form == "tuple" else [[A[:3], B[:3]], NUMBER[:3]]
    kwargs = fit_inputs(model, seed=1, first_epoch=0)
    (batch,) = kwargs["validation_data"].as_numpy_iterator()
    assert [a.shape for a in leaves(batch)] == [(3, 3), (3, 2), (3,)]


def test_names_of_classes_are_labels(specification: Any) -> None:
    model = specification(A[:3], ["blue", "red", "green"])
    model.validation_data = (A[:2], np.array(["green", "red"]))
    kwargs = fit_inputs(model, seed=1, first_epoch=0)
    x, y = samples_of_an_epoch(kwargs)
    assert dict(zip(x[:, 0].tolist(), y.tolist(), strict=True)) == {0: 2, 1: 0, 2: 1}
    (batch,) = kwargs["validation_data"].as_numpy_iterator()
    assert batch[1].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("x", "y", "weight", "words"),
    [
        ((A, B[:4]), NUMBER, None, "The arrays of x have different lengths"),
        ((A, B), (NUMBER, NUMBER[:2]), None, "The arrays of y have different lengths"),
        ((A, B), NUMBER[:2], None, "There are 10 samples, but 2 labels"),
        ((A, B), NUMBER, NUMBER[:3], "There are 10 samples, but 3 sample weights"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_form(
    specification: Any, x: Any, y: Any, weight: Any, words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        fit_inputs(specification(x, y, weight), seed=1, first_epoch=0)


def test_a_list_of_batches_is_refused_with_its_form(specification: Any) -> None:
    batches = [(A[:5], NUMBER[:5]), (A[5:], NUMBER[5:])]
    with pytest.raises(DatasetError, match=r"no labels\. The samples are a list of 2: a tuple of 2: an array") as error:
        fit_inputs(specification(batches, None), seed=1, first_epoch=0)
    assert "iter(batches)" in str(error.value.hint)


@pytest.mark.parametrize("y", [(B > 4).astype(np.float32), (NUMBER, B), B / 7])
def test_balanced_class_weights_need_classes(specification: Any, y: Any) -> None:
    with pytest.raises(SettingError, match="'balanced' needs labels that are one class for each sample"):
        fit_inputs(specification(A, y, class_weights="balanced"), seed=1, first_epoch=0)
