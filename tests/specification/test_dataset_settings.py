"""From what a user assigns as dataset to samples."""

# mypy: disable-error-code="attr-defined, index"
# A loaded dataset may be of any kind.
from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import mltk
from mltk.errors import DatasetError, SettingError

X, Y = np.arange(12.0).reshape(6, 2), np.arange(6)
TRAIN, TEST = (X[:4], Y[:4]), (X[4:], Y[4:])


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin):
    pass


@pytest.fixture
def model() -> Model:
    return Model("digits.py")


def same(a: Any, b: Any) -> bool:
    return a is b or np.array_equal(a, b)


class Whole(mltk.MltkDataset):
    """A dataset that says what it was asked."""

    def __init__(self) -> None:
        self.asked: list = []
        self.class_counts = {"a": 2, "bbb": 3}
        self.unloaded = 0

    def load_dataset(self, subset: str, test: bool = False, **kwargs: Any) -> Any:
        self.asked.append((subset, test, kwargs))
        return X, Y, TEST

    def unload_dataset(self) -> None:
        self.unloaded += 1


def test_an_mltk_dataset(model: Model) -> None:
    model.dataset = source = Whole()
    model.load_dataset("training", test=True, max_samples_per_class=3)
    assert source.asked == [("training", True, {"max_samples_per_class": 3})]
    assert model.x is X
    assert model.y is Y
    assert model.validation_data is TEST
    assert model.loaded_subset == "training"
    assert model.class_counts["training"] == {"a": 2, "bbb": 3}
    assert model.summarize_dataset() == "  a : 2\nbbb : 3"
    model.unload_dataset()
    assert source.unloaded == 1
    assert (model.x, model.y, model.validation_data, model.loaded_subset) == (None, None, None, None)


def test_an_mltk_dataset_that_lacks_its_method(model: Model) -> None:
    class Half(mltk.MltkDataset):
        pass

    model.dataset = Half()
    with pytest.raises(NotImplementedError, match=r"Half must define load_dataset\(subset, test=False\)"):
        model.load_dataset("training")


def test_the_class_in_place_of_an_instance(model: Model) -> None:
    model.dataset = Whole
    with pytest.raises(DatasetError) as e:
        model.load_dataset("training")
    assert e.value.message == "my_model.dataset is the class Whole; it must be an instance."
    assert e.value.hint == "my_model.dataset = Whole()"


def test_a_module_with_load_data(model: Model) -> None:
    module = types.ModuleType("mnist_of_mine")
    model.dataset = module
    with pytest.raises(DatasetError, match=r"The dataset module mnist_of_mine has no function load_data\(\)"):
        model.load_dataset("training")
    module.load_data = lambda: (TRAIN, TEST)
    model.load_dataset("training")
    assert (model.x is TRAIN[0], model.y is TRAIN[1], model.validation_data is TEST) == (True, True, True)
    model.unload_dataset()
    model.load_dataset("evaluation")
    assert (model.x is TEST[0], model.y is TEST[1], model.validation_data) == (True, True, None)


def test_a_split_leaves_validation_to_validation_split(model: Model) -> None:
    model.dataset = (TRAIN, TEST)
    model.validation_split = 0.25
    model.load_dataset("training")
    assert model.x is TRAIN[0]
    assert model.validation_data is None


@pytest.mark.parametrize("source", [(X, Y), [X, Y]])
def test_arrays(model: Model, source: Any) -> None:
    model.dataset = source
    for subset in ("training", "validation", "evaluation"):
        model.load_dataset(subset)
        assert model.x is X
        assert model.y is Y
    assert model.summarize_dataset() == "Samples: 6 of shape (2,), float64"


def test_one_array(model: Model) -> None:
    model.dataset = X
    model.load_dataset("training")
    assert model.x is X
    assert model.y is None


def test_a_generator(model: Model) -> None:
    def batches() -> Iterator:
        yield X, Y

    model.dataset = generator = batches()
    model.load_dataset("training")
    assert model.x is generator
    assert model.summarize_dataset() == "Samples: from generator"


