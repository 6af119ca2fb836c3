"""The object of a gateway's listeners: streams of events and WebSockets.

WebSockets are hibernated: while nothing happens the object is not in memory, and what is known of
each of them lies in its attachment. Streams keep it there.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from js import IdentityTransformStream, Promise, Response, TextEncoder, WebSocketPair
from pyodide.ffi import JsException

from ports import DatabaseError
from runtime.clock import WallClock
from runtime.convert import object_out
from runtime.database import D1
from runtime.event_stream import EventStream
from runtime.listeners import LISTENERS, Listeners
from runtime.streams import overlook

_OPEN = 1
_NORMAL = 1000
_TRY_AGAIN_LATER = 1013
_HEADERS = {"content-type": "text/event-stream"}


class Tail:
    """The listeners of one gateway."""

    def __init__(self, ctx: Any, env: Any) -> None:
        self._ctx = ctx
        self._listeners = Listeners(ctx.storage, D1(env.DB), WallClock())
        self._streams: list[EventStream] = []

    async def listen(self, request: Any) -> Any:
        """Answer somebody who wants to listen."""
        url: str = request.url
        query = parse_qs(urlsplit(url).query)
        gateway_id, wanted = int(query["gateway"][0]), query["wanted"][0]
        try:
            await self._listeners.admit(gateway_id)
        except DatabaseError:
            return _unavailable()
        # From here on nothing is awaited: nobody comes in between.
        if len(self._here()) >= LISTENERS:
            return _unavailable()
        if request.headers.get("upgrade"):
            return self._socket(gateway_id, wanted)
        pipe = _Pipe()
        self._streams.append(EventStream(gateway_id, wanted, pipe))
        return Response.new(pipe.readable, object_out({"headers": _HEADERS}))

    def _socket(self, gateway_id: int, wanted: str) -> Any:
        pair = WebSocketPair.new()
        theirs, ours = getattr(pair, "0"), getattr(pair, "1")
        self._ctx.acceptWebSocket(ours)
        ours.serializeAttachment(json.dumps([gateway_id, wanted]))
        _Socket(ours).tell({"type": "open"})
        init = object_out({"status": 101})
        init.webSocket = theirs
        return Response.new(None, init)

    async def show(self, rows: str) -> None:
        """Show rows, a JSON array of the values of a row's columns."""
        await self._listeners.show(rows, self._here())

    async def renew(self) -> None:
        """Renew the lease, and find out who has left without a word."""
        await self._listeners.renew(self._here())

    async def left(self, socket: Any) -> None:
        """Take note that a socket has closed."""
        gone = _Socket(socket)
        gone.close(_NORMAL)
        here = [one for one in self._here() if not gone.is_same(one)]
        await self._listeners.leave(here, gone.gateway_id)

    def _here(self) -> "Sequence[EventStream | _Socket]":
        self._streams = [stream for stream in self._streams if not stream.closed]
        sockets = [_Socket(socket) for socket in self._ctx.getWebSockets()]
        return [*self._streams, *(socket for socket in sockets if not socket.closed)]


def _unavailable() -> Any:
    return Response.new(None, object_out({"status": 503}))


class _Pipe:
    """The way to somebody who reads a stream of events."""

    def __init__(self) -> None:
        pipe = IdentityTransformStream.new()
        self.readable = pipe.readable
        self._writer = pipe.writable.getWriter()

    def write(self, text: str, taken: Callable[[bool], None]) -> int:
        """Write a text."""
        chunk = TextEncoder.new().encode(text)

        def done(written: Any) -> None:
            taken(not written.exception())

        self._writer.write(chunk).add_done_callback(done)
        return chunk.byteLength

    def close(self) -> None:
        """End it."""
        self._writer.close().add_done_callback(overlook)

    def when_left(self, left: Callable[[], None]) -> None:
        """Have it called when nobody reads any longer."""

        def ended(done: Any) -> None:
            done.exception()
            left()

        # Python can wait for promises that a call returns, not for those that are attributes.
        Promise.resolve(self._writer.closed).add_done_callback(ended)


class _Socket:
    """Somebody who reads a WebSocket."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.closed: bool = socket.readyState != _OPEN
        self.gateway_id, self.wanted = json.loads(socket.deserializeAttachment())

    @property
    def waiting(self) -> int:
        """Bytes that have been sent and not been taken."""
        return self.socket.bufferedAmount

    def is_same(self, other: object) -> bool:
        """Whether another listener reads the same socket."""
        return isinstance(other, _Socket) and other.socket is self.socket

    def send(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Send rows."""
        for row in rows:
            self.tell({"type": "log", "log": row})

    def beat(self) -> None:
        """Do nothing: the object is told when a socket closes."""

    def let_go(self, reason: str) -> None:
        """Say why it ends, and end it."""
        self.tell({"type": "end", "reason": reason})
        self.close(_TRY_AGAIN_LATER, reason)

    def tell(self, message: Mapping[str, object]) -> None:
        """Send a message."""
        try:
            self.socket.send(json.dumps(message))
        except JsException:
            # It has closed; the object will be told.
            self.closed = True

    def close(self, code: int, reason: str = "") -> None:
        """Close it, or answer its farewell: a hibernated socket does not by itself."""
        self.closed = True
        try:
            self.socket.close(code, reason)
        except JsException:
            # Gone without one.
            return
