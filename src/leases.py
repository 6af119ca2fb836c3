"""Permits that an isolate takes ahead, so that not every request asks the counter.

A counter gives units ahead only while it has much to do, and only a small part of what is left:
near the limit they are given one by one, and all of it can be used. They count as granted from when
they are given, used or not, so that no limit leaks. What is not used in time is lost.
"""

from dataclasses import dataclass, field

from limits import Rule, Verdict
from ports import Clock, Counters, Taken

HOLD_MS = 500
"""So much later, at the latest, units that were taken ahead are used."""
MARGIN_MS = 100
"""So much earlier an isolate stops using them: its clock stands still while a request computes."""
BUSY = 100
"""Units a second at which a counter gives some ahead."""
SHARE = 16
"""At most one part of so many of what is left is given ahead."""
BRISK = 20
"""Requests a second to one counter at which an isolate wants some ahead."""
ASKING_MS = 1_000
"""After this long whoever asks for units ahead counts as vanished."""
MEMORY = 1_000
"""Counters that an isolate remembers."""


class Pace:
    """How many events there were in the last second, about."""

    __slots__ = ("_before", "_now", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._now = 0
        self._before = 0

    def add(self, events: int, now_ms: float) -> float:
        """Count events, and return how many there were."""
        second, part = divmod(now_ms, 1000)
        if second != self._second:
            self._before = self._now if second == self._second + 1 else 0
            self._now, self._second = 0, second
        self._now += events
        return self._now + self._before * (1000 - part) / 1000


def ahead_of(left: int, wanted: int, pace: float) -> int:
    """Return how many units a counter gives ahead that grants `pace` units a second."""
    return min(wanted, left // SHARE) if pace >= BUSY else 0


@dataclass(slots=True)
class _Lease:
    """What an isolate knows of one counter."""

    pace: Pace = field(default_factory=Pace)
    asking: float = 0.0
    """Until when somebody asks for units ahead, or counts as doing so."""
    units: int = 0
    """That were taken ahead and not used."""
    begun: float = 0.0
    until: float = 0.0
    at: int = 0
    """As granted at which moment they count."""
    remaining: int = 0
    """At the counter."""
    reset: float = 0.0
    """Epoch milliseconds."""

    def use(self, now: float) -> Taken | None:
        # A clock that was set back would make them last longer.
        if not (self.units and self.begun <= now < self.until):
            return None
        self.units -= 1
        wait = max(0.0, self.reset - now) / 1000
        return Taken(Verdict(1, self.remaining + self.units, wait), self.at)

    def wanted(self, rate: float, now: float) -> int:
        # Others who come meanwhile ask for themselves alone: what they took ahead would be lost.
        if rate < BRISK or now < self.asking:
            return 0
        return round(rate * (HOLD_MS - MARGIN_MS) / 1000)

    def keep(self, rule: Rule, taken: Taken, asked: float) -> Taken:
        verdict = taken.verdict
        self.units, self.begun = taken.ahead, asked
        self.remaining, self.reset = verdict.remaining, asked + verdict.reset * 1000
        end = asked + HOLD_MS
        # With the end of a fixed window its units are worth nothing.
        self.until = (end if rule.technique == "sliding" else min(end, self.reset)) - MARGIN_MS
        self.at = taken.at + HOLD_MS if rule.technique == "sliding" else taken.at
        return Taken(Verdict(1, verdict.remaining + taken.ahead, verdict.reset), taken.at)


class Leases:
    """The permits that one isolate took ahead: plain data, that its requests share."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._leases: dict[tuple[str, Rule], _Lease] = {}

    async def take(self, name: str, rule: Rule, counters: Counters) -> Taken:
        """Take one unit: one that was taken ahead, or else the counter's. Raises CountersError."""
        lease, now = self._of(name, rule), self._clock()
        rate = lease.pace.add(1, now)
        if taken := lease.use(now):
            return taken
        wanted = lease.wanted(rate, now)
        if not wanted:
            return await counters.take(name, rule)
        lease.asking = now + ASKING_MS
        try:
            taken = await counters.take(name, rule, ahead=wanted)
        finally:
            lease.asking = 0.0
        return lease.keep(rule, taken, now) if taken.ahead else taken

    def _of(self, name: str, rule: Rule) -> _Lease:
        # Whoever was asked for last is the last to be forgotten.
        lease = self._leases.pop((name, rule), None) or _Lease()
        self._leases[name, rule] = lease
        if len(self._leases) > MEMORY:
            del self._leases[next(iter(self._leases))]
        return lease
