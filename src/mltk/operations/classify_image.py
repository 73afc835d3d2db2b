"""Classify pictures with a model: those of the camera in the browser, or files in the terminal.

    mltk classify_image rock_paper_scissors
    mltk classify_image rock_paper_scissors --file photo.jpg

The browser and the terminal compute what the device computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.detector import to_scores
from mltk.audio.listening import class_names
from mltk.errors import ArchiveError, UnsupportedModelError
from mltk.image.files import read_image
from mltk.image.image_format import INTERPOLATIONS, ImageFormat
from mltk.image.pixel_values import pixel_values
from mltk.micro.engines.run import run_batch
from mltk.operations.shared.load import ModelKind, ModelReference, resolve
from mltk.operations.shared.try_section import interpolation_of
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters
from mltk.tflite.quantization import to_tensor_dtype
from mltk.workers.script_loading import stop_if_loading_script


@dataclass(frozen=True)
class ClassifiedPictures:
    """What the model sees in pictures.

    Attributes:
        paths: The files.
        scores: uint8 [files, classes]: Probabilities in steps of 1/256.
        classes: Names of the classes.
        note: How pixels became the input of the model, if the model does not say it.
    """

    paths: list[str]
    scores: npt.NDArray[np.uint8]
    classes: list[str]
    note: str = ""

    def to_text(self) -> str:
        """Return a line for each file: its path, the best class, and its score; then the note."""
        best = self.scores.argmax(axis=1)
        lines = [
            f"{path}  {self.classes[k]}  score {row[k]} of 255"
            for path, row, k in zip(self.paths, self.scores, best, strict=True)
        ]
        return "\n".join([*lines, *([f"Note: {self.note}"] if self.note else [])])


def classify_image(
    model: object,
    *,
    files: Sequence[str] = (),
    settings: Mapping[str, Any] | None = None,
    test: bool = False,
    port: int | None = None,
    browser: bool = True,
    timeout: float | None = None,
) -> ClassifiedPictures | str:
    """Classify pictures with a model.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        files: Picture files; without files, a page with the camera is served.
        settings: Settings of `mltk.audio.detector.DetectorSettings` that differ from those in the model.
        test: Use the files of the dry run.
        port: Port of the page; None takes 8080, or any free port if 8080 is in use.
        browser: Open the browser.
        timeout: Seconds to serve the page; None serves until Ctrl-C.

    Returns:
        The scores of the files; or the address of the page.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
        UnsupportedModelError: The model does not classify pictures. The message has the reason.
        ImageFileError: A file can't be read.
        MissingDependencyError: What the page needs is not installed.
        MltkError: The port is in use.
    """
    stop_if_loading_script()
    from mltk.browser.try_it import is_picture, try_it

    reference = resolve(model, test=test)
    tflite_model = reference.tflite_model()
    graph = tflite_model.graph
    if len(graph.inputs) != 1 or not is_picture(graph.inputs[0]):
        shapes = " and ".join(str(list(t.shape)) for t in graph.inputs)
        raise UnsupportedModelError(
            f"The model takes {shapes}, which is not a picture of 1 or 3 channels.",
            hint="For sound, run 'mltk classify_audio'.",
        )
    interpolation = _interpolation(reference)
    if files:
        return _classify(tflite_model, list(files), interpolation, trusted=not reference.is_outside_file)
    from mltk.operations.shared.page_server import page_of, serve

    name = reference.name
    part = try_it(tflite_model, name=name, detector=settings, interpolation=interpolation, strict=True)
    return serve(page_of(name, part), f"{name} looks", port=port, browser=browser, timeout=timeout)


def _interpolation(reference: ModelReference) -> str:
    """Return the filter of the specification; bilinear, the default of specifications, if it is not known."""
    if reference.kind is ModelKind.SPECIFICATION:
        found = getattr(reference.given, "interpolation", None)
    elif reference.is_tflite:
        found = None
    else:
        try:
            with reference.archive() as archive:
                return interpolation_of(archive.manifest())
        except ArchiveError:
            found = None
    return found if found in INTERPOLATIONS else "bilinear"


def _classify(model: TfliteModel, paths: list[str], interpolation: str, *, trusted: bool) -> ClassifiedPictures:
    parameters, x = stored_parameters(model), model.graph.inputs[0]
    _, height, width, channels = x.shape
    wanted = ImageFormat(height, width, channels, interpolation)
    values = pixel_values(parameters, model.graph)
    pixels = np.stack([read_image(path, wanted) for path in paths])
    outputs = run_batch(model, to_tensor_dtype(values.of(pixels), x), trusted=trusted).outputs[0]
    scores = to_scores(outputs).reshape(len(paths), -1)
    return ClassifiedPictures(paths, scores, class_names(parameters, scores.shape[1], numbered=True), values.note)
