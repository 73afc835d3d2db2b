"""What several operations need: loading with a friendly face, checks, the Keras model, the manifest."""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import logging
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

import mltk
from mltk.errors import (
    DatasetError,
    MissingDependencyError,
    MltkError,
    ModelNotFoundError,
    SettingError,
    SpecificationError,
)
from mltk.operations.results.evaluation import without_nan
from mltk.specification.events import MltkModelEvent
from mltk.specification.loading import load_mltk_model
from mltk.specification.logs import get_mltk_logger
from mltk.specification.model import MltkModel

_VERSIONED = ("openmltk", "tensorflow", "keras", "numpy", "ai-edge-litert", "tflite-micro", "flatbuffers")


@contextlib.contextmanager
def quiet_native_stderr() -> Iterator[None]:
    """Keep what native code writes to file descriptor 2 from the terminal, unless the block fails."""
    try:
        sys.stderr.flush()
        saved = os.dup(2)
    except (OSError, ValueError, io.UnsupportedOperation, AttributeError):
        yield
        return
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(saved, 2)
            sink.seek(0)
            os.write(2, sink.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


def import_tensorflow() -> Any:
    """TensorFlow, without its messages about what this machine has not.

    Raises:
        MissingDependencyError: it is not installed.
    """
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    verbose = get_mltk_logger().isEnabledFor(logging.DEBUG) and os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
    try:
        with contextlib.nullcontext() if verbose else quiet_native_stderr():
            tensorflow = importlib.import_module("tensorflow")
            importlib.import_module("keras")
            tensorflow.config.list_physical_devices()  # looks for devices now, and complains now
    except ModuleNotFoundError as e:
        raise MissingDependencyError("TensorFlow" if e.name == "tensorflow" else str(e.name), "train") from None
    return tensorflow


def check_source(model: str) -> str:
    """See that ``model`` names an archive, or a specification that is Python; runs neither. Gives its path.

    Raises:
        ModelNotFoundError: it is not there.
        ModelNameError: its file's name can't be a model's.
        SpecificationError: it has a syntax error.
        ArchiveError: the archive is damaged.
    """
    from mltk.specification import names
    from mltk.specification.archive_file import ArchiveReader
    from mltk.specification.loading import script_error
    from mltk.specification.search import find_model

    is_path = model.endswith((".py", names.ARCHIVE_EXTENSION)) or os.sep in model
    path = os.path.abspath(os.path.expanduser(model)) if is_path else find_model(model)
    if path.endswith(names.ARCHIVE_EXTENSION):
        if not os.path.exists(path):
            raise ModelNotFoundError(f"There is no file {path}.")
        ArchiveReader(path).__exit__()
    elif path.endswith(".py"):
        text = _read(path)
        names.check_model_name(names.name_of_file(path), path)
        try:
            compile(text, path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as e:
            raise script_error(path, e) from None
    return path


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        raise ModelNotFoundError(f"There is no file {path}.") from None
    except OSError as e:
        raise SpecificationError(f"{path} can't be read: {e.strerror}.") from None


def import_tensorflow_if_used(model: str) -> None:
    """Import TensorFlow quietly before a specification does, if its text says that it will."""
    path = check_source(model)
    text = _read(path) if path.endswith(".py") else b"keras"
    if b"tensorflow" in text or b"keras" in text:
        import_tensorflow()


def prepare(model: str | MltkModel, *mixins: type, test: bool = False, operation: str) -> MltkModel:
    """Load a specification and see that it has the mixins that ``operation`` needs.

    Raises:
        SpecificationError: it lacks one.
    """
    if not isinstance(model, MltkModel):
        check_source(os.fspath(model))  # before TensorFlow is imported, which takes seconds
    import_tensorflow()
    loaded = load_mltk_model(model, test=test)
    for mixin in mixins:
        if not isinstance(loaded, mixin):
            raise SpecificationError(
                f"{loaded.name} can't be used to {operation}: its class lacks {mixin.__name__}.",
                hint=f"class {type(loaded).__name__}(mltk.MltkModel, mltk.{mixin.__name__}, ...)",
            )
    loaded.trigger_event(MltkModelEvent.BEFORE_MODEL_LOAD)
    return loaded


def load_dataset(model: Any, subset: str, **kwargs: Any) -> None:
    """Load a subset of the model's dataset, with its events."""
    arguments = {"subset": subset, "test": model.test_mode_enabled}
    model.trigger_event(MltkModelEvent.BEFORE_LOAD_DATASET, **arguments, load_dataset_args=kwargs)
    load = model.load_dataset
    try:
        with explained(f"{model.name}: loading the {subset} dataset failed"):
            load(subset, test=model.test_mode_enabled, **kwargs)
    except SpecificationError as e:
        raise e
    model.trigger_event(MltkModelEvent.AFTER_LOAD_DATASET, **arguments, load_dataset_args=kwargs)


@contextlib.contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn an error of the specification's code into one that says what failed and in which line."""
    import traceback

    try:
        yield
    except MltkError:
        raise
    except Exception as e:
        package = os.path.dirname(os.path.abspath(mltk.__file__))
        own = [
            f
            for f in traceback.extract_tb(e.__traceback__)
            if not f.filename.startswith(package) and "site-packages" not in f.filename and "<" not in f.filename
        ]
        where = f"\n    {own[-1].filename}:{own[-1].lineno}: {own[-1].line}" if own else ""
        raise SpecificationError(f"{what}: {type(e).__name__}: {_first_lines(str(e))}{where}") from e


# What TensorFlow wraps around the one line that says what is wrong.
_NOISE = re.compile(
    r"\s*(Graph execution error|Detected at node|File \"|\d+ root error|\(\d+\) |\[\[|Stack trace|Original stack trace"
    r"|Errors may have originated|Input Source operations|Call arguments received|  • )"
)


def _first_lines(text: str, limit: int = 6) -> str:
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    lines = [re.sub(r"\s*\[\[\{\{node.*|\s*\[Op:.*", "", x) for x in lines if not _NOISE.match(x)] or lines
    return "\n    ".join(lines[:limit] + (["…"] if len(lines) > limit else []))


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


def check_labels(model: Any, y: Any) -> None:
    """See that labels in memory fit the classes of a classifier.

    Raises:
        DatasetError: they don't.
    """
    from mltk.data.iterate import class_indices, is_arrays
    from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin, EvaluateClassifierMixin

    classifies = isinstance(model, EvaluateClassifierMixin) and not isinstance(model, EvaluateAutoEncoderMixin)
    if not classifies or not model.is_set("classes") or y is None or isinstance(y, (dict, tuple)) or not is_arrays(y):
        return
    labels = np.asarray(y)
    if labels.dtype.kind not in "iub" or labels.size == 0 or labels.ndim > 2:
        return
    if labels.ndim == 2 and labels.shape[1] > 1:
        return  # one-hot: Keras names the two shapes
    indices = class_indices(labels)
    if indices.min() < 0 or indices.max() >= model.n_classes:
        raise DatasetError(
            f"{model.name}: labels go from {indices.min()} to {indices.max()}, but there are {model.n_classes} classes "
            f"({', '.join(model.classes)}).",
            hint="Labels are class indices from 0, in the order of my_model.classes.",
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
        raise SettingError(f"The weights in {path} are not of this model: {_first_lines(str(e), 2)}") from None


def manifest(model: Any, **more: Any) -> dict[str, Any]:
    """What an archive says about how it was made."""
    from mltk.specification.describe import settings_to_json

    versions = {"python": platform.python_version()}
    for name in _VERSIONED:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    facts = {
        "format": "openmltk-archive",
        "format_version": 1,
        "name": model.name,
        "model_version": model.version,
        "description": model.description,
        "platform": platform.platform(),
        "versions": versions,
        "settings": settings_to_json(model),
        **more,
    }
    return without_nan(facts)
