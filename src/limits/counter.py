"""Counts what was granted, exactly: pure state machines that know no clock and no storage.

A counter remembers at which moments how many units were granted. A rule says when a unit comes
back: an interval after it was granted (sliding), or with the next window of the clock (fixed). The
state does not depend on the rule, so a rule may change at any time: what is remembered counts under
the new rule from the next call on, as if that had always been the rule. A longer interval counts
what is still remembered, and a lower limit grants nothing until enough has come back.

Where a counter cannot be exact it is stricter, never looser:

- Beyond MOMENTS, the moments are rounded up to the ends of slots, SLOTS of them per interval.
- When the clock runs back, what was granted later counts too, and what had come back counts again.
  Before a moment that it no longer remembers enough of, it grants nothing.
- A fixed window is remembered by its last moment, should the rule become a sliding one.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import Literal, TypedDict

Technique = Literal["fixed", "sliding"]
MOMENTS = 1024
"""Moments with units that still count, of which a counter remembers each by itself."""
SLOTS = 512
"""Into how many an interval is cut, beyond that. Less than half of MOMENTS would do no good."""
SPENT = 32
"""Moments that a counter remembers after their units came back, should the clock run back."""


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` units in any `interval`, or in any that is aligned to the clock."""

    limit: int
    interval: int
    """Seconds, at least 1."""
    technique: Technique


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of asking for units."""

    granted: int
    """Units, 0 for a refusal."""
    remaining: int
    """Units that could be had at the same moment."""
    reset: float
    """Seconds until there is more: a first unit where none remains, else one more."""


class State(TypedDict):
    """A counter, as JSON has it."""

    moments: list[int]
    """Epoch milliseconds, each but the first as what it is after the one before."""
    units: list[int]
    """How many were granted at each."""
    horizon: int
    """Epoch milliseconds."""
    until: int
    """Epoch milliseconds."""


class Counter:
    """What was granted to one key. Moments are whole epoch milliseconds."""

    __slots__ = ("_gone", "_horizon", "_moments", "_total", "_units", "_until")

    def __init__(self) -> None:
        self._moments: list[int] = []  # rising
        self._units: list[int] = []
        self._gone = 0  # how many of them, from the first on, do not count at this moment
        self._total = 0  # units that do
        self._horizon = 0  # before it, moments would count that are forgotten
        self._until = 0  # from it on, none counts

    def take(self, rule: Rule, units: int, now_ms: int) -> Verdict:
        """Grant `units`, at least 1, or none."""
        self._advance(rule, now_ms)
        granted = units if 0 < units <= self._left(rule, now_ms) else 0
        return self._grant(rule, granted, now_ms, now_ms)

    def lease(self, rule: Rule, most: int, now_ms: int, hold_ms: int = 0) -> Verdict:
        """Grant as many units as are left, up to `most`. They count from now on, used or not.

        Whoever uses them up to `hold_ms` milliseconds later, half an interval at the most, says so:
        in a sliding window they count as granted then. In a fixed one none may be used after
        `reset`.
        """
        self._advance(rule, now_ms)
        granted = max(0, min(most, self._left(rule, now_ms)))
        moment = now_ms + hold_ms if rule.technique == "sliding" else now_ms
        return self._grant(rule, granted, moment, now_ms)

    def settle(self, rule: Rule, reserved: int, used: int, at_ms: int, now_ms: int) -> None:
        """Replace the `reserved` units that were granted at `at_ms` by those that were `used`.

        What was not used comes back at once, unless it has come back by itself. What was used
        beyond the reservation counts as granted now, whether it is within the limit or not.
        """
        self._advance(rule, now_ms)
        if used > reserved:
            self._add(rule, used - reserved, now_ms)
        elif at_ms > _edge(rule, now_ms):
            self._give_back(rule, reserved - max(0, used), at_ms)
        self._until = _returns(rule, self._moments[-1]) if self._moments else 0

    def wait(self, rule: Rule, units: int, now_ms: int) -> float:
        """Return the seconds until `units`, not above the limit, can be had if nobody takes any."""
        self._advance(rule, now_ms)
        missing = self._total + units - rule.limit
        back = self._back_at(rule, missing, now_ms) if missing > 0 else now_ms
        return (max(back, self._horizon, now_ms) - now_ms) / 1000

    @property
    def until(self) -> int:
        """The moment from which on nothing counts any more."""
        return self._until

    def empty(self, now_ms: int) -> bool:
        """Return whether nothing counts any more: then a new counter would do the same.

        But for a clock that runs back. Who forgets a counter a little later is safe from that too.
        """
        return now_ms >= self._until

    def dump(self) -> State:
        """Return the state: some 10 bytes of JSON for a moment, of which there are few."""
        steps = [later - earlier for earlier, later in pairwise(self._moments)]
        return {
            "moments": self._moments[:1] + steps,
            "units": self._units[:],
            "horizon": self._horizon,
            "until": self._until,
        }

    @classmethod
    def load(cls, state: State) -> "Counter":
        """Return the counter that was dumped."""
        counter = cls()
        counter._moments = list(accumulate(state["moments"]))
        counter._units = list(state["units"])
        counter._total = sum(counter._units)  # the next call sees what of it still counts
        counter._horizon = state["horizon"]
        counter._until = state["until"]
        return counter

    def _left(self, rule: Rule, now: int) -> int:
        return 0 if now < self._horizon else max(0, rule.limit - self._total)

    def _grant(self, rule: Rule, units: int, moment: int, now: int) -> Verdict:
        if units:
            self._add(rule, units, moment)
        if self._moments:
            self._until = _returns(rule, self._moments[-1])
        return Verdict(units, self._left(rule, now), (self._more_at(rule, now) - now) / 1000)

    def _advance(self, rule: Rule, now: int) -> None:
        """Let come back what has its time, and count again what had not if the clock ran back."""
        moments, units, gone = self._moments, self._units, self._gone
        edge = _edge(rule, now)
        while gone < len(moments) and moments[gone] <= edge:
            self._total -= units[gone]
            gone += 1
        while gone and moments[gone - 1] > edge:
            gone -= 1
            self._total += units[gone]
        self._gone = gone
        if gone > SPENT:
            self._forget(rule, gone - SPENT)

    def _forget(self, rule: Rule, count: int) -> None:
        self._horizon = _returns(rule, self._moments[count - 1])
        del self._moments[:count], self._units[:count]
        self._gone -= count

    def _add(self, rule: Rule, units: int, moment: int) -> None:
        """Count units, at the latest moment that counts should `moment` be before that."""
        counts = len(self._moments) > self._gone
        last = self._moments[-1] if counts else 0
        if counts and (moment <= last or rule.technique == "fixed"):
            self._moments[-1] = max(moment, last)
            self._units[-1] += units
        else:
            self._moments.append(moment)
            self._units.append(units)
        self._total += units
        if len(self._moments) - self._gone > MOMENTS:
            self._round_up(rule)

    def _round_up(self, rule: Rule) -> None:
        gone = self._gone
        rounded = [_slot_end(rule, moment) for moment in self._moments[gone:]]
        slots = groupby(zip(rounded, self._units[gone:], strict=True), key=lambda pair: pair[0])
        sums = [(end, sum(units for _, units in pairs)) for end, pairs in slots]
        self._moments[gone:] = [end for end, _ in sums]
        self._units[gone:] = [units for _, units in sums]

    def _give_back(self, rule: Rule, units: int, at: int) -> None:
        """Uncount units of a reservation.

        They are looked for up to the end of its slot, where they have been moved to at the most.
        Whatever is found first is taken. That is not later than the reservation is remembered, so
        no moment has fewer units at and after it than were granted.
        """
        index = bisect_left(self._moments, at)
        if index == 0 and self._horizon:
            return  # it may be forgotten, and what follows be another's
        end = _returns(rule, at) - 1 if rule.technique == "fixed" else _slot_end(rule, at)
        while units > 0 and index < len(self._moments) and self._moments[index] <= end:
            back = min(units, self._units[index])
            units -= back
            self._total -= back
            self._units[index] -= back
            if not self._units[index]:
                del self._moments[index], self._units[index]

    def _more_at(self, rule: Rule, now: int) -> int:
        """Return the moment when one more unit can be had than now."""
        missing = self._total + 1 - rule.limit
        if now < self._horizon and missing <= 0:
            return self._horizon
        return max(self._horizon, self._back_at(rule, max(1, missing), now))

    def _back_at(self, rule: Rule, units: int, now: int) -> int:
        """Return the moment when `units` will have come back."""
        for index in range(self._gone, len(self._moments)):
            units -= self._units[index]
            if units <= 0:
                return _returns(rule, self._moments[index])
        return _returns(rule, now) if rule.technique == "fixed" else now


def _edge(rule: Rule, now: int) -> int:
    """Return the latest moment that does not count any more."""
    span = rule.interval * 1000
    return now - span if rule.technique == "sliding" else now - now % span - 1


def _returns(rule: Rule, moment: int) -> int:
    """Return the moment when what was granted at `moment` comes back."""
    span = rule.interval * 1000
    return moment + span if rule.technique == "sliding" else moment - moment % span + span


def _slot_end(rule: Rule, moment: int) -> int:
    width = -(-rule.interval * 1000 // SLOTS)
    return -(-moment // width) * width
