"""The Keras model of a specification: built, or loaded as it was trained."""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mltk.errors import ArchiveError, SettingError, SpecificationError
from mltk.operations.shared.check_dataset import is_classifier
from mltk.operations.shared.explain import explained, first_lines
from mltk.operations.shared.representative import input_example
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.events import MltkModelEvent
from mltk.specification.keras_2_file import readable_by_keras_3
from mltk.specification.model import MltkModel

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import BuildableModel, KerasModel

_SUMMARY_WIDTH = 80


def build_keras_model(model: BuildableModel) -> KerasModel:
    """Build and compile the specification's Keras model, and check its output against the classes.

    Raises:
        SpecificationError: ``build_model_function`` is missing, fails or does not return a Keras model. Or the
            model's output does not fit the classes.
    """
    keras = importlib.import_module("keras")
    if model.build_model_function is None:
        raise SpecificationError(
            f"{model.name} has no build_model_function.",
            hint="Set my_model.build_model_function to a function(model) that returns a compiled Keras model.",
        )
    model.trigger_event(MltkModelEvent.BEFORE_BUILD_TRAIN_MODEL)
    from mltk.training.keras2_habits import keras2_names

    with explained(f"{model.name}: build_model_function failed"), keras2_names(model.model_specification_path):
        keras_model = model.build_model_function(model)
    if not isinstance(keras_model, keras.Model):
        given = "None" if keras_model is None else type(keras_model).__name__
        name = getattr(model.build_model_function, "__name__", "build_model_function")
        raise SpecificationError(
            f"{model.name}: build_model_function returned {given}, not a Keras model.",
            hint=f"End {name}() with: return keras_model",
        )
    holder: dict[str, Any] = {"value": None}
    model.trigger_event(MltkModelEvent.AFTER_BUILD_TRAIN_MODEL, keras_model=keras_model, keras_model_holder=holder)
    keras_model = holder["value"] or keras_model
    if not keras_model.built and model.is_set("input_shape"):
        with explained(f"{model.name}: the model can't be built for input_shape {model.input_shape}"):
            if isinstance(keras_model, keras.Sequential):
                keras_model.build((None, *model.input_shape))
            else:  # build() of a subclass does not reach the layers in it
                keras_model(np.zeros([1, *(n or 1 for n in model.input_shape)], np.float32))
    if not getattr(keras_model, "compiled", False):
        with explained(f"{model.name}: compiling the model failed"):
            keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    check_classes(model, keras_model)
    return keras_model


def model_to_save(model: BuildableModel, keras_model: KerasModel, logger: logging.Logger) -> KerasModel:
    """Return the model that the specification saves and quantizes in place of the one that it trains.

    Args:
        model: The specification. Its ``on_save_keras_model`` may return another model, such as a teacher's student.
        keras_model: The model that is trained.
        logger: Given to the function of the specification.

    Raises:
        SpecificationError: The function fails.
    """
    holder: dict[str, Any] = {"value": None}
    model.trigger_event(MltkModelEvent.BEFORE_SAVE_TRAIN_MODEL, keras_model=keras_model, keras_model_dict=holder)
    keras_model = holder["value"] or keras_model
    if model.on_save_keras_model is not None:
        model.create_log_dir()  # the function may write files beside the model
        with explained(f"{model.name}: on_save_keras_model failed"):
            keras_model = model.on_save_keras_model(model, keras_model, logger) or keras_model
    return keras_model


def build_from_samples(model: MltkModel, keras_model: KerasModel) -> None:
    """Build a Keras model that does not know the shape of its inputs, from a sample of the loaded dataset.

    Raises:
        SpecificationError: The model can't process the sample.
    """
    if keras_model.built:
        return
    example = input_example(model)
    if example is not None:
        with explained(f"{model.name}: the model can't process the samples"):
            keras_model(example)


