"""Bodies: opaque JS values, whose text crosses into Python at most once.

A reply that streams and is watched goes two ways at once, both native:

                        ┌─> out  ──> the caller
    provider's body ─ tee
                        └─> sink ──> our reader, in reads that double

Each way is a pipe of its own. When the provider breaks off, `out` breaks as well, and the caller
sees it; `sink` is closed instead, so that what came until then can be read. When the caller leaves,
`out` fails, and the signal of the request ends the other pipe: with both branches of the tee
cancelled, the runtime closes the connection to the provider. It is the transform stream on the
caller's way that makes the signal fire: without one, the runtime hands the provider's stream over
and forgets the request.
"""

import asyncio
import contextlib
from typing import Any

import js
from pyodide.ffi import JsException

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


class JsRequestBody:
    """The body of a request."""

    def __init__(self, request: Any, announced: str | None) -> None:
        self.size = int(announced) if announced and announced.isdecimal() else None
        self.native: Any = request.body
        """What is sent to the provider: the caller's stream, or what was read of it."""
        self._request = request
        self._text: str | None = None

    async def text(self) -> str | None:
        """Read the body, once. None for more than TEXT_LIMIT bytes. Raises ClientLeft."""
        if self._text is None:
            try:
                await self._read()
            except JsException:
                raise ClientLeft from None
        return self._text

    async def _read(self) -> None:
        if self.size is None:
            # Chunked: only reading tells its length, and what is too long must still be sent.
            self.native, copy = self._request.body.tee()
            chunks = await _read(copy, TEXT_LIMIT)
            if chunks is None:
                return
            self.native = await js.Blob.new(js.Array.of(*chunks)).arrayBuffer()
            self.size = self.native.byteLength
        elif self.size <= TEXT_LIMIT:
            self.native = await self._request.arrayBuffer()
        else:
            return
        self._text = js.TextDecoder.new().decode(self.native)


class JsReplyBody:
    """The body of a provider's answer."""

    def __init__(self, response: Any, headers: dict[str, str], caller: Caller, host: str) -> None:
        self._response = response
        self._caller = caller
        self._host = host
        self._type = headers.get("content-type", "").partition(";")[0]
        self._encoded = "content-encoding" in headers
        announced = headers.get("content-length", "")
        self._announced = int(announced) if announced.isdecimal() else None
        self._buffer: Any = None
        self._ending: asyncio.Future[Ending] | None = None

    @property
    def decoded(self) -> bool:
        """Whether what is delivered is no longer in the provider's content encoding."""
        return self._encoded and (self._buffer is not None or self._ending is not None)

    async def hold(self) -> None:
        """Read a short body. Raises Unreachable and ClientLeft."""
        short = self._announced is not None and self._announced <= SHORT
        if short and self._type != "text/event-stream":
            self._buffer = await self._caller.answer(self._response.arrayBuffer(), self._host)

    def watch(self) -> asyncio.Future[Ending]:
        """Ask how the body will end."""
        if self._ending is None:
            self._ending = asyncio.get_running_loop().create_future()
            if self._buffer is not None:
                text = js.TextDecoder.new().decode(self._buffer) if self._is_text() else None
                self._ending.set_result(Ending("complete", text, self._buffer.byteLength))
        return self._ending

    def deliver(self) -> Any:
        """Return what a JS Response can be made of."""
        if self._buffer is not None:
            return self._buffer
        if self._ending is None:
            return self._response.body
        return self._deliver_stream(self._ending)

    def _is_text(self) -> bool:
        return self._type.startswith("text/") or self._type.endswith("json")

    def _deliver_stream(self, ending: asyncio.Future[Ending]) -> Any:
        stream, copy = self._response.body, None
        if self._is_text():
            stream, copy = stream.tee()
        if self._announced is None or self._encoded:
            out = js.IdentityTransformStream.new()
        else:
            out = js.FixedLengthStream.new(self._announced)
        following = asyncio.ensure_future(self._follow(stream.pipeTo(out.writable), copy))
        following.add_done_callback(lambda done: _pass_on(done, ending))
        return out.readable

    async def _follow(self, sending: Any, copy: Any) -> Ending:
        sent = asyncio.ensure_future(sending)
        chunks = await self._collect(copy) if copy else None
        state: State = "complete"
        try:
            await sent
        except JsException:
            state = "left" if self._caller.left else "broken"
        if chunks is None:
            known = state == "complete" and not self._encoded
            return Ending(state, size=self._announced if known else None)
        return Ending(state, _decode(chunks), sum(chunk.byteLength for chunk in chunks))

    async def _collect(self, copy: Any) -> list[Any] | None:
        """Return what comes of a branch, until it ends, breaks, or the caller leaves."""
        sink = js.IdentityTransformStream.new()
        reading = asyncio.ensure_future(_read(sink.readable, TEXT_LIMIT))
        options = object_out({"preventAbort": True})
        options.signal = self._caller.signal
        try:
            await copy.pipeTo(sink.writable, options)
        except JsException:
            # Closed, not aborted: what has come can still be read.
            await asyncio.gather(_settled(sink.writable.close()), reading)
        return await reading


async def _settled(promise: Any) -> None:
    # Closing fails where our reader has had enough and cancelled: then there is nothing to close.
    with contextlib.suppress(JsException):
        await promise


def _pass_on(done: asyncio.Future[Ending], to: asyncio.Future[Ending]) -> None:
    error = done.exception()
    if error is not None:
        to.set_exception(error)
    else:
        to.set_result(done.result())


def _decode(chunks: list[Any]) -> str:
    decoder = js.TextDecoder.new()
    more = object_out({"stream": True})
    return "".join([decoder.decode(chunk, more) for chunk in chunks]) + decoder.decode()


async def _read(stream: Any, limit: int) -> list[Any] | None:
    """Return the chunks of a byte stream. None, and the stream is cancelled, above the limit."""
    reader = stream.getReader(object_out({"mode": "byob"}))
    chunks: list[Any] = []
    size, step = 0, FIRST_READ
    while size <= limit:
        result = await reader.readAtLeast(step, js.Uint8Array.new(step))
        length = result.value.byteLength if result.value else 0
        if length:
            chunks.append(result.value)
        if length < step:  # only the end of a stream makes a read short
            return chunks
        size += length
        step *= 2
    await reader.cancel()
    return None
