"""One flight: who leads, and who waits. Its protocol is told in `flights.py`."""

import asyncio
import time
from collections import deque
from typing import Any

from js import IdentityTransformStream, Response, TextEncoder, Uint8Array
from pyodide.ffi import JsException

from runtime.convert import object_out
from runtime.flights import ALONE, LEAD, LEADS_NOW, WAIT
from runtime.streams import overlook

LEAD_S = 30.0
"""How long one may lead: for no longer does one that vanished block the others."""
LEADS = 2
"""How many may fail in a row before all ask by themselves."""
LINGER_S = 60.0
"""How long an answer is there for late comers: where it was missed, KV may not know of it yet."""


class Flight:
    """The requests that share a key. All of its state is in memory, and may be lost."""

    def __init__(self) -> None:
        self._following: asyncio.Task[None] | None = None
        self._waiting: deque[_Passenger] = deque()
        self._frame: Any = None
        self._until = 0.0

    def answer(self, request: Any) -> Any:
        """Answer a request. Nothing is awaited: whoever comes first leads."""
        if request.method == "DELETE":
            self._frame = None
            return Response.new(None)
        if self._frame is not None and time.time() < self._until:
            return Response.new(self._frame)
        passenger = _Passenger(request)
        if self._following is None:
            # An object lives on with what it awaits: unlike a request it has no end to outlive.
            self._following = asyncio.create_task(self._follow(passenger))
            return passenger.response(LEAD)
        self._waiting.append(passenger)
        return passenger.response(WAIT)

    async def _follow(self, leader: "_Passenger") -> None:
        """Wait for an answer, from one leader after the other, and hand it to all who wait."""
        frame = await leader.frame()
        for _ in range(1, LEADS):
            if frame is not None or not self._waiting:
                break
            leader = self._waiting.popleft()
            leader.send(_bytes(LEADS_NOW))
            frame = await leader.frame()
        self._following = None
        self._frame, self._until = frame, time.time() + LINGER_S
        while self._waiting:
            passenger = self._waiting.popleft()
            passenger.send(_bytes(ALONE) if frame is None else frame)
            passenger.let_go()


class _Passenger:
    """One who has joined. Its request ends with its answer: that stays open while it leads."""

    def __init__(self, request: Any) -> None:
        self._body = request.body
        self._pipe = IdentityTransformStream.new()
        self._writer = self._pipe.writable.getWriter()

    def response(self, status: int) -> Any:
        """Return the answer to its request."""
        return Response.new(self._pipe.readable, object_out({"status": status}))

    async def frame(self) -> Any:
        """Return what it hands over. None where it gives up, breaks off, or takes too long."""
        try:
            async with asyncio.timeout(LEAD_S):
                buffer = await Response.new(self._body).arrayBuffer()
        except (JsException, TimeoutError):
            return None
        finally:
            self.let_go()
        return Uint8Array.new(buffer) if buffer.byteLength else None

    def send(self, frame: Any) -> None:
        """Send something. It may have left."""
        self._writer.write(frame).add_done_callback(overlook)

    def let_go(self) -> None:
        """End its request."""
        self._writer.close().add_done_callback(overlook)


def _bytes(text: str) -> Any:
    return TextEncoder.new().encode(text)
