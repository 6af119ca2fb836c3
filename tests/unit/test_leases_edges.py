"""What an isolate does with units that it took ahead, and when it no longer may."""

import asyncio
from dataclasses import dataclass, field

import pytest

from charges.leases import BRISK, HOLD_MS, MARGIN, MEMORY, PAUSE_MS, Leases
from fakes import NOW, FakeClock
from limits.counter import Rule, Verdict
from ports import CountersError, Taken

HOURLY = Rule(100_000, 3600, "sliding")
NAME = "1:all"


@dataclass
class Generous:
    """A counter that gives ahead what is asked for, up to a number; or says what the test says."""

    clock: FakeClock
    ahead: int = 10
    reset: float = 3600.0
    granted: int = 1
    broken: bool = False
    slow: bool = False
    asked: list[int] = field(default_factory=list[int])
    """How many units ahead were asked for, call by call."""

    async def take(self, name: str, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
        self.asked.append(ahead)
        if self.broken:
            raise CountersError
        if self.slow:
            await asyncio.sleep(0)
        given = min(ahead, self.ahead) if self.granted else 0
        verdict = Verdict(self.granted, 500, self.reset)
        return Taken(verdict, round(self.clock()), 0.0, given)

    async def settle(self, name: str, rule: Rule, reserved: int, used: int, at_ms: int) -> None:
        raise AssertionError


class Isolate:
    """An isolate that has been brisk for a moment, by a clock that the test moves."""

    def __init__(self, rule: Rule = HOURLY) -> None:
        self.clock = FakeClock(NOW - NOW % 1000)
        self.rule = rule
        self.leases = Leases(self.clock)
        self.counter = Generous(self.clock)

    async def take(self) -> Taken:
        return await self.leases.take(NAME, self.rule, self.counter)

    async def be_brisk(self) -> None:
        """Ask until units are there that were taken ahead."""
        for _ in range(BRISK):
            await self.take()
        self.counter.asked.clear()


async def test_a_quiet_isolate_takes_none_ahead() -> None:
    isolate = Isolate()

    for _ in range(BRISK * 2):
        await isolate.take()
        isolate.clock.now += 1000 / BRISK * 2

    assert set(isolate.counter.asked) == {0}


async def test_units_taken_ahead_are_used_without_a_call() -> None:
    isolate = Isolate()
    await isolate.be_brisk()

    left = [(await isolate.take()).verdict.remaining for _ in range(5)]

    assert isolate.counter.asked == []
    assert left == list(range(left[0], left[0] - 5, -1))
    assert left[-1] >= 500


async def test_and_not_once_their_time_is_over() -> None:
    isolate = Isolate()
    await isolate.be_brisk()
    isolate.clock.now += HOLD_MS * (1 - MARGIN) - 1
    await isolate.take()
    assert isolate.counter.asked == []

    isolate.clock.now += 1
    await isolate.take()

    assert len(isolate.counter.asked) == 1


async def test_nor_after_the_clock_was_set_back() -> None:
    isolate = Isolate()
    await isolate.be_brisk()

    isolate.clock.now -= 50
    await isolate.take()

    assert len(isolate.counter.asked) == 1


async def test_nor_once_a_fixed_window_has_ended() -> None:
    isolate = Isolate(Rule(100_000, 60, "fixed"))
    isolate.counter.reset = 0.3
    await isolate.be_brisk()
    isolate.clock.now += 199
    await isolate.take()
    assert isolate.counter.asked == []

    isolate.clock.now += 1
    await isolate.take()

    assert len(isolate.counter.asked) == 1


async def test_in_a_short_window_they_last_for_a_tenth_of_it() -> None:
    isolate = Isolate(Rule(100_000, 1, "sliding"))
    isolate.counter.reset = 1.0
    isolate.counter.ahead = 1
    await isolate.be_brisk()

    isolate.clock.now += 80
    await isolate.take()

    assert len(isolate.counter.asked) == 1


async def test_of_requests_that_come_together_one_asks_for_units_ahead() -> None:
    isolate = Isolate()
    await isolate.be_brisk()
    isolate.clock.now += HOLD_MS
    isolate.counter.slow = True

    together = [asyncio.create_task(isolate.take()) for _ in range(3)]
    await asyncio.sleep(0)
    asked_together = [bool(ahead) for ahead in isolate.counter.asked]
    await asyncio.gather(*together)

    assert asked_together == [True, False, False]


async def test_who_fails_lets_the_next_one_ask() -> None:
    isolate = Isolate()
    isolate.counter.broken = True

    for _ in range(BRISK + 1):
        with pytest.raises(CountersError):
            await isolate.take()

    assert [bool(ahead) for ahead in isolate.counter.asked[-3:]] == [False, True, True]


async def test_a_brisk_isolate_that_was_refused_refuses_by_itself_for_a_moment() -> None:
    isolate = Isolate()
    isolate.counter.granted = 0
    for _ in range(BRISK):
        assert not (await isolate.take()).verdict.granted
    isolate.counter.asked.clear()

    isolate.clock.now += PAUSE_MS - 1
    again = [await isolate.take() for _ in range(50)]
    assert not any(taken.verdict.granted for taken in again)
    assert isolate.counter.asked == []

    isolate.clock.now += 1
    await isolate.take()
    assert len(isolate.counter.asked) == 1


async def test_two_rules_do_not_share_units() -> None:
    isolate = Isolate()
    await isolate.be_brisk()

    isolate.rule = Rule(50_000, 3600, "sliding")
    await isolate.take()

    assert isolate.counter.asked == [0]


async def test_the_counters_that_are_asked_most_are_remembered() -> None:
    isolate = Isolate()
    await isolate.be_brisk()
    for number in range(MEMORY * 2):
        await isolate.leases.take(f"1:user:{number}", HOURLY, isolate.counter)
        if number % (MEMORY // 2) == 0:
            await isolate.take()
    isolate.counter.asked.clear()

    await isolate.take()

    assert isolate.counter.asked == []
