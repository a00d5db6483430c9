"""Ports on loopback: chosen free, and kept from one start to the next where possible."""

import secrets
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
LARGEST_PORT = 65535
# Below the ports that systems give to outgoing connections: none of those can take a port
# between its choice and its use.
FIRST_PORT = 20000
PORTS = 12000


def free_port() -> int:
    """Choose at random, so that two programs that choose at once do not meet."""
    while True:
        port = FIRST_PORT + secrets.randbelow(PORTS)
        if is_free(port):
            return port


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server may listen on `port` now; connections of a former one do not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def is_open(port: int) -> bool:
    """Whether something accepts connections on `port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def remembered_port(file: Path) -> int:
    """Return the port noted in `file` when still free, else a free one, noted there."""
    try:
        port = int(file.read_text("ascii"))
    except (OSError, ValueError):
        port = 0
    if 0 < port <= LARGEST_PORT and is_free(port):
        return port
    return noted_port(file)


def noted_port(file: Path) -> int:
    """Choose a free port and note it in `file`."""
    port = free_port()
    file.write_text(f"{port}\n", "ascii")
    return port
