"""Show a training in the browser while it runs.

The page is served on this machine only. When the training is done, the same address has the finished report.
"""

from __future__ import annotations

import json
import logging
import threading
import webbrowser
from collections.abc import Sequence
from types import TracebackType

from mltk.operations.shared.archived_report import MEMBER
from mltk.operations.shared.local_server import LocalServer
from mltk.report.live import live_page
from mltk.report.markup import element
from mltk.report.page import Section, render
from mltk.specification.archive_file import ArchiveReader
from mltk.training.live_state import LiveState

_HANDOVER_S = 5.0


class LiveReport:
    """Serves the page of a running training; a context manager that stops at its end.

    At the end it waits a few seconds until an open page has loaded the finished report, which then needs no server.

    Args:
        name: Name of the model.
        sections: What is known about the model before the training.
        port: Port to listen at; None takes 8080, or any free port if 8080 is in use.
        browser: Open the browser.

    Attributes:
        state: Where the training writes its progress.

    Raises:
        MltkError: The port is in use.
    """

    def __init__(
        self, name: str, sections: Sequence[Section] = (), *, port: int | None = None, browser: bool = True
    ) -> None:
        self.name = name
        self.state = LiveState()
        self._page = live_page(name, sections).encode()
        self._finished: bytes | None = None
        self._asked, self._fetched = threading.Event(), threading.Event()
        self._browser = browser
        self._server = LocalServer(self._respond, port=port)
        self.url = self._server.url

    def _respond(self, path: str) -> tuple[str, bytes] | None:
        if path == "/state.json":
            self._asked.set()
            return "application/json", json.dumps(self.state.read(), allow_nan=False).encode()
        if path != "/":
            return None
        if self._finished is None:
            return "text/html; charset=utf-8", self._page
        self._fetched.set()
        return "text/html; charset=utf-8", self._finished

    def __enter__(self) -> LiveReport:
        self._server.__enter__()
        logging.getLogger("mltk").info("The training is shown at %s", self.url)
        if self._browser:
            webbrowser.open(self.url)
        return self

    def finish(self, html: str) -> None:
        """Replace the page by the finished report."""
        self._finished = html.encode()
        self.state.set(stage="finished")
        if self._asked.is_set():  # a page is open
            self._fetched.wait(_HANDOVER_S)

    def finish_with_report(self, archive_path: str | None, text: str) -> None:
        """Replace the page by the report in an archive, or by a text if there is none.

        Args:
            archive_path: Path of the archive; None if none was written.
            text: What the terminal shows.
        """
        if archive_path is not None:
            with ArchiveReader(archive_path) as archive:
                if MEMBER in archive.names:
                    self.finish(archive.read(MEMBER).decode())
                    return
        self.finish(render(self.name, [Section("results", "Results", str(element("pre", text)))]))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and self._asked.is_set():
            self.state.set(stage="failed", error=str(error).splitlines()[0] if str(error) else type(error).__name__)
            threading.Event().wait(1.5)  # the page asks each second
        self._server.close()
