"""The body of an answer: an opaque JS value, whose text crosses into Python at most once."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from js import Response, TextDecoder
from pyodide.ffi import jsnull

from dialects import eventstream
from ports import Ending
from runtime.caller import Caller
from runtime.clock import WallClock
from runtime.convert import object_out
from runtime.streams import FIRST_READ, bytes_of, decode, overlook
from runtime.watch import Watch

SHORT = 1_000_000
"""Bytes up to which an answer that announces its length is short."""

_FRAMED = "application/vnd.amazon.eventstream"
_STREAMS = ("text/event-stream", _FRAMED)
# An event that says something: not a comment alone, nor the beginning of one.
_EVENT = re.compile(r"(?:^|[\r\n])data:[^\r\n]*(?:\r\n\r\n|\n\n|\r\r)")
_now = WallClock()


class JsReplyBody:
    """The body of a provider's answer."""

    cancelled = False
    """Whether it ends by being cancelled when the caller leaves: no signal reaches its source."""

    def __init__(
        self,
        response: Any,
        headers: Mapping[str, str],
        caller: Caller,
        host: str,
        buffer: Any = None,
    ) -> None:
        """`buffer` is a body that has been read already, which has no response."""
        self._response = response
        self._caller = caller
        self._host = host
        self._type = headers.get("content-type", "").partition(";")[0].strip().lower()
        # No method: the watch is held here, and would hold this in turn.
        self._text_of = _unframed if self._type == _FRAMED else decode
        self._encoded = "content-encoding" in headers
        announced = headers.get("content-length", "")
        self._announced = int(announced) if announced.isdecimal() else None
        self._stream: Any = None
        self._buffer: Any = buffer
        self._peeked: list[Any] = []
        self._first_byte: float | None = None
        self._watch: Watch | None = None

    @property
    def decoded(self) -> bool:
        """Whether what is delivered is no longer in the provider's content encoding."""
        untouched = self._buffer is self._watch is self._stream is None
        return self._encoded and not untouched

    @property
    def held(self) -> bool:
        """Whether the body has been read."""
        return self._buffer is not None

    @property
    def ended(self) -> Ending | None:
        """How the body ended, where it has been read."""
        return self.watch().ending if self.held else None

    async def begin(self) -> None:
        """Wait for the first byte. Raises Unreachable and ClientLeft."""
        if self._buffer is not None or self._source() is jsnull:
            return
        self._stream, copy = self._source().tee()
        reader = copy.getReader()
        try:
            await self._caller.answer(reader.read(), self._host)
            self._begun()
        except asyncio.CancelledError:
            self.discard()
            raise
        finally:
            reader.cancel().add_done_callback(overlook)

    async def hold(self, error: bool) -> None:
        """Read a short body, or that of an error. Raises Unreachable and ClientLeft."""
        short = error if self._announced is None else self._announced <= SHORT
        if self._buffer is None and short and self._type not in _STREAMS:
            whole = Response.new(self._stream) if self._stream else self._response
            self._buffer = await self._caller.answer(whole.arrayBuffer(), self._host)
            self._begun()

    async def first(self) -> str:
        """Return the text of the first events. Raises Unreachable and ClientLeft."""
        if not self._is_text():
            return ""
        self._stream, copy = self._source().tee()
        reader = copy.getReader()
        text = ""
        while len(text) < FIRST_READ and not self._tells(text):
            result = await self._caller.answer(reader.read(), self._host)
            if result.done:
                break
            self._begun()
            self._peeked.append(result.value)
            text = self._text_of(self._peeked)
        reader.cancel().add_done_callback(overlook)
        return text

    def _tells(self, text: str) -> bool:
        """Return whether a beginning tells what the answer is: of a stream, a whole event."""
        return bool(_EVENT.search(text) if self._type in _STREAMS else text)

    def discard(self) -> None:
        """Give the body up."""
        if self._buffer is None:
            self._source().cancel().add_done_callback(overlook)
            size = sum(chunk.byteLength for chunk in self._peeked)
            text = self._text_of(self._peeked)
            self.watch().ending = Ending("complete", text, size, first_byte=self._first_byte)

    def watch(self, copy: int = 0) -> Watch:
        """Ask how the body will end."""
        if self._watch is None:
            self._watch = Watch(self._caller, self._text_of if self._is_text() else None)
            self._watch.cancelling = self.cancelled
            self._watch.first_byte = self._first_byte
            if self._buffer is not None:
                self._watch.end(self._buffer)
        self._watch.most = max(self._watch.most, copy)
        return self._watch

    def deliver(self) -> Any:
        """Return what a JS Response can be made of."""
        if self._buffer is not None:
            return self._buffer
        if self._watch is None:
            return self._source()
        length = None if self._encoded else self._announced
        return self._watch.begin(self._source(), length)

    async def texts(self) -> AsyncIterator[str]:
        """Deliver the body here: its text, piece by piece. Raises Unreachable and ClientLeft."""
        native = self.deliver()
        if self._buffer is not None:
            yield decode([self._buffer])
            return
        reader, decoder, more = native.getReader(), TextDecoder.new(), object_out({"stream": True})
        while not (result := await self._caller.answer(reader.read(), self._host)).done:
            if self._watch:
                self._watch.begun()
            yield decoder.decode(result.value, more)
        yield decoder.decode()

    def _begun(self) -> None:
        """Note that the body has begun to come, at the earliest that somebody has read of it."""
        if self._first_byte is None:
            self._first_byte = _now()

    def _source(self) -> Any:
        # Asked for when it is needed: an answer that is held never needs it.
        return self._response.body if self._stream is None else self._stream

    def _is_text(self) -> bool:
        kind = self._type
        return kind.startswith("text/") or kind.endswith("json") or kind in _STREAMS


def _unframed(chunks: list[Any]) -> str:
    return eventstream.text(bytes_of(chunks))
