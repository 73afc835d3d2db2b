"""Give any Keras model named inputs of fixed shapes, which the converter needs."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from mltk.errors import SettingError, SpecificationError


def has_inputs(keras_model: Any) -> bool:
    """Whether ``keras_model`` knows its inputs: a functional or a built sequential model does, a subclass does not."""
    try:
        return bool(keras_model.inputs)
    except (AttributeError, ValueError):
        return False


def input_shapes(keras_model: Any, example: Any = None) -> Any:
    """Return the shapes of the inputs without the batch dimension, as `InputShape`, in the structure of the inputs.

    Args:
        keras_model: Any Keras model.
        example: Arrays of one or more samples, in the structure that the model is called with.

    Returns:
        One `InputShape`, or a list or a dict of them; None if it is not known.
    """
    if has_inputs(keras_model):
        structure = getattr(keras_model, "_inputs_struct", None)
        if structure is None:
            structure = keras_model.inputs[0] if len(keras_model.inputs) == 1 else list(keras_model.inputs)
        return keras.tree.map_structure(lambda t: InputShape(tuple(t.shape[1:]), str(t.dtype), t.name), structure)
    if example is not None:
        return keras.tree.map_structure(
            lambda a: InputShape(tuple(np.shape(a)[1:]), _dtype_of(a), None), _plain(example)
        )
    config = keras_model.get_build_config() or {}
    shapes = config.get("input_shape")
    if shapes is None and len(config.get("shapes_dict", {})) == 1:
        shapes = next(iter(config["shapes_dict"].values()))
    return None if shapes is None else _from_build_config(shapes)


class InputShape:
    """Shape ``dims`` (without the batch), ``dtype`` and ``name`` of one input."""

    def __init__(self, dims: tuple[int | None, ...], dtype: str, name: str | None) -> None:
        self.dims, self.dtype, self.name = dims, dtype, name


def _plain(example: Any) -> Any:
    """The example with lists for tuples: Keras maps over both, and models are built with lists."""
    if isinstance(example, dict):
        return {k: _plain(v) for k, v in example.items()}
    return [_plain(v) for v in example] if isinstance(example, (list, tuple)) else example


def _dtype_of(array: Any) -> str:
    name = getattr(array.dtype, "name", None) or str(array.dtype)
    return "float32" if name in ("float64", "float16", "bfloat16") else name


def _from_build_config(shapes: Any) -> Any:
    if isinstance(shapes, dict):
        return {k: _from_build_config(v) for k, v in shapes.items()}
    if all(n is None or isinstance(n, int) for n in shapes):
        return InputShape(tuple(shapes[1:]), "float32", None)
    return [_from_build_config(s) for s in shapes]


def with_batch_of_one(keras_model: Any, example: Any = None) -> Any:
    """Return ``keras_model`` as a functional model with the batch dimension 1 and a flat list of inputs.

    Args:
        keras_model: Any Keras model.
        example: As for `input_shapes`.

    Raises:
        SettingError: A dimension of an input is open.
        SpecificationError: The shapes of the inputs are not known, or the model cannot be called with them.
    """
    shapes = input_shapes(keras_model, example)
    check_fixed(keras_model, shapes)
    if has_inputs(keras_model) and all(t.shape[0] == 1 for t in keras_model.inputs):
        return keras_model
    fixed = _make_inputs(shapes, None)
    flat = keras.tree.flatten(fixed)  # the converter takes no dict of inputs
    outputs = keras_model(fixed)
    return keras.Model(flat if len(flat) > 1 else flat[0], outputs, name=keras_model.name)


def _make_inputs(shapes: Any, key: str | None) -> Any:
    """Return inputs in the structure of ``shapes``; one without a name is named after its key in a dict."""
    if isinstance(shapes, dict):
        return {k: _make_inputs(v, str(k)) for k, v in shapes.items()}
    if isinstance(shapes, (list, tuple)):
        return type(shapes)(_make_inputs(v, key) for v in shapes)
    return keras.Input(batch_shape=(1, *shapes.dims), dtype=shapes.dtype, name=shapes.name or key)


def check_fixed(keras_model: Any, shapes: Any, sample: Any = None) -> None:
    """Check that no dimension but the batch's is open.

    Args:
        keras_model: Any Keras model, for the message.
        shapes: What `input_shapes` returned.
        sample: Samples with a batch dimension, whose shape the hint names.

    Raises:
        SettingError: A dimension is open.
        SpecificationError: The shapes are not known.
    """
    if shapes is None:
        raise SpecificationError(
            f"The shapes of the inputs of {type(keras_model).__name__} are not known: it is a subclass of keras.Model.",
            hint="Set my_model.input_shape, or call the model once in build_model_function, with samples of zeros.",
        )
    flat = keras.tree.flatten(shapes)
    for i, shape in enumerate(flat):
        if None not in shape.dims:
            continue
        text = f"({', '.join('None' if n is None else str(n) for n in shape.dims)}{',' * (len(shape.dims) == 1)})"
        which = (
            f"Input {shape.name!r}" if shape.name and len(flat) > 1 else "The input" if len(flat) == 1 else f"Input {i}"
        )
        raise SettingError(
            f"{which} of the Keras model has the shape {text}: dimension {shape.dims.index(None)} is open. A .tflite "
            "for a microcontroller has fixed dimensions.",
            hint=_shape_hint(flat, i, sample),
        )


def _shape_hint(flat: list[InputShape], index: int, sample: Any) -> str:
    arrays = keras.tree.flatten(_plain(sample)) if sample is not None else []
    if len(arrays) == len(flat) and len(np.shape(arrays[index])) == len(flat[index].dims) + 1:
        dims = tuple(int(n) for n in np.shape(arrays[index])[1:])
        what = f"my_model.input_shape = {dims}" if len(flat) == 1 else f"keras.Input({dims})"
        return f"The samples have the shape {dims}. Set {what}."
    return "Use a number for each dimension, for instance my_model.input_shape = (40, 4)."
