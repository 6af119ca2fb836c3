"""The Cache port on Workers KV."""

import asyncio
import json
import logging
from collections.abc import Generator, Mapping
from typing import Any

from js import JSON
from pyodide.ffi import JsException

from ports import CacheError, Reading
from runtime.caller import Caller
from runtime.convert import object_out
from runtime.reply_body import JsReplyBody

_log = logging.getLogger("sluice.cache")

READ_S = 1.0
"""How long a request waits for what may be kept."""
WRITE_S = 10.0


class JsKept:
    """An answer that was kept, all of which is in memory."""

    def __init__(self, head: str, buffer: Any, caller: Caller) -> None:
        self.head = head
        self.size: int = buffer.byteLength
        self._buffer = buffer
        self._caller = caller

    def body(self, headers: Mapping[str, str]) -> JsReplyBody:
        """Return the body of a reply that has these headers."""
        return JsReplyBody(None, headers, self._caller, "", self._buffer)


class KvCache:
    """The KV binding `CACHE`. The head of an answer is the metadata of its bytes."""

    def __init__(self, env: Any, caller: Caller) -> None:
        self._env = env  # of which a binding is asked for when it is needed: that crosses
        self._caller = caller

    def read(self, key: str) -> Reading:
        """Begin to read, at once."""
        return Reading(
            key, _Read(self._env.CACHE.getWithMetadata(key, "arrayBuffer"), self._caller)
        )

    async def write(self, key: str, head: str, copy: Any, ttl: int) -> None:
        """Keep an answer. Raises CacheError."""
        options = object_out({"expirationTtl": ttl, "metadata": json.loads(head)})
        try:
            async with asyncio.timeout(WRITE_S):
                await self._env.CACHE.put(key, copy, options)
        except (JsException, TimeoutError) as error:
            _log.warning("cannot keep an answer: %s", error)
            raise CacheError from None

    async def delete(self, key: str) -> None:
        """Forget an answer. Raises CacheError."""
        try:
            await self._env.CACHE.delete(key)
        except JsException as error:
            _log.warning("cannot forget an answer: %s", error)
            raise CacheError from None


class _Read:
    """A promise that may be left alone: a coroutine would complain."""

    def __init__(self, promise: Any, caller: Caller) -> None:
        self._promise = promise
        self._caller = caller

    def __await__(self) -> Generator[Any, None, JsKept | None]:
        return self._kept().__await__()

    async def _kept(self) -> JsKept | None:
        try:
            async with asyncio.timeout(READ_S):
                found = await self._promise
        except (JsException, TimeoutError) as error:
            _log.warning("cannot read what is kept: %s", error)
            raise CacheError from None
        if not found.value:
            return None
        return JsKept(JSON.stringify(found.metadata), found.value, self._caller)
