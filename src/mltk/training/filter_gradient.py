"""Compute a gradient of convolutions without the kernel of oneDNN that damages the memory of the process.

On a processor, TensorFlow computes the gradient of a filter with oneDNN. For a 1×1 convolution with a stride and fewer
than 16 input channels, oneDNN writes past its buffer: the process crashes some time later, or computes wrong numbers
(issue 6035 of uxlfoundation/oneDNN; found with TensorFlow 2.21). Such a convolution ignores most of its input. The same
gradient follows from the part that it reads, with a stride of 1, and for this oneDNN has another kernel.

TensorFlow looks up a gradient by the name of the operation. So the functions here replace its own for every layer, own
layer and function. They call TensorFlow's own function for every other convolution.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable
from typing import Any

import tensorflow as tf

logger = logging.getLogger("mltk")

_BLOCK = 16
"""Input channels that oneDNN computes together with AVX-512; with AVX2, 8. With fewer, it writes past the buffer."""

_Gradient = Callable[..., Any]
_told = False


def use_safe_filter_gradients() -> None:
    """Compute the gradients of all convolutions safely from now on, in this process.

    The log says so once after each call, when TensorFlow asks for such a gradient. Nothing is changed where TensorFlow
    does not use oneDNN: on a GPU, and with ``TF_ENABLE_ONEDNN_OPTS=0``.
    """
    global _told
    _told = False
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "0" or tf.config.list_physical_devices("GPU"):
        return
    _replace("Conv2D", _gradient_of_convolution)
    _replace("Conv2DBackpropInput", _gradient_of_transposed_convolution)


def _replace(operation: str, safe: Callable[[Any, Any], list[Any]]) -> None:
    """Let TensorFlow compute the gradient of ``operation`` with ``safe`` where its own would damage memory."""
    # There is no public way: tf.RegisterGradient refuses a second function for the same operation.
    # If a later version of TensorFlow has another registry, the tests fail, but no training does.
    registry = getattr(importlib.import_module("tensorflow.python.framework.ops"), "gradient_registry", None)
    entries: dict[str, Any] = getattr(registry, "_registry", {})
    if operation not in entries or getattr(entries[operation]["type"], "is_safe", False):
        return
    original: _Gradient = entries[operation]["type"]

    def gradient(op: Any, grad: Any) -> Any:
        if not _damages_memory(op):
            return original(op, grad)
        _tell()
        return safe(op, grad)

    gradient.is_safe = True  # type: ignore[attr-defined]  # a mark on the function, for the next call
    entries[operation] = {**entries[operation], "type": gradient}


def _damages_memory(op: Any) -> bool:
    """Whether this is a 1×1 convolution with a stride and few input channels. Both operations have the same inputs."""
    height, width, channels = op.inputs[1].shape[:3]
    return height == width == 1 and max(op.get_attr("strides")) > 1 and channels is not None and channels < _BLOCK


def _tell() -> None:
    global _told
    if not _told:
        _told = True
        logger.info("A 1x1 convolution with strides is trained without a oneDNN kernel that crashes.")


def _gradient_of_convolution(op: Any, grad: Any) -> list[Any]:
    image, weights = op.inputs
    by_image = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=tf.shape(image), filter=weights, out_backprop=grad, **_attributes(op)
    )
    return [by_image, _by_filter(op, image, grad)]


def _gradient_of_transposed_convolution(op: Any, grad: Any) -> list[Any]:
    _, weights, image = op.inputs
    by_image = tf.raw_ops.Conv2D(input=grad, filter=weights, **_attributes(op))
    return [None, _by_filter(op, grad, image), by_image]


def _attributes(op: Any) -> dict[str, Any]:
    attributes = {name: op.get_attr(name) for name in ("strides", "explicit_paddings", "dilations")}
    texts = {name: tf.compat.as_str(op.get_attr(name)) for name in ("padding", "data_format")}
    return {**attributes, **texts}


def _by_filter(op: Any, large: Any, small: Any) -> Any:
    """Return the gradient by the filter.

    Args:
        op: The operation.
        large: The tensor before the stride, ``[batch, height, width, channels]``, or with the channels second.
        small: The tensor after the stride.
    """
    attributes = _attributes(op)
    if attributes["padding"] == "EXPLICIT":
        large = tf.pad(large, tf.reshape(attributes["explicit_paddings"], [4, 2]))
    read = tf.strided_slice(large, [0] * 4, tf.shape(large), attributes["strides"])
    return tf.raw_ops.Conv2DBackpropFilter(
        input=read,
        filter_sizes=tf.shape(op.inputs[1]),
        out_backprop=small,
        strides=[1] * 4,
        padding="VALID",
        data_format=attributes["data_format"],
    )
