"""The class of every specification: what a model has, whatever its purpose is."""

from __future__ import annotations

import inspect
import logging
import os
import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError, SettingError, SpecificationError, did_you_mean
from mltk.specification import names
from mltk.specification.events import MltkModelEvent
from mltk.specification.metadata import TfliteModelMetadataEntry
from mltk.specification.model_files import ModelFiles
from mltk.specification.settings import Spec, is_user_code, iter_settings, setting
from mltk.user_settings import user_dir

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.model_parameters import TfliteModelParameters


def _default_log_dir(model: MltkModel) -> str:
    """`~/.mltk/models/<name>`; in a dry run with `-test` at the end"""
    suffix = names.TEST_SUFFIX if model.test_mode_enabled else ""
    return str(user_dir() / "models" / f"{model.name}{suffix}")


def _required_classes(model: MltkModel) -> list[str]:
    """none; must be set"""
    raise _not_set(model, "classes", 'classes = ["yes", "no"]')


def _required_input_shape(model: MltkModel) -> tuple[int | None, ...]:
    """none; must be set, unless the dataset's mixin knows it"""
    shape = model._default_input_shape()
    if shape is None:
        raise _not_set(model, "input_shape", "input_shape = (28, 28, 1)")
    return shape


def _not_set(model: MltkModel, name: str, example: str) -> SettingError:
    return SettingError(
        f"{model.name}: {name} is not set.", hint=f"Set it in the specification, for instance: my_model.{example}"
    )


def _check_seed(value: int) -> str | None:
    return None if 0 <= value < 2**31 else f"must be from 0 to 2**31 - 1, got {value}."


