"""Write what the operations made to the model archive."""

from __future__ import annotations

import os
from typing import Any

from mltk.operations.shared.c_files import c_files
from mltk.operations.shared.manifest import manifest
from mltk.specification.archive_file import update_archive, write_archive
from mltk.specification.model import MltkModel


def create_model_archive(model: MltkModel, *, quantized: bool = True, **facts: Any) -> str:
    """Rewrite the archive from the log folder and the specification.

    Args:
        model: The specification.
        quantized: False leaves out the files that quantization writes.
        facts: Entries of the manifest: seed, dataset, epochs.

    Returns:
        The path of the archive.

    Raises:
        OutputError: The archive cannot be written.
    """
    name = model.name
    members: dict[str, bytes | str] = {}
    if os.path.isfile(model.model_specification_path):
        members[f"{name}.py"] = model.model_specification_path
    else:
        members[f"{name}.py"] = _notebook_source()
    for path, member in (
        (model.keras_log_dir_path, f"{name}.keras"),
        (f"{model.keras_log_dir_path}.summary.txt", f"{name}.keras.summary.txt"),
        *(quantized_files(model) if quantized else ()),
    ):
        if os.path.isfile(path):
            members[member] = path
    for file in ("log.txt", "training-history.json", "training-history.png"):
        path = os.path.join(model.log_dir, "train", file)
        if os.path.isfile(path):
            members[f"train/{file}"] = path
    members |= dict(model.iter_extra_archive_files())
    write_archive(model.archive_path, members, manifest(model, **facts))
    return model.archive_path


def quantized_files(model: MltkModel) -> list[tuple[str, str]]:
    """Return path and archive member of each file that quantization writes to the log folder."""
    name = model.name
    return [
        *c_files(model),
        (model.tflite_log_dir_path, f"{name}.tflite"),
        (model.unquantized_tflite_log_dir_path, f"{name}.float32.tflite"),
        (f"{model.tflite_log_dir_path}.summary.txt", f"{name}.tflite.summary.txt"),
        (os.path.join(model.log_dir, f"{name}.quantization_report.txt"), f"{name}.quantization_report.txt"),
        (os.path.join(model.log_dir, f"{name}.quantization_report.json"), f"{name}.quantization_report.json"),
    ]


def update_model_archive(
    model: MltkModel, members: dict[str, bytes | str], *, without: tuple[str, ...] = (), **facts: Any
) -> None:
    """Replace or add members of the archive.

    Args:
        model: The specification.
        members: Name → content, or path of a file.
        without: Beginnings of the names of members to remove.
        facts: Entries of the manifest to replace.

    Raises:
        OutputError: The archive cannot be written.
    """
    update_archive(model.archive_path, members, facts or None, without=without)


def _notebook_source() -> bytes:
    """Return the cells that a notebook has run, for a specification that was made in one."""
    try:
        from IPython import get_ipython  # type: ignore[import-not-found,unused-ignore]  # an extra of the user
    except ImportError:
        return b"# The specification was made in an interactive session; its source is not known.\n"
    shell = get_ipython()
    cells = shell.user_ns.get("In", [])[1:] if shell is not None else []
    return ("\n\n".join(cells) + "\n").encode()
