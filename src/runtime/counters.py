"""The Counters port on Durable Objects: one object for each name."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from limits.counter import Rule
from ports import CountersError, Taken
from runtime import again, kept_counter
from runtime.kept_counter import Settling
from runtime.objects import PATIENCE_S, ObjectError, ask

ASKED_ON_S = 10.0
"""How long a counter is asked for what nobody waits for."""
PAUSES_S = (0.5, 5.0)
"""Before a settlement that failed is asked for again, and before it is once more. With the time of
asking it stays within the 30 s that work may go on after an answer:
https://developers.cloudflare.com/workers/platform/limits/#duration"""

_log = logging.getLogger("sluice.counters")


class DoCounters:
    """A namespace of Durable Objects."""

    def __init__(self, namespace: Any, patience_s: float = PATIENCE_S) -> None:
        self._namespace = namespace
        self._patience_s = patience_s

    async def take(self, name: str, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
        """Take units, and up to so many ahead. Raises CountersError."""
        asked = kept_counter.take(rule, units, ahead)

        async def take(patience_s: float) -> Taken:
            answer = await self._ask(name, lambda: self._stub(name).take(asked), patience_s)
            return kept_counter.taken(answer)

        try:
            return await take(self._patience_s)
        except CountersError as error:
            error.on = lambda: take(ASKED_ON_S)
            raise

    async def settle(self, name: str, rule: Rule, reserved: int, used: int, at_ms: int) -> None:
        """Replace units that were taken by what was used. Raises CountersError."""
        asked = Settling(kept_counter.settle(rule, reserved, used, at_ms), time.monotonic)

        async def settle(patience_s: float) -> None:
            await self._ask(
                name, lambda: self._stub(name).settle(asked.text(patience_s)), patience_s
            )

        try:
            await settle(self._patience_s)
        except CountersError as error:
            error.on = lambda: again.persist(lambda: settle(ASKED_ON_S), CountersError, PAUSES_S)
            raise

    def _stub(self, name: str) -> Any:
        return self._namespace.get(self._namespace.idFromName(name))

    async def _ask(self, name: str, send: Callable[[], Awaitable[Any]], patience_s: float) -> Any:
        try:
            return await ask(send, patience_s)
        except ObjectError as error:
            _log.warning("counter %r %s", name, error)
            raise CountersError from None
