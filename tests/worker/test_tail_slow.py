"""Somebody who watches the log and does not keep up is let go, and told why.

A stream alone: of a WebSocket, what waits could not be told here reliably.
`tests/unit/test_listeners.py` has both.
"""

import contextlib
import json
import socket
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from running import Gateway, post
from worker.test_tail import admin, leases

LARGE = json.dumps({str(number): "x" * 1_600 for number in range(5)})
TARGETS = [
    {"provider": "openai", "endpoint": "x", "headers": {}, "query": {"model": "☃" * 1_000}}
] * 10
"""Without a key each of them is refused, which is a row."""
ROUND = 8
SLOW = b'event: end\ndata: {"reason": "too_slow"}'
"""The last words to who is too slow."""


@pytest.fixture
def watched(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    name = request.node.name.partition("[")[0].replace("_", "-")[:60]
    with gateway.another(name) as made:
        yield made


def write_rows(gateway: Gateway) -> None:
    """Write ten rows of 14 kB."""
    answer = post(gateway.address, json=TARGETS, headers={"cf-aig-metadata": LARGE}, timeout=60)
    assert answer.status_code == 400


def flood(gateway: Gateway) -> None:
    """Write rows until nobody listens any longer."""
    with ThreadPoolExecutor(ROUND) as callers:
        for _ in range(40):
            list(callers.map(write_rows, [gateway] * ROUND))
            if not leases(gateway):
                return
    raise AssertionError("nobody was let go")


@contextlib.contextmanager
def unread(gateway: Gateway) -> Generator[socket.socket, None, None]:
    """Listen on a connection on whose way little has room, and take nothing but a beginning."""
    path = gateway.management.removeprefix(gateway.url)
    token = f"authorization: {admin(gateway)['authorization']}"
    with _narrow(gateway) as caller:
        caller.sendall(f"GET {path}/logs/tail HTTP/1.1\r\nhost: x\r\n{token}\r\n\r\n".encode())
        caller.recv(16)
        yield caller


def last_words(caller: socket.socket) -> bytes:
    """Read to the end, and return what comes last."""
    end = b""
    while data := caller.recv(1_000_000):
        end = (end + data)[-200:]
        if end.endswith(b"0\r\n\r\n"):
            break
    return end


def _narrow(gateway: Gateway) -> socket.socket:
    host, _, port = gateway.url.removeprefix("http://").partition(":")
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    caller.settimeout(30)
    caller.connect((host, int(port)))
    return caller


def test_a_stream_that_is_not_read_ends_and_says_why(watched: Gateway) -> None:
    with unread(watched) as caller:
        flood(watched)
        end = last_words(caller)

    assert SLOW in end
