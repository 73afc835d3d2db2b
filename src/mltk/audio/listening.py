"""From microphone samples to detections: what a device does with an audio model, computed in Python.

::

    listening = Listening.of(tflite_model)               # how the model listens, from its metadata
    for inputs, times_ms in listening.batches(samples):  # the model's input at each inference
        scores = listening.scores(run_batch(tflite_model, inputs).outputs[0])
        detections += detector.feed(scores, times_ms)

The C code of `mltk.codegen.write_listen` does the same on the device. Tests compare both value for value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.detector import Detector, DetectorSettings, to_scores
from mltk.audio.frontend import AudioFeatureGeneratorSettings, AudioFeatureStream
from mltk.audio.frontend.settings import PREFIX
from mltk.errors import UnsupportedModelError
from mltk.tflite.graph import Graph, Tensor
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters
from mltk.tflite.quantization import to_tensor_dtype

_NORMALIZATIONS = (
    "samplewise_norm.rescale",
    "samplewise_norm.mean_and_std",
    "samplewise_norm.center",
    "samplewise_norm.std",
    "samplewise_norm.range",
)
_SCORE_QUANTIZATION = {"int8": -128, "uint8": 0}  # type of a probability in steps of 1/256 → zero point


@dataclass(frozen=True)
class Listening:
    """How a model listens to a stream of audio.

    Attributes:
        frontend: Settings of the audio frontend.
        detector: When scores are a detection.
        classes: Names of the classes.
        input: The model's input.
        quantized_input: The same as ``input``; what it is quantized to first, if it is float32.
        output: The model's output.
        with_int8_features: The model gets the frontend's int8 features; otherwise its uint16 features as numbers.
        takes_bytes: The bytes of an int8 input are the int8 features, whatever they stand for.
        keeps_state: The model keeps state from one inference to the next. Each inference gets the rows of features that
            came since the one before, not a whole clip.
    """

    frontend: AudioFeatureGeneratorSettings
    detector: DetectorSettings
    classes: tuple[str, ...]
    input: Tensor
    quantized_input: Tensor
    output: Tensor
    with_int8_features: bool
    takes_bytes: bool = False
    keeps_state: bool = False

    @classmethod
    def of(cls, model: TfliteModel) -> Listening:
        """Read how a model listens from its metadata.

        Args:
            model: The model. If it keeps state, its inferences must be computed in order, each after the one before.

        Raises:
            UnsupportedModelError: The model is not a classifier of audio features, or needs something that the device's
                code does not do. The message has the reason.
            SettingError: A model parameter is impossible.
        """
        parameters, graph = stored_parameters(model), model.graph
        if not has_frontend(parameters):
            raise UnsupportedModelError("The model has no parameters of the audio frontend ('fe.*').")
        frontend = AudioFeatureGeneratorSettings.from_parameters(parameters)
        frontend.check()
        _refuse_normalization(parameters)
        x, y = _one_input_and_output(graph)
        _check_shape(graph, x, frontend)
        classes = class_names(parameters, y.size)
        check_scores(graph, y)
        detector = DetectorSettings.from_parameters(parameters)
        detector.thresholds(classes)  # raises if there is another number of thresholds
        quantized = _quantized_input(graph, x)
        takes_bytes = _takes_bytes(x)
        with_int8 = takes_bytes or _takes_int8_features(quantized)
        return cls(
            frontend, detector, tuple(classes), x, quantized, y, with_int8, takes_bytes, keeps_state=graph.is_stateful
        )

    @property
    def n_rows(self) -> int:
        """Rows of features that one inference gets."""
        rows, channels = self.frontend.spectrogram_shape
        return self.input.size // channels if self.keeps_state else rows

    @property
    def rows_per_inference(self) -> int:
        """Rows from one inference to the next: the latency, rounded to steps of the frontend.

        A model that keeps state gets each row once.
        """
        if self.keeps_state:
            return self.n_rows
        step = self.frontend.window_step_ms
        return max(1, (2 * self.detector.latency_ms + step) // (2 * step))

    @property
    def samples_per_inference(self) -> int:
        """Audio samples from one inference to the next."""
        return self.rows_per_inference * self.frontend.window_step

    @property
    def gain(self) -> int:
        """Factor of the audio samples in steps of 1/256."""
        return max(1, round(self.detector.volume_gain * 256)) if self.detector.volume_gain else 256

    @property
    def max_results(self) -> int:
        """Most results in the detector's window."""
        interval_ms = max(1, self.samples_per_inference * 1000 // self.frontend.sample_rate_hz)
        return (self.detector.average_window_duration_ms + 1) // interval_ms + 2

    def problems(self) -> list[str]:
        """Return why nothing can ever be detected; nothing if detections are possible."""
        window, minimum = self.detector.average_window_duration_ms, self.detector.minimum_count
        interval_ms = self.samples_per_inference * 1000 / self.frontend.sample_rate_hz
        problems = []
        if (minimum - 1) * interval_ms > window:
            problems.append(
                f"Nothing can be detected: there is an inference each {interval_ms:g} ms, so the window of {window} ms "
                f"(average_window_duration_ms) never has {minimum} results (minimum_count)."
            )
        if np.all(self.detector.thresholds(self.classes) == 255):
            problems.append("Nothing can be detected: all classes begin with '_' or have the threshold 255.")
        return problems

    def make_detector(self) -> Detector:
        """Return a detector for one stream."""
        return Detector(self.detector, self.classes)

    def amplify(self, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """Multiply samples by the volume gain, and limit them to 16 bits."""
        if self.gain == 256:
            return samples
        amplified = (samples.astype(np.int32) * self.gain + 128) >> 8
        limited: npt.NDArray[np.int32] = np.clip(amplified, -32768, 32767)
        return limited.astype(np.int16)

    def batches(
        self, samples: npt.NDArray[np.int16], size: int = 256
    ) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[np.int64]]]:
        """Compute what the model gets at each inference on a recording.

        Args:
            samples: int16 [any number of samples].
            size: Most inferences of a batch. For a model that keeps state there is one batch: compute it with
                ``run_batch(…, reset_between_samples=False)``.

        Yields:
            The inputs [inferences, *input shape without the batch], in the type of the input, and the time of each:
            int64 [inferences], the end of its audio in ms.
        """
        stream = AudioFeatureStream(self.frontend)
        rows = stream.feed(self.amplify(np.asarray(samples)))
        first = np.arange(0, len(rows) - self.n_rows + 1, self.rows_per_inference)
        last_row = first + self.n_rows - 1
        ends = self.frontend.window_size + last_row * self.frontend.window_step
        times = ends * 1000 // self.frontend.sample_rate_hz
        if self.keeps_state:
            size = max(size, len(first))
        for i in range(0, len(first), size):
            n = len(first[i : i + size])
            yield self.inputs(stream, rows[i * self.rows_per_inference :], n), times[i : i + n]

    def inputs(self, stream: AudioFeatureStream, rows: npt.NDArray[np.uint16], n: int) -> npt.NDArray[Any]:
        """Make the model's inputs of rows of features.

        Args:
            stream: The frontend that computed the rows.
            rows: uint16 [rows, channels]; the first row is the first of the first inference.
            n: Number of inferences.

        Returns:
            [n, *input shape without the batch], in the type of the input.
        """
        step = self.rows_per_inference
        if self.with_int8_features:  # each clip by itself: the dynamic scale depends on the whole clip
            features = stream.quantize_windows(rows, self.n_rows, step, n)
            table = self._input_of_int8()
            inputs = features if table is None else table[features.view(np.uint8)]
        else:
            windows = rows[np.arange(n)[:, np.newaxis] * step + np.arange(self.n_rows)]
            inputs = to_tensor_dtype(windows.astype(np.float32), self.input)
        return inputs.reshape(n, *self.input.shape[1:])

    def _input_of_int8(self) -> npt.NDArray[Any] | None:
        """Return the input for each int8 feature, by its bits as uint8; None if it is the feature itself."""
        if self.takes_bytes:
            return None
        features = np.arange(256, dtype=np.uint8).view(np.int8)
        table = to_tensor_dtype(features.astype(np.float32), self.input)
        return None if table.dtype == np.int8 and np.array_equal(table, features) else table

    def scores(self, outputs: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Convert the model's outputs [inferences, ...] to scores: uint8 [inferences, classes]."""
        return to_scores(outputs).reshape(len(outputs), len(self.classes))


def has_frontend(parameters: Mapping[str, Any]) -> bool:
    """Return whether model parameters have settings of the audio frontend."""
    return any(name.startswith(PREFIX) for name in parameters)


def class_names(parameters: Mapping[str, Any], n_outputs: int, *, numbered: bool = False) -> list[str]:
    """Return the names of the classes in model parameters.

    Args:
        parameters: Model parameters.
        n_outputs: Output values of the model.
        numbered: Return "class 0" and so on if there are no names.

    Raises:
        UnsupportedModelError: There is another number of names.
    """
    classes = parameters.get("classes")
    if classes is None and numbered:
        return [f"class {k}" for k in range(n_outputs)]
    if not isinstance(classes, list) or len(classes) != n_outputs:
        n = len(classes) if isinstance(classes, list) else 0
        raise UnsupportedModelError(
            f"The model parameter 'classes' has {n} names, but the model has {n_outputs} output values."
        )
    return classes


def _refuse_normalization(parameters: Mapping[str, Any]) -> None:
    for name in _NORMALIZATIONS:
        if parameters.get(name):
            raise UnsupportedModelError(
                f"The features are normalized before the model gets them ({name} = {parameters[name]!r}). The device's "
                "code does not do it.",
                hint="Put the normalization into the model, for example as keras.layers.Rescaling.",
            )


def _one_input_and_output(graph: Graph) -> tuple[Tensor, Tensor]:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise UnsupportedModelError(
            f"The model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; a listener needs one of each."
        )
    return graph.inputs[0], graph.outputs[0]


def _check_shape(graph: Graph, x: Tensor, frontend: AudioFeatureGeneratorSettings) -> None:
    rows, channels = frontend.spectrogram_shape
    given = [d for d in x.shape if d != 1]
    if not graph.is_stateful:
        if given != [d for d in (rows, channels) if d != 1]:
            raise UnsupportedModelError(
                f"The input has the shape {list(x.shape)}, but a clip of {frontend.sample_length_ms} ms has features "
                f"of the shape {[rows, channels]}."
            )
        return
    n = x.size // channels
    if given != [d for d in (n, channels) if d != 1]:
        raise UnsupportedModelError(
            f"The input has the shape {list(x.shape)}, but a row of features has {channels} channels "
            "(fe.filterbank_n_channels)."
        )
    if n == rows and n > 1:
        raise UnsupportedModelError(
            f"The model keeps state from one inference to the next, but its input of the shape {list(x.shape)} is a "
            f"whole clip of {frontend.sample_length_ms} ms. Whether the state belongs to one clip is not known.",
            hint="A streaming model gets the few rows that are new in each inference. If this is one, set the model "
            "parameter fe.sample_length_ms to the length of the clips in training.",
        )
    if frontend.quantize_dynamic_scale_enable:
        raise UnsupportedModelError(
            "The model keeps state and gets a few rows of features at a time, but the scale of its features is that of "
            "a whole clip (fe.quantize_dynamic_scale_enable)."
        )


def check_scores(graph: Graph, output: Tensor) -> None:
    """Refuse outputs that are not probabilities in steps of 1/256.

    Args:
        graph: The model.
        output: An output of the model; a float32 output may be dequantized probabilities.

    Raises:
        UnsupportedModelError: The output has another scale.
    """
    tensor = output
    if output.dtype_str == "float32":
        for op in graph.main.operators:
            if op.name == "DEQUANTIZE" and op.outputs[0] == output.index:
                tensor = graph.main.tensors[op.inputs[0]]
    scale = float(tensor.scale[0]) if tensor.scale.size else 0.0
    zero_point = int(tensor.zero_point[0]) if tensor.zero_point.size else 0
    if scale != 1 / 256 or zero_point != _SCORE_QUANTIZATION.get(tensor.dtype_str):
        raise UnsupportedModelError(
            f"The output {output.name!r} ({tensor.dtype_str}, scale {scale:g}, zero point {zero_point}) is not a "
            "probability in steps of 1/256.",
            hint="End the model with softmax or sigmoid.",
        )


def _quantized_input(graph: Graph, x: Tensor) -> Tensor:
    """Return the int8 input, or what a float32 input is quantized to."""
    tensor = x
    if x.dtype_str == "float32":
        for op in graph.main.operators:
            if op.name == "QUANTIZE" and op.inputs[0] == x.index:
                tensor = graph.main.tensors[op.outputs[0]]
    if tensor.dtype_str != "int8" or tensor.scale.size != 1 or tensor.zero_point.size != 1:
        raise UnsupportedModelError(f"The input {x.name!r} is {x.dtype_str} and is not quantized to int8.")
    return tensor


def _takes_bytes(x: Tensor) -> bool:
    """Return whether an int8 input is for the bytes of the frontend's int8 features, which stand for 0 to 26.

    TensorFlow's micro speech example and microWakeWord train with features of this range: the uint16 features, divided
    by 25.6. The frontend's int8 features are these values in steps of 26/256, less 128, as firmware for them computes.
    """
    if x.dtype_str != "int8" or x.scale.size != 1 or x.zero_point.size != 1:
        return False
    return int(x.zero_point[0]) == -128 and abs(float(x.scale[0]) * 255 - 26.0) < 0.1


def _takes_int8_features(x: Tensor) -> bool:
    """Return which features the model was trained with, by the range of its quantized input.

    The metadata does not say it. The frontend's int8 features reach from -128 to 127. Its uint16 features are never
    negative, and the converter keeps 0 in the range, so that a range that starts at 0 means uint16 features.

    Raises:
        UnsupportedModelError: The range fits neither.
    """
    scale, zero_point = float(x.scale[0]), int(x.zero_point[0])
    low, high = scale * (-128 - zero_point), scale * (127 - zero_point)
    if -130 <= low <= -64 and high <= 130:
        return True
    if low == 0 and high >= 16:
        return False
    raise UnsupportedModelError(
        f"The input takes values from {low:.4g} to {high:.4g}. These are neither the frontend's int8 features nor its "
        "uint16 features.",
        hint="Put what changes the features into the model, for example as keras.layers.Rescaling.",
    )
