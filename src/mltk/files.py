"""Writing files and folders whole or not at all: write beside the target, then rename."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping

from mltk.errors import MltkError, OutputError

Path = str | os.PathLike[str]


def printable(path: Path) -> str:
    """Return a path as text that can be printed: bytes that are not UTF-8 as ``\\xf6``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def make_folder(path: Path, *, what: str = "folder", hint: str | None = None) -> str:
    """Make a folder and the folders above it, unless it exists.

    Args:
        path: Path of the folder; an empty path is the working folder.
        what: What the error message calls the folder.
        hint: What the user can do if it fails.

    Returns:
        The path as a str.

    Raises:
        OutputError: The folder cannot be made.
    """
    path = os.fspath(path)
    try:
        os.makedirs(path or ".", exist_ok=True)
    except OSError as e:
        raise OutputError(f"The {what} {path} can't be made: {e.strerror or e}.", hint=hint) from None
    return path


def check_writable(path: str) -> None:
    """Check that a file can be written beside ``path``, by writing one.

    Raises:
        OutputError: No file can be written there.
    """
    import tempfile  # takes 2 ms to import; loading a specification writes no file

    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as e:
        raise OutputError(
            f"Can't write {path}: {e.strerror}.", hint="Make the folder writable, or copy the specification elsewhere."
        ) from None


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[str]:
    """Write a file beside ``path`` that replaces ``path`` at the end of the block.

    If the block raises, the temporary file is removed and ``path`` stays as it was. A link stays a link. The
    permissions of an existing file stay.

    Args:
        path: Path of the file.
        durable: Whether the content is on the disk at the end of the block, and not only in the system's cache.
            False saves some milliseconds a file, for many files that can be made again.

    Yields:
        Path of the temporary file.

    Raises:
        OutputError: The file cannot be written, for instance because the disk is full.
    """

    target = os.path.realpath(path)
    temporary = None
    try:
        temporary = _new_file_beside(target)
        yield temporary
        if durable:
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        os.replace(temporary, target)
        temporary = None
    except OSError as e:
        if isinstance(e, MltkError):
            raise
        raise _write_error(path, e) from e
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


@contextlib.contextmanager
def replacing_folder(path: Path) -> Iterator[str]:
    """Fill a folder beside ``path`` that replaces ``path`` at the end of the block.

    If the block raises, the temporary folder is removed and ``path`` stays as it was. A link to a folder stays a link.
    The folders above ``path`` are made.

    Yields:
        Path of the temporary folder, which is empty.

    Raises:
        OutputError: The folder cannot be written, for instance because the disk is full.
    """
    import tempfile

    target = os.path.realpath(path)
    parent = make_folder(os.path.dirname(target))
    try:
        with tempfile.TemporaryDirectory(prefix=f".{os.path.basename(target)}.", dir=parent) as aside:
            content, old = os.path.join(aside, "content"), os.path.join(aside, "old")
            os.mkdir(content)
            yield content
            if os.path.exists(target):
                os.replace(target, old)
            try:
                os.replace(content, target)
            except OSError:
                if os.path.exists(old):
                    os.replace(old, target)
                raise
    except OSError as e:
        if isinstance(e, MltkError):
            raise
        raise _write_error(path, e) from e


def _write_error(path: Path, error: OSError) -> OutputError:
    return OutputError(f"Can't write {os.fspath(path)}: {error.strerror or error}.")


def _new_file_beside(path: str) -> str:
    """Make an empty file with the permissions of any new file; those of mkstemp allow only the owner.

    The system applies the umask. Reading the umask changes it for a moment, for all threads.
    """
    folder, name = os.path.split(path)
    stem, extension = os.path.splitext(name)
    while True:
        temporary = os.path.join(folder, f".{stem}.{os.urandom(4).hex()}{extension}")
        with contextlib.suppress(FileExistsError):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
            return temporary


def write_file(path: Path, content: bytes | str) -> None:
    """Write a file, whole or not at all.

    Args:
        path: Path of the file.
        content: Content; a str is written as UTF-8.

    Raises:
        OutputError: The file cannot be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)


def write_reports(output: str, contents: Mapping[str, str]) -> list[str]:
    """Write one report in several formats.

    Args:
        output: A path with the extension of one of the files: only this file is written, to this path. Any other path
            is a folder, and all files are written to it.
        contents: File name in the folder → content.

    Returns:
        The paths of the files.

    Raises:
        OutputError: A file or the folder cannot be written.
    """
    extension = os.path.splitext(output)[1].lower()
    for name, content in contents.items():
        if extension and name.lower().endswith(extension):
            write_file(output, content)
            return [output]
    make_folder(output)
    paths = [os.path.join(output, name) for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        write_file(path, content)
    return paths
