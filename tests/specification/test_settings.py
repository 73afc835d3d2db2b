"""What a user assigns on a specification: checked, listed, defaulted as 0.20 does."""

# mypy: disable-error-code="attr-defined, assignment, misc, override"
# The tests assign names and values that the type checker refuses as well.
from __future__ import annotations

import copy
import itertools
import logging
import pickle
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import mltk
from mltk.errors import MltkError, SettingError
from mltk.specification.settings import (
    Options,
    Setting,
    Spec,
    iter_settings,
    setting,
    user_location,
)


class Full(
    mltk.MltkModel,
    mltk.TrainMixin,
    mltk.DataGeneratorDatasetMixin,
    mltk.EvaluateAutoEncoderMixin,
):
    """Every mixin that there is."""


class Bare(mltk.MltkModel):
    """None of the mixins."""


@pytest.fixture
def model() -> Full:
    return Full("my_model.py")


# What the released 0.20 gives for a specification that assigns nothing. Two differ: `description`, which named the
# tool, and `class_counts`, which is the same but here is empty per subset too.
DEFAULTS_OF_0_20 = {
    "batch_size": 32,
    "checkpoint": {
        "monitor": "val_accuracy",
        "save_best_only": True,
        "save_weights_only": True,
        "mode": "auto",
        "save_freq": "epoch",
        "options": None,
        "verbose": 0,
    },
    "checkpoints_enabled": True,
    "class_counts": {"training": {}, "validation": {}, "evaluation": {}},
    "class_weights": None,
    "datagen_context": None,
    "dataset": None,
    "early_stopping": None,
    "epochs": 100,
    "eval_augment": False,
    "eval_classes": ["normal", "abnormal"],
    "eval_custom_function": None,
    "eval_max_samples_per_class": -1,
    "eval_shuffle": False,
    "eval_steps_per_epoch": None,
    "keras_custom_objects": {},
    "loaded_subset": None,
    "loss": "categorical_crossentropy",
    "lr_schedule": None,
    "metrics": ["accuracy"],
    "on_save_keras_model": None,
    "on_training_complete": None,
    "optimizer": "adam",
    "reduce_lr_on_plateau": None,
    "sample_weight": None,
    "shuffle": True,
    "steps_per_epoch": None,
    "tensorboard": None,
    "tflite_converter": {
        "optimizations": ["DEFAULT"],
        "supported_ops": ["TFLITE_BUILTINS_INT8"],
        "inference_input_type": "float32",
        "inference_output_type": "float32",
        "representative_dataset": "generate",
        "representative_dataset_max_samples": 1000,
        "allow_custom_ops": False,
        "experimental_new_converter": True,
        "experimental_new_quantizer": True,
        "experimental_enable_resource_variables": False,
        "generate_unquantized": True,
        "generate_quantization_report": False,
    },
    "train_callbacks": [],
    "train_kwargs": {},
    "validation_batch_size": None,
    "validation_data": None,
    "validation_freq": 1,
    "validation_split": 0.0,
    "validation_steps": None,
    "version": 1,
    "x": None,
    "y": None,
}


@pytest.mark.parametrize("name", sorted(DEFAULTS_OF_0_20))
def test_default_is_that_of_0_20(model: Full, name: str) -> None:
    value = getattr(model, name)
    assert value == DEFAULTS_OF_0_20[name]
    assert isinstance(value, type(DEFAULTS_OF_0_20[name]))


@pytest.mark.parametrize("name", ["classes", "input_shape"])
def test_what_has_no_default_must_be_set(model: Full, name: str) -> None:
    with pytest.raises(SettingError) as e:
        getattr(model, name)
    assert e.value.message == f"my_model: {name} is not set."
    assert f"my_model.{name} = " in (e.value.hint or "")


def test_all_other_settings_have_a_default_that_they_accept(model: Full) -> None:
    for name, _ in iter_settings(Full):
        if name not in ("classes", "input_shape"):
            default = getattr(model, name)
            setattr(model, name, default)
            assert getattr(model, name) == default, name


