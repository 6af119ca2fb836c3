"""The caller of a request, who may leave before it is answered."""

import time
from typing import Any

from js import AbortController
from pyodide.ffi import JsException

from errors import ClientLeft, Unreachable


class Caller:
    """Who waits for the reply."""

    silent = False
    """Whether nothing but its stream tells that it left."""

    def __init__(self, signal: Any) -> None:
        self.signal = signal
        """The JS AbortSignal of the request, which fires when the caller leaves."""

    def leave(self) -> None:
        """Note that it left, where no signal tells."""

    @property
    def left(self) -> bool:
        """Whether the caller has left."""
        return self.signal.aborted

    async def answer(self, promise: Any, host: str) -> Any:
        """Await what a provider's host answers. Raises Unreachable and ClientLeft."""
        begun = time.monotonic()
        try:
            return await promise
        except JsException:
            if self.left:
                raise ClientLeft from None
            raise Unreachable(host, (time.monotonic() - begun) * 1000) from None


class Connected(Caller):
    """Who is at the other end of a connection, of which no request's signal tells."""

    def __init__(self) -> None:
        self._controller = AbortController.new()
        super().__init__(self._controller.signal)

    def leave(self) -> None:
        """Note that it left."""
        self._controller.abort()


class Holding(Connected):
    """A Worker that called a method. Nothing but its stream tells that it left."""

    silent = True
