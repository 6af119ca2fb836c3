"""No window holds more than the limit, whatever several isolates and the clocks do."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from charges.leases import Leases
from fakes import NOW, FakeClock, FakeCounters
from limits.counter import Rule

NAME = "1:all"


@dataclass
class Step:
    kind: str
    isolate: int
    by: float
    """By how many milliseconds the clock moves before it."""
    units: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["burst", "burst", "burst", "take", "settle", "reload", "jump", "flush"]),
        st.integers(0, 2),
        st.sampled_from([0, 0, 1, 7, 40, 90, 399, 400, 500, 999, 1000, 3000]),
        st.integers(1, 250),
    ),
    max_size=40,
)


class Play:
    """Isolates with clocks of their own over one counter, and all that was let through."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.clock = FakeClock(NOW - NOW % 1000)
        self.counters = FakeCounters(self.clock)
        self.clocks = [FakeClock(NOW + skew) for skew in (-7000, 0, 12_345)]
        self.leases = [Leases(clock) for clock in self.clocks]
        self.let: list[tuple[float, int]] = []
        self.open: list[tuple[int, int]] = []
        """Moments and units of what can be settled."""

    async def step(self, step: Step) -> None:
        self.clock.now += step.by
        for clock in self.clocks:
            clock.now += step.by
        await getattr(self, step.kind)(step)

    async def burst(self, step: Step) -> None:
        for _ in range(step.units):
            called = len(self.counters.calls)
            taken = await self.leases[step.isolate].take(NAME, self.rule, self.counters)
            at_once = len(self.counters.calls) == called
            if taken.verdict.granted:
                self.let.append((self.clock.now if at_once else taken.at, 1))

    async def take(self, step: Step) -> None:
        taken = await self.counters.take(NAME, self.rule, step.units)
        if taken.verdict.granted:
            self.let.append((taken.at, step.units))
            self.open.append((taken.at, step.units))

    async def settle(self, step: Step) -> None:
        if self.open:
            at, units = self.open.pop()
            used = min(units, step.units)
            await self.counters.settle(NAME, self.rule, units, used, at)
            self.let.remove((at, units))
            self.let.append((at, used))

    async def reload(self, step: Step) -> None:
        # Evicted once it has been written down, as an idle object is.
        self.clock.now += 1000
        await self.counters.alarms()
        self.counters.forget()
        self.clocks = [FakeClock(clock.now + 1000) for clock in self.clocks]
        self.leases = [Leases(clock) for clock in self.clocks]

    async def jump(self, step: Step) -> None:
        self.clocks[step.isolate].now += 60_000

    async def flush(self, step: Step) -> None:
        await self.counters.alarms()

    def fullest(self) -> int:
        span = self.rule.interval * 1000
        if self.rule.technique == "fixed":
            starts = {moment // span * span for moment, _ in self.let}
        else:
            starts = {moment for moment, _ in self.let}
        return max(
            (
                sum(units for moment, units in self.let if start <= moment < start + span)
                for start in starts
            ),
            default=0,
        )


RULES = st.builds(
    Rule,
    st.sampled_from([20, 1_000, 1_200]),
    st.sampled_from([1, 2, 10]),
    st.sampled_from(["fixed", "sliding"]),
)


@given(RULES, STEPS)
async def test_no_window_holds_more_than_the_limit_whatever_is_mixed(
    rule: Rule, steps: list[Step]
) -> None:
    play = Play(rule)
    for step in steps:
        await play.step(step)

    assert play.fullest() <= rule.limit
