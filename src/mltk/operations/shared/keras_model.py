"""The Keras model of a specification: built, or loaded as it was trained."""

from __future__ import annotations

import importlib
import os
from typing import Any

from mltk.errors import SettingError, SpecificationError
from mltk.operations.shared.explain import explained, first_lines
from mltk.specification.events import MltkModelEvent

_SUMMARY_WIDTH = 80


def build_keras_model(model: Any) -> Any:
    """The specification's Keras model, built, compiled and held against its classes.

    Raises:
        SpecificationError: ``build_model_function`` is missing, fails or gives no Keras model, or its output
            doesn't fit the classes.
    """
    keras = importlib.import_module("keras")
    if model.build_model_function is None:
        raise SpecificationError(
            f"{model.name} has no build_model_function.",
            hint="Set my_model.build_model_function to a function(model) that gives a compiled Keras model.",
        )
    model.trigger_event(MltkModelEvent.BEFORE_BUILD_TRAIN_MODEL)
    with explained(f"{model.name}: build_model_function failed"):
        keras_model = model.build_model_function(model)
    if not isinstance(keras_model, keras.Model):
        name = getattr(model.build_model_function, "__name__", "build_model_function")
        given = "nothing" if keras_model is None else type(keras_model).__name__
        raise SpecificationError(
            f"{model.name}: build_model_function gave {given}, not a Keras model.",
            hint=f"End {name}() with: return keras_model",
        )
    holder: dict[str, Any] = {"value": None}
    model.trigger_event(MltkModelEvent.AFTER_BUILD_TRAIN_MODEL, keras_model=keras_model, keras_model_holder=holder)
    keras_model = holder["value"] or keras_model
    if not keras_model.built and model.is_set("input_shape"):
        with explained(f"{model.name}: the model can't be built for input_shape {model.input_shape}"):
            keras_model.build((None, *model.input_shape))
    if not getattr(keras_model, "compiled", False):
        with explained(f"{model.name}: compiling the model failed"):
            keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    check_classes(model, keras_model)
    return keras_model


def check_classes(model: Any, keras_model: Any) -> None:
    """See that the model has one output for each class, or one in all for two classes.

    Raises:
        SpecificationError: it hasn't.
    """
    from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin, EvaluateClassifierMixin

    classifies = isinstance(model, EvaluateClassifierMixin) and not isinstance(model, EvaluateAutoEncoderMixin)
    if not classifies or not model.is_set("classes") or model.eval_custom_function is not None:
        return
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


def load_keras_model(model: Any, weights: str | None = None) -> Any:
    """The trained Keras model: from the log folder, else from the archive; with other ``weights`` if given.

    Raises:
        ArchiveError: there is none.
    """
    keras = importlib.import_module("keras")
    path = trained_model_path(model)
    with explained(f"Loading {path} failed"):
        keras_model = keras.saving.load_model(path, custom_objects=model.keras_custom_objects or None, compile=False)
    if weights:
        load_weights(model, keras_model, weights)
    return keras_model


def trained_model_path(model: Any) -> str:
    """Path of the trained Keras model: the archive's, which is what is shipped; ``.h5`` if 0.20 wrote it."""
    from mltk.specification.archive_file import ArchiveReader

    if os.path.isfile(model.archive_path):
        with ArchiveReader(model.archive_path) as archive:
            for extension in (".keras", ".h5"):
                if f"{model.name}{extension}" in archive.names:
                    return archive.extract(f"{model.name}{extension}", model._extracted_dir())
    if os.path.isfile(model.keras_log_dir_path):
        return model.keras_log_dir_path
    from mltk.errors import ArchiveError

    raise ArchiveError(
        f"{model.name} has not been trained: there is no {model.archive_path}.", hint=f"mltk train {model.name}"
    )


def load_weights(model: Any, keras_model: Any, weights: str) -> None:
    """Load a weights file into ``keras_model``: a path, a file name in the weights folder, or ``"best"``."""
    path = model.get_weights_path(weights)
    try:
        keras_model.load_weights(path)
    except (ValueError, OSError, KeyError) as e:
        raise SettingError(f"The weights in {path} are not of this model: {first_lines(str(e), 2)}") from None


def keras_summary(keras_model: Any) -> str:
    """The table that ``keras.Model.summary()`` prints."""
    lines: list[str] = []
    keras_model.summary(print_fn=lambda line, **_: lines.append(line), line_length=_SUMMARY_WIDTH)
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()).strip()
