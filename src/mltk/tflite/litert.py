"""One ``.tflite`` in LiteRT, one sample at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mltk.errors import RuntimeFailure, UnsupportedModelError

if TYPE_CHECKING:
    from mltk.tflite.graph import Graph


class LiteRtInterpreter:
    """A model that is loaded into LiteRT. Calling it computes one sample.

    Args:
        graph: The model.
        reference: Use LiteRT's reference kernels instead of its default path (XNNPACK and optimized kernels).
        preserve_all_tensors: Keep every tensor for `tensor`.

    Raises:
        UnsupportedModelError: LiteRT refuses the model.
    """

    def __init__(self, graph: Graph, *, reference: bool = True, preserve_all_tensors: bool = False) -> None:
        self._graph = graph
        self._reference, self._preserve = reference, preserve_all_tensors
        self._start()

    def _start(self) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        try:
            self._interpreter = Interpreter(
                model_content=self._graph.data,
                experimental_op_resolver_type=OpResolverType.BUILTIN_REF if self._reference else OpResolverType.BUILTIN,
                num_threads=1,
                experimental_preserve_all_tensors=self._preserve,
            )
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError, TypeError) as e:
            raise UnsupportedModelError(f"LiteRT refuses this model: {e}") from e
        self._inputs = self._interpreter.get_input_details()
        self._outputs = self._interpreter.get_output_details()
        self._is_fresh = True

    def __call__(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Compute one sample.

        Args:
            inputs: One array for each input in the model's order, in the input's dtype. The batch dimension of 1 may
                be left out.

        Returns:
            One array for each output in the model's order, with its batch dimension.

        Raises:
            RuntimeFailure: LiteRT fails.
        """
        self._is_fresh = False
        try:
            for details, value in zip(self._inputs, inputs, strict=True):
                self._interpreter.set_tensor(details["index"], np.ascontiguousarray(value).reshape(details["shape"]))
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(details["index"]) for details in self._outputs]
        except (RuntimeError, ValueError, TypeError) as e:
            raise RuntimeFailure(f"LiteRT failed while running the model: {e}") from e

    def reset(self) -> None:
        """Forget the state that samples left behind."""
        if self._is_fresh:
            return
        if self._graph.has_resource_variables:  # they outlive reset_all_variables()
            self._start()
        elif self._graph.is_stateful:
            self._interpreter.reset_all_variables()
            self._is_fresh = True

    def tensor(self, index: int, subgraph: int = 0) -> np.ndarray:
        """Return a copy of a tensor after a sample. Needs ``preserve_all_tensors``."""
        return np.array(self._interpreter.get_tensor(index, subgraph))
