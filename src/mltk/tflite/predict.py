"""Running a ``.tflite`` on samples: NumPy in, NumPy out.

LiteRT's reference kernels are the default. They run everywhere, and they are the kernels nearest to what a
microcontroller computes. The optimized kernels (``engine="fast"``) round differently. Samples run one at a time, as on
the device, unless the model's own batch is larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import TfliteError
from mltk.tflite.quantization import dequantize, is_quantized, to_tensor_dtype
from mltk.tflite.tensor import TfliteShape, TfliteTensor

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

Invoke = Callable[[list[np.ndarray]], list[np.ndarray]]
"""Computes one sample: from an array for each input (batch 1) to an array for each output.

If it has a method ``reset``, the method forgets the state of a streaming or recurrent model.
"""

Kernels = str | Invoke
"""``"reference"`` for LiteRT's reference kernels, ``"fast"`` for its optimized kernels, or a function."""

Samples = np.ndarray | Iterable[Any] | Mapping[int | str, np.ndarray] | Sequence[np.ndarray]


class TflitePredictor:
    """Runs a model on samples. It does the work of `TfliteModel.predict`.

    Args:
        inputs: The model's inputs.
        outputs: The model's outputs.
        invoke: Computes one sample.
        input_names: Index of a tensor → further names of the input, from the model's signatures.
    """

    def __init__(
        self,
        inputs: Sequence[TfliteTensor],
        outputs: Sequence[TfliteTensor],
        invoke: Invoke,
        input_names: Mapping[int, Sequence[str]],
    ) -> None:
        self._inputs = list(inputs)
        self._outputs = list(outputs)
        self._invoke = invoke
        self._input_names = input_names
        # A batch size is what the model was converted with: almost always 1.
        self._batch = self._inputs[0].shape[0] if self._inputs and self._inputs[0].shape else 1

    def predict(self, x: Samples, y_dtype: DTypeLike | None = None, *, reset_state: bool = True) -> Any:
        """Run the model. See `TfliteModel.predict`."""
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
        """Yield the batches. Each is an array, or holds an array for each input."""
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
        """Return what yields the batches. Keras data sets are indexed, because their iterator may not end."""
        if hasattr(x, "__getitem__") and hasattr(x, "__len__") and not isinstance(x, list | tuple):
            return (x[i] for i in range(len(x)))
        if not isinstance(x, Iterable):
            raise TfliteError(f"Can't take samples from a {type(x).__name__}.", hint="Pass an array or an iterable.")
        return x

    def _is_inputs(self, item: tuple[Any, ...]) -> bool:
        """Return whether a tuple is one array for each of several inputs instead of ``(x, y)``."""
        if len(self._inputs) < 2 or len(item) != len(self._inputs) or isinstance(item[0], list | tuple | dict):
            return False
        return all(np.shape(value)[1:] == tuple(t.shape[1:]) for value, t in zip(item, self._inputs, strict=True))

    def _by_input(self, batch: Any) -> list[Any]:
        """Return the array of each input, in the model's order."""
        if isinstance(batch, Mapping):
            return [self._named(batch, i, tensor) for i, tensor in enumerate(self._inputs)]
        if len(self._inputs) == 1:
            return [batch]
        if not isinstance(batch, list | tuple) or len(batch) != len(self._inputs):
            raise TfliteError(f"The model has {len(self._inputs)} inputs: pass a list or dict with an array for each.")
        return list(batch)

    def _named(self, batch: Mapping[Any, Any], index: int, tensor: TfliteTensor) -> Any:
        aliases = [index, tensor.name, *self._input_names.get(tensor.index, ())]
        for alias in aliases:
            if alias in batch:
                return batch[alias]
        raise TfliteError(f"There is no array for input {index} ({tensor.name!r}); given are {list(batch)}.")

    def _prepare(self, batch: Any) -> tuple[list[np.ndarray], bool]:
        """Return arrays of the inputs' types with a batch dimension, and whether this dimension was added."""
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
        """Invoke once. A last, smaller batch is filled up with zeros, and its outputs are cut."""
        count = len(inputs[0])
        if count < self._batch:
            inputs = [np.concatenate([x, np.zeros((self._batch - count, *x.shape[1:]), x.dtype)]) for x in inputs]
        shaped = [x.reshape(tensor.shape) for x, tensor in zip(inputs, self._inputs, strict=True)]
        outputs = self._invoke(shaped)
        return [np.array(y[:count] if np.ndim(y) and len(y) == self._batch else y) for y in outputs]

    def _collect(self, results: list[list[np.ndarray]], y_dtype: DTypeLike | None, unbatched: bool) -> Any:
        """Return the outputs of all samples, one array for each of the model's outputs."""
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
    def _to_dtype(y: np.ndarray, y_dtype: DTypeLike | None, tensor: TfliteTensor) -> np.ndarray:
        if y_dtype is None or np.dtype(y_dtype) == y.dtype:
            return y
        if np.dtype(y_dtype).kind == "f":
            return dequantize(y, tensor).astype(y_dtype)
        if is_quantized(tensor) or y.dtype.kind == "f":
            raise TfliteError(
                f"Output {tensor.name!r} is {y.dtype}, not {np.dtype(y_dtype)}.",
                hint=f"Ask for {y.dtype} or for a float type.",
            )
        return y.astype(y_dtype)
