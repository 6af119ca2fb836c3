"""Permits that an isolate takes ahead, so that not every request asks the counter.

A counter gives units ahead only while it has much to do, and only a small part of what is left:
near the limit they are given one by one, and all of it can be used. They count as granted from when
they are given, used or not, so that no limit leaks. What is not used in time is lost.
"""

from dataclasses import dataclass, field

from limits.counter import Rule, Verdict
from ports import Clock, Counters, Taken

HOLD_MS = 500
"""So much later, at the latest, units that were taken ahead are used."""
HOLD_PART = 10
"""Nor later than one part of so many of the interval: for that long what is not used is missing."""
MARGIN = 0.2
"""So much of it earlier they are given up: the clock stands still while a request computes."""
BUSY = 100
"""Units a second, as asked for, at which a counter gives some ahead."""
LARGE = 1_000
"""The least limit of which any is given ahead: below it one object does."""
SHARE = 16
"""At most one part of so many of what is left is given ahead."""
BRISK = 20
"""Requests a second to one counter at which an isolate wants some ahead."""
PAUSE_MS = 100
"""For so long a brisk isolate that was refused refuses by itself, at the most."""
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


def hold_ms(rule: Rule) -> int:
    """Return for how many milliseconds units that were taken ahead may be used."""
    return min(HOLD_MS, rule.interval * 1000 // HOLD_PART)


def ahead_of(rule: Rule, left: int, wanted: int, pace: float) -> int:
    """Return how many units a counter gives ahead that was asked for `pace` units a second."""
    return min(wanted, left // SHARE) if rule.limit >= LARGE and pace >= BUSY else 0


@dataclass(slots=True)
class _Lease:
    """What an isolate knows of one counter."""

    pace: Pace = field(default_factory=Pace)
    asking: float = 0.0
    """Until when somebody asks for units ahead, or counts as doing so."""
    units: int = 0
    """That were taken ahead and not used."""
    until: float = 0.0
    """When they must have been used, in epoch milliseconds of this isolate, as all here."""
    at: int = 0
    """As granted at which moment they count."""
    remaining: int = 0
    """At the counter."""
    reset: float = 0.0
    refused: Taken | None = None
    """What the counter said to the last who was refused."""
    pause: float = 0.0
    """Until when it says the same."""
    seen: float = 0.0
    """The last moment."""

    def use(self, now: float) -> Taken | None:
        if now < self.seen:
            # The clock was set back, and would make all last longer.
            self.until = self.pause = 0.0
        self.seen = now
        if self.units and now < self.until:
            self.units -= 1
            wait = max(0.0, self.reset - now) / 1000
            return Taken(Verdict(1, self.remaining + self.units, wait), self.at)
        return self.refused if now < self.pause else None

    def wanted(self, rule: Rule, rate: float, now: float) -> int:
        # Others who come meanwhile ask for themselves alone: what they took ahead would be lost.
        if rate < BRISK or now < self.asking:
            return 0
        return round(rate * hold_ms(rule) * (1 - MARGIN) / 1000)

    def learn(self, rule: Rule, taken: Taken, asked: float, rate: float) -> Taken:
        if taken.ahead:
            return self._keep(rule, taken, asked)
        if not taken.verdict.granted and rate >= BRISK:
            # A hundredth of the interval: what comes back meanwhile is not lost, but had later.
            self.refused = taken
            self.pause = asked + min(PAUSE_MS, rule.interval * 10)
        return taken

    def _keep(self, rule: Rule, taken: Taken, asked: float) -> Taken:
        verdict = taken.verdict
        self.units, self.remaining = taken.ahead, verdict.remaining
        self.reset = asked + verdict.reset * 1000
        hold, sliding = hold_ms(rule), rule.technique == "sliding"
        self.until = asked + hold * (1 - MARGIN)
        self.at = taken.at + hold if sliding else taken.at
        if not sliding:
            # With the end of a fixed window its units are worth nothing.
            self.until = min(self.until, self.reset - hold * MARGIN)
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
        wanted = lease.wanted(rule, rate, now)
        if wanted:
            lease.asking = now + ASKING_MS
        try:
            taken = await counters.take(name, rule, ahead=wanted)
        finally:
            if wanted:
                lease.asking = 0.0
        return lease.learn(rule, taken, now, rate)

    def _of(self, name: str, rule: Rule) -> _Lease:
        # Whoever was asked for last is the last to be forgotten.
        lease = self._leases.pop((name, rule), None) or _Lease()
        self._leases[name, rule] = lease
        if len(self._leases) > MEMORY:
            del self._leases[next(iter(self._leases))]
        return lease
