"""Bodies: opaque JS values, whose text crosses into Python at most once.

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
import re
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any

from js import (
    Array,
    Blob,
    FixedLengthStream,
    IdentityTransformStream,
    TextDecoder,
    Uint8Array,
)
from pyodide.ffi import JsException

import eventstream
from errors import ClientLeft
from ports import Ending, State
from runtime.caller import Caller
from runtime.convert import object_out

TEXT_LIMIT = 10_000_000
"""Bytes of a body that are held as text. What is longer passes through, unread or half read."""
SHORT = 1_000_000
"""Bytes up to which an answer that announces its length is short."""
FIRST_READ = 65_536
"""Bytes of the first read of a stream. Each read doubles, so that a long stream needs few."""

_FRAMED = "application/vnd.amazon.eventstream"
_STREAMS = ("text/event-stream", _FRAMED)
# An event that says something: not a comment alone, nor the beginning of one.
_EVENT = re.compile(r"(?:^|[\r\n])data:[^\r\n]*(?:\r\n\r\n|\n\n|\r\r)")


class JsRequestBody:
    """The body of a request."""

    def __init__(self, request: Any, announced: str | None) -> None:
        self.size = int(announced) if announced and announced.isdecimal() else None
        self.native: Any = request.body
        """What is sent to the provider: the caller's stream, or what was read of it."""
        self._request = request
        self._kept: bool | None = None
        self._text: str | None = None

    async def text(self) -> str | None:
        """Read the body, once. None for more than TEXT_LIMIT bytes. Raises ClientLeft."""
        if self._text is None and await self.keep():
            self._text = TextDecoder.new().decode(self.native)
        return self._text

    async def keep(self) -> bool:
        """Read the body, once. False for more than TEXT_LIMIT bytes. Raises ClientLeft."""
        if self._kept is None:
            try:
                self._kept = await self._read()
            except JsException:
                raise ClientLeft from None
        return self._kept

    async def _read(self) -> bool:
        if self.size is None:
            # Chunked: only reading tells its length, and what is too long must still be sent.
            self.native, copy = self.native.tee()
            chunks = await _read(copy, TEXT_LIMIT)
            if chunks is None:
                return False
            self.native = await Blob.new(Array.of(*chunks)).arrayBuffer()
            self.size = self.native.byteLength
            return True
        if self.size > TEXT_LIMIT:
            return False
        self.native = await self._request.arrayBuffer()
        return True


class JsReplyBody:
    """The body of a provider's answer."""

    def __init__(self, response: Any, headers: dict[str, str], caller: Caller, host: str) -> None:
        self._response = response
        self._caller = caller
        self._host = host
        self._type = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._encoded = "content-encoding" in headers
        announced = headers.get("content-length", "")
        self._announced = int(announced) if announced.isdecimal() else None
        self._stream: Any = response.body
        self._buffer: Any = None
        self._peeked: list[Any] = []
        self._watch: _Watch | None = None

    @property
    def decoded(self) -> bool:
        """Whether what is delivered is no longer in the provider's content encoding."""
        read = self._buffer is not None or self._watch is not None or self._peeked
        return self._encoded and bool(read)

    @property
    def held(self) -> bool:
        """Whether the body has been read."""
        return self._buffer is not None

    async def hold(self, error: bool) -> None:
        """Read a short body, or that of an error. Raises Unreachable and ClientLeft."""
        short = error if self._announced is None else self._announced <= SHORT
        if short and self._type not in _STREAMS:
            self._buffer = await self._caller.answer(self._response.arrayBuffer(), self._host)

    async def first(self) -> str:
        """Return the text of the first events. Raises Unreachable and ClientLeft."""
        if not self._is_text():
            return ""
        self._stream, copy = self._stream.tee()
        reader = copy.getReader()
        text = ""
        while len(text) < FIRST_READ and not self._tells(text):
            result = await self._caller.answer(reader.read(), self._host)
            if result.done:
                break
            self._peeked.append(result.value)
            text = self._text_of(self._peeked)
        reader.cancel().add_done_callback(_overlook)
        return text

    def _tells(self, text: str) -> bool:
        """Return whether a beginning tells what the answer is: of a stream, a whole event."""
        return bool(_EVENT.search(text) if self._type in _STREAMS else text)

    def discard(self) -> None:
        """Give the body up."""
        if self._buffer is None:
            self._stream.cancel().add_done_callback(_overlook)
            size = sum(chunk.byteLength for chunk in self._peeked)
            self.watch().ending = Ending("complete", self._text_of(self._peeked), size)

    def watch(self) -> "_Watch":
        """Ask how the body will end."""
        if self._watch is None:
            self._watch = _Watch(self._caller, self._text_of)
            if self._buffer is not None:
                text = self._text_of([self._buffer]) if self._is_text() else None
                self._watch.ending = Ending("complete", text, self._buffer.byteLength)
        return self._watch

    def _text_of(self, chunks: list[Any]) -> str:
        if self._type == _FRAMED:
            return eventstream.text(b"".join([_bytes(chunk) for chunk in chunks]))
        return _decode(chunks)

    def deliver(self) -> Any:
        """Return what a JS Response can be made of."""
        if self._buffer is not None:
            return self._buffer
        if self._watch is None:
            return self._stream
        length = None if self._encoded else self._announced
        return self._watch.begin(self._stream, length, self._is_text())

    async def texts(self) -> AsyncIterator[str]:
        """Deliver the body here: its text, piece by piece."""
        native = self.deliver()
        if self._buffer is not None:
            yield _decode([self._buffer])
            return
        reader, decoder, more = native.getReader(), TextDecoder.new(), object_out({"stream": True})
        while not (result := await reader.read()).done:
            yield decoder.decode(result.value, more)
        yield decoder.decode()

    def _is_text(self) -> bool:
        kind = self._type
        return kind.startswith("text/") or kind.endswith("json") or kind in _STREAMS


