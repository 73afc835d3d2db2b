"""Attributes that layers, models and metrics have in Keras 2, and not in Keras 3.

Keras 3 replaces ``layer.output_shape`` by ``layer.output.shape``, which fails if the layer was called twice.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import keras

Shape = tuple[int | None, ...]


class _Attribute:
    """A computed attribute. An attribute that an object sets itself has priority, unlike with ``property``."""

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self._compute = compute

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else self._compute(instance)


def _tensors(layer: Any, node: Any, which: str) -> list[Any]:
    """Return the tensors of one call. For a layer of inputs, its inputs are its outputs."""
    return list(node.output_tensors if isinstance(layer, keras.layers.InputLayer) else getattr(node, which))


def _at(layer: Any, index: int, which: str) -> list[Any]:
    nodes = layer._inbound_nodes
    if not nodes:
        raise AttributeError(f"The layer {layer.name!r} was not called yet, so its shape is not known.")
    if not -len(nodes) <= index < len(nodes):
        raise ValueError(f"The layer {layer.name!r} was called {len(nodes)} times; there is no call {index}.")
    return _tensors(layer, nodes[index], which)


def _one_or_all(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def _shapes(layer: Any, which: str) -> Any:
    """Return the shape of the one input or output, or a list of shapes.

    Raises:
        AttributeError: The layer was not called yet, or with different shapes.
    """
    _at(layer, 0, which)
    calls = [[tuple(t.shape) for t in _tensors(layer, node, which)] for node in layer._inbound_nodes]
    if any(shapes != calls[0] for shapes in calls):
        raise AttributeError(
            f"The layer {layer.name!r} was called with different shapes. Use get_output_shape_at(index)."
        )
    return calls[0] if isinstance(layer, keras.layers.InputLayer) else _one_or_all(calls[0])


def _get_at(which: str, *, shape: bool) -> Callable[[Any, int], Any]:
    def get(layer: Any, node_index: int) -> Any:
        tensors = _at(layer, node_index, which)
        return _one_or_all([tuple(t.shape) for t in tensors] if shape else tensors)

    return get


def _input_names(model: Any) -> list[str]:
    inputs = getattr(model, "inputs", None)
    if inputs is None:
        raise AttributeError(f"The model {model.name!r} is not built yet, so the names of its inputs are not known.")
    return [tensor._keras_history.operation.name for tensor in inputs]


_OF_LAYERS: dict[str, Any] = {
    "input_shape": _Attribute(lambda layer: _shapes(layer, "input_tensors")),
    "output_shape": _Attribute(lambda layer: _shapes(layer, "output_tensors")),
    "inbound_nodes": _Attribute(lambda layer: layer._inbound_nodes),
    "outbound_nodes": _Attribute(lambda layer: layer._outbound_nodes),
    "get_input_at": _get_at("input_tensors", shape=False),
    "get_output_at": _get_at("output_tensors", shape=False),
    "get_input_shape_at": _get_at("input_tensors", shape=True),
    "get_output_shape_at": _get_at("output_tensors", shape=True),
}
# Upper-case names of losses in Keras 3, which Keras 2 has with their whole name too.
_LOSSES = {
    "kl_divergence": "KLD",
    "log_cosh": "logcosh",
    "mean_absolute_error": "MAE",
    "mean_absolute_percentage_error": "MAPE",
    "mean_squared_error": "MSE",
    "mean_squared_logarithmic_error": "MSLE",
}


def add_keras2_attributes() -> None:
    """Add the attributes to the classes and modules of Keras, where they are missing, until the process ends."""
    _add(keras.layers.Layer, _OF_LAYERS)
    _add(keras.Model, {"input_names": _Attribute(_input_names)})
    _add(keras.metrics.Metric, {"reset_states": lambda metric: metric.reset_state()})
    for part in ("losses", "metrics"):
        module: Any = importlib.import_module(f"keras._tf_keras.keras.{part}")
        _add(module, {name: getattr(module, new) for name, new in _LOSSES.items()})
    # `tf.keras` is the first of these modules until somebody writes `import tensorflow.keras`, and then the second.
    for package in ("keras._tf_keras.keras", "tensorflow.keras"):
        _add(importlib.import_module(package), {"saving": keras.saving})


def _add(target: Any, attributes: dict[str, Any]) -> None:
    for name, value in attributes.items():
        if not hasattr(target, name):
            setattr(target, name, value)
