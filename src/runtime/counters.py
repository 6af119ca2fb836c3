"""The Counters port on Durable Objects: one object for each name."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pyodide.ffi import JsException

from limits import Rule
from ports import CountersError, Taken
from runtime import kept_counter

_log = logging.getLogger("sluice.counters")

PATIENCE_S = 0.25
"""How long a request waits for its counter."""


class DoCounters:
    """A namespace of Durable Objects."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def take(self, name: str, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
        """Take units, and up to so many ahead. Raises CountersError."""
        asked = kept_counter.take(rule, units, ahead)
        return kept_counter.taken(await _answer(name, lambda: self._stub(name).take(asked)))

    async def settle(self, name: str, rule: Rule, reserved: int, used: int, at_ms: int) -> None:
        """Replace units that were taken by what was used. Raises CountersError."""
        asked = kept_counter.settle(rule, reserved, used, at_ms)
        await _answer(name, lambda: self._stub(name).settle(asked))

    def _stub(self, name: str) -> Any:
        return self._namespace.get(self._namespace.idFromName(name))


async def _answer(name: str, ask: Callable[[], Awaitable[Any]]) -> Any:
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await ask()
    except TimeoutError:
        _log.warning("counter %r did not answer within %s s", name, PATIENCE_S)
        raise CountersError from None
    except JsException as error:
        _log.warning("counter %r failed: %s", name, error.name)
        raise CountersError from None
