"""The centre of a specification: what every model has, whatever it is for."""

from __future__ import annotations

import inspect
import logging
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mltk.errors import ArchiveError, MltkError, OutputError, SettingError, SpecificationError, did_you_mean
from mltk.specification import names
from mltk.specification.events import MltkModelEvent
from mltk.specification.metadata import TfliteModelMetadataEntry
from mltk.specification.settings import Spec, is_user_code, iter_settings, setting
from mltk.user_settings import user_dir

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.model_parameters import TfliteModelParameters


def _default_log_dir(model: MltkModel) -> str:
    """`~/.mltk/models/<name>`, with `-test` appended in a dry run"""
    suffix = names.TEST_SUFFIX if model.test_mode_enabled else ""
    return str(user_dir() / "models" / f"{model.name}{suffix}")


def _required(name: str, example: str) -> Callable[[Any], Any]:
    def unset(model: MltkModel) -> Any:
        """none; must be set"""
        from_mixin = getattr(model, f"_default_{name}", None)
        value = from_mixin() if from_mixin is not None else None
        if value is not None:
            return value
        raise SettingError(
            f"{model.name}: {name} is not set.", hint=f"Set it in the specification, for instance: my_model.{example}"
        )

    return unset


def _check_seed(value: int) -> str | None:
    return None if 0 <= value < 2**31 else f"must be from 0 to 2**31 - 1, got {value}."


