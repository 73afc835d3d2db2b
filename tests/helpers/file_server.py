"""An HTTP server on this machine that serves a folder, with ranges, and misbehaves as told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@dataclass
class FileServer:
    """What is served and how.

    Attributes:
        folder: the files.
        url: address of the server, without a slash at the end.
        cut_after: each of the next answers ends after so many bytes of its body, then one after another is used up.
        ranges: whether ranges are served.
        etag: sent with every file; None sends none.
        requests: ``(path, Range header or "")`` of every request.
    """

    folder: Path
    url: str = ""
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    etag: str | None = '"1"'
    requests: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def serve(folder: Path) -> Iterator[FileServer]:
    """Serve ``folder`` on 127.0.0.1 until the block ends."""
    state = FileServer(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.requests.append((self.path, asked))
            path = folder / self.path.partition("?")[0].lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            data = path.read_bytes()
            begin = 0
            if asked and state.ranges and self.headers.get("If-Range", state.etag) == state.etag:
                begin = int(asked.removeprefix("bytes=").split("-")[0])
                if begin >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            if state.etag:
                self.send_header("ETag", state.etag)
            self.send_header("Content-Length", str(len(data) - begin))
            self.end_headers()
            body = data[begin:]
            if state.cut_after:
                self.wfile.write(body[: state.cut_after.pop(0)])
                self.wfile.flush()
                self.close_connection = True
                return
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
