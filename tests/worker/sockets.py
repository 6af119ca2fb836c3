"""A provider of WebSockets, for what the gateway relays."""

import contextlib
import queue
import socket
import threading
from collections.abc import Generator, Sequence

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve
from websockets.typing import Subprotocol


class SocketUpstream:
    """Echoes what comes, and does what some messages tell: `close 4001 reason`, `vanish`.

    `opened` and `closed` hold the connections, the oldest first.
    """

    def __init__(self) -> None:
        self.opened: queue.Queue[ServerConnection] = queue.Queue()
        self.closed: queue.Queue[ServerConnection] = queue.Queue()
        self._port = 0

    @property
    def url(self) -> str:
        """What takes the place of a provider's base URL."""
        return f"http://127.0.0.1:{self._port}"

    @contextlib.contextmanager
    def running(self) -> Generator["SocketUpstream", None, None]:
        """Serve until the block ends."""
        with serve(self._serve, "127.0.0.1", 0, select_subprotocol=_first) as server:
            self._port = server.socket.getsockname()[1]
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield self
            finally:
                _end(server, thread)

    def _serve(self, connection: ServerConnection) -> None:
        self.opened.put(connection)
        try:
            for message in connection:
                self._answer(connection, message)
        except ConnectionClosed:
            pass  # however it ended, the test asks for the code
        finally:
            self.closed.put(connection)

    def _answer(self, connection: ServerConnection, message: str | bytes) -> None:
        if isinstance(message, str) and message.startswith("close "):
            _, code, reason = message.split(" ", 2)
            connection.close(int(code), reason)
        elif message == "vanish":
            connection.socket.shutdown(socket.SHUT_RDWR)
        else:
            connection.send(message)


def _first(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next(iter(offered), None)


def _end(server: Server, thread: threading.Thread) -> None:
    server.shutdown()
    thread.join()
