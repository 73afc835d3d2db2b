"""Ports of the network."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence

_SOCKETS = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


def find_listening_port(
    port_range: Sequence[int] | None = None,
    host: str = "localhost",
    socket_type: str = "tcp",
    default_port: int | None = None,
) -> int:
    """Return a port that no program listens on.

    Args:
        port_range: First and last port, both included; None is any port.
        host: Name or address of the interface.
        socket_type: ``"tcp"`` or ``"udp"``.
        default_port: Port to try first.

    Raises:
        RuntimeError: All ports of the range are in use.
    """
    protocol = _SOCKETS[socket_type.lower()]
    candidates = list(range(port_range[0], port_range[1] + 1)) if port_range else [0]
    random.shuffle(candidates)
    for port in [*([] if default_port is None else [default_port]), *candidates]:
        try:
            return test_port(host, port, protocol)
        except OSError:
            continue
    raise RuntimeError(f"All ports from {candidates and min(candidates)} to {max(candidates)} of {host} are in use.")


def test_port(host: str, port: int, socket_protocol: int | str) -> int:
    """Return a port if it is free.

    Args:
        host: Name or address of the interface.
        port: The port; 0 is any port.
        socket_protocol: ``"tcp"``, ``"udp"`` or a constant of :mod:`socket`.

    Returns:
        The port.

    Raises:
        OSError: A program uses the port.
    """
    kind = _SOCKETS[socket_protocol.lower()] if isinstance(socket_protocol, str) else socket_protocol
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind((host, port))
        return int(found.getsockname()[1])
