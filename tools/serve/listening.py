"""Sockets that are open before workerd runs, which is handed them."""

import contextlib
import errno
import socket
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

BACKLOG = 1024


def free_port() -> int:
    """Return a port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listening(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a socket that listens. Exits where the address cannot be had.

    Of several `shared` ones of the same address each gets a part of the connections.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        opened.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sys.exit(f"PORT is {port}, which another program listens on already")
        sys.exit(f"{host}, port {port}, cannot be listened on: {error.strerror}. See HOST and PORT")
    opened.listen(BACKLOG)
    opened.setblocking(False)
    return opened


@contextlib.contextmanager
def private_socket() -> Generator[tuple[socket.socket, str], None, None]:
    """Yield a socket that only the user of this process can connect to, and its path."""
    # Not in the folder of the data: the path of a socket may have a hundred characters.
    with tempfile.TemporaryDirectory(prefix="sluice-") as folder:
        path = str(Path(folder) / "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.bind(path)
            server.listen()
            server.setblocking(False)
            yield server, path


def connected(path: str, patience_s: float) -> socket.socket:
    """Return a connection to a private socket. Raises OSError."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(patience_s)
    client.connect(path)
    return client
