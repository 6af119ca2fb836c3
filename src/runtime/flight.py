"""The flights of one Durable Object: who leads, and who waits. `flights.py` tells the protocol."""

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
MEMORY = 8_000_000
"""Bytes of answers that an object remembers for them."""


class Flights:
    """What is under way, by key. All of it is in memory, and may be lost."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._landed = Landed()

    def answer(self, request: Any) -> Any:
        """Answer a request. Nothing is awaited: whoever comes first leads."""
        key = request.url.rpartition("/")[2]
        if request.method == "DELETE":
            self._landed.forget(key)
            return Response.new(None)
        frame = self._landed.get(key)
        if frame is not None:
            return Response.new(frame)
        passenger = _Passenger(request)
        if flight := self._flights.get(key):
            flight.waiting.append(passenger)
            return passenger.response(WAIT)
        flight = self._flights[key] = Flight()
        # An object lives on with what it awaits: unlike a request it has no end to outlive.
        flight.task = asyncio.create_task(self._fly(key, flight, passenger))
        return passenger.response(LEAD)

    async def _fly(self, key: str, flight: "Flight", leader: "_Passenger") -> None:
        frame = await flight.frame(leader)
        del self._flights[key]
        if frame is not None:
            self._landed.put(key, frame)
        flight.land(_bytes(ALONE) if frame is None else frame)


class Flight:
    """The requests that share a key."""

    def __init__(self) -> None:
        self.waiting: deque[_Passenger] = deque()
        self.task: asyncio.Task[None] | None = None

    async def frame(self, leader: "_Passenger") -> Any:
        """Return what is handed over, by one leader or the next. None where they fail."""
        frame = await leader.frame()
        for _ in range(1, LEADS):
            if frame is not None or not self.waiting:
                break
            leader = self.waiting.popleft()
            leader.send(_bytes(LEADS_NOW))
            frame = await leader.frame()
        return frame

    def land(self, frame: Any) -> None:
        """Hand a frame to all who wait."""
        while self.waiting:
            passenger = self.waiting.popleft()
            passenger.send(frame)
            passenger.let_go()


class Landed:
    """Answers for those who come a little late, the oldest first."""

    def __init__(self) -> None:
        self._frames: dict[str, tuple[float, Any]] = {}
        self._size = 0

    def get(self, key: str) -> Any:
        """Return a frame, or None."""
        until, frame = self._frames.get(key, (0.0, None))
        if until < time.time():
            self.forget(key)
            return None
        return frame

    def put(self, key: str, frame: Any) -> None:
        """Remember a frame for a while, and forget what is too old or too much."""
        now = time.time()
        self._frames[key] = (now + LINGER_S, frame)
        self._size += frame.byteLength
        for oldest, (until, _) in list(self._frames.items()):
            if until >= now and self._size <= MEMORY:
                break
            self.forget(oldest)

    def forget(self, key: str) -> None:
        """Forget a frame, if there is one."""
        _, frame = self._frames.pop(key, (0.0, None))
        if frame is not None:
            self._size -= frame.byteLength


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
