"""Losses for siamese networks and autoencoders that Keras does not have.

A specification sets ``my_model.loss = mltk.training.losses.ContrastiveLoss(margin=2)``. The losses are registered with
Keras, so they need no entry in ``keras_custom_objects``.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

_SSIM_WINDOW = 11
_SSIM_SPAN = 2.0


def _reduction(name: str | None) -> str | None:
    """The reduction in Keras 3. ``"auto"``, the name in older Keras, is the mean over the batch."""
    return "sum_over_batch_size" if name == "auto" else name


@keras.saving.register_keras_serializable("mltk")
class ContrastiveLoss(keras.losses.Loss):
    """Pulls the samples of a similar pair together, and pushes the samples of a dissimilar pair apart.

    Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006, equation 4,
    without its factor ½: ``(1 - y) d² + y max(0, margin - d)²`` of a pair at distance ``d``.

    It is called with ``(y_true, y_pred)``: ``y_true`` is 0 for a similar pair and 1 for a dissimilar pair, ``y_pred``
    is the distance. Each has the shape ``[batch]`` or ``[batch, 1]``.

    Args:
        margin: Distance from which on a dissimilar pair adds nothing to the loss.
        reduction: Reduction of ``keras.losses.Loss``.
        name: Name of the loss.
    """

    def __init__(self, margin: float = 1, reduction: str = "auto", name: str = "contrastive_loss") -> None:
        super().__init__(name=name, reduction=_reduction(reduction))
        self.margin = margin

    def call(self, y_true: Any, y_pred: Any) -> Any:
        distance = ops.convert_to_tensor(y_pred)
        # Without this, [batch] and [batch, 1] would broadcast to every label with every distance.
        unlike = ops.reshape(ops.cast(y_true, distance.dtype), ops.shape(distance))
        pushed = ops.maximum(self.margin - distance, 0)
        cost = (1 - unlike) * ops.square(distance) + unlike * ops.square(pushed)
        return cost if len(cost.shape) < 2 else ops.mean(cost, axis=tuple(range(1, len(cost.shape))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable("mltk")
class Correlation(keras.losses.Loss):
    """The negative Pearson correlation of each sample with its reconstruction: -1 is best, 0 is unrelated.

    The scale and the offset of the reconstruction do not matter. A sample of any shape counts as one vector.

    Args:
        reduction: Reduction of ``keras.losses.Loss``.
        name: Name of the loss.
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "corr") -> None:
        super().__init__(name=name, reduction=_reduction(reduction))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        one, other = _centered(ops.cast(y_true, y_pred.dtype)), _centered(y_pred)
        scale = ops.sqrt(ops.sum(ops.square(one), axis=1) * ops.sum(ops.square(other), axis=1))
        return -ops.sum(one * other, axis=1) / ops.maximum(scale, keras.config.epsilon())


def _centered(x: Any) -> Any:
    """Reshape ``[batch, …]`` to ``[batch, n]`` and subtract the mean of each sample."""
    x = ops.reshape(x, (ops.shape(x)[0], -1))
    return x - ops.mean(x, axis=1, keepdims=True)


@keras.saving.register_keras_serializable("mltk")
class StructuralSimilarity(keras.losses.Loss):
    """The negative structural similarity of each image with its reconstruction: -1 is best.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity",
    IEEE Transactions on Image Processing 13(4), 2004, in the implementation of TensorFlow. The values of a pixel have
    a range of 2, for instance -1 to 1. The window is 11 × 11, or smaller for smaller images.

    It is called with images of shape ``[batch, height, width, channels]``.

    Args:
        reduction: Reduction of ``keras.losses.Loss``.
        name: Name of the loss.
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "ssim") -> None:
        super().__init__(name=name, reduction=_reduction(reduction))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        return -_ssim(y_true, y_pred)


def _ssim(y_true: Any, y_pred: Any) -> Any:
    y_pred = tf.convert_to_tensor(y_pred)
    y_true = tf.cast(y_true, y_pred.dtype)
    height, width = y_pred.shape[-3], y_pred.shape[-2]
    window = min(_SSIM_WINDOW, height or _SSIM_WINDOW, width or _SSIM_WINDOW)
    return tf.image.ssim(y_true, y_pred, max_val=_SSIM_SPAN, filter_size=window)


@keras.saving.register_keras_serializable("mltk")
def mae_loss_func(y_true: Any, y_pred: Any) -> Any:
    """Mean absolute error over the last axis. The result has the shape of the input without its last dimension."""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.mean(ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred), axis=-1)


@keras.saving.register_keras_serializable("mltk")
def mse_loss_func(y_true: Any, y_pred: Any) -> Any:
    """Mean squared error over all values: a scalar."""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.mean(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred))


@keras.saving.register_keras_serializable("mltk")
def ssim_loss_func(y_true: Any, y_pred: Any) -> Any:
    """The negative mean structural similarity of a batch of images: a scalar. See :class:`StructuralSimilarity`."""
    return -tf.reduce_mean(_ssim(y_true, y_pred))
