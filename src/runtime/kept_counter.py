"""A counter in the memory of its object, and what of it is written down.

What it writes and when decides what it costs: each write, each alarm that is set and each call is
billed. A change after a quiet second is written at once, together with the alarm at the end of the
window. Changes that follow within the second are written by an alarm, at most once a second.
"""

import json
from dataclasses import astuple
from typing import Any

from leases import Pace, ahead_of, hold_ms
from limits import Counter, Rule, Verdict
from ports import Clock, Taken

FLUSH_MS = 1_000
"""After this long at the most a counter is written down: what a crash of its machine forgets."""
LATEST_MS = 31 * 86_400_000
"""The furthest that an alarm is set ahead."""
_STATE = "state"
_SOME_TIME = 2**53  # when the alarm of a former object comes


class KeptCounter:
    """A counter, on the storage of a Durable Object (https://developers.cloudflare.com/durable-objects/).

    All arguments and answers are JSON. Nothing is awaited before a unit is counted.
    """

    def __init__(self, storage: Any, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._pace = Pace()
        state = storage.kv.get(_STATE)
        self._counter = Counter.load(json.loads(state)) if state else Counter()
        # Where there is a state there is an alarm: they are written together.
        self._kept = bool(state)
        self._alarm = _SOME_TIME if state else None
        self._changed = False
        self._written = 0

    async def take(self, asked: str) -> str:
        """Take units: (rule, units, units ahead) to (verdict, moment, wait, units ahead)."""
        rule, units, ahead = json.loads(asked)
        now = self._now()
        taken = self._take(Rule(*rule), units, ahead, now)
        if taken.verdict.granted:
            await self._keep(now)
        return json.dumps(astuple(taken))

    async def settle(self, asked: str) -> None:
        """Replace what was taken by what was used: (rule, reserved, used, moment)."""
        rule, reserved, used, at = json.loads(asked)
        now = self._now()
        self._counter.settle(Rule(*rule), reserved, used, at, now)
        await self._keep(now)

    async def alarm(self) -> None:
        """Write down what has changed, or forget the counter where nothing counts any more."""
        now, self._alarm = self._now(), None
        if self._counter.empty(now):
            self._changed = False
            if self._kept:
                self._kept = False
                await self._storage.deleteAll()
        elif self._changed:
            self._write(now)
            # Where much changes more will: it finds this alarm set.
            await self._arm(now + FLUSH_MS)
        else:
            await self._arm(min(self._counter.until, now + LATEST_MS))

    def _take(self, rule: Rule, units: int, ahead: int, now: int) -> Taken:
        counter = self._counter
        verdict, pace = counter.take(rule, units, now), self._pace.add(units, now)
        if not verdict.granted:
            return Taken(verdict, now, counter.wait(rule, units, now))
        spare = ahead_of(rule, verdict.remaining, ahead, pace)
        if not spare:
            return Taken(verdict, now)
        self._pace.add(spare, now)
        more = counter.lease(rule, spare, now, hold_ms(rule))
        return Taken(Verdict(units, more.remaining, more.reset), now, ahead=more.granted)

    async def _keep(self, now: int) -> None:
        if self._changed:
            return
        if 0 <= now - self._written < FLUSH_MS:
            self._changed = True
            await self._arm(self._written + FLUSH_MS)
            return
        self._write(now)
        if self._alarm is None:
            await self._arm(min(max(self._counter.until, now + FLUSH_MS), now + LATEST_MS))

    def _write(self, now: int) -> None:
        self._changed, self._kept, self._written = False, True, now
        self._storage.kv.put(_STATE, json.dumps(self._counter.dump()))

    async def _arm(self, moment: int) -> None:
        if self._alarm is None or moment < self._alarm:
            self._alarm = moment
            await self._storage.setAlarm(moment)

    def _now(self) -> int:
        return round(self._clock())


def take(rule: Rule, units: int, ahead: int) -> str:
    """Return what `KeptCounter.take` is asked."""
    return json.dumps((astuple(rule), units, ahead))


def taken(answer: str) -> Taken:
    """Return what `KeptCounter.take` answered."""
    verdict, at, wait, ahead = json.loads(answer)
    return Taken(Verdict(*verdict), at, wait, ahead)


def settle(rule: Rule, reserved: int, used: int, at_ms: int) -> str:
    """Return what `KeptCounter.settle` is asked."""
    return json.dumps((astuple(rule), reserved, used, at_ms))
