"""Shorten the wait before the first training step.

TensorFlow traces the training step before it runs it, which takes half a minute for a network of a hundred layers. If
the trace creates variables, TensorFlow traces the step a second time. So the variables of the optimizer and of the
metrics are created before.
"""

from __future__ import annotations

import contextlib
import logging
from typing import Any

import keras
import tensorflow as tf

logger = logging.getLogger("mltk")

_SLOW_LAYERS = 60
"""From this number of layers on, the log explains the wait."""
_BATCH = 2


def create_variables(keras_model: Any, data: Any) -> None:
    """Create the variables of the optimizer and of the metrics, so that TensorFlow traces the training step once.

    A model with a training step of its own is left alone. What cannot be created here is created in the first step.

    Args:
        keras_model: A built and compiled ``keras.Model``.
        data: What the model will train with. The metrics need the shape of the labels, so their variables are created
            for a ``tf.data.Dataset`` only.
    """
    if not keras_model.built or not _trains_as_keras(keras_model):
        return
    if len(list(keras_model._flatten_layers())) >= _SLOW_LAYERS:
        logger.info("Preparing the first step: TensorFlow needs some time for a network with so many layers.")
    if keras_model.optimizer is not None and not keras_model.optimizer.built:
        keras_model.optimizer.build(keras_model.trainable_variables)
    spec = getattr(data, "element_spec", None)
    if isinstance(spec, tuple) and len(spec) > 1:
        with contextlib.suppress(Exception):  # only a shortcut: fit() reports what is wrong with the labels
            _create_metric_variables(keras_model, spec)


def _create_metric_variables(keras_model: Any, spec: tuple[Any, ...]) -> None:
    def example(tensor: Any) -> Any:
        shape = [_BATCH, *tensor.shape[1:]]
        return tf.cast(tf.fill(shape, 0.5 if tf.as_dtype(tensor.dtype).is_floating else 0), tensor.dtype)

    x, y, *weight = keras.tree.map_structure(example, spec)
    outputs = keras.tree.map_structure(example, keras_model.output)
    keras_model.compute_loss(x, y, outputs, weight[0] if weight else None)
    keras_model.compute_metrics(x, y, outputs, weight[0] if weight else None)
    keras_model.reset_metrics()


def _trains_as_keras(keras_model: Any) -> bool:
    own = type(keras_model)
    names = ("train_step", "compute_metrics", "compute_loss", "make_train_function")
    return all(getattr(own, name) is getattr(keras.Model, name) for name in names)
