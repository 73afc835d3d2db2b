"""The report in a model's archive, which every command renews that changes what it shows."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mltk.errors import MltkError
from mltk.files import make_folder, write_file
from mltk.operations.shared import report_facts
from mltk.operations.shared.load import ModelKind, ModelReference
from mltk.operations.shared.model_archive import update_model_archive
from mltk.operations.shared.try_section import try_sections
from mltk.report.model_report import model_report
from mltk.specification import names
from mltk.specification.archive_file import ArchiveReader
from mltk.user_settings import user_dir

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel

MEMBER = "report.html"
"""Name of the report in the archive and in the log folder."""
logger = logging.getLogger("mltk")


def add_report(model: MltkModel, members: Mapping[str, bytes | str]) -> dict[str, bytes | str]:
    """Make the report of a trained model, with members that its archive is going to have.

    The report is written to the log folder too. A report that cannot be made does not stop what was done before.

    Args:
        model: The specification.
        members: Name → content, or path of a file.

    Returns:
        The members, and the report as one more.
    """
    command = f"{model.name}{names.TEST_SUFFIX}" if model.test_mode_enabled else model.name
    return with_report(model.archive_path, model.name, command, members, model.create_log_dir)


def with_report(
    archive_path: str, name: str, command: str, members: Mapping[str, bytes | str], folder: Callable[[], str] | None
) -> dict[str, bytes | str]:
    """Make the report of an archive, with members that it is going to have. Runs no code of the archive.

    A report that cannot be made does not stop what was done before.

    Args:
        archive_path: Path of the archive.
        name: The model's name.
        command: What stands for the model in commands.
        members: Name → content, or path of a file.
        folder: Returns the folder to which the report is written too. None writes it to no folder.

    Returns:
        The members, and the report as one more.
    """
    try:
        with ArchiveReader(archive_path) as archive:
            changed = report_facts.Changed(archive, members)
            tflite = report_facts.tflite_in(changed, name)
            facts = report_facts.read_facts(changed, name, command, tflite)
            page = model_report(facts, try_sections(tflite, command, facts.manifest))
        if folder is not None:
            write_file(os.path.join(folder(), MEMBER), page)
    except (MltkError, OSError) as e:
        logger.warning("No report was written: %s", e)
        return dict(members)
    return {**members, MEMBER: page.encode()}


def with_present_report(
    reference: ModelReference, archive_path: str, members: Mapping[str, bytes | str]
) -> dict[str, bytes | str]:
    """Renew the report of an archive that has one, for members that the archive is going to have.

    The report is written to the log folder too, unless the archive may come from anywhere: then the log folder may be
    that of another model of the same name.

    Args:
        reference: What refers to the archive.
        archive_path: Path of the archive.
        members: Name → content, or path of a file.

    Returns:
        The members; and the report as one more, if the archive has a report.
    """
    with ArchiveReader(archive_path) as archive:
        if MEMBER not in archive.names:
            return dict(members)
        name = report_facts.name_in(archive, reference.name)
    command = reference.given if isinstance(reference.given, str) else name
    logs = None if reference.is_outside_file else (lambda: make_folder(logs_of(reference, reference.name)))
    return with_report(archive_path, name, command, members, logs)


def logs_of(reference: ModelReference, name: str) -> str:
    """Return the folder of a model's logs. It may not exist."""
    if reference.kind is ModelKind.SPECIFICATION:
        return str(reference.given.log_dir)
    return os.path.join(user_dir(), "models", name)


def renew_report(model: MltkModel) -> None:
    """Write the report of a trained model to its archive and its log folder."""
    update_model_archive(model, add_report(model, {}))
