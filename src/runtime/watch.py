"""Follows a body that is on its way to the caller, and tells how it ended.

A reply that streams and is watched goes two ways at once, both native:

                        ┌─> out  ──> the caller
    provider's body ─ tee
                        └─> sink ──> our reader, in reads that double

Each way is a pipe of its own. When the provider breaks off, `out` breaks as well, and the caller
sees it; `sink` is closed instead, so that what came until then can be read. When the caller leaves,
the signal of the request, which the fetch was given, ends the provider's body in the same way, and
the runtime closes the connection. It is the transform stream on the caller's way that makes the
signal fire: without one, the runtime hands the provider's stream over and forgets the request.

Every promise that Python sees costs turns of its event loop, awaited or not, and more than the rest
of a short stream: a reply is two pipes and one read, however many events it has.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any

from js import FixedLengthStream, IdentityTransformStream
from pyodide.ffi import JsException

from ports import Ending, State
from runtime.caller import Caller
from runtime.clock import WallClock
from runtime.convert import object_out
from runtime.streams import TEXT_LIMIT, joined, overlook, read

SETTLED_S = 0.05
"""After this long both ways of a body that broke know of it."""
_now = WallClock()


class Watch:
    """Waits for the end of a body. Awaiting it returns an Ending, each time the same."""

    def __init__(self, caller: Caller, text_of: Callable[[list[Any]], str] | None) -> None:
        """`text_of` makes a text of chunks. None: the body is no text."""
        self.ending: Ending | None = None
        self.first_byte: float | None = None
        """Epoch milliseconds at which the body began to come, where somebody has read of it."""
        self.most = 0
        """Bytes of a body that is worth a copy."""
        self.cancelling = False
        """Whether the provider's body is to be cancelled when the caller leaves."""
        self._caller = caller
        self._text_of = text_of
        self._length: int | None = None
        self._copy: Any = None
        self._sent: Any = None
        self._copied: Any = None

    def end(self, buffer: Any) -> None:
        """Note that the body has been read, whole."""
        text = self._text_of([buffer]) if self._text_of else None
        self.ending = Ending(
            "complete", text, buffer.byteLength, copy=buffer, first_byte=self.first_byte
        )

    def begun(self) -> None:
        """Note that the body has begun to come, unless that is known."""
        if self.first_byte is None:
            self.first_byte = _now()

    def begin(self, stream: Any, length: int | None) -> Any:
        """Set the stream on its ways, and return the end that goes to the caller."""
        self._length = length
        if self._text_of or self._worth_a_copy(length):
            stream, copy = stream.tee()
            self._copy = self._readable(copy)
        out = IdentityTransformStream.new() if length is None else FixedLengthStream.new(length)
        self._sent = stream.pipeTo(out.writable)
        if self._caller.silent and self._copied is not None:
            self._sent.add_done_callback(self._stopped)
        return out.readable

    def _worth_a_copy(self, length: int | None) -> bool:
        return self.most > 0 and (length is None or length <= self.most)

    def _readable(self, copy: Any) -> Any:
        """Return a stream that ends where `copy` ends or breaks, or the caller leaves."""
        sink = IdentityTransformStream.new()
        options = object_out({"preventAbort": True})
        if self.cancelling:
            options.signal = self._caller.signal

        def close(piped: asyncio.Future[None]) -> None:
            # Closed, not aborted: what has come can still be read.
            if piped.exception():
                # Fails where our reader has had enough, and that is nothing to report.
                sink.writable.close().add_done_callback(overlook)

        self._copied = copy.pipeTo(sink.writable, options)
        self._copied.add_done_callback(close)
        return sink.readable

    def _stopped(self, sent: asyncio.Future[None]) -> None:
        """Find out why nothing more can be sent: the provider broke off, or the caller left."""

        def decide() -> None:
            if not self._copied.done():
                self._caller.leave()

        if sent.exception():
            # A body that breaks, breaks on both its ways, if not in the same moment.
            asyncio.get_running_loop().call_later(SETTLED_S, decide)

    def __await__(self) -> Generator[Any, None, Ending]:
        if self.ending is None:
            self.ending = yield from self._follow().__await__()
        return self.ending

    async def _follow(self) -> Ending:
        limit = max(self.most, TEXT_LIMIT if self._text_of else 0)
        # Headers say little of a stream: vendors send them and then let a prompt wait its turn.
        begun = self.begun if self.first_byte is None else None
        chunks = await read(self._copy, limit, begun) if self._copy else None
        state: State = "complete"
        try:
            await self._sent
        except JsException:
            state = "left" if self._caller.left else "broken"
        ended = _now()
        text = copy = None
        if chunks is None:
            size = self._length if state == "complete" else None
        else:
            size = sum(chunk.byteLength for chunk in chunks)
            text = self._text_of(chunks) if self._text_of and size <= TEXT_LIMIT else None
            copy = joined(chunks, size) if size <= self.most and state == "complete" else None
        return Ending(state, text, size, copy=copy, first_byte=self.first_byte, ended=ended)
