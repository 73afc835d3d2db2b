"""Results of choosing the settings of a detector."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.files import write_reports
from mltk.operations.results.plain_data import plain_dict, wrap_lines
from mltk.operations.results.stream import rate_text


@dataclass
class TuneResults:
    """What `tune_model` chose.

    Attributes:
        name: The model's name.
        max_false_accepts_per_hour: The wanted rate.
        parameters: The chosen model parameters.
        before: Figures of the model's settings: false accepts an hour, false rejects, latency.
        after: Figures of the chosen settings, on the same audio. They are too good, because this audio chose them.
        expected: What to expect on other audio of this kind, with 95 % intervals. The audio that did not choose
            averaging window and suppression shows it: ``hours``, ``n_keywords``, ``false_accepts``.
        hours: Hours of audio.
        n_keywords: Keywords that were said.
        tolerance_s: Seconds after its end in which a keyword may be detected.
        n_tried: Combinations of averaging window and suppression that were tried.
        curve: Errors at all thresholds with the chosen settings, as in `StreamEvaluationResults`.
        path: The file that was changed; None if nothing was written.
        notes: What the reader should know.
    """

    name: str
    max_false_accepts_per_hour: float
    parameters: dict[str, int]
    before: dict[str, Any]
    after: dict[str, Any]
    expected: dict[str, Any]
    hours: float
    n_keywords: int
    tolerance_s: float
    n_tried: int
    curve: dict[str, Any]
    path: str | None = None
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return plain_dict(vars(self))

    def to_json(self, indent: int = 2) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int = 120) -> str:
        """Return what was chosen, and what it changes; long lines are wrapped."""
        lines = [
            f"{self.name}: at most {self.max_false_accepts_per_hour:g} false accepts an hour",
            *(f"Note: {note}" for note in self.notes),
            f"Audio: {self.hours:.3g} h, {self.n_keywords} keywords. A part of it chose among {self.n_tried} "
            "combinations of averaging window and suppression, the rest chose among 255 thresholds.",
            "",
            f"{'':28}  {'before':>10}  {'after':>10}",
            *(f"{n:28}  {self.before['settings'].get(n, '-')!s:>10}  {v:>10}" for n, v in self.parameters.items()),
        ]
        for label, key, write in (
            ("false accepts an hour, here", "false_accepts_per_hour", rate_text),
            ("false rejects, here", "false_reject_rate", "{:.1%}".format),
            ("median latency, ms", "median_latency_ms", "{:.0f}".format),
        ):
            values = (write(f[key]) if np.isfinite(f[key]) else "-" for f in (self.before, self.after))
            lines.append(f"{label:28}  " + "  ".join(f"{value:>10}" for value in values))
        lines += [
            "",
            *self._expectation(),
            "In the specification, so that the next training keeps them:",
            *(f'my_model.model_parameters["{name}"] = {value}' for name, value in self.parameters.items()),
        ]
        return wrap_lines("\n".join(lines), width)

    def _expectation(self) -> list[str]:
        e = self.expected
        low, high = e["false_accepts_per_hour_interval"]
        few, many = e["false_reject_rate_interval"]
        return [
            "Expected on other audio of this kind, with the range that has 95 % confidence:",
            f"    {rate_text(e['false_accepts_per_hour'], 2)} false accepts an hour "
            f"({rate_text(low, 2)} to {rate_text(high, 2)})",
            f"    {e['false_reject_rate']:.1%} false rejects ({few:.1%} to {many:.1%})",
            f"{e['hours']:.3g} h that did not choose the averaging window show it: {e['false_accepts']} false accepts, "
            f"{e['n_keywords']} keywords. One time in {1 / (1 - e['confidence']):.0f}, the true rate is above the "
            "wanted rate. Both count errors as independent. A sound that is wrong again and again makes the range "
            "wider: evaluate the model on other recordings.",
        ]

    def __str__(self) -> str:
        return self.to_text()

    def save(self, output: str) -> list[str]:
        """Write the results.

        Args:
            output: A ``.json`` or ``.txt`` file, or a folder for both files.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
        return write_reports(output, {"tune.json": self.to_json() + "\n", "tune.txt": self.to_text() + "\n"})
