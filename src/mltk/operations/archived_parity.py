"""The comparison of the engines in a model's archive, for its report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError
from mltk.micro.profile.profiler import profile_tflite
from mltk.operations.parity import compare_on_samples
from mltk.operations.shared import report_facts

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_PARITY_MACS = 50_000_000
"""MACs of all samples of a parity check together, about; at least `_FEWEST_SAMPLES` samples are compared."""
_FEWEST_SAMPLES = 4
logger = logging.getLogger("mltk")


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
    return max(_FEWEST_SAMPLES, min(report_facts.PARITY_SAMPLES, _PARITY_MACS // macs))
