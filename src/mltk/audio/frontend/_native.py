"""The compiled C of the audio frontend, loaded when it is first used."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings
from mltk.errors import MltkError


class FrontendUnavailableError(MltkError, ImportError):
    """mltk was installed without its C extension, because there was no C compiler."""


@cache
def load() -> tuple[Any, Any]:
    """Load the extension.

    Returns:
        cffi's ``ffi`` and ``lib``.

    Raises:
        FrontendUnavailableError: The extension was not compiled.
    """
    try:
        module = importlib.import_module("mltk.native._frontend")
    except ImportError as error:
        raise FrontendUnavailableError(
            "The audio frontend is C code, which was not compiled when mltk was installed here. The usual cause is "
            f"that there was no C compiler ({error}).",
            hint="Install a C compiler (on Debian and Ubuntu: apt install gcc libc6-dev; on macOS: xcode-select "
            "--install), then install mltk again: pip install --force-reinstall --no-deps openmltk",
        ) from error
    return module.ffi, module.lib


def c_settings(settings: AudioFeatureGeneratorSettings) -> Any:
    """The settings as the C code reads them.

    Returns:
        ``mltk_frontend_settings *`` of cffi.

    Raises:
        FrontendUnavailableError: The extension was not compiled.
    """
    ffi, _ = load()
    struct = ffi.new("mltk_frontend_settings *")
    for name, _field in ffi.typeof("mltk_frontend_settings").fields:
        setattr(struct, name, getattr(settings, name))
    return struct
