"""The Snapshots port on Workers KV."""

import logging
from typing import Any

from pyodide.ffi import JsException

from runtime.convert import object_out

_log = logging.getLogger("sluice.snapshots")

CACHE_S = 60
"""How long a data centre may answer from its copy."""


class KvSnapshots:
    """A KV binding. When it fails there are no snapshots, and the database is asked instead."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def get(self, key: str) -> str | None:
        """Return a copy, or None."""
        try:
            return await self._binding.get(key, object_out({"cacheTtl": CACHE_S})) or None
        except JsException as error:
            _log.warning("cannot read snapshot %r: %s", key, error.message)
            return None

    async def put(self, key: str, text: str, ttl: int) -> None:
        """Keep a copy for `ttl` seconds (60 or more)."""
        try:
            await self._binding.put(key, text, object_out({"expirationTtl": ttl}))
        except JsException as error:
            _log.warning("cannot write snapshot %r: %s", key, error.message)

    async def delete(self, key: str) -> None:
        """Forget a copy."""
        try:
            await self._binding.delete(key)
        except JsException as error:
            _log.warning("cannot delete snapshot %r: %s", key, error.message)
