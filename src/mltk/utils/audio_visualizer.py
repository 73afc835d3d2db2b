"""The name of MLTK 0.20 for its audio window."""

from __future__ import annotations

import logging


def run_audio_visualizer_app(model: str | None = None, logger: logging.Logger | None = None) -> None:
    """Show the features of the audio frontend in the browser, until Ctrl-C.

    Args:
        model: A model whose settings the page begins with; None begins with the defaults.
        logger: For compatibility with MLTK 0.20; ignored.
    """
    from mltk.operations.view_audio import view_audio

    view_audio(model)