class MltkModel(ModelFiles):
    """A model specification: the one script that says everything about a model.

    Define a class with this base and the mixins that the model needs, in any order. Make one instance of the class in a
    script. The file name of the script is the model's name::

        class MyModel(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
            pass

        my_model = MyModel()

    Args:
        model_script_path: Path of the specification; None is the script that makes the instance. A notebook has no
            script: pass the path that the specification would have, such as ``"digits.py"``.

    Raises:
        ModelNameError: The file name of the script cannot be a model's name.
    """

    version: int = setting(1, "Version of the model, an integer that you increase.")
    description: str = setting("Made with openmltk", "Purpose of the model, in a sentence; stored in the .tflite.")
    classes: list[str] = setting(
        doc="Class labels, in the order of the model's outputs.",
        computed=_required_classes,
    )
    input_shape: tuple[int | None, ...] = setting(
        doc="Shape of one sample, without the batch dimension.",
        computed=_required_input_shape,
    )
    log_dir: str = setting(doc="Folder for checkpoints, logs and intermediate files.", computed=_default_log_dir)
    keras_custom_objects: dict[str, Any] = setting(
        factory=dict, doc="Custom layers, losses and metrics by name, for loading the Keras model."
    )
    html_report: bool = setting(
        True, "Write a report, one HTML file, after training and after each evaluation; see the guide Reports."
    )
    seed: int | None = setting(
        None,
        "Seed of all random numbers; two runs with one seed are equal. None draws and records a seed.",
        check=_check_seed,
    )

    def __init__(self, model_script_path: str | os.PathLike[str] | None = None) -> None:
        super().__init__(os.fspath(model_script_path) if model_script_path else _calling_script())
        self._parameters: TfliteModelParameters | None = None
        self._parameter_callbacks: list[Callable[..., Any]] = []
        self._metadata_entries: dict[str, TfliteModelMetadataEntry] = {}
        self._handlers: dict[MltkModelEvent, list[tuple[Callable[..., Any], dict[str, Any], bool]]] = {}
        self._cli: Any = None

    @property
    def n_classes(self) -> int:
        """Number of class labels."""
        return len(self.classes)

    # -- parameters and metadata ------------------------------------------------------------------------------

    @property
    def model_parameters(self) -> TfliteModelParameters:
        """Your own values, by name; they are stored in the ``.tflite``, where the firmware reads them."""
        if self._parameters is None:
            from mltk.tflite.model_parameters import TfliteModelParameters

            self._parameters = TfliteModelParameters()
        return self._parameters

    @model_parameters.setter
    def model_parameters(self, values: Mapping[str, Any]) -> None:
        self.model_parameters.clear()
        self.model_parameters.update(values)

    def set_model_parameter(self, key: str, value: Any, dtype: str | None = None) -> None:
        """Set a value of :attr:`model_parameters`.

        Args:
            key: Name of the value.
            value: The value.
            dtype: Type in which the value is stored, such as ``"u16"``; None chooses a type.
        """
        self.model_parameters.put(key, value, dtype=dtype)

    def add_model_parameter_populate_callback(self, callback: Callable[..., Any]) -> None:
        """Add a function that is called as ``callback(self)`` before the parameters are written to a ``.tflite``."""
        self._parameter_callbacks.append(callback)

    def populate_model_parameters(self) -> None:
        """Let the classes of the specification, then all callbacks, set their parameters."""
        for base in reversed(type(self).__mro__):
            if issubclass(base, Spec) and "_populate_own_parameters" in vars(base):
                base._populate_own_parameters(self)
        for callback in self._parameter_callbacks:
            callback(*([self] if inspect.signature(callback).parameters else []))

    def add_tflite_metadata_entry(self, entry: TfliteModelMetadataEntry | str, serialize: Any = None) -> None:
        """Add your own metadata entry, which is written to the ``.tflite``.

        Args:
            entry: The entry, or its name.
            serialize: Content of an entry that is given by its name: bytes, or a function that returns bytes.
        """
        if isinstance(entry, str):
            entry = TfliteModelMetadataEntry(entry, serialize if callable(serialize) else lambda: serialize)
        self._metadata_entries[entry.tag] = entry

    @property
    def tflite_metadata_entries(self) -> list[TfliteModelMetadataEntry]:
        """Your own metadata entries."""
        return list(self._metadata_entries.values())

    def serialize_tflite_metadata(self) -> dict[str, bytes]:
        """Return your own metadata entries as bytes, by name."""
        return dict(entry.serialize() for entry in self._metadata_entries.values())

    def deserialize_tflite_metadata(self, tflite_model: TfliteModel) -> None:
        """Pass the metadata of a ``.tflite`` to your own metadata entries."""
        for entry in self._metadata_entries.values():
            content = tflite_model.get_metadata(entry.tag)
            if content is not None:
                entry.deserialize(content)

    def get_tflite_metadata_summary(self) -> str:
        """Return the parameters and the summaries of your own metadata entries, as text."""
        lines = [f"{name}: {value}" for name, value in self.model_parameters.items()]
        lines += [text for text in (entry.summary() for entry in self._metadata_entries.values()) if text]
        return "\n".join(lines)

    # -- events -----------------------------------------------------------------------------------------------

    def add_event_handler(
        self, event: MltkModelEvent | str, handler: Callable[..., Any], _raise_exception: bool = False, **kwargs: Any
    ) -> None:
        """Add a function that is called as ``handler(mltk_model, logger, **arguments)`` on an event.

        Args:
            event: The event, or its name.
            handler: The function. If it raises, the error is logged and the operation continues.
            _raise_exception: Whether an error of the handler ends the operation.
            kwargs: More arguments for the handler.

        Raises:
            SettingError: There is no such event.
        """
        try:
            event = MltkModelEvent(event)
        except ValueError:
            known = [e.value for e in MltkModelEvent]
            raise SettingError(f"{event!r} is not an event of a model.", hint=did_you_mean(str(event), known)) from None
        self._handlers.setdefault(event, []).append((handler, kwargs, _raise_exception))

    def has_event_handler(self, event: MltkModelEvent) -> bool:
        """Whether a handler of ``event`` was added."""
        return bool(self._handlers.get(event))

    def trigger_event(self, event: MltkModelEvent | str, **kwargs: Any) -> None:
        """Call the handlers of ``event``, in the order they were added."""
        event = MltkModelEvent(event)
        logger = kwargs.pop("logger", None) or logging.getLogger("mltk")
        for base in type(self).__mro__:
            if issubclass(base, Spec) and base is not Spec and "_on_own_event" in vars(base):
                base._on_own_event(self, event, kwargs)
        for handler, extra, raise_exception in self._handlers.get(event, []):
            try:
                handler(self, logger=logger, **{**kwargs, **extra})
            except MltkError:
                raise
            except Exception as e:
                if raise_exception:
                    raise
                logger.warning("The handler of event %s failed: %s", event.value, e, exc_info=True)

    # -- the specification's own commands ----------------------------------------------------------------------

    @property
    def cli(self) -> Any:
        """A ``typer.Typer`` for your own commands. ``mltk custom <name> <command>`` runs a command."""
        if self._cli is None:
            import typer

            self._cli = typer.Typer(add_completion=False, no_args_is_help=True, help=f"Commands of {self.name}")

            # Without a callback, Typer drops the name of the only command.
            self._cli.callback()(lambda: None)

        return self._cli

    @property
    def has_cli(self) -> bool:
        """Whether the specification has its own commands."""
        return self._cli is not None and bool(self._cli.registered_commands or self._cli.registered_groups)

    # -- generic access ---------------------------------------------------------------------------------------

    @property
    def attributes(self) -> MltkModel:
        """Access to settings by name. For compatibility with MLTK 0.20."""
        return self

    def has_attribute(self, name: str) -> bool:
        """Return whether the specification has a setting; ``"train.epochs"`` means ``"epochs"``."""
        return any(n == name.rpartition(".")[2] for n, _ in iter_settings(type(self)))

    def get_attribute(self, name: str) -> Any:
        """Return the value of a setting.

        Raises:
            SettingError: There is no such setting.
        """
        short = name.rpartition(".")[2]
        if not self.has_attribute(short):
            raise SettingError(
                f"{self.name} has no setting {name!r}.",
                hint=did_you_mean(short, [n for n, _ in iter_settings(type(self))]),
            )
        return getattr(self, short)

    def is_set(self, name: str) -> bool:
        """Return whether a setting has a value other than None, from the specification or by default."""
        try:
            return getattr(self, name) is not None
        except SettingError:
            return False

    def summary(self) -> str:
        """Return the name, version, description and classes, each on a line."""
        lines = [f"Name: {self.name}", f"Version: {self.version}", f"Description: {self.description}"]
        if self.is_set("classes"):
            lines.append(f"Classes: {', '.join(self.classes)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} version {self.version}>"

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state["_cli"] = None  # a Typer application holds functions that pickle cannot store
        return state


def _calling_script() -> str:
    """Find the script that makes the model: the innermost caller outside this package that runs at module level.

    Methods and functions, such as the ``__init__`` of a base class in another file, are skipped.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if is_user_code(code.co_filename) and code.co_name.startswith(("<module>", "<cell ")):
            break
        frame = frame.f_back
    if frame is not None:
        notebook = frame.f_globals.get("__vsc_ipynb_file__") or frame.f_globals.get("__session__")
        if notebook:
            return os.path.splitext(str(notebook))[0] + ".py"
        name = frame.f_code.co_filename
        if os.path.isfile(name) and "ipykernel" not in name:
            return name
    if "ipykernel" in sys.modules or "IPython" in sys.modules:
        return os.path.join(os.getcwd(), "notebook_model.py")
    raise SpecificationError(
        "MltkModel() can't find the script that it belongs to.",
        hint="Pass the path that the specification would have: MltkModel('my_model.py')",
    )
