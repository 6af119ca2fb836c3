"""Units that isolates take ahead: how many calls they save, and that no limit leaks."""

import asyncio
import heapq
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest

from charges.leases import Leases
from fakes import FakeClock, FakeCounters
from limits.counter import Rule, Technique
from ports import Taken


class Network:
    """The way from isolates to the counters, which takes time: that of the test."""

    def __init__(self, random: Random) -> None:
        self.clock = FakeClock()
        self.counters = FakeCounters(self.clock)
        self._random = random
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._ticket = count()

    async def take(self, name: str, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
        await self._way()
        taken = await self.counters.take(name, rule, units, ahead)
        await self._way()
        return taken

    async def settle(self, name: str, rule: Rule, reserved: int, used: int, at_ms: int) -> None:
        await self._way()
        await self.counters.settle(name, rule, reserved, used, at_ms)

    async def _way(self) -> None:
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        moment = self.clock.now + self._random.uniform(1, 20)
        heapq.heappush(self._waiting, (moment, next(self._ticket), arrived))
        await arrived

    async def pass_time(self, until: float) -> None:
        while self._waiting and self._waiting[0][0] <= until:
            moment, _, arrived = heapq.heappop(self._waiting)
            self.clock.now = max(self.clock.now, moment)
            arrived.set_result(None)
            await _let_run()
        self.clock.now = until
        await self.counters.alarms()


async def _let_run() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


@dataclass
class Load:
    """What came of many requests to several isolates."""

    admitted: list[float] = field(default_factory=list[float])
    """When the counter granted, or the isolate did of what it had taken ahead."""
    requests: int = 0
    calls: int = 0

    def fullest(self, rule: Rule) -> int:
        """Return the most that any window held."""
        span, times = rule.interval * 1000, sorted(self.admitted)
        if rule.technique == "fixed":
            starts = {time // span for time in times}
            return max(sum(time // span == start for time in times) for start in starts)
        return max(index + 1 - bisect_right(times, time - span) for index, time in enumerate(times))


async def loaded(rule: Rule, rate: int, seconds: float, isolates: int, seed: int = 1) -> Load:
    """Send `rate` requests a second to isolates whose clocks do not agree."""
    random, load = Random(seed), Load()
    network = Network(random)
    offsets = [random.uniform(-5000, 5000) for _ in range(isolates)]
    leases = [Leases(_clock(network.clock, offset)) for offset in offsets]

    async def ask(isolate: Leases) -> None:
        begun = network.clock.now
        taken = await isolate.take("1:all", rule, network)
        if taken.verdict.granted:
            at_once = network.clock.now == begun
            load.admitted.append(begun if at_once else taken.at)

    asked: list[asyncio.Task[None]] = []
    for _ in range(round(rate * seconds)):
        await network.pass_time(network.clock.now + random.expovariate(rate / 1000))
        asked.append(asyncio.create_task(ask(random.choice(leases))))
        await _let_run()
    await network.pass_time(network.clock.now + 1000)
    await asyncio.gather(*asked)
    load.requests, load.calls = len(asked), len(network.counters.calls)
    return load


def _clock(clock: FakeClock, offset: float) -> FakeClock:
    class Other(FakeClock):
        def __call__(self) -> float:
            return clock.now + offset

    return Other()


async def test_two_thousand_requests_a_second_over_one_rule_are_few_calls() -> None:
    rule = Rule(1_000_000, 60, "sliding")

    load = await loaded(rule, 2_000, 5, isolates=4)

    assert len(load.admitted) == load.requests
    assert load.calls < load.requests / 10


@pytest.mark.parametrize("technique", ["fixed", "sliding"])
@pytest.mark.parametrize(("limit", "interval"), [(1_000, 1), (1_500, 1), (5_000, 3)])
async def test_no_window_holds_more_than_the_limit_and_almost_all_of_it_is_used(
    technique: Technique, limit: int, interval: int
) -> None:
    rule = Rule(limit, interval, technique)

    load = await loaded(rule, 2_000, 6, isolates=5)

    assert 0.9 * limit <= load.fullest(rule) <= limit
    assert load.calls < load.requests
