"""Results of a parity check: the engines side by side, and what quantization costs."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from mltk.errors import MissingDependencyError
from mltk.files import write_reports
from mltk.micro.parity import ParityReport
from mltk.micro.profile.counted import CountedFigures
from mltk.micro.profile.table import totals_text
from mltk.operations.results.quantization import QuantizationReport


@dataclass
class ParityResults:
    """What `check_parity` found.

    Attributes:
        name: The model's name.
        samples: Where the samples come from.
        float_source: What the float model is; empty without one.
        engines: The engines compared with each other and with the float model.
        quantization: Each layer compared with the float model; None without one.
        notes: What the reader should know, such as why a part is missing.
        counted: What the generated C code took on an emulated core; None if it was not run.
    """

    name: str
    samples: str
    float_source: str
    engines: ParityReport
    quantization: QuantizationReport | None = None
    notes: list[str] = field(default_factory=list)
    counted: CountedFigures | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "name": self.name,
            "samples": self.samples,
            "float_model": self.float_source,
            "engines": self.engines.to_dict(),
            "quantization": self.quantization.to_dict() if self.quantization else None,
            "notes": self.notes,
            **({"counted": self.counted.to_dict()} if self.counted is not None else {}),
        }

    def to_json(self, indent: int = 2) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int = 120) -> str:
        """Return both tables for a terminal; text is wrapped at ``width`` columns."""
        parts = [f"{self.name}, samples: {self.samples}", self.engines.to_text()]
        if self.float_source:
            parts.append(
                f"'float' is {self.float_source}. A value differs from it if it is more than half a step away."
            )
        if self.counted is not None:
            parts.append("\n".join([totals_text(self.counted.rows()), *self.counted.notes()]))
        if self.quantization is not None:
            parts.append(self.quantization.to_text(width))
        return "\n\n".join([*parts, *self.notes])

    def __str__(self) -> str:
        return self.to_text()

    def save(self, output: str) -> list[str]:
        """Write the results.

        Args:
            output: A ``.json`` or ``.txt`` file, or a folder for both files and a plot. Without matplotlib, there is
                no plot.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
        written = write_reports(output, {"parity.json": self.to_json() + "\n", "parity.txt": self.to_text() + "\n"})
        if self.quantization is not None and written != [output]:
            path = os.path.join(output, "quantization.png")
            try:
                self.quantization.plot(path)
            except MissingDependencyError:
                return written
            written.append(path)
        return written
