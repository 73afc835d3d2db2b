"""The figures that ``keras.Model.evaluate`` returns, for predictions that already exist.

Keras computes its loss and metrics only together with its own predictions. The outputs of a ``.tflite`` need the same
figures. So a Keras model without weights stands in: its inputs are the predictions, and its outputs are the same
values. It is compiled as the trained model was. Whatever ``compile`` allows gives the figures that Keras gives.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.operations.shared.explain import explained

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel


def keras_figures(
    model: MltkModel, keras_model: Any, predictions: list[npt.NDArray[Any]], y: Any, weight: Any, batch_size: int
) -> dict[str, float]:
    """Return loss and metrics of ``predictions`` as the trained model's ``evaluate`` computes them.

    Args:
        model: The specification, whose ``loss`` and ``metrics`` count if the trained model was not compiled.
        keras_model: The trained Keras model, which says how it was compiled and names its outputs.
        predictions: Arrays ``[samples, …]``, one for each output, in the order of the Keras model's outputs.
        y: Labels, a nested array: as ``fit`` takes them.
        weight: Sample weights, or None.
        batch_size: Samples of a batch. Some metrics average over batches.

    Returns:
        Values by the names that Keras gives them, ``loss`` among them. The loss has no weight penalties (regularizers),
        which a ``.tflite`` does not have.

    Raises:
        SpecificationError: Keras cannot compute a figure, for example because labels and outputs have different shapes.
    """
    from mltk.training.batch_stream import in_order

    keras = importlib.import_module("keras")
    names = output_names(keras_model, len(predictions))
    shown = [np.asarray(p) for p in predictions]
    inputs = [keras.Input(p.shape[1:], name=f"predicted_{i}", dtype=p.dtype.name) for i, p in enumerate(shown)]
    outputs = [keras.layers.Identity(name=name, dtype=t.dtype)(t) for name, t in zip(names, inputs, strict=True)]
    stand_in = keras.Model(inputs if len(inputs) > 1 else inputs[0], outputs if len(outputs) > 1 else outputs[0])
    _compile_alike(stand_in, model, keras_model, keras)
    with explained(f"{model.name}: computing the metrics failed"):
        parts = (tuple(shown) if len(shown) > 1 else shown[0], y)
        samples = in_order(parts if weight is None else (*parts, weight), batch_size)
        figures = stand_in.evaluate(samples, verbose=0, return_dict=True)
    return {name: float(value) for name, value in figures.items()}


def weight_penalty(keras_model: Any) -> float:
    """Return the sum of the model's regularization losses, which Keras adds to the loss of its own predictions."""
    return sum(float(loss) for loss in getattr(keras_model, "losses", None) or ())


def output_names(keras_model: Any, n: int) -> list[str]:
    """Return the names of the model's ``n`` outputs. A model that does not name its outputs has ``output_0``, …"""
    names = getattr(keras_model, "output_names", None) or []
    return [str(name) for name in names] if len(names) == n else [f"output_{i}" for i in range(n)]


def _compile_alike(stand_in: Any, model: MltkModel, keras_model: Any, keras: Any) -> None:
    settings = keras_model.get_compile_config() if getattr(keras_model, "compiled", False) else None
    with explained(f"{model.name}: the loss or a metric can't be used for the evaluation"):
        if settings:
            settings = {k: settings.get(k) for k in ("loss", "loss_weights", "metrics", "weighted_metrics")}
            with keras.saving.custom_object_scope(model.keras_custom_objects or {}):
                settings = keras.saving.deserialize_keras_object(settings)
            stand_in.compile(optimizer="sgd", **settings)
        else:
            stand_in.compile(
                optimizer="sgd", loss=getattr(model, "loss", None), metrics=getattr(model, "metrics", None)
            )
