"""The report in a model's archive, which `train` and `evaluate` renew."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError
from mltk.files import write_file
from mltk.micro.profile.profiler import profile_tflite
from mltk.operations.parity import compare_on_samples
from mltk.operations.shared import report_facts
from mltk.operations.shared.model_archive import update_model_archive
from mltk.operations.shared.try_section import try_sections
from mltk.report.model_report import model_report
from mltk.specification import names
from mltk.specification.archive_file import ArchiveReader

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel

MEMBER = "report.html"
"""Name of the report in the archive and in the log folder."""
_PARITY_SAMPLES = 32
_PARITY_MACS = 50_000_000
"""MACs of all samples of a parity check together, about; at least `_FEWEST_SAMPLES` samples are compared."""
_FEWEST_SAMPLES = 4
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
    try:
        with ArchiveReader(model.archive_path) as archive:
            changed = report_facts.Changed(archive, members)
            tflite = report_facts.tflite_in(changed, model.name)
            command = f"{model.name}{names.TEST_SUFFIX}" if model.test_mode_enabled else model.name
            facts = report_facts.read_facts(changed, model.name, command, tflite)
            page = model_report(facts, try_sections(tflite, command, facts.manifest))
        write_file(os.path.join(model.create_log_dir(), MEMBER), page)
    except (MltkError, OSError) as e:
        logger.warning("No report was written: %s", e)
        return dict(members)
    return {**members, MEMBER: page.encode()}


def renew_report(model: MltkModel) -> None:
    """Write the report of a trained model to its archive and its log folder."""
    update_model_archive(model, add_report(model, {}))


def parity_of(tflite: TfliteModel, float_model: TfliteModel | None, inputs: Sequence[Any]) -> bytes | None:
    """Compare the engines on samples of the evaluation, for the archive.

    Args:
        tflite: The model.
        float_model: The float32 ``.tflite``, if there is one.
        inputs: One array ``[samples, …]`` in real units for each input. Of a large model, only a few samples are used.

    Returns:
        The content of the archive's member; None if no engine runs the model.
    """
    n = affordable_samples(tflite)
    try:
        results = compare_on_samples(tflite, float_model, [x[:n] for x in inputs], source="of the evaluation data")
    except MltkError as e:
        logger.debug("The engines were not compared: %s", e)
        return None
    return report_facts.parity_member(results, tflite)


def affordable_samples(tflite: TfliteModel) -> int:
    """Return the number of samples on which the engines are compared: fewer for a larger model."""
    macs = max(1, profile_tflite(tflite, None).macs)
    return max(_FEWEST_SAMPLES, min(_PARITY_SAMPLES, _PARITY_MACS // macs))
