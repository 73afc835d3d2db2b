"""Do host and device compute the same, and what does quantization cost? One model, the same samples, side by side.

    mltk parity yes_no
    mltk parity yes_no --dataset --output parity/

The ``.tflite`` runs under TensorFlow Lite Micro, LiteRT's reference kernels and LiteRT's default path; the float model
is the trained Keras model where the specification is run, else the float32 ``.tflite`` that quantization left in the
archive.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.data.iterate import iter_batches
from mltk.errors import ArchiveError, DatasetError, EvaluationError, RuntimeFailure
from mltk.files import write_file
from mltk.micro.engines.process import Workers
from mltk.micro.layer_outputs import dequantize
from mltk.micro.parity import ParityReport, compare_engines, random_samples
from mltk.operations.results.quantization import QuantizationReport, quantization_report
from mltk.operations.shared.check_dataset import load_dataset
from mltk.operations.shared.explain import explained
from mltk.operations.shared.keras_model import load_keras_model
from mltk.operations.shared.load import load_tflite_model
from mltk.operations.shared.prepare import prepare
from mltk.operations.shared.quiet import quiet_native_stderr
from mltk.specification import names
from mltk.specification.dataset_settings import DatasetMixin
from mltk.specification.model import MltkModel
from mltk.tflite.graph import read_graph

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_RANDOM = "random, over the input's quantization range"
_REPORT_SAMPLES = 32


@dataclass
class ParityResults:
    """What `check_parity` found.

    ``engines``: side by side. ``quantization``: layer by layer against the float model; None without one. ``notes``:
    what a reader should know, such as why something is missing.
    """

    name: str
    samples: str
    float_source: str
    engines: ParityReport
    quantization: QuantizationReport | None = None
    notes: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for JSON."""
        return {
            "name": self.name,
            "samples": self.samples,
            "float_model": self.float_source,
            "engines": self.engines.to_dict(),
            "quantization": self.quantization.to_dict() if self.quantization else None,
            "notes": self.notes,
        }

    def to_json(self, indent: int = 2) -> str:
        """`to_dict` as JSON."""
        return json.dumps(self.to_dict(), indent=indent)

    def to_text(self, width: int = 120) -> str:
        """Both tables, for a terminal."""
        parts = [f"{self.name}, samples: {self.samples}", self.engines.to_text()]
        if self.float_source:
            parts.append(f"'float' is {self.float_source}. Against it, what differs does by more than half a step.")
        if self.quantization is not None:
            parts.append(self.quantization.to_text(width))
        return "\n\n".join([*parts, *self.notes])

    def save(self, output: str) -> list[str]:
        """Write to a ``.json`` or ``.txt`` file, or to a folder: both, and plots where matplotlib is installed.

        Gives the paths written.

        Raises:
            OutputError: it can't be written.
        """
        if output.lower().endswith((".json", ".txt")):
            write_file(output, (self.to_json() if output.lower().endswith(".json") else self.to_text()) + "\n")
            return [output]
        from mltk.errors import MissingDependencyError, OutputError

        try:
            os.makedirs(output, exist_ok=True)
        except OSError as e:
            raise OutputError(f"The folder {output} can't be made: {e.strerror}.") from None
        written = []
        for name, text in (("parity.json", self.to_json()), ("parity.txt", self.to_text())):
            written.append(os.path.join(output, name))
            write_file(written[-1], text + "\n")
        if self.quantization is not None:
            path = os.path.join(output, "quantization.png")
            try:
                self.quantization.plot(path)
            except MissingDependencyError:
                return written
            written.append(path)
        return written


def check_parity(
    model: MltkModel | TfliteModel | str,
    *,
    dataset: bool = False,
    float_model: TfliteModel | str | None = None,
    n_samples: int = 100,
    seed: int = 0,
    quantization: bool = True,
    trusted: bool | None = None,
    test: bool = False,
) -> ParityResults:
    """Run a model by every engine there is and compare; runs the specification only with ``dataset``.

    Args:
        model: a ``.tflite`` file, an archive, the name of a trained model, a specification, or a ``TfliteModel``.
        dataset: take the samples from the evaluation dataset of the specification, and the trained Keras model as the
            float one; else samples are random over the range that the input's quantization can hold.
        float_model: the float32 ``.tflite`` to compare with; by default the archive's, or ``NAME.float32.tflite``
            beside ``NAME.tflite``.
        n_samples: how many samples.
        seed: of random samples.
        quantization: also make the report layer by layer.
        trusted: False runs native code in child processes with limits on time and memory; True runs it in this one.
            By default False where ``model`` or ``float_model`` is the path of a ``.tflite`` or an archive, which may
            come from anywhere, unless ``dataset`` runs the archive's code anyway.
        test: of the dry run.

    Raises:
        ModelNotFoundError: there is no such model.
        DatasetError: the specification's dataset is empty.
        RuntimeFailure: no engine runs the model.
    """
    if n_samples < 1:
        raise EvaluationError("At least one sample is needed.")
    if trusted is None:
        trusted = (dataset or not _is_file(model)) and not _is_file(float_model)
    with contextlib.ExitStack() as stack:
        # It starts while the files are read.
        children = None if trusted else stack.enter_context(Workers(ready=1))
        runs_in = {"trusted": trusted, "children": children}
        return _check_parity(model, dataset, float_model, n_samples, seed, quantization, test, runs_in)


def _is_file(model: Any) -> bool:
    """Whether ``model`` is the path of a ``.tflite`` or an archive."""
    if not isinstance(model, str | os.PathLike):
        return False
    path = os.fspath(model)
    return path.endswith((".tflite", names.ARCHIVE_EXTENSION)) or (os.path.isfile(path) and not path.endswith(".py"))


