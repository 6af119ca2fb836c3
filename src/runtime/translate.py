"""Streams whose events are turned into others, which costs Python's time for each chunk."""

from collections.abc import Callable
from typing import Any

from js import ReadableStream, TextDecoder, TextEncoder
from pyodide.ffi import JsException, create_proxy

from dialects.sse import Events
from runtime.convert import object_out
from runtime.streams import overlook

Event = Callable[[str], list[str]]


def translated(stream: Any, event: Event) -> Any:
    """Return a stream of the events into which `event` turns those of another one.

    It is read as it is asked for, ends where the other one ends and breaks where it breaks.
    """
    source, translation = object_out({}), _Translation(stream.getReader(), event)
    # They go when the stream goes: JavaScript tells Python of it.
    source.pull = create_proxy(translation.pull)
    source.cancel = create_proxy(translation.cancel)
    return ReadableStream.new(source)


class _Translation:
    """What a JS ReadableStream is made of."""

    def __init__(self, reader: Any, event: Event) -> None:
        self._reader = reader
        self._event = event
        self._decoder = TextDecoder.new()
        self._more = object_out({"stream": True})
        self._events = Events()

    async def pull(self, controller: Any) -> None:
        """Deliver what comes next."""
        try:
            while not (result := await self._reader.read()).done:
                text = self._decoder.decode(result.value, self._more)
                if told := self._told(self._events.more(text)):
                    controller.enqueue(TextEncoder.new().encode(told))
                    return
        except JsException as error:
            controller.error(error)
            return
        if told := self._told(self._events.end()):
            controller.enqueue(TextEncoder.new().encode(told))
        controller.close()

    def cancel(self, _reason: Any = None) -> None:
        """Let the provider know that nobody reads on."""
        self._reader.cancel().add_done_callback(overlook)

    def _told(self, events: list[str]) -> str:
        return "".join([f"data: {told}\n\n" for data in events for told in self._event(data)])