class _Watch:
    """Waits for the end of a body that is on its way to the caller."""

    def __init__(self, caller: Caller, text_of: Callable[[list[Any]], str]) -> None:
        self.ending: Ending | None = None
        self._caller = caller
        self._text_of = text_of
        self._length: int | None = None
        self._copy: Any = None
        self._sent: Any = None

    def begin(self, stream: Any, length: int | None, text: bool) -> Any:
        """Set the stream on its ways, and return the end that goes to the caller."""
        self._length = length
        if text:
            stream, copy = stream.tee()
            self._copy = self._readable(copy)
        out = IdentityTransformStream.new() if length is None else FixedLengthStream.new(length)
        self._sent = stream.pipeTo(out.writable)
        return out.readable

    def _readable(self, copy: Any) -> Any:
        """Return a stream that ends where `copy` ends or breaks, or the caller leaves."""
        sink = IdentityTransformStream.new()
        options = object_out({"preventAbort": True})

        def close(piped: asyncio.Future[None]) -> None:
            # Closed, not aborted: what has come can still be read.
            if piped.exception():
                # Fails where our reader has had enough, and that is nothing to report.
                sink.writable.close().add_done_callback(_overlook)

        copy.pipeTo(sink.writable, options).add_done_callback(close)
        return sink.readable

    def __await__(self) -> Generator[Any, None, Ending]:
        if self.ending is None:
            self.ending = yield from self._follow().__await__()
        return self.ending

    async def _follow(self) -> Ending:
        chunks = await _read(self._copy, TEXT_LIMIT) if self._copy else None
        state: State = "complete"
        try:
            await self._sent
        except JsException:
            state = "left" if self._caller.left else "broken"
        if chunks is None:
            return Ending(state, size=self._length if state == "complete" else None)
        return Ending(state, self._text_of(chunks), sum(chunk.byteLength for chunk in chunks))


def _overlook(done: asyncio.Future[None]) -> None:
    done.exception()


def _bytes(chunk: Any) -> bytes:
    return Uint8Array.new(chunk).to_bytes()


def _decode(chunks: list[Any]) -> str:
    decoder = TextDecoder.new()
    if len(chunks) == 1:
        return decoder.decode(chunks[0])
    more = object_out({"stream": True})
    return "".join([decoder.decode(chunk, more) for chunk in chunks]) + decoder.decode()


async def _read(stream: Any, limit: int) -> list[Any] | None:
    """Return the chunks of a byte stream. None, and the stream is cancelled, above the limit."""
    reader = stream.getReader(object_out({"mode": "byob"}))
    chunks: list[Any] = []
    size, step = 0, FIRST_READ
    while size <= limit:
        result = await reader.readAtLeast(step, Uint8Array.new(step))
        length = result.value.byteLength if result.value else 0
        if length:
            chunks.append(result.value)
        if length < step:  # only the end of a stream makes a read short
            return chunks
        size += length
        step *= 2
    await reader.cancel()
    return None