def _check_parity(
    model: Any,
    dataset: bool,
    float_model: Any,
    n_samples: int,
    seed: int,
    quantization: bool,
    test: bool,
    runs_in: dict[str, Any],
) -> ParityResults:
    loaded = _prepare(model, test) if dataset else None
    tflite_model: Any = load_tflite_model(loaded or model, test=test)
    notes: list[str] = []
    if loaded is not None:
        floats = _dataset_samples(loaded, n_samples)
        samples = [tflite_model.quantize_to_input_dtype(x, i) for i, x in enumerate(floats)]
        source = "evaluation dataset"
    else:
        floats = []
        samples = random_samples(tflite_model.flatbuffer_data, n_samples, np.random.default_rng(seed))
        source = _RANDOM
        notes.append("Random samples exercise every rounding, but no real activations; see --dataset for those.")
    twin = _float_twin(model if loaded is None else loaded, tflite_model, float_model, test)
    outputs, float_source = None, ""
    if loaded is not None:
        outputs, float_source = _keras_outputs(loaded, floats), "the trained Keras model"
    elif twin is not None:
        outputs = _twin_outputs(tflite_model, twin, samples, runs_in)
        float_source = f"{twin.filename or twin.name} under LiteRT"
    else:
        notes.append("There is no float model to compare with: no float32 .tflite in the archive or beside the file.")
    with quiet_native_stderr():
        report = compare_engines(tflite_model.flatbuffer_data, samples, float_outputs=outputs, **runs_in)
        results = ParityResults(tflite_model.name, source, float_source, report, None, notes)
        if quantization and twin is not None:
            results.quantization = _quantization(tflite_model, twin, samples, source, notes, runs_in)
    return results


def _prepare(model: Any, test: bool) -> Any:
    if not isinstance(model, str | MltkModel) or str(model).endswith(".tflite"):
        raise DatasetError("A .tflite has no dataset.", hint="Give the model's name, specification or archive.")
    return prepare(model, DatasetMixin, test=test, operation="take samples from its dataset")


def _dataset_samples(model: Any, n: int) -> list[np.ndarray]:
    """The first ``n`` samples of the evaluation dataset, one array for each input."""
    load_dataset(model, "evaluation")
    collected: list[list[np.ndarray]] = []
    have = 0
    for batch in iter_batches(model.x, model.y, min(n, 256), None):
        x = batch.x
        given = list(x.values()) if isinstance(x, dict) else list(x) if isinstance(x, tuple | list) else [x]
        collected.append([np.asarray(a) for a in given])
        have += len(collected[-1][0])
        if have >= n:
            break
    model.unload_dataset()
    if not have:
        raise DatasetError(f"{model.name}: the evaluation dataset is empty.")
    return [np.concatenate([batch[i] for batch in collected])[:n] for i in range(len(collected[0]))]


def _keras_outputs(model: Any, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
    keras_model = load_keras_model(model)
    with explained(f"{model.name}: the Keras model can't be run on the dataset"):
        outputs = keras_model.predict(samples[0] if len(samples) == 1 else list(samples), verbose=0)
    given = (
        outputs.values() if isinstance(outputs, dict) else outputs if isinstance(outputs, list | tuple) else [outputs]
    )
    return [np.asarray(y) for y in given]


def _float_twin(model: Any, tflite_model: TfliteModel, given: Any, test: bool) -> TfliteModel | None:
    """The float32 ``.tflite`` of the same model; None where there is none."""
    if given is not None:
        return load_tflite_model(given)  # type: ignore[return-value]
    if isinstance(model, str) and model.endswith(".tflite"):
        beside = f"{model.removesuffix('.tflite')}.float32.tflite"
        return load_tflite_model(beside) if os.path.isfile(beside) else None  # type: ignore[return-value]
    if model is tflite_model or (
        isinstance(model, str) and os.path.isfile(model) and not model.endswith((".py", ".zip"))
    ):
        return None
    try:
        return load_tflite_model(model, test=test, archive_file_ext=".float32.tflite")  # type: ignore[return-value]
    except ArchiveError:
        return None


def _twin_outputs(
    tflite_model: TfliteModel, twin: TfliteModel, samples: Sequence[np.ndarray], runs_in: dict[str, Any]
) -> list[np.ndarray]:
    from mltk.micro.engines.run import run_batch

    tensors = read_graph(tflite_model.flatbuffer_data).inputs
    wanted = read_graph(twin.flatbuffer_data).inputs
    if len(tensors) != len(wanted):
        raise EvaluationError(f"{twin.name} has {len(wanted)} inputs, {tflite_model.name} {len(tensors)}.")
    floats = [
        dequantize(x, tensor).astype(other.dtype) if other.dtype is not None and other.dtype.kind == "f" else x
        for x, tensor, other in zip(samples, tensors, wanted, strict=True)
    ]
    outputs = run_batch(twin.flatbuffer_data, floats, engine="litert-reference", **runs_in).outputs
    return [dequantize(y, t) for y, t in zip(outputs, read_graph(twin.flatbuffer_data).outputs, strict=True)]


def _quantization(
    tflite_model: TfliteModel,
    twin: TfliteModel,
    samples: Sequence[np.ndarray],
    source: str,
    notes: list[str],
    runs_in: dict[str, Any],
) -> QuantizationReport | None:
    few = [x[:_REPORT_SAMPLES] for x in samples]
    try:
        return quantization_report(tflite_model, twin, few, source=source, realistic=source != _RANDOM, **runs_in)
    except (EvaluationError, RuntimeFailure) as e:
        notes.append(f"No quantization report: {e.message}")
        return None
