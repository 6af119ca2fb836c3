"""Where rows of the log go besides the database, in memory."""

import json
from typing import Any

from caching import KeptBody
from ports import QueueError, ReplyBody, TailsError


class FakeTails:
    """Keeps what it was told to show. `broken` is one that cannot be reached."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, list[list[Any]]]] = []
        self.asked: list[tuple[int, str, bool]] = []
        self.broken = False

    async def show(self, gateway_id: int, rows: str) -> None:
        self.shown.append((gateway_id, json.loads(rows)))
        if self.broken:
            raise TailsError

    async def listen(self, gateway_id: int, wanted: str, *, socket: bool) -> ReplyBody:
        self.asked.append((gateway_id, wanted, socket))
        if self.broken:
            raise TailsError
        return KeptBody(b"")


class FakeQueue:
    """A queue that keeps its messages, or refuses them."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.broken = False

    async def send(self, text: str) -> None:
        if self.broken:
            raise QueueError("no connection")
        assert len(text.encode()) <= 128_000
        self.messages.append(text)
