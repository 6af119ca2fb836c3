"""The body of an answer: an opaque JS value, whose text crosses into Python at most once."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any

from js import TextDecoder, Uint8Array

import eventstream
from ports import Ending
from runtime.caller import Caller
from runtime.convert import object_out
from runtime.streams import FIRST_READ, decode, overlook
from runtime.watch import Watch

SHORT = 1_000_000
"""Bytes up to which an answer that announces its length is short."""

_FRAMED = "application/vnd.amazon.eventstream"
_STREAMS = ("text/event-stream", _FRAMED)
# An event that says something: not a comment alone, nor the beginning of one.
_EVENT = re.compile(r"(?:^|[\r\n])data:[^\r\n]*(?:\r\n\r\n|\n\n|\r\r)")


class JsReplyBody:
    """The body of a provider's answer."""

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
        self._encoded = "content-encoding" in headers
        announced = headers.get("content-length", "")
        self._announced = int(announced) if announced.isdecimal() else None
        self._stream: Any = None if buffer is not None else response.body
        self._buffer: Any = buffer
        self._peeked: list[Any] = []
        self._watch: Watch | None = None

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
        reader.cancel().add_done_callback(overlook)
        return text

    def _tells(self, text: str) -> bool:
        """Return whether a beginning tells what the answer is: of a stream, a whole event."""
        return bool(_EVENT.search(text) if self._type in _STREAMS else text)

    def discard(self) -> None:
        """Give the body up."""
        if self._buffer is None:
            self._stream.cancel().add_done_callback(overlook)
            size = sum(chunk.byteLength for chunk in self._peeked)
            self.watch().ending = Ending("complete", self._text_of(self._peeked), size)

    def watch(self, copy: int = 0) -> Watch:
        """Ask how the body will end."""
        if self._watch is None:
            self._watch = Watch(self._caller, self._text_of if self._is_text() else None)
            if self._buffer is not None:
                self._watch.end(self._buffer)
        self._watch.most = max(self._watch.most, copy)
        return self._watch

    def _text_of(self, chunks: list[Any]) -> str:
        if self._type == _FRAMED:
            return eventstream.text(b"".join([_bytes(chunk) for chunk in chunks]))
        return decode(chunks)

    def deliver(self) -> Any:
        """Return what a JS Response can be made of."""
        if self._buffer is not None:
            return self._buffer
        if self._watch is None:
            return self._stream
        length = None if self._encoded else self._announced
        return self._watch.begin(self._stream, length)

    async def texts(self) -> AsyncIterator[str]:
        """Deliver the body here: its text, piece by piece."""
        native = self.deliver()
        if self._buffer is not None:
            yield decode([self._buffer])
            return
        reader, decoder, more = native.getReader(), TextDecoder.new(), object_out({"stream": True})
        while not (result := await reader.read()).done:
            yield decoder.decode(result.value, more)
        yield decoder.decode()

    def _is_text(self) -> bool:
        kind = self._type
        return kind.startswith("text/") or kind.endswith("json") or kind in _STREAMS


def _bytes(chunk: Any) -> bytes:
    return Uint8Array.new(chunk).to_bytes()