@pytest.mark.parametrize(
    "function",
    [
        lambda: (X, Y),
        lambda subset: (X, Y),
        lambda subset, test: (X, Y),
        lambda model: (X, Y) if model.name == "digits" else None,
        lambda mltk_model, subset="x": (X, Y) if mltk_model.name == "digits" else None,
        lambda anything: (X, Y) if anything.name == "digits" else None,
        lambda subset, **kwargs: (X, Y) if subset == "training" else None,
        lambda **kwargs: (X, Y) if kwargs == {"subset": "training", "test": False} else None,
        lambda *args: (X, Y),
        lambda subset, test=False, other=3: (X, Y) if other == 3 else None,
    ],
)
def test_a_function_gets_what_it_has_parameters_for(model: Model, function: Any) -> None:
    model.dataset = function
    model.load_dataset("training")
    assert model.x is X
    assert model.y is Y


def test_a_function_may_assign_itself(model: Model) -> None:
    def assign(model: Model, subset: str) -> None:
        model.x, model.y = X, subset

    model.dataset = assign
    model.load_dataset("evaluation")
    assert model.x is X
    assert model.y == "evaluation"


def test_a_function_may_give_a_split(model: Model) -> None:
    model.dataset = lambda: (TRAIN, TEST)
    model.load_dataset("evaluation")
    assert model.x is TEST[0]


def test_an_object_with_load_dataset(model: Model) -> None:
    class Other:
        def load_dataset(self, subset: str) -> Any:
            return X, Y

    model.dataset = Other()
    model.load_dataset("training")
    assert model.x is X


def test_overridden_load_dataset_as_0_20_scripts_have_it() -> None:
    class Own(Model):
        def load_dataset(self, subset: str, test: bool = False, **kwargs: Any) -> None:
            super().load_dataset(subset)
            self.x, self.y = (X, Y) if subset == "training" else TEST

    model = Own("digits.py")
    model.load_dataset("training")
    assert model.x is X
    assert model.loaded_subset == "training"
    model.load_dataset("evaluation")
    assert model.x is TEST[0]


@pytest.mark.parametrize("wrong", ["a/folder", 3, {"x": 1}])
def test_what_samples_can_not_be_had_from(model: Model, wrong: Any) -> None:
    model.dataset = wrong
    with pytest.raises(DatasetError) as e:
        model.load_dataset("training")
    assert e.value.message == f"my_model.dataset is of type {type(wrong).__name__}, which can't be loaded."
    assert "arrays (x, y)" in (e.value.hint or "")


def test_a_subset_that_is_none(model: Model) -> None:
    model.dataset = (X, Y)
    with pytest.raises(DatasetError, match="'train' is not a subset") as e:
        model.load_dataset("train")
    assert e.value.hint == "Subsets are training, validation, evaluation."


def test_too_many_things(model: Model) -> None:
    model.dataset = lambda: (X, Y, TEST, 4)
    with pytest.raises(DatasetError, match="The dataset returned 4 values for 'training'"):
        model.load_dataset("training")


SAMPLE, VALUE, STATE, NEW = np.zeros((6, 4)), np.zeros((6, 1)), np.zeros((6, 3)), np.zeros((6, 3))


@pytest.mark.parametrize(
    ("result", "for_subset", "split"),
    [
        (((SAMPLE, VALUE), (SAMPLE[:2], VALUE[:2])), True, True),
        (((SAMPLE, VALUE), (SAMPLE[:2], VALUE[:2])), False, True),
        (((SAMPLE, VALUE), (SAMPLE, VALUE)), False, True),
        (((SAMPLE, VALUE), (SAMPLE, VALUE)), True, False),
        (((SAMPLE, STATE), (VALUE, NEW)), False, False),
        (((SAMPLE, STATE), (VALUE, NEW)), True, False),
        ((((SAMPLE, SAMPLE), VALUE), ((SAMPLE[:2], SAMPLE[:2]), VALUE[:2])), False, True),
        ((({"a": SAMPLE}, VALUE), ({"a": SAMPLE[:2]}, VALUE[:2])), True, True),
        (((SAMPLE.tolist(), VALUE.tolist()), (SAMPLE[:2].tolist(), VALUE[:2].tolist())), True, True),
        (((SAMPLE, STATE), VALUE), False, False),
    ],
)
def test_several_inputs_and_outputs_are_not_a_split(model: Model, result: Any, for_subset: bool, split: bool) -> None:
    model.dataset = (lambda subset: result) if for_subset else (lambda: result)
    model.load_dataset("training")
    assert (model.x is result[0][0]) is split
    assert (model.x is result[0]) is not split


