"""Losses for siamese networks and autoencoders, beyond those of Keras.

A specification names them as ``my_model.loss = mltk.training.losses.ContrastiveLoss(margin=2)``; being registered
with Keras, they need no entry in ``keras_custom_objects``.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf
from keras import ops

_SSIM_WINDOW = 11
_SSIM_SPAN = 2.0


def _reduction(name: str | None) -> str | None:
    """``"auto"``, as scripts for older Keras have it, is the mean over the batch."""
    return "sum_over_batch_size" if name == "auto" else name


@keras.saving.register_keras_serializable("mltk")
class ContrastiveLoss(keras.losses.Loss):
    """Pulls the two samples of an alike pair together and pushes those of an unlike pair at least ``margin`` apart.

    Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006, equation 4,
    without its factor ½: ``(1 - y) d² + y max(0, margin - d)²`` of a pair at distance ``d``.

    Called as ``(y_true, y_pred)``: ``y_true`` is 0 for an alike pair and 1 for an unlike one, ``y_pred`` the
    distance, both of shape ``[batch]`` or ``[batch, 1]``.

    Args:
        margin: distance beyond which an unlike pair costs nothing.
        reduction: as of ``keras.losses.Loss``.
    """

    def __init__(self, margin: float = 1, reduction: str = "auto", name: str = "contrastive_loss") -> None:
        super().__init__(name=name, reduction=_reduction(reduction))
        self.margin = margin

    def call(self, y_true: Any, y_pred: Any) -> Any:
        distance = ops.convert_to_tensor(y_pred)
        unlike = ops.cast(y_true, distance.dtype)
        pushed = ops.maximum(self.margin - distance, 0)
        cost = (1 - unlike) * ops.square(distance) + unlike * ops.square(pushed)
        return cost if len(cost.shape) < 2 else ops.mean(cost, axis=tuple(range(1, len(cost.shape))))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "margin": self.margin}


@keras.saving.register_keras_serializable("mltk")
class Correlation(keras.losses.Loss):
    """Minus Pearson's correlation of each sample with its reconstruction: -1 is best, 0 unrelated.

    Blind to the scale and offset of the reconstruction. A sample of any shape is taken as one vector.
    """

    def __init__(self, reduction: str = "sum_over_batch_size", name: str = "corr") -> None:
        super().__init__(name=name, reduction=_reduction(reduction))

    def call(self, y_true: Any, y_pred: Any) -> Any:
        y_pred = ops.convert_to_tensor(y_pred)
        one, other = _centred(ops.cast(y_true, y_pred.dtype)), _centred(y_pred)
        scale = ops.sqrt(ops.sum(ops.square(one), axis=1) * ops.sum(ops.square(other), axis=1))
        return -ops.sum(one * other, axis=1) / ops.maximum(scale, keras.config.epsilon())


def _centred(x: Any) -> Any:
    """``[batch, …]`` as ``[batch, n]``, the mean of each sample taken off."""
    x = ops.reshape(x, (ops.shape(x)[0], -1))
    return x - ops.mean(x, axis=1, keepdims=True)


@keras.saving.register_keras_serializable("mltk")
class StructuralSimilarity(keras.losses.Loss):
    """Minus the structural similarity of each image with its reconstruction: -1 is best.

    Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity",
    IEEE Transactions on Image Processing 13(4), 2004, as TensorFlow computes it, for values that span 2, such as -1
    to 1. The window is 11 × 11, or as large as a smaller image allows.

    Called with images of shape ``[batch, height, width, channels]``.
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
    """Mean absolute error over the last axis: shape ``[batch, …]`` becomes that without the last dimension."""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.mean(ops.abs(ops.cast(y_true, y_pred.dtype) - y_pred), axis=-1)


@keras.saving.register_keras_serializable("mltk")
def mse_loss_func(y_true: Any, y_pred: Any) -> Any:
    """Mean squared error over everything: a scalar."""
    y_pred = ops.convert_to_tensor(y_pred)
    return ops.mean(ops.square(ops.cast(y_true, y_pred.dtype) - y_pred))


@keras.saving.register_keras_serializable("mltk")
def ssim_loss_func(y_true: Any, y_pred: Any) -> Any:
    """Minus the mean structural similarity of a batch of images: a scalar; see :class:`StructuralSimilarity`."""
    return -tf.reduce_mean(_ssim(y_true, y_pred))
