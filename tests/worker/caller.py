"""A caller on a raw socket, for what HTTP clients do not do."""

import socket
import struct

import httpx


class RawCaller:
    """One POST of a JSON body."""

    def __init__(self, url: str, body: bytes, **headers: str) -> None:
        address = httpx.URL(url)
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = [
            f"POST {address.raw_path.decode()} HTTP/1.1",
            f"host: {address.netloc.decode()}",
            "content-type: application/json",
            "authorization: Bearer sk-test",
            f"content-length: {len(body)}",
            *lines,
        ]
        self._socket = socket.create_connection((address.host, address.port or 80), timeout=20)
        self._socket.sendall("\r\n".join([*head, "", ""]).encode() + body)

    def read_head(self) -> dict[str, str]:
        """Wait for the headers of the answer, and return them (names in lower case)."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._socket.recv(65_536)
        lines = received.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
        pairs = [line.split(": ", 1) for line in lines]
        return {name.lower(): value for name, value in pairs}

    def die(self) -> None:
        """Reset the connection, as when a machine goes away.

        An orderly close is not enough where nothing is being sent: half-closed connections are
        legal in HTTP, so that a local workerd notices one only when it writes.
        """
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
