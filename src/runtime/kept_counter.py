"""A counter in the memory of its object, and what of it is written down.

What it writes and when decides what it costs: each write, each alarm that is set and each call is
billed. A change after a quiet second is written at once, together with the alarm at the end of the
window. Changes that follow within the second are written by an alarm, at most once a second.

Where objects move between machines (`docs/cluster.md`), each change is written before its answer
leaves. Each ask has an id, and what was answered is remembered for a moment and written with the
counter: an ask that is sent again, for its answer was lost, counts once. Where so much was answered
meanwhile that it may be forgotten, too much counts, never too little.
"""

import json
import os
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from charges.leases import Pace, ahead_of, hold_ms
from limits.counter import Counter, Rule, Verdict
from ports import Clock, Taken
from runtime.answers import Answers, Pages

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

    def __init__(self, storage: Any, clock: Clock, *, moves: bool = False) -> None:
        """Read what is written. `moves`: the object may move to another machine at any moment."""
        self._storage = storage
        self._clock = clock
        self._flush_ms = 0 if moves else FLUSH_MS
        self._pace = Pace()
        state = storage.kv.get(_STATE)
        loaded = json.loads(state) if state else None
        self._counter = Counter.load(loaded) if loaded else Counter()
        told: dict[str, Any] = loaded or {}
        self._answers = Pages(told, storage.kv) if moves else Answers(told)
        # Where there is a state there is an alarm: they are written together.
        self._kept = bool(state)
        self._alarm = _SOME_TIME if state else None
        self._changed = False
        self._written = 0

    async def take(self, asked: str) -> str:
        """Take units: (id, rule, units, units ahead) to (verdict, moment, wait, units ahead)."""
        ask, rule, units, ahead = json.loads(asked)
        if (known := self._answers.get(ask)) is not None:
            return known
        now = self._now()
        taken = self._take(Rule(*rule), units, ahead, now)
        answer = json.dumps(astuple(taken))
        if taken.verdict.granted:
            self._answers.put(ask, answer, now)
            await self._keep(now)
        return answer

    async def settle(self, asked: str) -> None:
        """Replace what was taken by what was used: (id, rule, reserved, used, moment, since).

        Who asks again says how many milliseconds ago at the most he asked first. What may have been
        done then, and be forgotten, is not given back once more.
        """
        ask, rule, reserved, used, at, *since = json.loads(asked)
        if self._answers.get(ask) is not None:
            return
        now = self._now()
        if since and used < reserved and self._answers.forgotten >= now - since[0]:
            return
        self._counter.settle(Rule(*rule), reserved, used, at, now)
        self._answers.put(ask, "", now)
        await self._keep(now)

    async def alarm(self) -> None:
        """Write down what has changed, or forget the counter where nothing counts any more."""
        now, self._alarm = self._now(), None
        if self._counter.empty(now):
            self._changed = False
            if self._kept:
                self._kept = False
                self._answers.cleared()
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
        if 0 <= now - self._written < self._flush_ms:
            self._changed = True
            await self._arm(self._written + FLUSH_MS)
            return
        self._write(now)
        if self._alarm is None:
            await self._arm(min(max(self._counter.until, now + FLUSH_MS), now + LATEST_MS))

    def _write(self, now: int) -> None:
        self._changed, self._kept, self._written = False, True, now
        state = {**self._counter.dump(), **self._answers.dump()}
        self._storage.kv.put(_STATE, json.dumps(state))

    async def _arm(self, moment: int) -> None:
        if self._alarm is None or moment < self._alarm:
            self._alarm = moment
            await self._storage.setAlarm(moment)

    def _now(self) -> int:
        return round(self._clock())


def take(rule: Rule, units: int, ahead: int) -> str:
    """Return what `KeptCounter.take` is asked. It counts once, however often it is sent."""
    return json.dumps((_ask(), astuple(rule), units, ahead))


def taken(answer: str) -> Taken:
    """Return what `KeptCounter.take` answered."""
    verdict, at, wait, ahead = json.loads(answer)
    return Taken(Verdict(*verdict), at, wait, ahead)


def settle(rule: Rule, reserved: int, used: int, at_ms: int) -> str:
    """Return what `KeptCounter.settle` is asked. It counts once, however often it is sent."""
    return json.dumps((_ask(), astuple(rule), reserved, used, at_ms))


class Settling:
    """What `KeptCounter.settle` is asked, which knows whether it has been sent before."""

    def __init__(self, asked: str, clock: Callable[[], float]) -> None:
        """Remember what `settle` returned. The clock tells seconds, and is never set back."""
        self._asked = asked
        self._clock = clock
        self._begun: float | None = None

    def text(self, patience_s: float) -> str:
        """Return what is sent to be heard within so much time.

        From the second time on that says, too, since when it has been sent at the most.
        """
        if self._begun is None:
            self._begun = self._clock()
            return self._asked
        since = self._clock() - self._begun + patience_s
        return json.dumps([*json.loads(self._asked), round(since * 1000)])


def _ask() -> str:
    return os.urandom(8).hex()
