"""WebSockets: relayed to a provider, or answered here.

A frame stays JavaScript's: Python is told that it came, and passes it on unread. Who closes is
copied too, so that each side learns the other's code.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

from js import WebSocketPair
from pyodide.ffi import JsException, create_proxy

from ports import Answer, Ending, Ports, State
from runtime.background import JsBackground

_NO_STATUS = 1005
_ABNORMAL = 1006
_GOING_AWAY = 1001
_PROVIDER_GONE = 1014
"""Bad gateway (https://www.iana.org/assignments/websocket), for those whose provider vanished."""


class JsSocket:
    """The body of a reply of status 101."""

    held = False

    def __init__(self) -> None:
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._proxies: list[Any] = []

    async def hold(self, error: bool) -> None:
        """Do nothing: there is nothing to read before it leaves."""

    async def first(self) -> str:
        """Return nothing."""
        return ""

    def texts(self) -> AsyncIterator[str]:
        """Raise: a connection has no text."""
        raise TypeError("a WebSocket is relayed, never read")

    def discard(self) -> None:
        """Close the connection before anyone has it."""
        self._end("complete", _GOING_AWAY)

    def watch(self, copy: int = 0) -> asyncio.Future[Ending]:  # noqa: ARG002 - a port's
        """Ask how the connection will end. Of its messages there is no copy."""
        return self._ending

    def deliver(self) -> Any:
        """Return the end that goes to the caller."""
        raise NotImplementedError

    def _listen(self, socket: Any, **listeners: Callable[[Any], None]) -> None:
        socket.binaryType = "arraybuffer"
        for name, listener in listeners.items():
            proxy = create_proxy(listener)
            self._proxies.append(proxy)
            socket.addEventListener(name, proxy)
        socket.accept()

    def _end(self, state: State, code: int) -> None:
        if not self._ending.done():
            self._ending.set_result(Ending(state, close_code=code))


class Relay(JsSocket):
    """A connection between a caller and a provider."""

    def __init__(self, provider: Any) -> None:
        super().__init__()
        self._provider = provider

    def discard(self) -> None:
        """Close the connection to the provider."""
        self._provider.accept()
        _close(self._provider, _GOING_AWAY)
        super().discard()

    def deliver(self) -> Any:
        """Join both ends, and return the caller's."""
        pair = WebSocketPair.new()
        caller, ours = getattr(pair, "0"), getattr(pair, "1")
        self._join(ours, self._provider, "complete", _GOING_AWAY)
        self._join(self._provider, ours, "broken", _PROVIDER_GONE)
        return caller

    def _join(self, source: Any, target: Any, vanished: State, told: int) -> None:
        """Copy what comes from one end to the other. `told` is said of an end that vanished."""

        def message(event: Any) -> None:
            _send(target, event.data)

        def close(event: Any) -> None:
            gone = event.code == _ABNORMAL
            self._end(vanished if gone else "complete", event.code)
            _close(target, told if gone else event.code, event.reason)

        def error(_event: Any) -> None:
            self._end(vanished, _ABNORMAL)
            _close(target, told)

        self._listen(source, message=message, close=close, error=error)


class Session(JsSocket):
    """A connection whose messages are answered here."""

    def __init__(self, answer: Answer, ports: Ports, ctx: Any) -> None:
        super().__init__()
        self._answer = answer
        self._ports = ports
        self._ctx = ctx

    def deliver(self) -> Any:
        """Return the caller's end."""
        pair = WebSocketPair.new()
        caller, ours = getattr(pair, "0"), getattr(pair, "1")

        def message(event: Any) -> None:
            self._ctx.waitUntil(self._serve(ours, event.data))

        def close(event: Any) -> None:
            self._end("complete", event.code)
            _close(ours, event.code, event.reason)

        def error(_event: Any) -> None:
            self._end("left", _ABNORMAL)

        self._listen(ours, message=message, close=close, error=error)
        return caller

    async def _serve(self, socket: Any, data: Any) -> None:
        background = JsBackground(self._ctx)
        ports = replace(self._ports, background=background)
        # A frame of bytes is no message of this protocol, and is told so.
        text = data if isinstance(data, str) else ""
        try:
            await self._answer(text, lambda answer: _send(socket, answer), ports)
        finally:
            background.replied()


class JsSockets:
    """The Sockets port."""

    def __init__(self, ctx: Any) -> None:
        self._ctx = ctx
        self.ports: Ports | None = None
        """What messages are served with. Set once there are ports."""

    def open(self, answer: Answer) -> Session:
        """Return a connection whose messages are answered by `answer`."""
        assert self.ports is not None
        return Session(answer, self.ports, self._ctx)


def _send(socket: Any, data: Any) -> None:
    try:
        socket.send(data)
    except JsException:
        # That end has closed; its `close` event tells the other one.
        return


def _close(socket: Any, code: int, reason: str = "") -> None:
    try:
        if code == _NO_STATUS:
            socket.close()
        else:
            socket.close(code, reason)
    except JsException:
        # Closed already.
        return
