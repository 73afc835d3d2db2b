"""Serve pages to the browser on this machine."""

from __future__ import annotations

import http.server
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TypeAlias

from mltk.errors import MltkError

LOOPBACK, DEFAULT_PORT = "127.0.0.1", 8080
_LOCAL_NAMES = (LOOPBACK, "localhost", "[::1]")
Respond: TypeAlias = Callable[[str], tuple[str, bytes] | None]
"""Path of a request → type and content of the answer; None if there is no such page. Threads call it."""


class LocalServer:
    """Serves pages over HTTP; a context manager that stops at its end.

    Args:
        respond: What to answer.
        host: Address to listen at.
        port: Port to listen at; None takes 8080, or any free port if 8080 is in use.
        headers: More headers of each answer.

    Attributes:
        url: Address of the first page.

    Raises:
        MltkError: The port is in use.
    """

    def __init__(
        self,
        respond: Respond,
        host: str = LOOPBACK,
        port: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        local_only = host in (LOOPBACK, "localhost", "::1")
        settings = {"respond": staticmethod(respond), "more_headers": dict(headers or {}), "local_only": local_only}
        handler = type("Handler", (_Handler,), settings)
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
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)

    def __enter__(self) -> LocalServer:
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
    respond: Respond
    more_headers: Mapping[str, str] = {}
    local_only = True

    def do_GET(self) -> None:
        found = self.respond(urllib.parse.unquote(urllib.parse.urlparse(self.path).path))
        if found is None or not self._is_addressed_here():
            self.send_error(404 if found is None else 403)
            return
        kind, content = found
        self.send_response(200)
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            **self.more_headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_GET

    def _is_addressed_here(self) -> bool:
        """Whether the request names this machine. A page whose host name points here must not read the model."""
        host = self.headers.get("Host", "").rsplit(":", 1)[0]
        return not self.local_only or host in _LOCAL_NAMES

    def log_message(self, format: str, *args: object) -> None:
        """Do not log requests."""
