"""Keep a crash of the TensorFlow Lite converter out of this process.

::

    with native_converter_in_child() as child:
        flatbuffer = converter.convert()

A model can crash the converter's native code: its calibrator ends with a segmentation fault at a loop. In this block
TensorFlow's Python code runs here, and each call into the native converter runs in a child process. The child costs
no time worth mentioning: it loads native libraries only, while TensorFlow traces the model here.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

from mltk.errors import QuantizationError, RuntimeFailure
from mltk.operations.shared.converter_worker import CALIBRATOR, WRAPPERS, pack, unpack
from mltk.workers.child import Child, ChildEndedError, RequestFailedError
from mltk.workers.wire import Array

TIMEOUT_S = 1800.0
"""Seconds that one call into the native converter may take. The largest models take some minutes."""
_FUNCTIONS = (
    "wrapped_convert",
    "wrapped_experimental_mlir_quantize",
    "wrapped_experimental_mlir_sparsify",
    "wrapped_register_custom_opdefs",
    "wrapped_retrieve_collected_errors",
)
_DOING = {
    "wrapped_convert": "translating the model",
    "FeedTensor": "calibrating the model",
    "wrapped_experimental_mlir_quantize": "quantizing the model",
}
_SAMPLES_BYTES = 16 << 20  # samples of this size together are worth a message


class ConverterCrash(QuantizationError):
    """The native code of the converter crashed, or did not return in time.

    Attributes:
        float_model: The ``.tflite`` in float32 that the converter made before; None if it did not come so far.
    """

    def __init__(self, message: str, float_model: bytes | None) -> None:
        super().__init__(message)
        self.float_model = float_model


class ConverterChild:
    """The child process, and what it said last.

    Args:
        timeout_s: Seconds that one call may take.

    Raises:
        RuntimeFailure: The process cannot be started.
    """

    def __init__(self, timeout_s: float) -> None:
        self._child = Child(
            "mltk.operations.shared.converter_worker",
            name="The TensorFlow Lite converter",
            timeout_s=timeout_s,
            environment={"TF_CPP_MIN_LOG_LEVEL": "3"},
        )
        self.crash: ConverterCrash | None = None
        self._float_model: bytes | None = None

    def close(self) -> None:
        """Stop the process."""
        self._child.close()

    def call(self, task: str, name: str, arguments: Any, **more: int) -> Any:
        """Have the child call a function; return what it returns.

        Raises:
            ConverterCrash: The child ended.
            ValueError: The function raised a `ValueError`.
            RuntimeError: The function raised another error.
        """
        if self.crash is not None:
            raise self.crash
        arrays: list[Array] = []
        header = {"task": task, "name": name, "arguments": pack(arguments, arrays), **more}
        try:
            reply, results = self._child.request(header, arrays, doing=_DOING.get(name, "converting the model"))
        except RequestFailedError as e:
            text = e.message.removeprefix(f"{e.kinds[0]}: ")
            raise (ValueError if "ValueError" in e.kinds else RuntimeError)(text) from e
        except ChildEndedError as e:
            self.crash = ConverterCrash(_what_happened(e), self._float_model)
            raise self.crash from e
        returned = unpack(reply["returned"], results)
        if name == "wrapped_convert" and isinstance(returned, bytes):
            self._float_model = returned
        return returned


def _what_happened(ended: ChildEndedError) -> str:
    if ended.signal is None:
        return ended.message
    names = {signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "abort", signal.SIGKILL: "killed, perhaps by the "
             "system because memory ran out"}  # fmt: skip
    try:
        number = signal.Signals(ended.signal)
    except ValueError:
        return ended.message
    return ended.message.replace(f"(signal {ended.signal})", f"({names.get(number, number.name)})")


class _Calibration:
    """Stands for TensorFlow's native module of the calibrator."""

    def __init__(self, child: ConverterChild) -> None:
        self._child = child

    def CalibrationWrapper(self, *arguments: Any) -> _Calibrator:
        return _Calibrator(self._child, self._child.call("new calibrator", "", arguments))

    def AddIntermediateTensors(self, model_content: bytes) -> Any:
        return self._child.call("calibration function", "AddIntermediateTensors", [model_content])


class _Calibrator:
    """Stands for a native calibrator. Sends samples together, since a message for each would take longer."""

    def __init__(self, child: ConverterChild, number: int) -> None:
        self._child, self._number = child, number
        self._samples: list[Any] = []
        self._n_bytes = 0
        self._is_first = True

    def FeedTensor(self, *arguments: Any) -> None:
        arrays: list[Array] = []
        pack(arguments, arrays)
        # A copy: the caller may fill the same array with the next sample.
        self._samples.append([[a.copy() for a in arrays], *arguments[1:]])
        self._n_bytes += sum(a.nbytes for a in arrays)
        if self._n_bytes > _SAMPLES_BYTES or self._is_first:  # what is wrong with all of them shows with the first
            self._is_first = False
            self._send()

    def _send(self) -> None:
        samples, self._samples, self._n_bytes = self._samples, [], 0
        if samples:
            self._child.call("calls", "FeedTensor", samples, calibrator=self._number)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self._send()
            return self._child.call("call", name, arguments, calibrator=self._number)

        return call


@contextlib.contextmanager
def native_converter_in_child(timeout_s: float | None = None) -> Iterator[ConverterChild | None]:
    """Run the native code of TensorFlow's converter in a child process while this block runs.

    Args:
        timeout_s: Seconds that one call may take; `TIMEOUT_S` by default.

    Returns:
        The child; None if this version of TensorFlow is built differently. Then the native code runs in this process.

    Raises:
        ConverterCrash: The block failed because the native code crashed.
    """
    try:
        wrappers, calibrator = importlib.import_module(WRAPPERS), importlib.import_module(CALIBRATOR)
        kept = {name: getattr(wrappers, name) for name in _FUNCTIONS}
        kept_calibration = calibrator._calibration_wrapper
        child = ConverterChild(TIMEOUT_S if timeout_s is None else timeout_s)
    except (ImportError, AttributeError, RuntimeFailure):
        yield None
        return
    try:
        for name in _FUNCTIONS:
            setattr(wrappers, name, _forwarding(child, name))
        setattr(calibrator, "_calibration_wrapper", _Calibration(child))  # noqa: B010 - mypy knows no such attribute
        yield child
    except Exception as e:
        if child.crash is not None and child.crash is not e:  # TensorFlow puts errors of its own around
            raise child.crash from None
        raise
    finally:
        for name, function in kept.items():
            setattr(wrappers, name, function)
        setattr(calibrator, "_calibration_wrapper", kept_calibration)  # noqa: B010
        child.close()


def _forwarding(child: ConverterChild, name: str) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        return child.call("function", name, [*arguments, *named.values()])

    return call
