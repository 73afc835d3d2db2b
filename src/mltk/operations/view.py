"""Show the graph of a model in the browser, with Netron and without the internet.

    mltk view yes_no --tflite

Netron (https://netron.app, MIT) draws the graph with JavaScript in the browser. This module serves Netron's files and
the model on the loopback address, and the pages may load nothing from any other address. Netron's own server would make
the browser report to an analytics service.
"""

from __future__ import annotations

import html
import http.server
import importlib.util
import re
import tempfile
import threading
import urllib.parse
import webbrowser
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from mltk.errors import ArchiveError, MissingDependencyError, MltkError
from mltk.operations.load_model import load_tflite_model
from mltk.operations.shared.load import ModelKind, archive_member, resolve
from mltk.workers.script_loading import stop_if_loading_script

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import BuildableModel, KerasModel

LOOPBACK, DEFAULT_PORT = "127.0.0.1", 8080
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
_LOCAL_NAMES = (LOOPBACK, "localhost", "[::1]")


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
    with GraphServer(folder, name, data, host or LOOPBACK, port) as server:
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


class GraphServer:
    """Serves Netron's pages and one model over HTTP; a context manager that stops at its end.

    Args:
        folder: Folder of Netron's pages.
        name: Name of the model's file. Its extension tells Netron the format.
        data: Content of the model's file.
        host: Address to listen at.
        port: Port to listen at; None takes 8080, or any free port if 8080 is in use.

    Raises:
        MltkError: The port is in use.
    """

    def __init__(self, folder: Path, name: str, data: bytes, host: str = LOOPBACK, port: int | None = None) -> None:
        handler = type("Handler", (_Handler,), {"folder": folder.resolve(), "file": (name, data)})
        ports = [DEFAULT_PORT, 0] if port is None else [port]
        for candidate in ports:
            try:
                self._server = http.server.ThreadingHTTPServer((host, candidate), handler)
                break
            except (OSError, OverflowError) as e:
                if candidate == ports[-1]:
                    hint = "Choose another port with --port."
                    raise MltkError(f"Can't listen at {host}:{candidate}: {e}.", hint=hint) from None
        self._server.daemon_threads = True
        shown = "localhost" if host in ("", "0.0.0.0", "::") else host
        self.url = f"http://{shown}:{self._server.server_port}/"
        handler.local_only = host in (LOOPBACK, "localhost", "::1")  # type: ignore[attr-defined]  # type() made it
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def __enter__(self) -> GraphServer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, timeout: float | None = None) -> None:
        """Serve for ``timeout`` seconds, or until Ctrl-C."""
        self._thread.join(timeout)

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    folder: Path
    file: tuple[str, bytes]
    local_only = True

    def do_GET(self) -> None:
        found = self._content(urllib.parse.unquote(urllib.parse.urlparse(self.path).path))
        if found is None or not self._is_addressed_here():
            self.send_error(404 if found is None else 403)
            return
        kind, content = found
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Cache-Control", "no-store")
        self.send_header("Set-Cookie", "consent=0; SameSite=Strict")  # no question about cookies
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET

    def _is_addressed_here(self) -> bool:
        """Whether the request names this machine. A page whose host name points here must not read the model."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        return not self.local_only or host in _LOCAL_NAMES

    def _content(self, path: str) -> tuple[str, bytes] | None:
        name, data = self.file
        if path == f"/data/{name}":
            return "application/octet-stream", data
        path = "/index.html" if path == "/" else path
        file = (self.folder / path.lstrip("/")).resolve()
        kind = _TYPES.get(file.suffix)
        if kind is None or not file.is_relative_to(self.folder) or not file.is_file():
            return None
        content = file.read_bytes()
        return kind, self._page(content, name) if path == "/index.html" else content

    @staticmethod
    def _page(content: bytes, name: str) -> bytes:
        """Return Netron's page with the file to open, and version 0.0.0, which sends no usage reports."""
        quoted = html.escape(urllib.parse.quote(name))
        told = {"type": "Python", "version": "0.0.0", "file": f"/data/{quoted}", "name": html.escape(name)}
        tags = "\n".join(f'<meta name="{key}" content="{value}">' for key, value in told.items())
        return re.sub(rb'<meta name="version" content=".*">', lambda _: tags.encode(), content)

    def log_message(self, format: str, *args: Any) -> None:
        """Do not log requests."""