def test_a_third_array_is_sample_weights(model: Model) -> None:
    weight = np.ones(6)
    model.dataset = lambda subset: (SAMPLE, VALUE, weight)
    model.load_dataset("training")
    assert model.sample_weight is weight
    assert model.validation_data is None
    model.dataset = lambda subset: (SAMPLE, VALUE, (SAMPLE[:2], VALUE[:2]))
    model.load_dataset("training")
    assert model.sample_weight is None
    assert model.validation_data[0].shape == (2, 4)


def test_a_split_without_samples(model: Model) -> None:
    model.dataset = lambda: (TRAIN, (None, None))
    with pytest.raises(DatasetError, match="<lambda> returned no samples for 'evaluation'"):
        model.load_dataset("evaluation")


# -- unloading ---------------------------------------------------------------------------------------------------------


def test_unloading_leaves_what_the_user_set(model: Model) -> None:
    weights = np.ones(4)
    model.dataset = (TRAIN, TEST)
    model.validation_data = mine = (X, Y)
    model.sample_weight = weights
    for _ in range(2):
        model.load_dataset("training")
        assert model.validation_data is mine
        model.unload_dataset()
        assert model.x is None
        assert model.validation_data is mine
        assert model.sample_weight is weights


def test_arrays_set_directly_stay(model: Model) -> None:
    model.x, model.y = X, Y
    model.load_dataset("training")
    model.unload_dataset()
    assert model.x is X


def test_a_validation_set_does_not_outlive_its_training_set(model: Model) -> None:
    model.dataset = Whole()
    model.load_dataset("training")
    model.unload_dataset()
    model.dataset = (X, Y)
    model.load_dataset("training")
    assert model.validation_data is None


def test_loading_twice_without_unloading(model: Model) -> None:
    model.dataset = (TRAIN, TEST)
    model.load_dataset("training")
    model.load_dataset("training")
    assert model.validation_data is TEST
    model.load_dataset("evaluation")
    model.unload_dataset()
    assert (model.x, model.validation_data) == (None, None)


def test_events_of_unloading(model: Model) -> None:
    calls: list = []
    model.add_event_handler("before_unload_dataset", lambda m, logger: calls.append(m.x is X))
    model.add_event_handler("after_unload_dataset", lambda m, logger: calls.append(m.x is None))
    model.dataset = (X, Y)
    model.load_dataset("training")
    model.unload_dataset()
    assert calls == [True, True]


def test_shares_are_checked(model: Model) -> None:
    with pytest.raises(SettingError, match="validation_split: must be at least 0 and less than 1"):
        model.validation_split = -0.1


def test_generator_mixin() -> None:
    class Generated(mltk.MltkModel, mltk.TrainMixin, mltk.DataGeneratorDatasetMixin):
        pass

    class Flow:
        def flow_from_directory(self) -> None:
            """As the generators of 0.20."""

    model = Generated("digits.py")
    assert model.get_datagen_creator("training") is None
    model.datagen = Flow()
    assert model.get_datagen_creator("validation").__self__ is model.datagen
    model.validation_datagen = Flow()
    assert model.get_datagen_creator("validation").__self__ is model.validation_datagen
    assert model.get_datagen_creator("training").__self__ is model.datagen


def test_a_function_may_return_four_arrays() -> None:
    """``x_train, y_train, x_test, y_test``, as in the published specification binary_classification."""

    class Model(mltk.MltkModel, mltk.DatasetMixin):
        pass

    x, y = np.zeros((6, 2)), np.zeros(6)
    model = Model("model.py")
    model.dataset = lambda: (x, y, x[:2], y[:2])
    model.load_dataset("training")
    assert model.x.shape == (6, 2)
    assert [len(part) for part in model.validation_data] == [2, 2]
    model.load_dataset("evaluation")
    assert model.x.shape == (2, 2)


def test_an_object_with_load_data_is_a_source() -> None:
    class Source:
        def load_data(self):
            return np.zeros((6, 2)), np.zeros(6)

    class Model(mltk.MltkModel, mltk.DatasetMixin):
        pass

    model = Model("model.py")
    model.dataset = Source()
    model.load_dataset("training")
    assert model.x.shape == (6, 2)
