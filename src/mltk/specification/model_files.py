"""Name, paths, archive and log folder of a specification."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from mltk.errors import ArchiveError, MissingDependencyError, OutputError
from mltk.files import check_writable, make_folder, replacing
from mltk.specification import names
from mltk.specification.keras_2_file import readable_by_keras_3
from mltk.specification.settings import Spec


class ModelFiles(Spec):
    """Base of :class:`~mltk.specification.model.MltkModel`: what a specification knows about its files.

    Args:
        script_path: Path of the specification script.

    Raises:
        ModelNameError: The file name of the script cannot be a model's name.
    """

    def __init__(self, script_path: str) -> None:
        super().__init__()
        self._script_path = os.path.abspath(script_path)
        self._name = names.check_model_name(names.name_of_file(script_path), script_path)
        self._archive_path: str | None = None
        self._test_mode = False
        self._extra_files: dict[str, str] = {}

    # -- name and files ----------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The model's name: its script's file name without ``.py``."""
        return self._name

    @property
    def model_specification_path(self) -> str:
        """Absolute path of the specification script."""
        return self._script_path

    @property
    def test_mode_enabled(self) -> bool:
        """Whether this is a dry run: a few samples, a few steps, and own files with ``-test`` in their names."""
        return self._test_mode

    def enable_test_mode(self) -> None:
        """Make this a dry run."""
        self._test_mode = True

    @property
    def archive_path(self) -> str:
        """Absolute path of the model archive.

        The archive is beside the specification. If the specification was loaded from an archive, it is that archive. A
        dry run has its own archive.
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
        """Path of the ``.h5`` export in the log folder; :meth:`export_h5` writes it."""
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
            ArchiveError: The archive has no trained model.
        """
        from mltk.specification.archive_file import ArchiveReader

        with ArchiveReader(self.archive_path) as archive:
            if f"{self.name}.h5" in archive.names:
                return archive.extract(f"{self.name}.h5", self._extracted_dir())
            keras_path = archive.extract(f"{self.name}.keras", self._extracted_dir())
        return self.export_h5(keras_path)

    def export_h5(self, keras_path: str) -> str:
        """Convert a ``.keras`` file to an ``.h5`` beside it, for tools that read only this format.

        An ``.h5`` file that Keras 2 wrote is written again in the form of Keras 3, in its place.

        Args:
            keras_path: Path of the ``.keras`` or ``.h5`` file.

        Returns:
            Path of the ``.h5`` file.

        Raises:
            MissingDependencyError: Keras is not installed.
        """
        try:
            import keras
        except ImportError:
            raise MissingDependencyError("Keras", "train") from None
        target = os.path.splitext(keras_path)[0] + ".h5"
        with readable_by_keras_3(keras_path) as readable:
            keras_model = keras.saving.load_model(readable, self.keras_custom_objects, compile=False)
        with replacing(target) as temporary:
            keras_model.save(temporary)
        return target

    @property
    def tflite_archive_path(self) -> str:
        """Path of the quantized ``.tflite``, extracted from the archive."""
        return self.get_archive_file(f"{self.name}.tflite")

    def _extracted_dir(self) -> str:
        return self.create_log_dir("extracted")

    # -- archive ---------------------------------------------------------------------------------------------

    def get_archive_file(self, name: str) -> str:
        """Extract a member of the archive.

        Args:
            name: Name of the member. An extension, such as ``.tflite``, means the model's file with this extension.

        Returns:
            Path of the extracted file.

        Raises:
            ArchiveError: There is no archive, it is damaged, or it has no such member.
        """
        from mltk.specification.archive_file import ArchiveReader

        member = f"{self.name}{name}" if name.startswith(".") else name
        with ArchiveReader(self.archive_path) as archive:
            return archive.extract(member, self._extracted_dir())

    def get_archive_dir(self, name: str) -> str:
        """Extract all members below ``name/``. Returns the folder of the extracted files.

        Raises:
            ArchiveError: There is no archive, it is damaged, or it has no such folder.
        """
        from mltk.specification.archive_file import ArchiveReader

        prefix = name.rstrip("/") + "/"
        with ArchiveReader(self.archive_path) as archive:
            members = [n for n in archive.names if n.startswith(prefix)]
            if not members:
                raise ArchiveError(f"{self.archive_path} has no folder {name!r}.")
            archive.extract_all(members, self._extracted_dir())
        return os.path.join(self._extracted_dir(), prefix.rstrip("/"))

    def add_archive_file(self, name: str) -> None:
        """Store a file in the archive when the archive is written.

        Args:
            name: Path of the file, absolute or relative to the log folder.
        """
        path = name if os.path.isabs(name) else os.path.join(self.log_dir, name)
        member = os.path.basename(path) if os.path.isabs(name) else name.replace(os.sep, "/")
        self._extra_files[member] = path

    def add_archive_dir(self, name: str) -> None:
        """Store the folder ``name`` of the log folder in the archive when the archive is written."""
        self._extra_files[name.replace(os.sep, "/").rstrip("/") + "/"] = os.path.join(self.log_dir, name)

    def iter_extra_archive_files(self) -> Iterator[tuple[str, str]]:
        """Yield ``(member name, path)`` for each file of :meth:`add_archive_file` and :meth:`add_archive_dir`."""
        for member, path in self._extra_files.items():
            if not member.endswith("/"):
                if os.path.isfile(path):
                    yield member, path
                continue
            for file in sorted(Path(path).rglob("*")):
                if file.is_file():
                    yield member + file.relative_to(path).as_posix(), str(file)

    def check_archive_file_is_writable(self, throw_exception: bool = True) -> bool:
        """Return whether the archive can be written at its path.

        Args:
            throw_exception: Whether to raise an error if it cannot be written.

        Raises:
            OutputError: The archive cannot be written.
        """
        try:
            check_writable(self.archive_path)
        except OutputError:
            if throw_exception:
                raise
            return False
        return True

    # -- logs ------------------------------------------------------------------------------------------------

    def create_log_dir(self, suffix: str = "", delete_existing: bool = False) -> str:
        """Make the log folder, or a folder in it.

        Args:
            suffix: Path of a folder in the log folder; empty is the log folder itself.
            delete_existing: Whether to delete what is in the folder.

        Returns:
            Path of the folder.

        Raises:
            OutputError: The folder cannot be made.
        """
        path = os.path.join(self.log_dir, suffix) if suffix else self.log_dir
        hint = "Set another folder with my_model.log_dir; MLTK_USER_DIR sets the folder of all models."
        if delete_existing and os.path.isdir(path):
            try:
                shutil.rmtree(path)
            except OSError as e:
                raise OutputError(f"The log folder {path} can't be deleted: {e.strerror}.", hint=hint) from None
        return make_folder(path, what="log folder", hint=hint)

    def create_logger(self, name: str, parent: logging.Logger | None = None) -> logging.Logger:
        """Return a logger that also writes to ``<log folder>/<name>/log.txt``."""
        from mltk.specification.logs import file_logger

        return file_logger(f"{self.name}.{name}", os.path.join(self.create_log_dir(name), "log.txt"), parent)
