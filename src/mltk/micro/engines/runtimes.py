"""One ``.tflite`` in one native interpreter in this process: TensorFlow Lite Micro or LiteRT.

Samples go in one at a time with batch dimension 1, as on the device. What spreads them over processes is
:mod:`mltk.micro.engines.run`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mltk.errors import MissingDependencyError, MltkError, RuntimeFailure, UnsupportedModelError
from mltk.micro.engines.operators import known_crashes, missing_operators, operator_table
from mltk.tflite.graph import Graph, GraphSource, Tensor, graph_of
from mltk.tflite.litert import LiteRtInterpreter

# Untouched pages of an arena cost nothing on the host, while an arena a few bytes short can crash
# TFLM instead of failing: always far too much.
HOST_ARENA_BYTES = 64 << 20

Samples = Sequence[np.ndarray]  # one array per model input, first axis = samples


def have_tflm() -> bool:
    """True where TensorFlow Lite Micro's wheel is installed (Linux on x86-64 only)."""
    return importlib.util.find_spec("tflite_micro") is not None


def host_arena_bytes(graph: Graph) -> int:
    """An arena size that is certainly enough for ``graph`` on the host."""
    tensors = sum(t.nbytes + 256 for g in graph.subgraphs for t in g.tensors)
    operators = sum(len(g.operators) for g in graph.subgraphs)
    return HOST_ARENA_BYTES + 4 * tensors + 4096 * operators


class Runtime:
    """A loaded model; subclasses say how one sample is computed.

    :meth:`run` takes one array per model input, first axis = samples, in the model's dtypes, and returns one
    array per model output the same way.
    """

    engine = ""
    description = ""

    def __init__(self, model: GraphSource, *, reset_between_samples: bool = True) -> None:
        self.graph = graph_of(model)
        self.model = self.graph.data
        self._reset_each = reset_between_samples and self.graph.is_stateful

    def run(self, inputs: Samples, progress: Callable[[int], None] | None = None) -> list[np.ndarray]:
        """Compute every sample of ``inputs``; ``progress`` is called with 1 after each."""
        results: list[list[np.ndarray]] = [[] for _ in self.graph.outputs]
        for i in range(len(inputs[0])):
            outputs = self.invoke([x[i] for x in inputs])
            if len(outputs) != len(results):
                raise RuntimeFailure(f"The runtime gave {len(outputs)} outputs instead of the model's {len(results)}.")
            if self._reset_each:
                self.reset()
            for collected, output in zip(results, outputs, strict=True):
                collected.append(output)
            if progress is not None:
                progress(1)
        return [_stack(collected, t) for collected, t in zip(results, self.graph.outputs, strict=True)]

    def invoke(self, sample: Samples) -> list[np.ndarray]:
        """Compute one sample (arrays of the model's input shapes, the batch dimension may be left out)."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget the state that samples left behind."""
        raise NotImplementedError


def _stack(collected: list[np.ndarray], tensor: Tensor) -> np.ndarray:
    if not collected:
        shape = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
        return np.zeros((0, *shape), tensor.dtype)
    try:
        stacked = np.stack(collected)
    except ValueError as e:
        raise RuntimeFailure(f"The model's outputs change their shape from sample to sample: {e}") from e
    # The batch dimension of 1 becomes the sample axis; an output without one gets that axis in front.
    return stacked[:, 0] if stacked.ndim > 1 and stacked.shape[1] == 1 and tensor.shape[:1] == (1,) else stacked


class TflmRuntime(Runtime):
    """TensorFlow Lite Micro on the host: what the device computes with the reference kernels."""

    engine = "tflm"

    def __init__(
        self,
        model: GraphSource,
        *,
        reset_between_samples: bool = True,
        arena_bytes: int | None = None,
        preserve_all_tensors: bool = False,
    ) -> None:
        super().__init__(model, reset_between_samples=reset_between_samples)
        if not have_tflm():
            raise MissingDependencyError("TensorFlow Lite Micro (tflite-micro; Linux on x86-64)", "micro")
        import tflite_micro
        from tflite_micro import runtime

        self.description = f"TensorFlow Lite Micro {tflite_micro.__version__}"
        self._refuse_what_is_known(tflite_micro.__version__)
        config = runtime.InterpreterConfig
        self._config = config.kPreserveAllTensors if preserve_all_tensors else config.kAllocationRecording
        self._arena_bytes = arena_bytes or host_arena_bytes(self.graph)
        self._new_interpreter()

    def _refuse_what_is_known(self, version: str) -> None:
        # TFLM says so too, but only on standard error, or by crashing. Another version may have more operators.
        if crashes := known_crashes(self.graph):
            raise UnsupportedModelError(f"TensorFlow Lite Micro would crash on this model. {crashes[0]}")
        if version == operator_table()["version"] and (missing := missing_operators(self.graph)):
            raise UnsupportedModelError(
                f"TensorFlow Lite Micro has no operator {', '.join(missing)}, which this model needs."
            )

    def _new_interpreter(self) -> None:
        from tflite_micro import runtime

        try:
            self._interpreter = runtime.Interpreter.from_bytes(
                self.model, arena_size=self._arena_bytes, intrepreter_config=self._config
            )
            self._shapes = [
                tuple(self._interpreter.get_input_details(i)["shape"]) for i in range(len(self.graph.inputs))
            ]
        except (RuntimeError, ValueError, TypeError, AttributeError, MemoryError) as e:
            raise UnsupportedModelError(f"TensorFlow Lite Micro refuses this model: {e}") from e

    def invoke(self, sample: Samples) -> list[np.ndarray]:
        try:
            for i, (value, shape) in enumerate(zip(sample, self._shapes, strict=True)):
                self._interpreter.set_input(value.reshape(shape), i)
            self._interpreter.invoke()
            return [self._interpreter.get_output(i) for i in range(len(self.graph.outputs))]
        except (RuntimeError, ValueError, TypeError) as e:
            raise RuntimeFailure(f"TensorFlow Lite Micro failed while running the model: {e}") from e

    def reset(self) -> None:
        # TFLM's Reset() fills resource variables with their zero point and doesn't run CALL_ONCE again: where the
        # model starts from anything else, only a new interpreter starts over.
        if self.graph.has_resource_variables and not self.graph.starts_at_zero_points:
            self._new_interpreter()
        else:
            self._interpreter.reset()

    def tensor(self, index: int, subgraph: int = 0) -> np.ndarray:
        """A copy of tensor ``index`` after :meth:`invoke`; needs ``preserve_all_tensors``."""
        return np.array(self._interpreter.GetTensor(index, subgraph)["tensor_data"])

    def print_allocations(self) -> None:
        """Have TFLM print what it allocated from the arena, to standard error (it has no other way)."""
        self._interpreter.print_allocations()


