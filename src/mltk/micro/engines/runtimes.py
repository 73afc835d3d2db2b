"""One ``.tflite`` in one engine in this process: TensorFlow Lite Micro, LiteRT, or the exact kernels.

Samples run one at a time with batch dimension 1, as on the device. :mod:`mltk.micro.engines.run` spreads them over
processes.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mltk.errors import MissingDependencyError, MltkError, RuntimeFailure, UnsupportedModelError
from mltk.micro.engines.operators import known_crashes, missing_operators, operator_table
from mltk.tflite.graph import Graph, GraphSource, Tensor, graph_of
from mltk.tflite.litert import LiteRtInterpreter

# Pages of an arena that are not used cost nothing on the host. An arena that is a few bytes too small can crash TFLM.
# So this is always far more than enough.
HOST_ARENA_BYTES = 64 << 20
# An operator of TFLM that reads a number which it never sets, from the arena.
_READS_WHAT_IT_NEVER_SETS = "SPACE_TO_BATCH_ND"
_M_PERTURB, _ZEROS = -6, 0xFF  # glibc: fill each new block of memory with the complement of this byte

Samples = Sequence[np.ndarray]  # one array per model input, first axis = samples


def have_tflm() -> bool:
    """Return whether TensorFlow Lite Micro's wheel is installed (Linux on x86-64 only)."""
    return importlib.util.find_spec("tflite_micro") is not None


def host_arena_bytes(graph: Graph) -> int:
    """Return an arena size in bytes that is certainly enough for ``graph`` on the host."""
    tensors = sum(t.nbytes + 256 for g in graph.subgraphs for t in g.tensors)
    operators = sum(len(g.operators) for g in graph.subgraphs)
    return HOST_ARENA_BYTES + 4 * tensors + 4096 * operators


class Runtime:
    """A loaded model. Subclasses compute one sample.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        reset_between_samples: Forget the state of the model after each sample.

    Attributes:
        engine: Name of the engine, see ``mltk.micro.engines.run.ENGINES``.
        description: Name and version of the engine.
        graph: The model.
    """

    engine = ""
    description = ""

    def __init__(self, model: GraphSource, *, reset_between_samples: bool = True) -> None:
        self.graph = graph_of(model)
        self.model = self.graph.data
        self._reset_each = reset_between_samples and self.graph.is_stateful

    def run(self, inputs: Samples, progress: Callable[[int], None] | None = None) -> list[np.ndarray]:
        """Compute samples.

        Args:
            inputs: One array for each model input in the input's dtype, first axis = samples.
            progress: Is called with 1 after each sample.

        Returns:
            One array for each model output in the output's dtype, first axis = samples.

        Raises:
            RuntimeFailure: The engine fails, or the outputs do not have one shape for all samples.
        """
        results: list[list[np.ndarray]] = [[] for _ in self.graph.outputs]
        for i in range(len(inputs[0])):
            outputs = self.invoke([x[i] for x in inputs])
            if len(outputs) != len(results):
                raise RuntimeFailure(
                    f"The engine returned {len(outputs)} outputs instead of the model's {len(results)}."
                )
            if self._reset_each:
                self.reset()
            for collected, output in zip(results, outputs, strict=True):
                collected.append(output)
            if progress is not None:
                progress(1)
        return [_stack(collected, t) for collected, t in zip(results, self.graph.outputs, strict=True)]

    def invoke(self, sample: Samples) -> list[np.ndarray]:
        """Compute one sample: arrays in the shapes of the model's inputs. The batch dimension may be left out."""
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

        in_zeros = any(op.name == _READS_WHAT_IT_NEVER_SETS for g in self.graph.subgraphs for op in g.operators)
        try:
            with _memory_of_zeros() if in_zeros else contextlib.nullcontext():
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
            # The shapes were checked before, so it is a kernel that refuses the model.
            raise UnsupportedModelError(f"TensorFlow Lite Micro failed while running the model: {e}") from e

    def reset(self) -> None:
        # TFLM's Reset() fills resource variables with their zero point and does not run CALL_ONCE again. If the model
        # starts from other values, only a new interpreter starts from the beginning.
        if self.graph.has_resource_variables and not self.graph.starts_at_zero_points:
            self._new_interpreter()
        else:
            self._interpreter.reset()

    def tensor(self, index: int, subgraph: int = 0) -> np.ndarray:
        """Return a copy of a tensor after :meth:`invoke`. Needs ``preserve_all_tensors``."""
        return np.array(self._interpreter.GetTensor(index, subgraph)["tensor_data"])

    def print_allocations(self) -> None:
        """Let TFLM print to standard error what it allocated from the arena. It has no other way to report this."""
        self._interpreter.print_allocations()


@contextlib.contextmanager
def _memory_of_zeros() -> Iterator[None]:
    """Let new memory start as zeros, as a static arena on a device does.

    A large arena is usually new memory, which is zeros anyway. A long-lived process may give used memory instead.
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallopt"):  # not glibc
        yield
        return
    libc.mallopt(_M_PERTURB, _ZEROS)
    try:
        yield
    finally:
        libc.mallopt(_M_PERTURB, 0)


class LiteRtRuntime(Runtime):
    """LiteRT with its reference kernels, or with its default path (XNNPACK and optimized kernels)."""

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
    """TFLM's integers, computed by our own batched NumPy kernels. See :mod:`mltk.micro.exact`."""

    engine = "exact-batched"

    def __init__(self, model: GraphSource, *, reset_between_samples: bool = True) -> None:
        super().__init__(model, reset_between_samples=reset_between_samples)
        from mltk.micro.exact import NotExactError, compile_exact

        self.description = f"exact batched kernels of openmltk (NumPy {np.__version__}), rounding as TFLM"
        if self.graph.is_stateful and not reset_between_samples:
            raise UnsupportedModelError(
                "The exact batched kernels compute independent samples, not a stream of samples."
            )
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
        """Do nothing: the exact kernels keep nothing between samples."""


def _litert_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ai-edge-litert")
    except PackageNotFoundError:
        return "(unknown version)"


def make_runtime(engine: str, model: GraphSource, *, reset_between_samples: bool = True) -> Runtime:
    """Load a model into an engine.

    Args:
        engine: ``tflm``, ``exact-batched``, ``litert-reference`` or ``litert-xnnpack``.
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        reset_between_samples: Forget the state of the model after each sample.

    Raises:
        MltkError: There is no such engine.
        UnsupportedModelError: The engine refuses the model.
    """
    factories: dict[str, Callable[..., Runtime]] = {
        "tflm": TflmRuntime,
        "exact-batched": ExactRuntime,
        "litert-reference": LiteRtRuntime,
        "litert-xnnpack": functools.partial(LiteRtRuntime, reference=False),
    }
    if engine not in factories:
        raise MltkError(f"No engine is called {engine!r}.", hint=f"Choose one of: {', '.join(sorted(factories))}.")
    return factories[engine](model, reset_between_samples=reset_between_samples)
