"""Serve one page with parts of `mltk.browser` on this machine."""

from __future__ import annotations

import webbrowser

from mltk.browser.try_it import TryIt
from mltk.operations.shared.local_server import LOOPBACK, LocalServer
from mltk.report.page import Section, render

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; media-src blob: mediastream:; connect-src blob: data:; worker-src blob:"
)
"""The page requests nothing, and runs WebAssembly and an audio worklet."""


def page_of(title: str, part: TryIt, *, subtitle: str = "", heading: str = "Try it") -> str:
    """Return a page with one part, as HTML.

    Args:
        title: Title of the page.
        part: The part.
        subtitle: A line below the title.
        heading: Heading of the part.
    """
    section = Section("try-it", heading, part.html, part.script, part.data)
    return render(title, [section], subtitle=subtitle)


def serve(page: str, what: str, *, port: int | None, browser: bool, timeout: float | None) -> str:
    """Serve a page on the loopback address, and open it in the browser.

    Args:
        page: The page as HTML.
        what: What it is, for the line that is printed.
        port: Port to listen at; None takes 8080, or any free port if 8080 is in use.
        browser: Open the browser.
        timeout: Seconds to serve; None serves until Ctrl-C.

    Returns:
        The address.

    Raises:
        MltkError: The port is in use.
    """
    content = page.encode()

    def respond(path: str) -> tuple[str, bytes] | None:
        return ("text/html; charset=utf-8", content) if path == "/" else None

    with LocalServer(respond, LOOPBACK, port, {"Content-Security-Policy": POLICY}) as server:
        if timeout is None:
            print(f"{what} at {server.url} (Ctrl-C stops it)", flush=True)
        if browser:
            webbrowser.open(server.url)
        try:
            server.wait(timeout)
        except KeyboardInterrupt:
            if timeout is not None:
                raise
        return server.url