class LiteRtRuntime(Runtime):
    """LiteRT: its reference kernels, or its default path (XNNPACK and optimized kernels)."""

    def __init__(
        self,
        model: GraphSource,
        *,
        reset_between_samples: bool = True,
        reference: bool = True,
        preserve_all_tensors: bool = False,
    ) -> None:
        super().__init__(model, reset_between_samples=reset_between_samples)
        self.engine = "litert-reference" if reference else "litert-xnnpack"
        kind = "reference kernels" if reference else "default path (XNNPACK)"
        self.description = f"LiteRT {_litert_version()}, {kind}"
        self._interpreter = LiteRtInterpreter(
            self.graph, reference=reference, preserve_all_tensors=preserve_all_tensors
        )

    def invoke(self, sample: Samples) -> list[np.ndarray]:
        return self._interpreter(sample)

    def reset(self) -> None:
        self._interpreter.reset()

    def tensor(self, index: int, subgraph: int = 0) -> np.ndarray:
        """Return a copy of a tensor after :meth:`invoke`. Needs ``preserve_all_tensors``."""
        return self._interpreter.tensor(index, subgraph)


class ExactRuntime(Runtime):
    """TFLM's integers from batched NumPy kernels of our own; see :mod:`mltk.micro.exact`."""

    engine = "exact-batched"

    def __init__(self, model: GraphSource, *, reset_between_samples: bool = True) -> None:
        super().__init__(model, reset_between_samples=reset_between_samples)
        from mltk.micro.exact import NotExactError, compile_exact

        self.description = f"exact batched kernels of openmltk (NumPy {np.__version__}), rounding as TFLM"
        if self.graph.is_stateful and not reset_between_samples:
            raise UnsupportedModelError("The exact batched kernels compute samples independently, not as a stream.")
        try:
            self._compiled = compile_exact(self.graph)
        except NotExactError as e:
            raise UnsupportedModelError(f"The exact batched kernels don't cover this model: {e}.") from e

    def run(self, inputs: Samples, progress: Callable[[int], None] | None = None) -> list[np.ndarray]:
        try:
            outputs = [
                y[:, 0] if t.shape[:1] == (1,) else y
                for y, t in zip(self._compiled.run(inputs), self.graph.outputs, strict=True)
            ]
        except (
            ValueError,
            LookupError,
            TypeError,
            ArithmeticError,
            MemoryError,
        ) as e:  # a file that contradicts itself
            raise UnsupportedModelError(f"The exact batched kernels can't compute this model: {e}.") from e
        if progress is not None:
            progress(len(inputs[0]))
        return outputs

    def invoke(self, sample: Samples) -> list[np.ndarray]:
        return [y[0] for y in self._compiled.run([np.asarray(x)[None] for x in sample])]

    def reset(self) -> None:
        """Nothing is kept between samples."""


def _litert_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ai-edge-litert")
    except PackageNotFoundError:
        return "(unknown version)"


def make_runtime(engine: str, model: GraphSource, *, reset_between_samples: bool = True) -> Runtime:
    """Load ``model`` into an engine: 'tflm', 'exact-batched', 'litert-reference' or 'litert-xnnpack'."""
    factories: dict[str, Any] = {
        "tflm": TflmRuntime,
        "exact-batched": ExactRuntime,
        "litert-reference": LiteRtRuntime,
        "litert-xnnpack": lambda model, **kw: LiteRtRuntime(model, reference=False, **kw),
    }
    if engine not in factories:
        raise MltkError(f"No engine is called {engine!r}.", hint=f"Choose one of: {', '.join(sorted(factories))}.")
    return factories[engine](model, reset_between_samples=reset_between_samples)
