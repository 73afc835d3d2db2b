"""Give the samples of a ``tf.data.Dataset`` the shapes that the Keras model expects.

A dataset whose samples come from a Python function (``tf.numpy_function``) does not know their shapes, and Keras 3
refuses a tensor without a shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mltk.data.nested import is_tf_dataset
from mltk.operations.shared.tensorflow_setup import import_tensorflow

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import KerasModel, TrainableModel


def give_shapes(model: TrainableModel, keras_model: KerasModel) -> None:
    """Set the unknown shapes of the loaded samples of a model with one input.

    Args:
        model: The specification, with a loaded dataset.
        keras_model: The Keras model that gets the samples.
    """
    inputs = getattr(keras_model, "inputs", None) or []
    if len(inputs) == 1:
        shape = (None, *inputs[0].shape[1:])
    elif not inputs and model.is_set("input_shape"):  # a subclass of Model does not know its inputs yet
        shape = (None, *model.input_shape)
    else:
        return
    for name in ("x", "validation_data"):
        dataset = getattr(model, name, None)
        if is_tf_dataset(dataset) and _is_unknown(dataset):
            setattr(model, name, _with_shape(dataset, shape))


def _is_unknown(dataset: Any) -> bool:
    spec = dataset.element_spec
    shape = getattr(spec[0] if isinstance(spec, tuple) else spec, "shape", None)
    return shape is not None and shape.rank is None


def _with_shape(dataset: Any, shape: tuple[int | None, ...]) -> Any:
    tf = import_tensorflow()

    def set_shape(x: Any, *others: Any) -> Any:
        x = tf.ensure_shape(x, shape)
        return (x, *others) if others else x

    return dataset.map(set_shape)
