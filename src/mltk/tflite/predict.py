"""Running a ``.tflite`` on samples: NumPy in, NumPy out.

LiteRT's reference kernels are the default because they are the nearest to what a microcontroller computes that runs
everywhere; its optimized ones (``engine="fast"``) round differently. Samples go through one at a time, as on the
device, unless the model's own batch is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import RuntimeFailure, TfliteError
from mltk.tflite.tensor import TfliteShape, TfliteTensor

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

Invoke = Callable[[list[np.ndarray]], list[np.ndarray]]
Engine = str | Invoke
Samples = np.ndarray | Iterable[Any] | Mapping[int | str, np.ndarray] | Sequence[np.ndarray]

_INTEGER_RANGES = {name: np.iinfo(name) for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64")}


def _is_quantized(tensor: TfliteTensor) -> bool:
    return tensor.dtype_str in _INTEGER_RANGES and tensor.quantization.n_channels > 0


def _scale_zero_point(tensor: TfliteTensor) -> tuple[np.ndarray, np.ndarray]:
    """Scale and zero point, shaped to broadcast along the quantized dimension."""
    quantization = tensor.quantization
    scale = np.asarray(quantization.scale, np.float32)
    zero_point = np.asarray(quantization.zeropoint or [0] * len(scale), np.float32)
    if len(scale) > 1:
        shape = [1] * len(tensor.shape)
        shape[quantization.quantization_dimension] = len(scale)
        return scale.reshape(shape), zero_point.reshape(shape)
    return scale[0], zero_point[0]


def quantize(x: np.ndarray, tensor: TfliteTensor) -> np.ndarray:
    """Floats as the tensor stores them: ``round(x / scale) + zeropoint``, half away from zero, clipped to the type.

    Rounds as ``AffineQuantize`` of TensorFlow Lite (Micro) does. NaN becomes the zero point.
    """
    scale, zero_point = _scale_zero_point(tensor)
    limits = _INTEGER_RANGES[tensor.dtype_str]
    # 32-bit floats divide as on the device; 64 bits keep the half exact and hold every int32.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.nan_to_num((np.asarray(x, np.float32) / scale).astype(np.float64))
    rounded = np.copysign(np.floor(np.abs(ratio) + 0.5), ratio) + zero_point
    return np.clip(rounded, limits.min, limits.max).astype(tensor.dtype)


def dequantize(y: np.ndarray, tensor: TfliteTensor) -> np.ndarray:
    """Stored values as the float32 they stand for: ``(y − zeropoint) × scale``. Floats stay as they are."""
    y = np.asarray(y)
    if y.dtype.kind == "f" or not _is_quantized(tensor):
        return y.astype(np.float32)
    scale, zero_point = _scale_zero_point(tensor)
    return ((y.astype(np.float32) - zero_point) * scale).astype(np.float32)


def to_tensor_dtype(x: np.ndarray, tensor: TfliteTensor) -> np.ndarray:
    """Values as the tensor stores them.

    Floats are quantized for a quantized tensor; values of the tensor's own type pass unchanged; integers become floats
    for a float tensor. Anything else would change their meaning unseen:

    Raises:
        TfliteError: e.g. for uint8 values to an int8 tensor.
    """
    x = np.asarray(x)
    wanted = tensor.dtype
    if wanted is None:
        raise TfliteError(f"Input {tensor.name!r} is of type {tensor.dtype_str}, which NumPy does not have.")
    if x.dtype == wanted:
        return x
    if x.dtype.kind == "f" and _is_quantized(tensor):
        return quantize(x, tensor)
    if np.dtype(wanted).kind == "f" and x.dtype.kind in "fiub":
        return x.astype(wanted)
    if not _is_quantized(tensor) and x.dtype.kind in "iub" and tensor.dtype_str in _INTEGER_RANGES:
        limits = _INTEGER_RANGES[tensor.dtype_str]
        if not x.size or (x.min() >= limits.min and x.max() <= limits.max):
            return x.astype(wanted)
    raise TfliteError(
        f"Input {tensor.name!r} takes {tensor.dtype_str} values, not {x.dtype}.",
        hint=f"Pass floats, which are quantized here, or {tensor.dtype_str} values as the model stores them.",
    )


class LiteRtInvoker:
    """One sample after the other through LiteRT.

    Args:
        model: The model.
        fast: Optimized kernels instead of the reference ones.

    Raises:
        RuntimeFailure: if LiteRT does not take the model.
    """

    def __init__(self, model: TfliteModel, fast: bool = False) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolver = OpResolverType.AUTO if fast else OpResolverType.BUILTIN_REF
        self._model_name = model.name
        self._make = lambda: Interpreter(model_content=model.flatbuffer_data, experimental_op_resolver_type=resolver)
        # Resource variables live as long as the interpreter: resetting them takes a new one.
        self._has_resources = any(layer.opcode_str == "var_handle" for layer in model.layers)
        self._start()

    def _start(self) -> None:
        try:
            self._interpreter = self._make()
            self._interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as e:
            raise RuntimeFailure(f"LiteRT can't run {self._model_name}: {e}") from e
        self._inputs = [detail["index"] for detail in self._interpreter.get_input_details()]
        self._outputs = [detail["index"] for detail in self._interpreter.get_output_details()]
        self._fresh = True

    def reset(self) -> None:
        """Forget the state of a streaming or recurrent model."""
        if self._fresh:
            return
        if self._has_resources:
            self._start()
        else:
            self._interpreter.reset_all_variables()

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        self._fresh = False
        try:
            for index, value in zip(self._inputs, inputs, strict=True):
                self._interpreter.set_tensor(index, np.ascontiguousarray(value))
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]
        except (RuntimeError, ValueError) as e:
            raise RuntimeFailure(f"LiteRT can't run {self._model_name}: {e}") from e


class TflitePredictor:
    """A model with the engine that runs it; the work behind `TfliteModel.predict`."""

    def __init__(self, model: TfliteModel, engine: Engine = "reference") -> None:
        if isinstance(engine, str) and engine not in ("reference", "fast"):
            raise TfliteError(f"Unknown engine {engine!r}; there are 'reference' and 'fast'.")
        if model.selected_model_subgraph != 0:
            raise TfliteError("Only the main subgraph (0) can be run.")
        self._model = model
        self._inputs = model.inputs
        self._outputs = model.outputs
        self._invoke: Invoke = LiteRtInvoker(model, fast=engine == "fast") if isinstance(engine, str) else engine
        # A batch size is what the model was converted with: almost always 1.
        self._batch = self._inputs[0].shape[0] if self._inputs and self._inputs[0].shape else 1

    def predict(self, x: Samples, y_dtype: Any = None, *, reset_state: bool = True) -> Any:
        """See `TfliteModel.predict`."""
        self._reset()
        results: list[list[np.ndarray]] = []
        unbatched = False
        for batch in self._batches(x):
            arrays, unbatched = self._prepare(batch)
            for start in range(0, len(arrays[0]), max(self._batch, 1)):
                if reset_state:
                    self._reset()
                results.append(self._run([array[start : start + self._batch] for array in arrays]))
        return self._collect(results, y_dtype, unbatched)

    def _reset(self) -> None:
        reset = getattr(self._invoke, "reset", None)
        if reset is not None:
            reset()

    def _batches(self, x: Samples) -> Iterator[Any]:
        """The batches: each an array, or what holds an array for each input."""
        one_per_input = isinstance(x, list | tuple) and len(self._inputs) > 1
        if one_per_input or hasattr(x, "dtype") or hasattr(x, "__array__") or isinstance(x, Mapping):
            yield x
        elif isinstance(x, list | tuple) and x and np.isscalar(x[0]):
            yield np.asarray(x)
        else:
            for item in self._items(x):
                yield item[0] if isinstance(item, tuple) and not self._is_inputs(item) else item

    @staticmethod
    def _items(x: Any) -> Iterable[Any]:
        """Keras data sets are indexed, not iterated: their iterator need not end."""
        if hasattr(x, "__getitem__") and hasattr(x, "__len__") and not isinstance(x, list | tuple):
            return (x[i] for i in range(len(x)))
        if not isinstance(x, Iterable):
            raise TfliteError(f"Can't take samples from a {type(x).__name__}.")
        return x

    def _is_inputs(self, item: tuple[Any, ...]) -> bool:
        """Whether a tuple is one array for each of several inputs rather than ``(x, y)``."""
        if len(self._inputs) < 2 or len(item) != len(self._inputs) or isinstance(item[0], list | tuple | dict):
            return False
        return all(np.shape(value)[1:] == tuple(t.shape[1:]) for value, t in zip(item, self._inputs, strict=True))

    def _by_input(self, batch: Any) -> list[Any]:
        """The array of each input, in the model's order."""
        if isinstance(batch, Mapping):
            return [self._named(batch, i, tensor) for i, tensor in enumerate(self._inputs)]
        if len(self._inputs) == 1:
            return [batch]
        if not isinstance(batch, list | tuple) or len(batch) != len(self._inputs):
            raise TfliteError(f"The model has {len(self._inputs)} inputs: pass a list or dict with an array for each.")
        return list(batch)

    def _named(self, batch: Mapping[Any, Any], index: int, tensor: TfliteTensor) -> Any:
        aliases = [index, tensor.name, *(
            name
            for inputs, _ in self._model.signatures.values()
            for name, number in inputs.items()
            if number == tensor.index
        )]  # fmt: skip
        for alias in aliases:
            if alias in batch:
                return batch[alias]
        raise TfliteError(f"Nothing is given for input {index} ({tensor.name!r}); given are {list(batch)}.")

    def _prepare(self, batch: Any) -> tuple[list[np.ndarray], bool]:
        """Arrays of the inputs' types with a batch dimension, and whether that had to be added."""
        arrays, unbatched = [], False
        for index, (value, tensor) in enumerate(zip(self._by_input(batch), self._inputs, strict=True)):
            array = to_tensor_dtype(np.asarray(value), tensor)
            wanted = tuple(tensor.shape)
            if array.shape == wanted[1:] and wanted[:1] == (1,):
                array, unbatched = array[np.newaxis], True
            elif not wanted and not array.ndim:
                array = array.reshape(1)
            if array.shape[1:] != wanted[1:]:
                raise TfliteError(
                    f"Input {index} ({tensor.name!r}) takes samples of shape {TfliteShape(wanted[1:])}, "
                    f"not {TfliteShape(array.shape[1:])}."
                )
            arrays.append(array)
        lengths = {len(array) for array in arrays}
        if len(lengths) != 1:
            raise TfliteError(f"The inputs have different numbers of samples: {sorted(lengths)}.")
        return arrays, unbatched

    def _run(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        """One invocation; a last, smaller batch is filled up with zeros and the outputs cut."""
        count = len(inputs[0])
        if count < self._batch:
            inputs = [np.concatenate([x, np.zeros((self._batch - count, *x.shape[1:]), x.dtype)]) for x in inputs]
        shaped = [x.reshape(tensor.shape) for x, tensor in zip(inputs, self._inputs, strict=True)]
        outputs = self._invoke(shaped)
        return [np.array(y[:count] if np.ndim(y) and len(y) == self._batch else y) for y in outputs]

    def _collect(self, results: list[list[np.ndarray]], y_dtype: Any, unbatched: bool) -> Any:
        """The outputs of all samples, one array for each of the model's outputs."""
        collected = []
        for index, tensor in enumerate(self._outputs):
            if results:
                parts = [np.atleast_1d(result[index]) for result in results]
                stored = np.concatenate(parts)
            else:
                stored = np.zeros((0, *tensor.shape[1:]), tensor.dtype)
            if unbatched and len(results) == 1 and len(stored) == 1:
                stored = stored[0]
            collected.append(self._to_dtype(stored, y_dtype, tensor))
        return collected[0] if len(collected) == 1 else collected

    @staticmethod
    def _to_dtype(y: np.ndarray, y_dtype: Any, tensor: TfliteTensor) -> np.ndarray:
        if y_dtype is None or np.dtype(y_dtype) == y.dtype:
            return y
        if np.dtype(y_dtype).kind == "f":
            return dequantize(y, tensor).astype(y_dtype)
        if _is_quantized(tensor) or y.dtype.kind == "f":
            raise TfliteError(f"Output {tensor.name!r} is {y.dtype}: it can be had as that or as floats.")
        return y.astype(y_dtype)
