"""The server of pages answers this machine only, and frees its port."""

from __future__ import annotations

import urllib.parse

import pytest

from helpers.http import get
from mltk.errors import MltkError
from mltk.operations.shared import local_server
from mltk.operations.shared.local_server import LocalServer


def respond(path: str) -> tuple[str, bytes] | None:
    return ("text/html", b"page") if path == "/" else None


def test_refuses_pages_that_pretend_to_be_this_machine() -> None:
    with LocalServer(respond, port=0) as server:
        assert get(server.url, "/", Host="attacker.example")[0] == 403
        assert get(server.url, "/", Host="localhost:1")[0] == 200


def test_a_port_that_is_taken_is_an_error_unless_it_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalServer(respond, port=0) as first:
        port = urllib.parse.urlparse(first.url).port
        with pytest.raises(MltkError, match="Can't listen") as e:
            LocalServer(respond, port=port)
        assert "--port" in e.value.hint
        monkeypatch.setattr(local_server, "DEFAULT_PORT", port)
        with LocalServer(respond) as second:
            assert get(second.url, "/")[0] == 200
