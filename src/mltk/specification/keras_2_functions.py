"""Functions of TensorFlow in models of Keras 2, such as ``x * 2.0`` or ``tf.nn.relu6(x)``, as layers of Keras 3.

Keras 2 stored each call as a layer ``TFOpLambda`` or ``SlicingOpLambda`` with the name of the function. Keras 3 has no
such layers. Only functions that compute are called: a file cannot name one that reads or writes files.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from mltk.errors import ArchiveError

CLASSES = ("TFOpLambda", "SlicingOpLambda")
"""Names of the layers in Keras 2."""
REGISTERED = "mltk>TensorFlowFunction"
_CONSTANT = "_CONSTANT_VALUE"
_MODULES = ("math", "nn", "linalg", "signal")
_FUNCTIONS = frozenset(
    [
        "abs",
        "add",
        "argmax",
        "argmin",
        "cast",
        "clip_by_value",
        "concat",
        "cumsum",
        "divide",
        "equal",
        "exp",
        "expand_dims",
        "fill",
        "floor",
        "gather",
        "greater",
        "greater_equal",
        "identity",
        "less",
        "less_equal",
        "logical_and",
        "logical_not",
        "logical_or",
        "matmul",
        "maximum",
        "minimum",
        "multiply",
        "negative",
        "not_equal",
        "one_hot",
        "ones_like",
        "pad",
        "pow",
        "range",
        "rank",
        "reduce_max",
        "reduce_mean",
        "reduce_min",
        "reduce_prod",
        "reduce_sum",
        "repeat",
        "reshape",
        "reverse",
        "roll",
        "round",
        "shape",
        "sigmoid",
        "sign",
        "slice",
        "split",
        "sqrt",
        "square",
        "squeeze",
        "stack",
        "stop_gradient",
        "strided_slice",
        "subtract",
        "tanh",
        "tile",
        "transpose",
        "unstack",
        "where",
        "zeros_like",
    ]
)
_OPERATORS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "and": lambda x, y: x & y,
    "eq": lambda x, y: importlib.import_module("tensorflow").equal(x, y),
    "ne": lambda x, y: importlib.import_module("tensorflow").not_equal(x, y),
    "getitem": lambda x, spec: x[spec],
}


def function_of(name: str) -> Callable[..., Any]:
    """Return a function of TensorFlow by the name that Keras 2 stored.

    Raises:
        ArchiveError: It is not one that only computes.
    """
    path = name.removeprefix("compat.v1.").split(".")
    if path[0] == "__operators__" and len(path) == 2 and path[1] in _OPERATORS:
        return _OPERATORS[path[1]]
    is_known = (len(path) == 1 and path[0] in _FUNCTIONS) or (len(path) == 2 and path[0] in _MODULES)
    found: Any = importlib.import_module("tensorflow").compat.v1 if name.startswith("compat.v1.") else None
    if is_known:
        found = found or importlib.import_module("tensorflow")
        for part in path:
            found = getattr(found, part, None)
    if not is_known or not callable(found) or path[-1].startswith("_"):
        raise ArchiveError(
            f"The file of Keras 2 calls the function {name!r} of TensorFlow, which openmltk does not call.",
            hint="Build the model again with layers of Keras 3.",
        )
    return found  # type: ignore[no-any-return]


def register_layer() -> None:
    """Register the layer that calls a function with Keras."""
    keras = importlib.import_module("keras")
    if keras.saving.get_registered_object(REGISTERED) is not None:
        return

    class TensorFlowFunction(keras.layers.Layer):  # type: ignore[misc,name-defined]  # Keras has no types
        """Calls a function of TensorFlow."""

        def __init__(self, function: str, **kwargs: Any) -> None:
            super().__init__(autocast=False, **kwargs)
            self.function = function
            self._call = function_of(function)

        # No function of TensorFlow has arguments with these names.
        def call(self, given: Any, *, first_constant: Any = None, argument_name: str = "", **kwargs: Any) -> Any:
            """Call the function.

            Args:
                given: Its first argument.
                first_constant: A constant that is the first argument; then ``given`` is the argument with the name
                    ``argument_name``.
                argument_name: See ``first_constant``.
                kwargs: Other arguments.
            """
            if "slice_spec" in kwargs:
                return self._call(given, _slices(kwargs["slice_spec"]))
            kwargs.pop("name", None)
            if kwargs.get("conjugate") is False:  # of a transpose; the conversion knows no such argument
                del kwargs["conjugate"]
            if first_constant is None:
                return self._call(given, **kwargs)
            return self._call(first_constant, **{argument_name: given}, **kwargs)

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "function": self.function}

    keras.saving.register_keras_serializable("mltk", "TensorFlowFunction")(TensorFlowFunction)


def _slices(spec: Any) -> Any:
    """Return the index that Keras 2 stored: numbers, and dicts for slices."""
    if isinstance(spec, dict):
        return slice(spec.get("start"), spec.get("stop"), spec.get("step"))
    return tuple(_slices(item) for item in spec) if isinstance(spec, (list, tuple)) else spec


def adapt_function(layer: dict[str, Any]) -> None:
    """Change the description of a layer of Keras 2 to that of the registered layer. The calls are changed elsewhere."""
    settings = layer["config"]
    layer["class_name"] = REGISTERED.partition(">")[2]
    layer |= {"module": __name__, "registered_name": REGISTERED}
    layer["config"] = {key: settings[key] for key in ("name", "trainable", "function") if key in settings}


def is_constant(value: Any) -> bool:
    """Whether the first argument of a call is a constant: ``["_CONSTANT_VALUE", -1, constant, arguments]``."""
    return isinstance(value, list) and len(value) in (3, 4) and value[0] == _CONSTANT and value[1] == -1
