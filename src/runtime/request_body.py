"""The body of a request: an opaque JS value, whose text crosses into Python at most once."""

from typing import Any

from js import Array, Blob, crypto
from pyodide.ffi import JsException

from errors import ClientLeft
from runtime.streams import TEXT_LIMIT, decode, read


class JsRequestBody:
    """The body of a request."""

    name: str | None = None
    """Which of a model's inputs it is. None: its type says."""

    def __init__(self, request: Any, stream: Any, announced: str | None = None) -> None:
        self.size = int(announced) if announced and announced.isdecimal() else None
        self.native: Any = stream
        """What is sent to the provider: the caller's stream, or what was read of it."""
        self._request = request
        self._kept: bool | None = None
        self._text: str | None = None

    async def text(self) -> str | None:
        """Read the body, once. None for more than TEXT_LIMIT bytes. Raises ClientLeft."""
        if self._text is None and await self.keep():
            self._text = decode([self.native])
        return self._text

    async def keep(self) -> bool:
        """Read the body, once. False for more than TEXT_LIMIT bytes. Raises ClientLeft."""
        if self._kept is None:
            try:
                self._kept = await self._read()
            except JsException:
                raise ClientLeft from None
        return self._kept

    async def digest(self) -> str | None:
        """Read the body, once, and return its SHA-256. Raises ClientLeft."""
        if not await self.keep():
            return None
        return (await crypto.subtle.digest("SHA-256", self.native)).to_bytes().hex()

    async def _read(self) -> bool:
        if self.size is None:
            # Chunked: only reading tells its length, and what is too long must still be sent.
            self.native, copy = self.native.tee()
            chunks = await read(copy, TEXT_LIMIT)
            if chunks is None:
                return False
            self.native = await Blob.new(Array.of(*chunks)).arrayBuffer()
            self.size = self.native.byteLength
            return True
        if self.size > TEXT_LIMIT:
            return False
        self.native = await self._request.arrayBuffer()
        return True