def test_every_setting_is_documented() -> None:
    for name, s in iter_settings(Full):
        assert s.doc.endswith((".", ")", "`")), name
        assert "\n" not in s.doc, name


# -- wrong names ---------------------------------------------------------------------------------------------------


def test_misspelled_name_names_the_nearest_and_where(model: Full) -> None:
    with pytest.raises(SettingError) as e:
        model.batchsize = 3
    assert "batchsize is not a setting of Full" in e.value.message
    assert e.value.message.startswith(__file__ + ":")
    assert e.value.hint == "Did you mean 'batch_size'?"
    assert not hasattr(model, "batchsize")


def test_the_error_is_an_attribute_error_and_an_mltk_error(model: Full) -> None:
    with pytest.raises(AttributeError):
        model.epoch = 3
    with pytest.raises(MltkError):
        model.epoch = 3


def test_a_setting_of_a_mixin_that_is_not_included_names_the_mixin() -> None:
    model = Bare("my_model.py")
    with pytest.raises(SettingError, match="epochs is a setting of TrainMixin, which Bare doesn't include") as e:
        model.epochs = 3
    assert e.value.hint == "Add TrainMixin to the bases of Bare."


@pytest.mark.parametrize(
    ("name", "mixins"),
    [("follow_links", ("AudioDatasetMixin", "ImageDatasetMixin")), ("eval_shuffle", ("EvaluateClassifierMixin",))],
)
def test_the_error_for_a_missing_mixin_does_not_depend_on_what_is_imported(name: str, mixins: tuple[str, ...]) -> None:
    code = f"""
        import sys
        import mltk
        class Bare(mltk.MltkModel):
            pass
        model = Bare("my_model.py")
        try:
            model.{name} = True
        except mltk.MltkError as e:
            assert str(e) == (
                "<string>:8: {name} is a setting of {" and ".join(mixins)}, which Bare doesn't include.\\n"
                "Add {" or ".join(mixins)} to the bases of Bare."
            ), e
        else:
            raise AssertionError("no error")
        assert not {{"mltk.audio", "mltk.specification.evaluate_settings", "numpy"}} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_an_attribute_of_ones_own_is_kept_and_said(model: Full, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("mltk").propagate = True
    with caplog.at_level("WARNING", logger="mltk"):
        model.window_of_my_own = 3
    assert model.window_of_my_own == 3
    assert "window_of_my_own is not a setting. It is kept as your own attribute" in caplog.text
    caplog.clear()
    model.window_of_my_own = 4
    assert not caplog.text


def test_a_private_attribute_is_kept_silently(model: Full, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("mltk").propagate = True
    model._epoch = 3
    assert model._epoch == 3
    assert not caplog.text


def test_what_is_computed_can_not_be_assigned(model: Full) -> None:
    with pytest.raises(SettingError, match="n_classes is computed and can't be assigned"):
        model.n_classes = 3


def test_reading_a_name_that_is_not_there_is_an_attribute_error(model: Full) -> None:
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = model.nothing_such


# -- wrong values --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("epochs", "ten", "epochs: expected int, got 'ten' (str)."),
        ("epochs", True, "epochs: expected int, got True (bool)."),
        ("epochs", 0, "epochs: must be greater than 0, or -1 for 'until early stopping', got 0."),
        ("batch_size", 0, "batch_size: must be greater than 0, got 0."),
        ("batch_size", 3.5, "batch_size: expected int, got 3.5 (float)."),
        ("classes", "yes", "classes: expected list of str, got 'yes' (str)."),
        ("classes", ["yes", 3], "classes: expected list of str, got 3 (int) as element 1."),
        ("input_shape", 4, "input_shape: expected tuple of int or None, got 4 (int)."),
        ("build_model_function", "build", "build_model_function: expected a function or None, got 'build' (str)."),
        ("validation_split", 1.0, "validation_split: must be at least 0 and less than 1, got 1.0."),
        ("validation_split", float("nan"), "validation_split: must be at least 0 and less than 1, got nan."),
        ("early_stopping", 3, "early_stopping: expected dict or None, got 3 (int)."),
        ("steps_per_epoch", -1, "steps_per_epoch: must be greater than 0, got -1."),
        ("seed", -1, "seed: must be from 0 to 2**31 - 1, got -1."),
        ("input_shape", np.array(3), "input_shape: expected tuple of int or None, got array(3) (ndarray)."),
    ],
)
def test_wrong_value_names_setting_type_and_value(model: Full, name: str, value: object, message: str) -> None:
    before = dict(model._values)
    with pytest.raises(SettingError) as e:
        setattr(model, name, value)
    assert message in e.value.message
    assert e.value.message.startswith(f"{__file__}:")
    assert (e.value.hint or "").startswith(f"{name}: ")
    assert model._values == before


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("epochs", np.int64(7), 7),
        ("epochs", -1, -1),
        ("validation_split", 0, 0.0),
        ("validation_split", np.float32(0.5), 0.5),
        ("input_shape", [28, 28, 1], (28, 28, 1)),
        ("input_shape", np.array([28, 28]), (28, 28)),
        ("input_shape", (None, 3), (None, 3)),
        ("classes", ("a", "b"), ["a", "b"]),
        ("log_dir", Path("/some/where"), "/some/where"),
        ("early_stopping", None, None),
        ("shuffle", np.bool_(False), False),
    ],
)
def test_value_is_converted_where_nothing_is_lost(model: Full, name: str, value: object, stored: object) -> None:
    setattr(model, name, value)
    got = getattr(model, name)
    assert got == stored
    assert type(got) is type(stored)
    if isinstance(got, (tuple, list)):
        assert [type(g) for g in got] == [type(s) for s in stored]


def test_a_list_is_kept_itself(model: Full) -> None:
    mine = ["a", "b"]
    model.classes = mine
    mine.append("c")
    assert model.classes == ["a", "b", "c"]
    assert model.n_classes == 3


# -- dicts of keyword arguments -------------------------------------------------------------------------------------


def test_wrong_keys_are_reported_all_at_once(model: Full) -> None:
    with pytest.raises(SettingError) as e:
        model.early_stopping = {"pacience": 3, "monitor": "loss", "modus": "min", "zzz": 1}
    text = e.value.message
    assert text.startswith(f"{__file__}:")
    assert "early_stopping:\n" in text
    assert "'pacience' is not one of its keys. Did you mean 'patience'?" in text
    assert "'modus' is not one of its keys. Did you mean 'mode'?" in text
    assert text.endswith("'zzz' is not one of its keys.")
    assert "monitor" not in text
    assert "Known keys: baseline, min_delta, mode, monitor, patience" in (e.value.hint or "")
    assert model.early_stopping is None


def test_options_can_be_changed_in_place(model: Full) -> None:
    model.reduce_lr_on_plateau = {"monitor": "loss"}
    model.reduce_lr_on_plateau["patience"] = 25
    model.reduce_lr_on_plateau |= {"factor": 0.5}
    model.reduce_lr_on_plateau.update(min_lr=1e-6)
    model.reduce_lr_on_plateau.setdefault("cooldown", 2)
    assert model.reduce_lr_on_plateau == {
        "monitor": "loss",
        "patience": 25,
        "factor": 0.5,
        "min_lr": 1e-6,
        "cooldown": 2,
    }
    assert model.callback_options("reduce_lr_on_plateau") == model.reduce_lr_on_plateau
    assert type(model.callback_options("reduce_lr_on_plateau")) is dict
    assert isinstance(model.reduce_lr_on_plateau, dict)


@pytest.mark.parametrize(
    "change",
    [
        lambda o: o.__setitem__("patients", 1),
        lambda o: o.update(patients=1),
        lambda o: o.update({"patients": 1}),
        lambda o: o.update([("patients", 1)]),
        lambda o: o.setdefault("patients", 1),
        lambda o: o.__ior__({"patients": 1}),
    ],
)
def test_options_refuse_a_wrong_key_whichever_way(model: Full, change: object) -> None:
    model.early_stopping = {"monitor": "loss"}
    with pytest.raises(SettingError, match="Did you mean 'patience'"):
        change(model.early_stopping)  # type: ignore[operator]
    assert model.early_stopping == {"monitor": "loss"}


def test_options_copy_and_pickle_stay_options() -> None:
    options = Options("early_stopping", frozenset({"patience"}), {"patience": 3})
    for twin in (copy.copy(options), copy.deepcopy(options), pickle.loads(pickle.dumps(options))):
        assert type(twin) is Options
        assert twin == options
        with pytest.raises(SettingError):
            twin["patients"] = 1


def test_converter_settings_that_are_not_named_keep_their_default(model: Full) -> None:
    model.tflite_converter = {"optimizations": ["OPTIMIZE_FOR_SIZE"]}
    assert model.tflite_converter["optimizations"] == ["OPTIMIZE_FOR_SIZE"]
    assert model.tflite_converter["representative_dataset"] == "generate"
    with pytest.raises(SettingError, match="Did you mean 'optimizations'"):
        model.tflite_converter["optimisations"] = []


@pytest.mark.parametrize("name", ["early_stopping", "checkpoint", "tensorboard"])
def test_an_empty_dict_or_none_is_off(model: Full, name: str) -> None:
    setattr(model, name, {})
    assert model.callback_options(name) is None
    setattr(model, name, None)
    assert model.callback_options(name) is None


# -- instances, inheritance, pickling -------------------------------------------------------------------------------


def test_reading_never_changes_state(model: Full) -> None:
    before = copy.deepcopy(model._values)
    keys = set(model.__dict__)
    for name, _ in iter_settings(Full):
        model.is_set(name)
    repr(model)
    model.summary()
    assert model._values == before
    assert set(model.__dict__) == keys


def test_mutable_defaults_are_not_shared() -> None:
    one, other = Full("a.py"), Full("b.py")
    one.metrics.append("auc")
    one.checkpoint["verbose"] = 1
    one.tflite_converter["optimizations"].append("X")
    one.class_counts["training"]["a"] = 1
    one.train_kwargs["verbose"] = 2
    assert other.metrics == ["accuracy"]
    assert other.checkpoint["verbose"] == 0
    assert other.tflite_converter["optimizations"] == ["DEFAULT"]
    assert other.class_counts == {"training": {}, "validation": {}, "evaluation": {}}
    assert other.train_kwargs == {}


MIXINS = [mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin]


@pytest.mark.parametrize("bases", list(itertools.permutations(MIXINS)))
def test_mixins_come_in_any_order(bases: tuple[type, ...]) -> None:
    model = type("Model", bases, {})("my_model.py")
    assert model.epochs == 100
    model.epochs = 3
    model.tflite_converter = {}
    model.classes = ["a"]
    assert (model.epochs, model.n_classes, model.eval_shuffle, model.name) == (3, 1, False, "my_model")
    assert model.tflite_converter["representative_dataset"] == "generate"
    with pytest.raises(SettingError, match="'shuffle'"):
        model.shuffel = True
    twin_names = {name for name, _ in iter_settings(type(model))}
    assert twin_names == {name for name, _ in iter_settings(type("Model", tuple(MIXINS), {}))}


def test_a_subclass_that_forgets_super_init_has_its_settings() -> None:
    class Forgetful(mltk.TrainMixin):
        def __init__(self) -> None:
            self.epochs = 3

    model = Forgetful()
    assert model.epochs == 3
    assert model.metrics == ["accuracy"]


def test_a_setting_given_in_the_class_body_is_checked_and_stays_a_setting() -> None:
    class Short(mltk.MltkModel, mltk.TrainMixin):
        epochs = 3
        metrics = ("mae",)
        early_stopping = {"patience": 2}

    one, other = Short("my_model.py"), Short("my_model.py")
    assert one.epochs == 3
    assert one.metrics == ["mae"]
    assert one.has_attribute("epochs")
    one.early_stopping["patience"] = 5
    assert other.early_stopping == {"patience": 2}
    with pytest.raises(SettingError, match="expected int"):
        one.epochs = "ten"
    with pytest.raises(SettingError, match="patience"):
        one.early_stopping["pacience"] = 3
    assert Full("my_model.py").epochs == 100


def test_a_wrong_value_in_the_class_body_is_found_when_the_class_is_made() -> None:
    with pytest.raises(SettingError, match=r"epochs: expected int, got 'ten' \(str\)"):
        type("Wrong", (mltk.MltkModel, mltk.TrainMixin), {"epochs": "ten"})


def test_a_method_or_property_may_take_the_place_of_a_setting() -> None:
    class Own(mltk.MltkModel, mltk.TrainMixin):
        @property
        def classes(self) -> list[str]:
            return ["a", "b"]

    assert Own("my_model.py").n_classes == 2


def test_iter_settings_gives_each_once() -> None:
    found = [name for name, _ in iter_settings(Full)]
    assert len(found) == len(set(found))
    assert {"version", "epochs", "dataset", "datagen", "eval_shuffle", "eval_classes"} <= set(found)
    assert isinstance(Full.epochs, Setting)
    assert Full.epochs.owner is mltk.TrainMixin


def test_computed_and_checked_settings_of_ones_own() -> None:
    class Mixin(Spec):
        rate: int = setting(16000, "Samples a second.")
        length: int = setting(doc="Samples.", computed=lambda self: self.rate * 2)

    mixin = Mixin()
    assert mixin.length == 32000
    mixin.rate = 8000
    assert mixin.length == 16000
    mixin.length = 5
    assert mixin.length == 5


def test_instances_pickle(model: Full) -> None:
    model.epochs = 3
    model.classes = ["a", "b"]
    model.early_stopping = {"patience": 3}
    model.window_of_my_own = 7
    model.cli.command("greet")(print)
    twin = pickle.loads(pickle.dumps(model))
    assert type(twin) is Full
    assert (twin.name, twin.epochs, twin.classes, twin.window_of_my_own) == ("my_model", 3, ["a", "b"], 7)
    assert type(twin.early_stopping) is Options
    twin.early_stopping["patience"] = 4
    assert model.early_stopping == {"patience": 3}
    assert model.has_cli


# -- access by name ------------------------------------------------------------------------------------------------


def test_attributes_by_name(model: Full) -> None:
    assert model.has_attribute("epochs")
    assert model.has_attribute("train.epochs")
    assert not model.has_attribute("nothing")
    assert model.get_attribute("train.epochs") == 100
    with pytest.raises(SettingError) as e:
        model.get_attribute("epoch")
    assert "has no setting 'epoch'" in e.value.message
    assert e.value.hint is not None
    assert "'epochs'" in e.value.hint


def test_is_set(model: Full) -> None:
    assert not model.is_set("classes")
    assert not model.is_set("early_stopping")
    assert model.is_set("epochs")
    model.classes = ["a"]
    assert model.is_set("classes")


# -- which line ----------------------------------------------------------------------------------------------------


def test_location_is_found_in_a_folder_whose_name_begins_like_the_package(tmp_path: Path) -> None:
    folder = Path(mltk.__file__).resolve().parent
    namespace: dict = {"user_location": user_location}
    exec(compile("where = user_location()", f"{folder}_models/my_model.py", "exec"), namespace)
    assert namespace["where"] == f"{folder}_models/my_model.py:1"


def test_location_is_found_in_a_reference_model_of_the_package() -> None:
    path = str(Path(mltk.__file__).resolve().parent / "models" / "reference.py")
    namespace: dict = {"user_location": user_location}
    exec(compile("where = user_location()", path, "exec"), namespace)
    assert namespace["where"] == f"{path}:1"


def test_nothing_heavy_is_imported() -> None:
    code = """
        import sys, mltk
        class M(mltk.MltkModel, mltk.TrainMixin, mltk.DataGeneratorDatasetMixin, mltk.EvaluateAutoEncoderMixin): pass
        m = M("my_model.py")
        m.epochs = 3
        m.early_stopping = dict(patience=3)
        heavy = {"tensorflow", "keras", "numpy", "matplotlib", "sklearn", "yaml", "typer"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
