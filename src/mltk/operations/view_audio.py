"""Show the features of the audio frontend in the browser, and change its settings.

    mltk view_audio
    mltk view_audio yes_no

The page computes the features with the device's C code, for a microphone or a sound file.
"""

from __future__ import annotations

from typing import Any

from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.audio.listening import has_frontend
from mltk.errors import ArchiveError, UnsupportedModelError
from mltk.operations.shared.load import ModelKind, ModelReference, resolve
from mltk.tflite.model_parameters import stored_parameters
from mltk.workers.script_loading import stop_if_loading_script


def view_audio(
    model: object = None, *, port: int | None = None, browser: bool = True, timeout: float | None = None
) -> str:
    """Serve a page that shows audio features.

    Args:
        model: A model whose settings the page begins with: a ``.tflite`` file, an archive, the name of a model, or a
            specification. None begins with the defaults.
        port: Port of the page; None takes 8080, or any free port if 8080 is in use.
        browser: Open the browser.
        timeout: Seconds to serve the page; None serves until Ctrl-C.

    Returns:
        The address of the page.

    Raises:
        ModelNotFoundError: There is no such model.
        UnsupportedModelError: The model has no settings of the audio frontend.
        MissingDependencyError: The compiler is not installed.
        MltkError: The port is in use.
    """
    stop_if_loading_script()
    from mltk.browser.try_it import view_frontend
    from mltk.operations.shared.page_server import page_of, serve

    settings, name = AudioFeatureGeneratorSettings(), "Audio frontend"
    if model is not None:
        reference = resolve(model)
        settings, name = _settings_of(reference), reference.name
    subtitle, heading = "Features of the audio frontend", "Listen and change"
    page = page_of(name, view_frontend(settings), subtitle=subtitle, heading=heading)
    return serve(page, "The audio frontend", port=port, browser=browser, timeout=timeout)


def _settings_of(reference: ModelReference) -> AudioFeatureGeneratorSettings:
    try:
        parameters: Any = stored_parameters(reference.tflite_model())
    except ArchiveError:
        if reference.kind not in (ModelKind.NAME, ModelKind.SPECIFICATION):
            raise
        parameters = _of_specification(reference)  # it has not been trained yet
    if not has_frontend(parameters):
        raise UnsupportedModelError("The model has no parameters of the audio frontend ('fe.*').")
    return AudioFeatureGeneratorSettings.from_parameters(parameters)


def _of_specification(reference: ModelReference) -> Any:
    """Return the frontend settings of a specification. Runs its code."""
    from mltk.specification.loading import load_mltk_model

    specification = reference.given
    if reference.kind is ModelKind.NAME:
        specification = load_mltk_model(reference.given)
    return getattr(getattr(specification, "datagen", None), "frontend_settings", {})
