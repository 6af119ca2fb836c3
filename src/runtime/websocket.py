"""WebSockets: relayed to a provider, or answered here.

A frame stays JavaScript's: Python is told that it came, and passes it on unread. Who closes is
copied too, so that each side learns the other's code.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from js import WebSocketPair
from pyodide.ffi import JsException, create_proxy

from ports import Answer, Ending, Ports, State
from runtime.background import JsBackground
from runtime.caller import Caller, Connected
from runtime.clock import WallClock

PortsOf = Callable[[Caller, JsBackground], Ports]
"""What makes the ports that a caller is served with."""

_LAST = ("close", "error")
"""The events after which nothing comes of a socket."""
_NO_STATUS = 1005
_ABNORMAL = 1006
_GOING_AWAY = 1001
_PROVIDER_GONE = 1014
"""Bad gateway (https://www.iana.org/assignments/websocket), for those whose provider vanished."""
_now = WallClock()


class JsSocket:
    """The body of a reply of status 101."""

    held = False
    ended = None

    def __init__(self) -> None:
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    async def hold(self, error: bool) -> None:
        """Do nothing: there is nothing to read before it leaves."""

    async def begin(self) -> None:
        """Do nothing: it is open."""

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
        """Have listeners called until the socket has ended, by which they are let go."""
        proxies: dict[str, Any] = {}

        def let_go() -> None:
            while proxies:
                name, proxy = proxies.popitem()
                socket.removeEventListener(name, proxy)
                proxy.destroy()

        def last(listener: Callable[[Any], None]) -> Callable[[Any], None]:
            def ended(event: Any) -> None:
                listener(event)
                # Not at once: this is one of them.
                self._ending.get_loop().call_soon(let_go)

            return ended

        socket.binaryType = "arraybuffer"
        for name, listener in listeners.items():
            proxies[name] = create_proxy(last(listener) if name in _LAST else listener)
            socket.addEventListener(name, proxies[name])
        socket.accept()

    def _end(self, state: State, code: int) -> None:
        if not self._ending.done():
            self._ending.set_result(Ending(state, close_code=code, ended=_now()))


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

    def __init__(self, answer: Answer, ports_of: PortsOf, ctx: Any) -> None:
        super().__init__()
        self._answer = answer
        self._ports_of = ports_of
        self._ctx = ctx
        self._under_way: dict[asyncio.Future[None], Caller] = {}
        """What messages are being answered, and for whom. Held here, for the loop holds no task."""

    def deliver(self) -> Any:
        """Return the caller's end."""
        pair = WebSocketPair.new()
        caller, ours = getattr(pair, "0"), getattr(pair, "1")

        def message(event: Any) -> None:
            self._begin(ours, event.data)

        def close(event: Any) -> None:
            self._end("complete", event.code)
            _close(ours, event.code, event.reason)
            self._leave()

        def error(_event: Any) -> None:
            self._end("left", _ABNORMAL)
            self._leave()

        self._listen(ours, message=message, close=close, error=error)
        return caller

    def _begin(self, socket: Any, data: Any) -> None:
        background = JsBackground(self._ctx)
        background.keep()
        # One for each message: a signal of the connection's would hold all that ever heeded it.
        caller = Connected()
        task = asyncio.ensure_future(self._serve(socket, data, caller, background))
        self._under_way[task] = caller
        task.add_done_callback(self._under_way.pop)

    async def _serve(
        self, socket: Any, data: Any, caller: Caller, background: JsBackground
    ) -> None:
        # A frame of bytes is no message of this protocol, and is told so.
        text = data if isinstance(data, str) else ""
        try:
            ports = self._ports_of(caller, background)
            await self._answer(text, lambda answer: _send(socket, answer), ports)
        finally:
            background.replied()

    def _leave(self) -> None:
        """End what is under way: the runtime does not say of a WebSocket that its caller left."""
        for caller in self._under_way.values():
            caller.leave()


class JsSockets:
    """The Sockets port."""

    def __init__(self, ports_of: PortsOf, ctx: Any) -> None:
        self._ports_of = ports_of
        self._ctx = ctx

    def open(self, answer: Answer) -> Session:
        """Return a connection whose messages are answered by `answer`."""
        return Session(answer, self._ports_of, self._ctx)


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
