"""The caller of a request, who may leave before it is answered."""

import time
from typing import Any

from pyodide.ffi import JsException

from errors import ClientLeft, Unreachable


class Caller:
    """Who waits for the reply, and since when."""

    def __init__(self, signal: Any) -> None:
        self.signal = signal
        """The JS AbortSignal of the request, which fires when the caller leaves."""
        self._since = time.monotonic()

    @property
    def left(self) -> bool:
        """Whether the caller has left."""
        return self.signal.aborted

    @property
    def waited(self) -> float:
        """Milliseconds since the request came."""
        return (time.monotonic() - self._since) * 1000

    async def answer(self, promise: Any, host: str) -> Any:
        """Await what a provider's host answers. Raises Unreachable and ClientLeft."""
        try:
            return await promise
        except JsException:
            if self.left:
                raise ClientLeft from None
            raise Unreachable(host, self.waited) from None
