"""A summary of a model: a text, and the same facts as plain data."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mltk.errors import TfliteError
from mltk.files import write_reports
from mltk.operations.results.plain_data import plain_dict, wrap_lines

if TYPE_CHECKING:
    from mltk.tflite.layers.base import TfliteLayer
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.tensor import TfliteTensor


class ModelSummary(str):
    """The summary of a model. It is a str, as scripts of MLTK 0.20 expect.

    Args:
        text: The summary.
        facts: Returns data about the model; called by `to_dict`.
    """

    _facts: Callable[[], dict[str, Any]]

    def __new__(cls, text: str, facts: Callable[[], dict[str, Any]] = dict) -> ModelSummary:
        summary = super().__new__(cls, text)
        summary._facts = facts
        return summary

    def to_dict(self) -> dict[str, Any]:
        """Return data about the model, and the text as ``"summary"``."""
        return {**plain_dict(self._facts()), "summary": str(self)}

    def to_json(self, indent: int = 2) -> str:
        """Return `to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int | None = None) -> str:
        """Return the text; with ``width``, lines that are longer are wrapped."""
        return str(self) if width is None else wrap_lines(str(self), width)

    def save(self, output: str) -> list[str]:
        """Write the summary.

        Args:
            output: A ``.json`` or ``.txt`` file, or a folder for both files.

        Returns:
            The paths of the files.

        Raises:
            OutputError: A file cannot be written.
        """
        return write_reports(output, {"summary.json": self.to_json() + "\n", "summary.txt": f"{self}\n"})


def summarize_tflite(model: TfliteModel) -> ModelSummary:
    """Summarize a ``.tflite``."""
    return ModelSummary(model.summary(), functools.partial(_tflite_facts, model))


def _tflite_facts(model: TfliteModel) -> dict[str, Any]:
    from mltk.tflite.layers.uncounted import uncounted_layers
    from mltk.tflite.model_parameters import stored_parameters

    unknown = uncounted_layers(model)

    facts = {
        "name": model.name,
        "description": model.description,
        "size_bytes": model.flatbuffer_size,
        "inputs": _tensors(model.inputs),
        "outputs": _tensors(model.outputs),
        "is_incomplete": bool(unknown),
        "unknown_layers": [{"index": index, "reason": reason} for index, reason in unknown.items()],
        "layers": [_layer_facts(layer) for layer in model.layers],
    }
    try:
        return {**facts, "parameters": dict(stored_parameters(model))}
    except TfliteError:  # the text says that they are unreadable
        return facts


def _layer_facts(layer: TfliteLayer) -> dict[str, Any]:
    from mltk.tflite.layers.counts import count_layer

    counts = count_layer(layer)
    return {
        "index": layer.index,
        "operator": layer.opcode_str,
        "inputs": _tensors(layer.inputs),
        "outputs": _tensors(layer.outputs),
        "macs": counts.macs,
        "ops": counts.ops,
    }


def _tensors(tensors: Sequence[TfliteTensor | None]) -> list[dict[str, Any] | None]:
    return [None if t is None else {"name": t.name, "shape": list(t.shape), "dtype": t.dtype_str} for t in tensors]
