"""Do host and device compute the same, and what does quantization cost? One model, the same samples, side by side.

    mltk parity yes_no
    mltk parity yes_no --dataset --output parity/
    mltk parity yes_no --emulate cortex-m4

The ``.tflite`` runs under TensorFlow Lite Micro, LiteRT's reference kernels and LiteRT's default path. The float model
is the trained Keras model if the specification runs. Otherwise it is the float32 ``.tflite`` that quantization left in
the archive.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.iterate import iter_batches
from mltk.errors import DatasetError, EvaluationError, RuntimeFailure
from mltk.micro.border import wrong_borders
from mltk.micro.engines.process import Workers
from mltk.micro.parity import compare_engines, random_samples
from mltk.operations.results.parity import ParityResults
from mltk.operations.shared.check_dataset import load_dataset
from mltk.operations.shared.compare_layers import quantization_report
from mltk.operations.shared.explain import explained
from mltk.operations.shared.keras_model import load_keras_model
from mltk.operations.shared.load import ModelKind, ModelReference, resolve
from mltk.operations.shared.prepare import prepare
from mltk.operations.shared.quiet import quiet_native_stderr
from mltk.specification.dataset_settings import DatasetMixin
from mltk.specification.model import MltkModel
from mltk.tflite.quantization import dequantize
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_RANDOM = "random, over the input's quantization range"
_REPORT_SAMPLES = 32


@dataclass(frozen=True)
class _Options:
    """What the user asked for, and where the engines run."""

    n_samples: int
    seed: int
    quantization: bool
    trusted: bool
    children: Workers | None
    core: str | None = None
    compiler: str | None = None
    optimize: str | None = None

    @property
    def runs_in(self) -> dict[str, Any]:
        """Arguments of `run_batch` and the functions that call it."""
        return {"trusted": self.trusted, "children": self.children}


def check_parity(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    *,
    dataset: bool = False,
    float_model: TfliteModel | str | os.PathLike[str] | None = None,
    n_samples: int = 100,
    seed: int = 0,
    quantization: bool = True,
    trusted: bool | None = None,
    test: bool = False,
    emulate: str | None = None,
    compiler: str | None = None,
    optimize: str | None = None,
) -> ParityResults:
    """Run a model with every installed engine and compare. Runs the specification only with ``dataset``.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        dataset: Take the samples from the evaluation dataset of the specification, and use the trained Keras model as
            the float model. Otherwise the samples are random over the range of the input's quantization.
        float_model: The float32 ``.tflite`` to compare with; by default the archive's, or ``NAME.float32.tflite``
            beside ``NAME.tflite``.
        n_samples: Number of samples.
        seed: Seed for the random samples.
        quantization: Also compare each layer with the float model.
        trusted: True runs native code in this process. False runs it in child processes with limits on time and
            memory. By default, a ``.tflite`` or an archive given by its path is not trusted, because it may come from
            anywhere. With ``dataset`` the archive's code runs, so that it is trusted.
        test: Use the files of the dry run.
        emulate: Name of a core, such as ``"cortex-m4"``: also run the model's C code on this core, emulated.
        compiler: The compiler for `emulate`: ``"gcc"`` or ``"zig"``; None takes the first one that is installed.
        optimize: What the compiler for `emulate` is asked for: ``"speed"``, which is the default, or ``"size"``.

    Returns:
        The results.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
        DatasetError: The specification's dataset is empty.
        RuntimeFailure: No engine runs the model.
        MltkError: There is no such core or compiler.
        MissingDependencyError: The emulator or a compiler for it is not installed.
        UnsupportedModelError: Something in the model has no C code, and it was to be emulated.
    """
    stop_if_loading_script()
    if n_samples < 1:
        raise EvaluationError(f"n_samples is {n_samples}, but at least one sample is needed.")
    reference = resolve(model, test=test)
    twin = None if float_model is None else resolve(float_model)
    if trusted is None:
        trusted = (dataset or not reference.is_outside_file) and not (twin is not None and twin.is_outside_file)
    with contextlib.ExitStack() as stack:
        # It starts while the files are read.
        children = None if trusted else stack.enter_context(Workers(ready=1))
        options = _Options(n_samples, seed, quantization, trusted, children, emulate, compiler, optimize)
        if dataset:
            return _check_on_dataset(_prepare(reference), twin, options)
        return _check_on_random_samples(reference, twin, options)


def compare_on_samples(
    tflite_model: TfliteModel, float_model: TfliteModel | None, floats: Sequence[np.ndarray], *, source: str
) -> ParityResults:
    """Compare the engines and the layers on given samples. Native code runs in this process.

    Args:
        tflite_model: The model.
        float_model: The float32 ``.tflite`` of the same Keras model, if there is one.
        floats: One array ``[samples, …]`` in real units for each input.
        source: Where the samples come from, in words.

    Returns:
        The results.

    Raises:
        EvaluationError: The models have different inputs.
        RuntimeFailure: No engine runs the model.
    """
    options = _Options(len(floats[0]), 0, True, True, None)
    samples = [tflite_model.quantize_to_input_dtype(x, i) for i, x in enumerate(floats)]
    outputs = None if float_model is None else _float_outputs(tflite_model, float_model, samples, options)
    results = _compare(tflite_model, samples, outputs, options)
    results.samples = source
    results.float_source = "" if float_model is None else f"{float_model.filename or float_model.name} under LiteRT"
    _add_quantization(results, tflite_model, float_model, samples, options, realistic=True)
    return results


def _prepare(reference: ModelReference) -> MltkModel:
    if reference.is_tflite or reference.kind is ModelKind.KERAS_MODEL:
        raise DatasetError("A .tflite has no dataset.", hint="Give the model's name, specification or archive.")
    return prepare(reference.given, DatasetMixin, test=reference.test, operation="take samples from its dataset")


def _check_on_dataset(model: MltkModel, twin: ModelReference | None, options: _Options) -> ParityResults:
    reference = resolve(model)
    tflite_model = reference.tflite_model()
    floats = _dataset_samples(model, options.n_samples)
    samples = [tflite_model.quantize_to_input_dtype(x, i) for i, x in enumerate(floats)]
    float_model = twin.tflite_model() if twin else reference.float_tflite_model()
    outputs = _keras_outputs(model, floats)
    results = _compare(tflite_model, samples, outputs, options)
    results.samples, results.float_source = "evaluation dataset", "the trained Keras model"
    _add_quantization(results, tflite_model, float_model, samples, options, realistic=True)
    return results


def _check_on_random_samples(
    reference: ModelReference, twin: ModelReference | None, options: _Options
) -> ParityResults:
    tflite_model = reference.tflite_model()
    samples = random_samples(tflite_model, options.n_samples, np.random.default_rng(options.seed))
    float_model = twin.tflite_model() if twin else reference.float_tflite_model()
    outputs = None if float_model is None else _float_outputs(tflite_model, float_model, samples, options)
    results = _compare(tflite_model, samples, outputs, options)
    results.samples = _RANDOM
    results.notes.append("Random samples test every rounding, but not real activations; see --dataset for those.")
    if float_model is None:
        results.notes.append(
            "There is no float model to compare with: no float32 .tflite in the archive or beside the file."
        )
    else:
        results.float_source = f"{float_model.filename or float_model.name} under LiteRT"
    _add_quantization(results, tflite_model, float_model, samples, options, realistic=False)
    return results


def _compare(
    tflite_model: TfliteModel, samples: Sequence[np.ndarray], outputs: list[np.ndarray] | None, options: _Options
) -> ParityResults:
    emulated = None
    if options.core is not None:
        from mltk.operations.shared.emulated import emulate_model

        emulated = emulate_model(
            tflite_model,
            samples,
            options.core,
            compiler=options.compiler,
            optimize=options.optimize,
            **options.runs_in,
        )
    more = [emulated.result] if emulated else []
    with quiet_native_stderr():
        report = compare_engines(tflite_model, samples, float_outputs=outputs, more=more, **options.runs_in)
    results = ParityResults(tflite_model.name, "", "", report, counted=emulated.figures if emulated else None)
    results.notes += wrong_borders(tflite_model)
    return results


def _add_quantization(
    results: ParityResults,
    tflite_model: TfliteModel,
    float_model: TfliteModel | None,
    samples: Sequence[np.ndarray],
    options: _Options,
    *,
    realistic: bool,
) -> None:
    if not options.quantization or float_model is None:
        return
    few = [x[:_REPORT_SAMPLES] for x in samples]
    try:
        with quiet_native_stderr():
            results.quantization = quantization_report(
                tflite_model, float_model, few, source=results.samples, realistic=realistic, **options.runs_in
            )
    except (EvaluationError, RuntimeFailure) as e:
        results.notes.append(f"No quantization report: {e.message}")


def _dataset_samples(model: Any, n: int) -> list[np.ndarray]:
    """Return the first ``n`` samples of the evaluation dataset, one array for each input."""
    load_dataset(model, "evaluation")
    collected: list[list[np.ndarray]] = []
    n_collected = 0
    for batch in iter_batches(model.x, model.y, min(n, 256), None):
        x = batch.x
        arrays = list(x.values()) if isinstance(x, dict) else list(x) if isinstance(x, tuple | list) else [x]
        collected.append([np.asarray(a) for a in arrays])
        n_collected += len(collected[-1][0])
        if n_collected >= n:
            break
    model.unload_dataset()
    if not n_collected:
        raise DatasetError(f"{model.name}: the evaluation dataset is empty.")
    return [np.concatenate([batch[i] for batch in collected])[:n] for i in range(len(collected[0]))]


def _keras_outputs(model: MltkModel, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
    keras_model = load_keras_model(model)
    with explained(f"{model.name}: the Keras model can't be run on the dataset"):
        outputs = keras_model.predict(samples[0] if len(samples) == 1 else list(samples), verbose=0)
    arrays = (
        outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list | tuple) else [outputs]
    )
    return [np.asarray(y) for y in arrays]


def _float_outputs(
    tflite_model: TfliteModel, float_model: TfliteModel, samples: Sequence[np.ndarray], options: _Options
) -> list[np.ndarray]:
    """Run the float model on the samples in real units; one array of real values for each output."""
    from mltk.micro.engines.run import run_batch

    tensors = tflite_model.graph.inputs
    float_graph = float_model.graph
    if len(tensors) != len(float_graph.inputs):
        raise EvaluationError(
            f"{float_model.name} has {len(float_graph.inputs)} inputs, but {tflite_model.name} has {len(tensors)}."
        )
    floats = [
        x if other.dtype is None or other.dtype.kind != "f" else dequantize(x, tensor, np.float64).astype(other.dtype)
        for x, tensor, other in zip(samples, tensors, float_graph.inputs, strict=True)
    ]
    result = run_batch(float_model, floats, engine="litert-reference", **options.runs_in)
    return [dequantize(y, t, np.float64) for y, t in zip(result.outputs, float_graph.outputs, strict=True)]
