"""Write a report of a model as one HTML file, or compare models side by side.

    mltk report yes_no
    mltk report yes_no other_model --output comparison.html

Everything is read from the archive; `train` and `evaluate` have computed it. The cost on devices is estimated here. If
the engines were not compared yet, they are compared on random samples. No code of a specification runs.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mltk.errors import MltkError
from mltk.files import write_file
from mltk.operations.archived_parity import affordable_samples
from mltk.operations.parity import check_parity
from mltk.operations.shared import report_facts
from mltk.operations.shared.archived_report import MEMBER
from mltk.operations.shared.load import ModelReference, resolve
from mltk.operations.shared.try_section import try_sections
from mltk.report.comparison import comparison
from mltk.report.facts import ModelFacts
from mltk.report.model_report import model_report
from mltk.specification import names
from mltk.specification.archive_file import update_archive
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel

logger = logging.getLogger("mltk")


def report_model(
    *models: MltkModel | TfliteModel | str | os.PathLike[str],
    output: str | os.PathLike[str] | None = None,
    targets: Sequence[str] | None = None,
    parity: bool = True,
    update_archive: bool = True,
) -> str:
    """Write the report of a model, or the comparison of several models. Runs no specification.

    Args:
        models: Each is the name of a trained model, a specification, an archive or a ``.tflite`` file.
        output: Path of the HTML file. By default ``NAME.report.html`` beside the archive, or ``comparison.html`` in the
            current folder.
        targets: Targets to estimate the cost for; by default three Cortex-M cores.
        parity: Compare the engines, if the archive does not have the comparison yet.
        update_archive: Store the report and the comparison of the engines in the archive of a single model.

    Returns:
        The path of the HTML file.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: A model has not been trained, or its archive is damaged.
        MltkError: There is no such target.
        OutputError: The file cannot be written.
    """
    stop_if_loading_script()
    if not models:
        raise MltkError("There is no model to report.", hint="Give one model or more.")
    chosen = tuple(targets or report_facts.DEFAULT_TARGETS)
    sources = [_Source(model) for model in models]
    if len(sources) > 1:
        page = comparison([source.facts(chosen) for source in sources])
        return _written(output or "comparison.html", page)
    source = sources[0]
    members = source.missing_parity() if parity else {}
    facts = source.facts(chosen, members)
    page = model_report(facts, try_sections(source.tflite, source.command, facts.manifest))
    path = _written(output or source.default_output(), page)
    if update_archive and source.archive_path is not None and os.access(source.archive_path, os.W_OK):
        _update(source.archive_path, {**members, MEMBER: page.encode()})
    return path


class _Source:
    """A model that is reported."""

    def __init__(self, model: MltkModel | TfliteModel | str | os.PathLike[str]) -> None:
        self._reference: ModelReference = resolve(model)
        self.archive_path = None if self._reference.is_tflite else self._reference.archive_path()
        self.tflite: TfliteModel | None = None
        path = self.archive_path
        if path is None:
            found = self.tflite = self._reference.tflite_model()
            path = found.path or f"{found.name}.tflite"
        self.path = path
        self.name = names.name_of_file(path)
        given = self._reference.given
        self.command = given if isinstance(given, str) else self.name
        if self.archive_path is not None:
            with self._reference.archive() as archive:
                self.name = report_facts.name_in(archive, self.name)
                self.tflite = report_facts.tflite_in(archive, self.name)

    def default_output(self) -> str:
        """Return the path of the report: beside the archive or the ``.tflite``, otherwise in the current folder."""
        folder = os.path.dirname(os.path.abspath(self.path))
        return os.path.join(folder if os.access(folder, os.W_OK) else "", f"{self.name}.report.html")

    def facts(self, targets: Sequence[str], members: Mapping[str, bytes | str] | None = None) -> ModelFacts:
        """Return what the report shows."""
        if self.archive_path is None:
            stored = (members or {}).get(report_facts.PARITY)
            parity = json.loads(stored)["results"] if isinstance(stored, bytes) else None
            device = report_facts.device_facts(self.tflite, targets)
            found = (parity or {}).get("quantization")
            return ModelFacts(self.name, self.command, parity=parity, quantization=found, **device, has_archive=False)
        with self._reference.archive() as archive:
            changed = report_facts.Changed(archive, members or {})
            return report_facts.read_facts(changed, self.name, self.command, self.tflite, targets)

    def missing_parity(self) -> dict[str, bytes | str]:
        """Compare the engines on random samples, if the archive does not have the comparison of its ``.tflite``."""
        tflite = self.tflite
        if tflite is None:
            return {}
        if self.archive_path is not None:
            with self._reference.archive() as archive:
                if report_facts.PARITY in archive.names and self.facts(()).parity is not None:
                    return {}
        try:
            results = check_parity(self._reference.given, n_samples=affordable_samples(tflite))
        except MltkError as e:
            logger.warning("The engines were not compared: %s", e)
            return {}
        return {report_facts.PARITY: report_facts.parity_member(results, tflite)}


def _written(output: str | os.PathLike[str], page: str) -> str:
    path = os.path.abspath(os.path.expanduser(os.fspath(output)))
    write_file(path, page)
    return path


def _update(path: str, members: dict[str, bytes | str]) -> None:
    try:
        update_archive(path, members)
    except MltkError as e:
        logger.warning("The report is not in the archive: %s", e)