def check_classes(model: MltkModel, keras_model: KerasModel) -> None:
    """Check that a classifier has one output for each class, or a single output for two classes.

    Raises:
        SpecificationError: The number of outputs does not fit the classes.
    """
    if not is_classifier(model) or getattr(model, "eval_custom_function", None) is not None:
        return
    if model.n_classes < 2:
        raise SpecificationError(
            f"{model.name} has only the class {model.classes[0]!r}, so that there is nothing to tell apart.",
            hint="Add a class for all other samples, such as '_unknown_', or use EvaluateMixin or "
            "EvaluateAutoEncoderMixin.",
        )
    shape = getattr(keras_model, "output_shape", None)
    if not isinstance(shape, tuple) or len(shape) != 2 or shape[-1] is None:
        return
    n = shape[-1]
    if n != model.n_classes and not (n == 1 and model.n_classes == 2):
        raise SpecificationError(
            f"{model.name} has {model.n_classes} classes ({', '.join(model.classes)}), but its last layer "
            f"{keras_model.layers[-1].name!r} has {n} outputs.",
            hint="Use model.n_classes for the size of the last layer.",
        )


def load_keras_model(model: MltkModel, weights: str | None = None, *, compiled: bool = False) -> KerasModel:
    """Load the trained Keras model: from the log folder, else from the archive.

    Args:
        model: The specification.
        weights: Load these weights: a path, a file name in the weights folder, or ``"best"``.
        compiled: Compile it as it was trained, if that can be loaded.

    Raises:
        ArchiveError: The model has not been trained.
        SpecificationError: The file cannot be loaded.
        SettingError: The weights are not those of this model.
    """
    keras = importlib.import_module("keras")
    path = trained_model_path(model)

    def load(compile: bool) -> KerasModel:
        # The specification has run, so code in its Keras file, such as that of a Lambda layer, is trusted as well.
        with readable_by_keras_3(path) as readable:
            return keras.saving.load_model(
                readable, custom_objects=model.keras_custom_objects or None, compile=compile, safe_mode=False
            )

    keras_model = None
    if compiled:
        with contextlib.suppress(Exception):  # losses and metrics of one's own may be missing here
            keras_model = load(True)
    if keras_model is None:
        try:
            keras_model = load(False)
        except Exception as e:  # noqa: BLE001 - code of the user's layers
            keras_model = _rebuild(model, path, e)
    if weights:
        load_weights(model, keras_model, weights)
    return keras_model


def _rebuild(model: MltkModel, path: str, error: Exception) -> KerasModel:
    """Load the weights of a file into the model that the specification builds.

    Keras saves some layers that it cannot load: a class that is not registered, or one without ``get_config()``.

    Args:
        model: The specification.
        path: Path of the Keras file.
        error: Why Keras cannot load the file.

    Raises:
        SpecificationError: This is not possible either; the message is that of ``error``.
    """
    if path.endswith(".keras") and getattr(model, "build_model_function", None) is not None:
        with contextlib.suppress(Exception):
            keras_model = build_keras_model(cast("BuildableModel", model))
            keras_model.load_weights(path)
            return keras_model
    with explained(f"Loading {path} failed"):
        raise error


def trained_model_path(model: MltkModel) -> str:
    """Return the path of the trained Keras model: the archive's, otherwise that in the log folder.

    An archive of MLTK 0.20 has an ``.h5`` file.

    Raises:
        ArchiveError: The model has not been trained.
    """
    if os.path.isfile(model.archive_path):
        with ArchiveReader(model.archive_path) as archive:
            members = [f"{model.name}{extension}" for extension in (".keras", ".h5")]
            found = next((member for member in members if member in archive.names), None)
        if found is not None:
            return model.get_archive_file(found)
    if os.path.isfile(model.keras_log_dir_path):
        return model.keras_log_dir_path
    raise ArchiveError(
        f"{model.name} has not been trained: there is no {model.archive_path}.", hint=f"mltk train {model.name}"
    )


def load_weights(model: MltkModel, keras_model: KerasModel, weights: str) -> None:
    """Load a weights file into a Keras model.

    Args:
        model: The specification.
        keras_model: The Keras model.
        weights: A path, a file name in the weights folder, or ``"best"``.

    Raises:
        SettingError: The weights are not those of this model.
    """
    path: str = model.get_weights_path(weights)  # type: ignore[attr-defined]  # of TrainMixin, if it has been trained
    try:
        keras_model.load_weights(path)
    except (ValueError, OSError, KeyError) as e:
        raise SettingError(f"The weights in {path} are not of this model: {first_lines(str(e), 2)}") from None


def keras_summary(keras_model: KerasModel) -> str:
    """Return the table that ``keras.Model.summary()`` prints."""
    lines: list[str] = []
    keras_model.summary(print_fn=lambda line, **_: lines.append(line), line_length=_SUMMARY_WIDTH)
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()).strip()
