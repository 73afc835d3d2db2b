"""Run the native code of the TensorFlow Lite converter, as a child process of :mod:`.converter_child`.

The process loads the native libraries of TensorFlow only. That takes half a second, and ``import tensorflow`` takes
five seconds. Each request calls one function, or one method of a calibrator.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mltk.workers.child_main import serve
from mltk.workers.wire import Array, Header, Message

WRAPPERS = "tensorflow.compiler.mlir.lite.python.wrap_converter"
"""Module of TensorFlow whose functions call the native converter."""
CALIBRATOR = "tensorflow.lite.python.optimize.calibrator"
"""Module of TensorFlow with the class `Calibrator`, which calls the native calibrator."""
_CALIBRATION = "tensorflow.lite.python.optimize._pywrap_tensorflow_lite_calibration_wrapper"
_FUNCTION_LIBRARY = "tensorflow.compiler.mlir.quantization.tensorflow.python"


def pack(value: Any, arrays: list[Array]) -> Any:
    """Return ``value`` as plain JSON data; bytes and arrays in it are appended to ``arrays``.

    Raises:
        TypeError: A value of this type cannot be sent.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple, set, frozenset)):
        return [pack(item, arrays) for item in value]
    if isinstance(value, (bytes, bytearray)):
        arrays.append(np.frombuffer(value, np.uint8))
        return {"bytes": len(arrays) - 1}
    if isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array__"):
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    raise TypeError(f"A {type(value).__name__} cannot be sent to the converter's process.")


def unpack(value: Any, arrays: Sequence[Array]) -> Any:
    """Return the value that `pack` received; tuples and sets have become lists."""
    if isinstance(value, list):
        return [unpack(item, arrays) for item in value]
    if isinstance(value, dict):
        return arrays[value["bytes"]].tobytes() if "bytes" in value else arrays[value["array"]]
    return value


class Worker:
    """Carries out the requests. Keeps the calibrators that the parent made, by their number."""

    def __init__(self) -> None:
        self._converter, self._calibration = _native_modules()
        self._calibrators: list[tuple[Any, list[Any]]] = []

    def answer(self, header: Header, arrays: Sequence[Array]) -> Message:
        """Call what ``header`` names with its arguments; return what it returns."""
        arguments = unpack(header["arguments"], arrays)
        results: list[Array] = []
        task = header["task"]
        if task == "function":
            returned = getattr(self._converter, header["name"])(*arguments)
        elif task == "calibration function":
            returned = getattr(self._calibration, header["name"])(*arguments)
        elif task == "new calibrator":
            # The native calibrator reads the model from the memory of its argument, which therefore has to stay.
            self._calibrators.append((self._calibration.CalibrationWrapper(*arguments), arguments))
            returned = len(self._calibrators) - 1
        else:
            calibrator, _ = self._calibrators[header["calibrator"]]
            for call in arguments if task == "calls" else [arguments]:
                returned = getattr(calibrator, header["name"])(*call)
        return {"returned": pack(returned, results)}, results


def _native_modules() -> tuple[types.ModuleType, types.ModuleType]:
    try:
        _leave_out_tensorflow()
        return importlib.import_module(WRAPPERS), importlib.import_module(_CALIBRATION)
    except Exception:  # noqa: BLE001 - another version of TensorFlow, which has to be imported whole
        for name in [n for n in sys.modules if n.partition(".")[0] == "tensorflow"]:
            del sys.modules[name]
        return importlib.import_module(WRAPPERS), importlib.import_module(_CALIBRATION)


def _leave_out_tensorflow() -> None:
    """Make the submodules of TensorFlow importable without what ``import tensorflow`` imports."""
    spec = importlib.util.find_spec("tensorflow")
    package = types.ModuleType("tensorflow")
    package.__path__ = list(spec.submodule_search_locations or []) if spec else []
    sys.modules["tensorflow"] = package
    importlib.import_module("tensorflow.python.pywrap_tensorflow")
    native = importlib.import_module(f"{_FUNCTION_LIBRARY}.pywrap_function_lib")
    # The Python class adds methods that quantize TensorFlow's own formats, and imports all of TensorFlow.
    library: Any = types.ModuleType(f"{_FUNCTION_LIBRARY}.py_function_lib")
    library.PyFunctionLibrary = native.PyFunctionLibrary
    sys.modules[library.__name__] = library


def main() -> None:
    """Answer requests until the parent closes the pipe."""

    def start() -> Callable[[Header, Sequence[Array]], Message]:
        return Worker().answer

    serve(start)


if __name__ == "__main__":
    main()
