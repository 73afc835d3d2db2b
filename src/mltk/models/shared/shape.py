"""Type of the argument ``input_shape`` of the architectures."""

from __future__ import annotations

Shape = tuple[int | None, ...]
"""Shape of one sample, without the batch dimension; ``my_model.input_shape`` is of this type."""
