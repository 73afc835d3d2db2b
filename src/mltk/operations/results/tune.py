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
        after: Figures of the chosen settings, on the same audio.
        hours: Hours of audio.
        n_keywords: Keywords that were said.
        tolerance_s: Seconds after its end in which a keyword may be detected.
        n_tried: Combinations that were tried, each with 255 thresholds.
        curve: Errors at all thresholds with the chosen settings, as in `StreamEvaluationResults`.
        path: The file that was changed; None if nothing was written.
        notes: What the reader should know.
    """

    name: str
    max_false_accepts_per_hour: float
    parameters: dict[str, int]
    before: dict[str, Any]
    after: dict[str, Any]
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
            f"Audio: {self.hours:.3g} h, {self.n_keywords} keywords. {self.n_tried} combinations were tried, each "
            "with 255 thresholds.",
            "",
            f"{'':28}  {'before':>10}  {'after':>10}",
            *(f"{n:28}  {self.before['settings'].get(n, '-')!s:>10}  {v:>10}" for n, v in self.parameters.items()),
        ]
        for label, key, write in (
            ("false accepts an hour", "false_accepts_per_hour", rate_text),
            ("false rejects", "false_reject_rate", "{:.1%}".format),
            ("median latency, ms", "median_latency_ms", "{:.0f}".format),
        ):
            values = (write(f[key]) if np.isfinite(f[key]) else "-" for f in (self.before, self.after))
            lines.append(f"{label:28}  " + "  ".join(f"{value:>10}" for value in values))
        low, high = self.after["false_accepts_per_hour_interval"]
        lines += [
            "",
            f"With 95 % confidence, the true rate of these settings on such audio is {rate_text(low, 2)} to "
            f"{rate_text(high, 2)} false accepts an hour. The settings were chosen on this audio: evaluate them on "
            "other recordings.",
            "In the specification, so that the next training keeps them:",
            *(f'my_model.model_parameters["{name}"] = {value}' for name, value in self.parameters.items()),
        ]
        return wrap_lines("\n".join(lines), width)

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
