"""A real browser for tests: Chromium, driven by the Chrome DevTools Protocol.

    with Browser() as browser:
        page = browser.open(path.as_uri())
        assert page.evaluate("document.title") == "yes_no"
        assert page.errors == [] and page.outside == []

The browser is the Chromium inside Qt WebEngine, which pip installs (PySide6-WebEngine), so that no test depends on
what else is on the machine. The environment variable ``MLTK_TEST_BROWSER`` names another Chromium to use instead.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

_QT = """
import sys
from PySide6.QtCore import QUrl
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWebEngineCore import QWebEnginePermission
from PySide6.QtWidgets import QApplication
application = QApplication(["browser"])
view = QWebEngineView()
view.page().permissionRequested.connect(QWebEnginePermission.grant)
view.resize(1440, 900)
view.load(QUrl("about:blank"))
view.show()
sys.exit(application.exec())
"""
_FLAGS = [
    "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
_INSIDE = ("file:", "data:", "blob:", "about:", "chrome-error:")
TIMEOUT_S = 60.0


class BrowserError(AssertionError):
    """The browser did not start, or a script in the page failed."""


class Page:
    """The page that the browser shows.

    Attributes:
        errors: Messages of errors in the page: exceptions that no script caught, and errors in the console.
        requests: Every address that the page requested, the page itself first.
        load_ms: Time from the request until the load event of the last `open`, in milliseconds.
    """

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self._loaded = False
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.load_ms = 0.0
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    @property
    def outside(self) -> list[str]:
        """Requests that left the page: neither a file nor data inside the page."""
        return [url for url in self.requests if not url.startswith(_INSIDE)]

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            message = self._receive(deadline, method)
            if message.get("id") == self._number:
                if "error" in message:
                    raise BrowserError(f"{method}: {message['error']}")
                result: dict[str, Any] = message["result"]
                return result

    def _receive(self, deadline: float, waiting_for: str) -> dict[str, Any]:
        try:
            text = self._connection.recv(timeout=max(0.01, deadline - time.monotonic()))
        except (TimeoutError, ConnectionClosed) as e:
            raise BrowserError(f"The browser did not answer {waiting_for}: {e!r}") from None
        message: dict[str, Any] = json.loads(text)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, facts: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requests.append(facts["request"]["url"])
        elif event == "Runtime.exceptionThrown":
            details = facts["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif event == "Runtime.consoleAPICalled" and facts["type"] in ("error", "assert"):
            self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in facts["args"]))
        elif event == "Log.entryAdded" and facts["entry"]["level"] == "error":
            self.errors.append(f"{facts['entry']['text']} {facts['entry'].get('url', '')}")
        elif event == "Page.loadEventFired":
            self._loaded = True

    def open(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self.errors, self.requests, self._loaded = [], [], False
        result = self.call("Page.navigate", url=url)
        if result.get("errorText"):
            raise BrowserError(f"{url}: {result['errorText']}")
        deadline = time.monotonic() + TIMEOUT_S
        while not self._loaded:
            self._receive(deadline, f"the load event of {url}")
        self.load_ms = float(self.evaluate("performance.timing.loadEventStart - performance.timing.navigationStart"))

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression; a promise is awaited. The value is what JSON can hold."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details["text"])
        return result["result"].get("value")

    def wait_for(self, expression: str, timeout_s: float = 20.0) -> Any:
        """Wait until an expression is true and return its value."""
        deadline = time.monotonic() + timeout_s
        while True:
            value = self.evaluate(expression)
            if value:
                return value
            if time.monotonic() > deadline:
                raise BrowserError(f"Not true after {timeout_s} s: {expression}. Errors in the page: {self.errors}")
            time.sleep(0.05)

    def resize(self, width: int, height: int = 900, *, mobile: bool = False, dark: bool = False) -> None:
        """Set the size of the window in CSS pixels, and the preferred colors."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[theme])

    def press(self, key: str) -> None:
        """Press and release a key, such as ``"Tab"`` or ``"ArrowRight"``."""
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "End": 35, "Home": 36}
        facts: dict[str, Any] = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0)}
        if key in ("Enter", " "):
            facts["text"] = "\r" if key == "Enter" else " "
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def screenshot(self, path: str | os.PathLike[str], *, whole: bool = False) -> None:
        """Write a picture of the window as PNG; with ``whole``, of the whole page."""
        more = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            more = {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, **_pick(size), "scale": 1}}
        data = self.call("Page.captureScreenshot", format="png", **more)["data"]
        Path(path).write_bytes(base64.b64decode(data))


def _pick(size: dict[str, float]) -> dict[str, float]:
    return {"width": size["width"], "height": size["height"]}


class Browser:
    """A browser in a process of its own, ended with the ``with`` block.

    Args:
        flags: More command line flags, such as ``--use-fake-device-for-media-stream``.
    """

    def __init__(self, *flags: str) -> None:
        self._stack = contextlib.ExitStack()
        self._flags = [*_FLAGS, *flags]
        self.page: Page

    def __enter__(self) -> Browser:
        with contextlib.ExitStack() as stack:
            folder = tempfile.mkdtemp(prefix="browser.")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            port = _free_port()
            log = stack.enter_context(open(os.path.join(folder, "log.txt"), "w+b"))
            process = self._start(folder, port, log)
            stack.callback(_end, process)
            address = _page_address(port, process, os.path.join(folder, "log.txt"))
            connection = stack.enter_context(connect(address, max_size=None, open_timeout=TIMEOUT_S, proxy=None))
            self.page = Page(connection)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def open(self, url: str) -> Page:
        """Open an address, wait until it is loaded, and return the page."""
        self.page.open(url)
        return self.page

    def _start(self, folder: str, port: int, log: Any) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "HOME": folder, "XDG_RUNTIME_DIR": folder, "TMPDIR": folder}
        chosen = os.environ.get("MLTK_TEST_BROWSER")
        if chosen:
            command = [
                chosen, "--headless", "--no-sandbox", f"--remote-debugging-port={port}", "--remote-allow-origins=*",
                f"--user-data-dir={folder}/profile", *self._flags, "about:blank",
            ]  # fmt: skip
        else:
            command = [sys.executable, "-c", _QT]
            environment |= {
                "QT_QPA_PLATFORM": "offscreen",
                "QTWEBENGINE_DISABLE_SANDBOX": "1",
                "QTWEBENGINE_REMOTE_DEBUGGING": str(port),
                "QTWEBENGINE_CHROMIUM_FLAGS": " ".join(self._flags),
            }
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the browser and its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 15)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _page_address(port: int, process: subprocess.Popen[bytes], log: str) -> str:
    """Wait for the browser and return the address of its page for the protocol."""
    deadline = time.monotonic() + TIMEOUT_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, ValueError), opener.open(f"http://127.0.0.1:{port}/json/list") as answer:
            for target in json.load(answer):
                if target["type"] == "page":
                    address: str = target["webSocketDebuggerUrl"]
                    return address
        time.sleep(0.1)
    raise BrowserError(f"The browser did not start: {Path(log).read_text(errors='replace')[-2000:]}")
