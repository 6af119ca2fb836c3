"""The Counters port on Durable Objects: one object for each name."""

import asyncio
import json
import logging
import time
from dataclasses import astuple
from typing import Any

from pyodide.ffi import JsException

from limits import Counter, Rule, Verdict
from ports import CountersError

_log = logging.getLogger("sluice.counters")

PATIENCE_S = 0.25
"""How long a request waits for its counter."""
FLUSH_MS = 1_000
"""After this long at the most a counter is written down: what a crash of its machine forgets."""
_STATE = "state"


class DoCounters:
    """A namespace of Durable Objects."""

    def __init__(self, namespace: Any) -> None:
        self._namespace = namespace

    async def take(self, name: str, rule: Rule) -> Verdict:
        """Take one unit. Raises CountersError."""
        try:
            stub = self._namespace.get(self._namespace.idFromName(name))
            async with asyncio.timeout(PATIENCE_S):
                return Verdict(*json.loads(await stub.take(json.dumps(astuple(rule)))))
        except TimeoutError:
            _log.warning("counter %r did not answer within %s s", name, PATIENCE_S)
            raise CountersError from None
        except JsException as error:
            _log.warning("counter %r failed: %s", name, error.name)
            raise CountersError from None


class KeptCounter:
    """A counter in the memory of its object, written down by an alarm."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        state = storage.kv.get(_STATE)
        self._counter = Counter.load(json.loads(state)) if state else Counter()
        self._changed = False

    async def take(self, rule: str) -> str:
        """Take one unit. Nothing is awaited before it is counted."""
        now = _now()
        verdict = self._counter.take(Rule(*json.loads(rule)), 1, now)
        if not self._changed:
            self._changed = True
            await self._storage.setAlarm(now + FLUSH_MS)
        return json.dumps(astuple(verdict))

    def flush(self) -> None:
        """Write the counter down, or forget it where nothing counts any more."""
        self._changed = False
        if self._counter.empty(_now()):
            self._storage.kv.delete(_STATE)
        else:
            self._storage.kv.put(_STATE, json.dumps(self._counter.dump()))


def _now() -> int:
    return round(time.time() * 1000)
