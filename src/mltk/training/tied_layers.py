"""Layers for autoencoders whose decoder uses the weights of the encoder.

The decoder then has no weights of its own. This halves the size of the model on the device.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops


class _Tied(keras.layers.Layer):
    """Reverses another layer with the transposed weights of that layer.

    Args:
        layer: Layer to reverse. The model must call it before this layer.
        activation: Name of a Keras activation, or a function.
        kwargs: Further arguments of ``keras.layers.Layer``.
    """

    _argument = "layer"

    def __init__(self, layer: keras.layers.Layer, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tied_layer = layer
        self.activation = keras.activations.get(activation)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            self._argument: keras.saving.serialize_keras_object(self.tied_layer),
            "activation": keras.activations.serialize(self.activation),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        config = dict(config)
        config[cls._argument] = keras.saving.deserialize_keras_object(config[cls._argument])
        return cls(**config)

    def _kernel(self) -> Any:
        if not self.tied_layer.built:
            raise ValueError(f"{self.name}: layer {self.tied_layer.name!r} has no weights yet; call it first.")
        return self.tied_layer.kernel


@keras.saving.register_keras_serializable("mltk")
class DenseTranspose_tied(_Tied):
    """Reverses a ``Dense`` layer: from ``[…, units]`` to ``[…, inputs]``, with its transposed kernel and without bias.

    Args:
        dense: Layer to reverse. The model must call it before this layer.
        activation: Name of a Keras activation, or a function.
        kwargs: Further arguments of ``keras.layers.Layer``.
    """

    _argument = "dense"

    def __init__(self, dense: keras.layers.Dense, activation: Any = None, **kwargs: Any) -> None:
        super().__init__(dense, activation, **kwargs)

    def call(self, inputs: Any) -> Any:
        return self.activation(ops.matmul(inputs, ops.transpose(self._kernel())))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self._kernel().shape[0])


@keras.saving.register_keras_serializable("mltk")
class Conv2DTranspose_tied(_Tied):
    """Reverses a ``Conv2D`` layer: to the shape of the input of that layer, with its kernel and without bias.

    Args:
        layer: Layer to reverse. The model must call it before this layer, unless ``layer_input_shape`` is given.
        activation: Name of a Keras activation, or a function.
        layer_input_shape: Shape of the input of ``layer``, ``[batch, height, width, channels]``.
        kwargs: Further arguments of ``keras.layers.Layer``.

    Raises:
        ValueError: ``layer`` is not ``channels_last``, has several groups, or has no weights yet.
    """

    def __init__(
        self,
        layer: keras.layers.Conv2D,
        activation: Any = None,
        layer_input_shape: tuple[int | None, ...] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(layer, activation, **kwargs)
        if layer.data_format != "channels_last" or layer.groups != 1:
            raise ValueError(f"{self.name}: layer {layer.name!r} must be channels_last and have one group.")
        if layer_input_shape is None:
            if not layer.built:
                raise ValueError(f"{self.name}: layer {layer.name!r} has no weights yet; call it first.")
            layer_input_shape = layer.input.shape
        self.layer_input_shape = tuple(layer_input_shape)

    def call(self, inputs: Any) -> Any:
        layer = self.tied_layer
        batch = inputs.shape[0] if inputs.shape[0] is not None else tf.shape(inputs)[0]
        decoded = tf.nn.conv2d_transpose(
            inputs,
            tf.convert_to_tensor(self._kernel()),
            output_shape=[batch, *self.layer_input_shape[1:]],
            strides=layer.strides,
            padding=layer.padding.upper(),
            dilations=layer.dilation_rate,
        )
        return self.activation(decoded)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (input_shape[0], *self.layer_input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer_input_shape": list(self.layer_input_shape)}
