"""Show the graph of a model in the browser, with Netron and without the internet.

    mltk view yes_no --tflite

Netron (https://netron.app, MIT) draws the graph with JavaScript in the browser. This module serves Netron's files and
the model on the loopback address, and the pages may load nothing from any other address. Netron's own server would make
the browser report to an analytics service.
"""

from __future__ import annotations

import html
import importlib.util
import re
import tempfile
import urllib.parse
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from mltk.errors import ArchiveError, MissingDependencyError
from mltk.operations.load_model import load_tflite_model
from mltk.operations.shared.load import ModelKind, archive_member, resolve
from mltk.operations.shared.local_server import LOOPBACK, LocalServer
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import BuildableModel, KerasModel

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}

_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; worker-src 'self' blob:"
)


def view_model(
    model: object,
    host: str | None = None,
    port: int | None = None,
    test: bool = False,
    build: bool = False,
    tflite: bool = False,
    timeout: float | None = 7.0,
    *,
    browser: bool = True,
) -> str:
    """Serve the graph of a model, and open it in the browser.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, a `TfliteModel` or a Keras
            model.
        host: Address to listen at; by default 127.0.0.1, which only this machine reaches.
        port: Port to listen at; by default 8080, or any free port if 8080 is in use.
        test: Use the files of the dry run.
        build: Build the model without training it. Runs the specification.
        tflite: Show the ``.tflite`` instead of the Keras model.
        timeout: Seconds to serve; None serves until Ctrl-C.
        browser: Open the browser.

    Returns:
        The address.

    Raises:
        MissingDependencyError: Netron is not installed.
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive has no Keras model.
        MltkError: The port is in use.
    """
    stop_if_loading_script()
    folder = netron_folder()
    name, data = model_file(model, tflite=tflite, build=build, test=test)
    pages = GraphPages(folder, name, data)
    with LocalServer(pages, host or LOOPBACK, port, pages.headers) as server:
        if timeout is None:
            print(f"{name} at {server.url} (Ctrl-C stops it)", flush=True)
        if browser:
            webbrowser.open(server.url)
        try:
            server.wait(timeout)
        except KeyboardInterrupt:
            if timeout is not None:
                raise
        return server.url


def netron_folder() -> Path:
    """Return the folder of Netron's pages.

    Raises:
        MissingDependencyError: Netron is not installed.
    """
    found = importlib.util.find_spec("netron")
    if found is None or not found.submodule_search_locations:
        raise MissingDependencyError("Netron", "view")
    return Path(next(iter(found.submodule_search_locations)))


def model_file(model: object, *, tflite: bool = False, build: bool = False, test: bool = False) -> tuple[str, bytes]:
    """Return the file to show.

    Args:
        model: A model, as for `view_model`.
        tflite: Show the ``.tflite`` instead of the Keras model.
        build: Build the model without training it.
        test: Use the files of the dry run.

    Returns:
        The file's name and its bytes.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive has no Keras model.
    """
    reference = resolve(model, test=test, can_build=True)
    if reference.kind is ModelKind.KERAS_MODEL:
        return f"{reference.given.name}.keras", _keras_bytes(reference.given)
    if reference.is_tflite or tflite:
        shown = load_tflite_model(reference.given, build=build and tflite, test=test)
        return shown.filename or f"{shown.name}.tflite", shown.flatbuffer_data
    if build:
        from mltk.operations.shared.keras_model import build_keras_model
        from mltk.operations.shared.prepare import prepare
        from mltk.specification.train_settings import TrainMixin

        loaded = cast("BuildableModel", prepare(reference.given, TrainMixin, test=test, operation="build it"))
        return f"{loaded.name}.keras", _keras_bytes(build_keras_model(loaded))
    with reference.archive() as archive:
        for extension in (".keras", ".h5"):
            member = archive_member(archive, extension)
            if member in archive.names:
                return member, archive.read(member)
        raise ArchiveError(f"{archive.path} has no Keras model.", hint="Try --tflite.")


def _keras_bytes(keras_model: KerasModel) -> bytes:
    with tempfile.TemporaryDirectory(prefix="mltk-view-") as folder:
        path = Path(folder) / "model.keras"
        keras_model.save(path)
        return path.read_bytes()


class GraphPages:
    """Netron's pages and one model, as answers of a `LocalServer`.

    Args:
        folder: Folder of Netron's pages.
        name: Name of the model's file. Its extension tells Netron the format.
        data: Content of the model's file.
    """

    headers: ClassVar[Mapping[str, str]] = {
        "Content-Security-Policy": _POLICY,
        "Set-Cookie": "consent=0; SameSite=Strict",  # no question about cookies
    }

    def __init__(self, folder: Path, name: str, data: bytes) -> None:
        self.folder, self.name, self.data = folder.resolve(), name, data

    def __call__(self, path: str) -> tuple[str, bytes] | None:
        """Return the type and the content of a page; None if there is no such page."""
        if path == f"/data/{self.name}":
            return "application/octet-stream", self.data
        path = "/index.html" if path == "/" else path
        file = (self.folder / path.lstrip("/")).resolve()
        kind = _TYPES.get(file.suffix)
        if kind is None or not file.is_relative_to(self.folder) or not file.is_file():
            return None
        content = file.read_bytes()
        return kind, self._page(content) if path == "/index.html" else content

    def _page(self, content: bytes) -> bytes:
        """Return Netron's page with the file to open, and version 0.0.0, which sends no usage reports."""
        quoted = html.escape(urllib.parse.quote(self.name))
        told = {"type": "Python", "version": "0.0.0", "file": f"/data/{quoted}", "name": html.escape(self.name)}
        tags = "\n".join(f'<meta name="{key}" content="{value}">' for key, value in told.items())
        return re.sub(rb'<meta name="version" content=".*">', lambda _: tags.encode(), content)
