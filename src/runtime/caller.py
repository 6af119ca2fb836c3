"""The caller of a request, who may leave before it is answered."""

import time
from typing import Any

from pyodide.ffi import JsException

from errors import ClientLeft, Unreachable


class Caller:
    """Who waits for the reply."""

    def __init__(self, signal: Any) -> None:
        self.signal = signal
        """The JS AbortSignal of the request, which fires when the caller leaves."""

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
