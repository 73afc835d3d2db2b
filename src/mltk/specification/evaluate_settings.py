"""Settings for evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mltk.specification.settings import Spec, positive, setting


class EvaluateMixin(Spec):
    """Evaluation by your own function, or by the metrics of the compiled model."""

    eval_steps_per_epoch: int | None = setting(None, "Batches to evaluate with; None is all.", check=positive)
    eval_custom_function: Callable[..., Any] | None = setting(
        None,
        "Your own evaluation: `f(mltk_model, built_model, **kwargs) -> dict`, where `built_model` "
        "is the Keras model or a `TfliteModel`.",
    )


class EvaluateClassifierMixin(EvaluateMixin):
    """Evaluation of a classifier: accuracy, confusion matrix, ROC, precision and recall."""

    eval_shuffle: bool = setting(False, "Shuffle the samples before evaluation.")
    eval_augment: bool = setting(False, "Augment the samples in evaluation too.")
    eval_max_samples_per_class: int = setting(-1, "Largest number of samples of each class; -1 is all.")


class EvaluateAutoEncoderMixin(EvaluateClassifierMixin):
    """Evaluation of an autoencoder that separates normal from abnormal samples by the reconstruction error."""

    eval_classes: list[str] = setting(
        factory=lambda: ["normal", "abnormal"], doc="The normal class, then the abnormal classes."
    )
    scoring_function: str | Callable[..., Any] | None = setting(
        None, "Score of a sample from its original and its reconstruction: a function or a Keras loss's name."
    )

    def get_scoring_function(self) -> Callable[..., float]:
        """Return the function ``f(original, decoded) -> score`` of one sample; the default is the mean squared error.

        Raises:
            SettingError: ``scoring_function`` is not the name of a Keras loss.
        """
        from mltk.errors import SettingError

        function = self.scoring_function
        if callable(function):
            return function
        if function in (None, "mse", "mean_squared_error"):
            return lambda original, decoded: float(((original - decoded) ** 2).mean())
        if function in ("mae", "mean_absolute_error"):
            return lambda original, decoded: float(abs(original - decoded).mean())
        import keras

        try:
            loss = keras.losses.get(function)
        except ValueError:
            raise SettingError(f"scoring_function: {function!r} is not the name of a Keras loss.") from None
        if function is None or loss is None:
            raise SettingError(f"scoring_function: {function!r} is not the name of a Keras loss.")
        return lambda original, decoded: float(keras.ops.mean(loss(original[None], decoded[None])))