class MltkModel(Spec):
    """A model specification: the one script that says everything about a model.

    Make a class of your own from this and the mixins that the model needs, in any order, and one instance of
    it in a script whose file name is the model's name::

        class MyModel(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
            pass

        my_model = MyModel()

    Args:
        model_script_path: path of the specification script; by default the script that calls this. In a
            notebook, which has none, give the path that the model should be known by, such as ``"digits.py"``.

    Raises:
        ModelNameError: the script's file name can't be a model's name.
    """

    version: int = setting(1, "Version of the model, an integer that you count up.")
    description: str = setting("Made with openmltk", "What the model is for, in a sentence; goes into the .tflite.")
    classes: list[str] = setting(
        doc="Class labels, in the order of the model's outputs.",
        computed=_required("classes", 'classes = ["yes", "no"]'),
    )
    input_shape: tuple[int | None, ...] = setting(
        doc="Shape of one sample, without the batch dimension.",
        computed=_required("input_shape", "input_shape = (28, 28, 1)"),
    )
    log_dir: str = setting(doc="Folder for checkpoints, logs and intermediate files.", computed=_default_log_dir)
    keras_custom_objects: dict[str, Any] = setting(
        factory=dict, doc="Custom layers, losses and metrics by name, for loading the Keras model."
    )
    seed: int | None = setting(
        None, "Fixes every random draw, so that two runs are equal; None draws one and records it.", check=_check_seed
    )

    def __init__(self, model_script_path: str | os.PathLike[str] | None = None) -> None:
        super().__init__()
        path = os.fspath(model_script_path) if model_script_path else _calling_script()
        self._script_path = os.path.abspath(path)
        self._name = names.check_model_name(names.name_of_file(path), path)
        self._archive_path: str | None = None
        self._test_mode = False
        self._parameters: TfliteModelParameters | None = None
        self._parameter_callbacks: list[Callable] = []
        self._metadata_entries: dict[str, TfliteModelMetadataEntry] = {}
        self._handlers: dict[MltkModelEvent, list[tuple[Callable, dict, bool]]] = {}
        self._cli: Any = None
        self._extra_files: dict[str, str] = {}

    # -- who it is and where its files are ---------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The model's name: its script's file name without ``.py``."""
        return self._name

    @property
    def n_classes(self) -> int:
        """Number of class labels."""
        return len(self.classes)

    @property
    def model_specification_path(self) -> str:
        """Absolute path of the specification script."""
        return self._script_path

    @property
    def test_mode_enabled(self) -> bool:
        """Whether this is a dry run: a few samples, a few steps, files apart with ``-test`` in their name."""
        return self._test_mode

    def enable_test_mode(self) -> None:
        """Make this a dry run."""
        self._test_mode = True

    @property
    def archive_path(self) -> str:
        """Absolute path of the model archive, beside the specification unless that was loaded from one.

        A dry run has an archive of its own.
        """
        if self._archive_path:
            return names.archive_path_of(self._archive_path, test=True) if self._test_mode else self._archive_path
        return names.archive_path_of(self._script_path, test=self._test_mode)

    def _log_file(self, extension: str) -> str:
        suffix = names.TEST_SUFFIX if self._test_mode else ""
        return os.path.join(self.log_dir, f"{self.name}{suffix}{extension}")

    @property
    def keras_log_dir_path(self) -> str:
        """Path of the trained Keras model (``.keras``) in the log folder."""
        return self._log_file(".keras")

    @property
    def h5_log_dir_path(self) -> str:
        """Path of the ``.h5`` export in the log folder, which exists once something asked for it."""
        return self._log_file(".h5")

    @property
    def tflite_log_dir_path(self) -> str:
        """Path of the quantized ``.tflite`` in the log folder."""
        return self._log_file(".tflite")

    @property
    def unquantized_tflite_log_dir_path(self) -> str:
        """Path of the float32 ``.tflite`` in the log folder."""
        return self._log_file(".float32.tflite")

    @property
    def h5_archive_path(self) -> str:
        """Path of the trained model as ``.h5``, extracted from the archive or exported from its ``.keras``.

        Raises:
            ArchiveError: the archive holds no trained model.
        """
        from mltk.specification.archive_file import ArchiveReader

        with ArchiveReader(self.archive_path) as archive:
            if f"{self.name}.h5" in archive.names:
                return archive.extract(f"{self.name}.h5", self._extracted_dir())
            keras_path = archive.extract(f"{self.name}.keras", self._extracted_dir())
        return self.export_h5(keras_path)

    def export_h5(self, keras_path: str) -> str:
        """Convert a ``.keras`` file to an ``.h5`` beside it, for tools that read only that; gives its path."""
        from mltk.errors import MissingDependencyError

        try:
            import keras
        except ImportError:
            raise MissingDependencyError("Keras", "train") from None
        target = os.path.splitext(keras_path)[0] + ".h5"
        keras_model = keras.saving.load_model(keras_path, self.keras_custom_objects, compile=False)
        keras_model.save(target)
        return target

    @property
    def tflite_archive_path(self) -> str:
        """Path of the quantized ``.tflite``, extracted from the archive."""
        return self.get_archive_file(f"{self.name}.tflite")

    def _extracted_dir(self) -> str:
        return self.create_log_dir("extracted")

    # -- archive ---------------------------------------------------------------------------------------------

    def get_archive_file(self, name: str) -> str:
        """Extract member ``name`` of the archive; an extension such as ``.tflite`` stands for the model's file.

        Raises:
            ArchiveError: there is no archive, it is damaged, or it has no such member.
        """
        from mltk.specification.archive_file import ArchiveReader

        member = f"{self.name}{name}" if name.startswith(".") else name
        with ArchiveReader(self.archive_path) as archive:
            return archive.extract(member, self._extracted_dir())

    def get_archive_dir(self, name: str) -> str:
        """Extract all members below ``name/``; gives the folder that now holds them."""
        from mltk.specification.archive_file import ArchiveReader

        prefix = name.rstrip("/") + "/"
        with ArchiveReader(self.archive_path) as archive:
            members = [n for n in archive.names if n.startswith(prefix)]
            if not members:
                raise ArchiveError(f"{self.archive_path} has no folder {name!r}.")
            archive.extract_all(members, self._extracted_dir())
        return os.path.join(self._extracted_dir(), prefix.rstrip("/"))

    def add_archive_file(self, name: str) -> None:
        """Have file ``name``, relative to the log folder or absolute, stored in the archive when that is written."""
        path = name if os.path.isabs(name) else os.path.join(self.log_dir, name)
        member = os.path.basename(path) if os.path.isabs(name) else name.replace(os.sep, "/")
        self._extra_files[member] = path

    def add_archive_dir(self, name: str) -> None:
        """Have folder ``name`` of the log folder stored in the archive when that is written."""
        self._extra_files[name.replace(os.sep, "/").rstrip("/") + "/"] = os.path.join(self.log_dir, name)

    def iter_extra_archive_files(self) -> Iterator[tuple[str, str]]:
        """``(member name, path)`` of what :meth:`add_archive_file` and :meth:`add_archive_dir` named."""
        for member, path in self._extra_files.items():
            if not member.endswith("/"):
                if os.path.isfile(path):
                    yield member, path
                continue
            for file in sorted(Path(path).rglob("*")):
                if file.is_file():
                    yield member + file.relative_to(path).as_posix(), str(file)

    def check_archive_file_is_writable(self, throw_exception: bool = True) -> bool:
        """Whether the archive can be written where it belongs.

        Raises:
            OutputError: it can't, and ``throw_exception`` is set.
        """
        from mltk.files import check_writable

        try:
            check_writable(self.archive_path)
        except OutputError:
            if throw_exception:
                raise
            return False
        return True

    # -- logs ------------------------------------------------------------------------------------------------

    def create_log_dir(self, suffix: str = "", delete_existing: bool = False) -> str:
        """Make and give the log folder, or folder ``suffix`` in it.

        Raises:
            OutputError: it can't be made.
        """
        path = os.path.join(self.log_dir, suffix) if suffix else self.log_dir
        try:
            if delete_existing and os.path.isdir(path):
                shutil.rmtree(path)
            os.makedirs(path, exist_ok=True)
        except OSError as e:
            raise OutputError(
                f"The log folder {path} can't be made: {e.strerror}.",
                hint="Set another with my_model.log_dir, or move them all with the environment variable MLTK_USER_DIR.",
            ) from None
        return path

    def create_logger(self, name: str, parent: logging.Logger | None = None) -> logging.Logger:
        """A logger that also writes to ``<log folder>/<name>/log.txt``."""
        from mltk.specification.logs import file_logger

        return file_logger(f"{self.name}.{name}", os.path.join(self.create_log_dir(name), "log.txt"), parent)

    # -- parameters and metadata ------------------------------------------------------------------------------

    @property
    def model_parameters(self) -> TfliteModelParameters:
        """Values of your own that are stored in the ``.tflite`` for the firmware to read, by name."""
        if self._parameters is None:
            from mltk.tflite.model_parameters import TfliteModelParameters

            self._parameters = TfliteModelParameters()
        return self._parameters

    @model_parameters.setter
    def model_parameters(self, values: Mapping[str, Any]) -> None:
        self.model_parameters.clear()
        self.model_parameters.update(values)

    def set_model_parameter(self, key: str, value: Any, dtype: str | None = None) -> None:
        """Set one of :attr:`model_parameters`, with the wire type ``dtype`` such as ``"u16"`` if given."""
        self.model_parameters.put(key, value, dtype=dtype)

    def add_model_parameter_populate_callback(self, callback: Callable) -> None:
        """Have ``callback(self)`` called before the parameters are written to a ``.tflite``."""
        self._parameter_callbacks.append(callback)

    def populate_model_parameters(self) -> None:
        """Let the mixins, then all callbacks put in their parameters."""
        for base in reversed(type(self).__mro__):
            own = vars(base).get("_populate_own_parameters")
            if own is not None:
                own(self)
        for callback in self._parameter_callbacks:
            callback(*([self] if inspect.signature(callback).parameters else []))

    def add_tflite_metadata_entry(self, entry: TfliteModelMetadataEntry | str, serialize: Any = None) -> None:
        """Have a metadata entry of your own written to the ``.tflite``.

        Args:
            entry: an entry, or the name of one whose content ``serialize`` is.
            serialize: its content: bytes, or a function that gives them.
        """
        if isinstance(entry, str):
            entry = TfliteModelMetadataEntry(entry, serialize if callable(serialize) else lambda: serialize)
        self._metadata_entries[entry.tag] = entry

    @property
    def tflite_metadata_entries(self) -> list[TfliteModelMetadataEntry]:
        """Metadata entries of your own."""
        return list(self._metadata_entries.values())

    def serialize_tflite_metadata(self) -> dict[str, bytes]:
        """The metadata entries of your own as bytes, by name."""
        return dict(entry.serialize() for entry in self._metadata_entries.values())

    def deserialize_tflite_metadata(self, tflite_model: TfliteModel) -> None:
        """Hand what is in a ``.tflite`` to the metadata entries of your own."""
        for entry in self._metadata_entries.values():
            content = tflite_model.get_metadata(entry.tag)
            if content is not None:
                entry.deserialize(content)

    def get_tflite_metadata_summary(self) -> str:
        """The parameters and what the metadata entries of your own say about themselves."""
        lines = [f"{name}: {value}" for name, value in self.model_parameters.items()]
        lines += [text for text in (entry.summary() for entry in self._metadata_entries.values()) if text]
        return "\n".join(lines)

    # -- events -----------------------------------------------------------------------------------------------

    def add_event_handler(
        self, event: MltkModelEvent | str, handler: Callable, _raise_exception: bool = False, **kwargs: Any
    ) -> None:
        """Have ``handler(mltk_model, logger, **arguments)`` called on an event.

        A handler that fails is logged and does not stop the operation, unless ``_raise_exception``.

        Args:
            kwargs: more arguments for the handler.
        """
        try:
            event = MltkModelEvent(event)
        except ValueError:
            known = [e.value for e in MltkModelEvent]
            raise SettingError(f"{event!r} is not an event of a model.", hint=did_you_mean(str(event), known)) from None
        self._handlers.setdefault(event, []).append((handler, kwargs, _raise_exception))

    def trigger_event(self, event: MltkModelEvent | str, **kwargs: Any) -> None:
        """Call the handlers of ``event``, in the order they were added."""
        event = MltkModelEvent(event)
        logger = kwargs.pop("logger", None) or logging.getLogger("mltk")
        for handler, extra, raise_exception in self._handlers.get(event, []):
            try:
                handler(self, logger=logger, **{**kwargs, **extra})
            except MltkError:
                raise
            except Exception as e:
                if raise_exception:
                    raise
                logger.warning("The handler of event %s failed: %s", event.value, e, exc_info=True)

    # -- commands of the specification's own ------------------------------------------------------------------

    @property
    def cli(self) -> Any:
        """A ``typer.Typer`` to add commands to, which ``mltk custom <name> <command>`` runs."""
        if self._cli is None:
            import typer

            self._cli = typer.Typer(add_completion=False, no_args_is_help=True, help=f"Commands of {self.name}")

            @self._cli.callback()
            def _keep_command_names() -> None:
                # Without a callback, Typer drops the name of a command that is the only one.
                return None

        return self._cli

    @property
    def has_cli(self) -> bool:
        """Whether the specification added commands of its own."""
        return self._cli is not None and bool(self._cli.registered_commands or self._cli.registered_groups)

    # -- generic access ---------------------------------------------------------------------------------------

    @property
    def attributes(self) -> MltkModel:
        """Access to settings by name; kept for 0.20 scripts."""
        return self

    def has_attribute(self, name: str) -> bool:
        """Whether this specification has setting ``name``; ``"train.epochs"`` means ``"epochs"``."""
        return any(n == name.rpartition(".")[2] for n, _ in iter_settings(type(self)))

    def get_attribute(self, name: str) -> Any:
        """The value of setting ``name``.

        Raises:
            SettingError: there is none.
        """
        short = name.rpartition(".")[2]
        if not self.has_attribute(short):
            raise SettingError(
                f"{self.name} has no setting {name!r}.",
                hint=did_you_mean(short, [n for n, _ in iter_settings(type(self))]),
            )
        return getattr(self, short)

    def is_set(self, name: str) -> bool:
        """Whether the specification gave setting ``name`` a value, or it has a default other than None."""
        try:
            return getattr(self, name) is not None
        except SettingError:
            return False

    def summary(self) -> str:
        """Name, version, description and classes, a line each."""
        lines = [f"Name: {self.name}", f"Version: {self.version}", f"Description: {self.description}"]
        if self.is_set("classes"):
            lines.append(f"Classes: {', '.join(self.classes)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} version {self.version}>"

    def __getstate__(self) -> dict:
        state = self.__dict__.copy()
        state["_cli"] = None  # Typer applications hold functions defined in functions
        return state


def _calling_script() -> str:
    """The script that makes the model: the innermost caller outside this package that runs at module level.

    A method or a function, as a base class's ``__init__`` in another file, is passed over.
    """
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        if is_user_code(code.co_filename) and code.co_name.startswith(("<module>", "<cell ")):
            break
        frame = frame.f_back  # type: ignore[assignment]
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
        "MltkModel() can't tell which script it belongs to.",
        hint="Give it the path that the model should be known by: MltkModel('my_model.py')",
    )
