"""A counter of a Durable Object: what outlives the object, and what is written down when."""

from charges.leases import BUSY, HOLD_MS, LARGE, SHARE
from fakes import FakeClock, FakeStorage
from limits.counter import Rule
from ports import Taken
from runtime import kept_counter
from runtime.kept_counter import FLUSH_MS, LATEST_MS, KeptCounter

MINUTELY = Rule(3, 60, "sliding")
FIXED = Rule(3, 60, "fixed")


class Object:
    """A Durable Object, which leaves memory when told, and whose alarms come on time."""

    def __init__(self) -> None:
        self.clock = FakeClock(1_750_000_020_000.0)  # a whole minute
        self.storage = FakeStorage()
        self.evict()

    def evict(self) -> None:
        self.counter = KeptCounter(self.storage, self.clock)

    async def take(self, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
        return kept_counter.taken(await self.counter.take(kept_counter.take(rule, units, ahead)))

    async def grants(self, rule: Rule, times: int) -> int:
        return sum([(await self.take(rule)).verdict.granted for _ in range(times)])

    async def settle(self, rule: Rule, reserved: int, used: int, at: int) -> None:
        await self.counter.settle(kept_counter.settle(rule, reserved, used, at))

    async def pass_time(self, ms: float) -> None:
        until = self.clock.now + ms
        while self.storage.alarm is not None and self.storage.alarm <= until:
            self.clock.now = max(self.clock.now, self.storage.alarm)
            self.storage.alarm = None
            await self.counter.alarm()
        self.clock.now = until


async def test_a_fixed_window_ends_to_the_millisecond() -> None:
    kept_one = Object()
    kept_one.clock.now += 59_000
    assert await kept_one.grants(FIXED, 4) == 3

    await kept_one.pass_time(999)
    before = await kept_one.grants(FIXED, 1)
    await kept_one.pass_time(1)

    assert (before, await kept_one.grants(FIXED, 4)) == (0, 3)


async def test_a_sliding_window_ends_to_the_millisecond_for_each_unit() -> None:
    kept_one = Object()
    await kept_one.grants(MINUTELY, 2)
    await kept_one.pass_time(30_000)
    await kept_one.grants(MINUTELY, 1)

    await kept_one.pass_time(29_999)
    before = await kept_one.grants(MINUTELY, 1)
    await kept_one.pass_time(1)

    assert (before, await kept_one.grants(MINUTELY, 3)) == (0, 2)


async def test_what_was_counted_outlives_the_object() -> None:
    kept_one = Object()
    await kept_one.grants(MINUTELY, 2)
    await kept_one.pass_time(10_000)

    kept_one.evict()

    assert await kept_one.grants(MINUTELY, 3) == 1


async def test_a_crash_forgets_no_more_than_the_last_second() -> None:
    kept_one = Object()
    await kept_one.grants(Rule(100, 60, "sliding"), 40)
    await kept_one.pass_time(FLUSH_MS)
    await kept_one.grants(Rule(100, 60, "sliding"), 7)
    await kept_one.pass_time(FLUSH_MS - 1)

    kept_one.evict()

    assert (await kept_one.take(Rule(100, 60, "sliding"))).verdict.remaining == 59


async def test_a_change_after_a_quiet_second_is_not_forgotten_at_all() -> None:
    kept_one = Object()
    await kept_one.grants(MINUTELY, 1)
    kept_one.evict()
    await kept_one.grants(MINUTELY, 1)
    await kept_one.pass_time(FLUSH_MS)
    await kept_one.grants(MINUTELY, 1)

    kept_one.evict()

    assert await kept_one.grants(MINUTELY, 1) == 0


async def test_a_counter_that_nobody_asks_again_removes_itself() -> None:
    kept_one = Object()
    await kept_one.grants(MINUTELY, 2)
    await kept_one.pass_time(FLUSH_MS)
    there = dict(kept_one.storage.values)

    await kept_one.pass_time(60_000)

    assert there
    assert (kept_one.storage.values, kept_one.storage.alarm) == ({}, None)


async def test_so_does_one_that_had_left_memory() -> None:
    kept_one = Object()
    await kept_one.grants(MINUTELY, 1)
    kept_one.evict()

    await kept_one.pass_time(60_000)

    assert (kept_one.storage.values, kept_one.storage.alarm) == ({}, None)


async def test_and_one_that_is_asked_again_only_once_it_is_left_alone() -> None:
    kept_one = Object()
    for _ in range(3):
        await kept_one.grants(MINUTELY, 1)
        await kept_one.pass_time(50_000)
        assert kept_one.storage.values

    await kept_one.pass_time(60_000)

    assert (kept_one.storage.values, kept_one.storage.alarm) == ({}, None)


async def test_a_counter_that_gave_all_back_removes_itself() -> None:
    kept_one, rule = Object(), Rule(1000, 60, "sliding")
    taken = await kept_one.take(rule, 800)
    await kept_one.settle(rule, 800, 0, taken.at)

    assert (await kept_one.take(rule, 1000)).verdict.granted == 1000
    await kept_one.pass_time(61_000)
    assert (kept_one.storage.values, kept_one.storage.alarm) == ({}, None)


async def test_a_refusal_writes_nothing() -> None:
    kept_one = Object()
    await kept_one.grants(MINUTELY, 3)
    await kept_one.pass_time(5_000)
    written = kept_one.storage.written

    assert await kept_one.grants(MINUTELY, 50) == 0
    assert kept_one.storage.written == written


async def test_a_request_in_a_window_costs_three_rows() -> None:
    kept_one = Object()
    await kept_one.grants(MINUTELY, 1)
    await kept_one.pass_time(61_000)

    assert kept_one.storage.written == 3


async def test_a_busy_counter_costs_two_rows_a_second() -> None:
    kept_one, rule = Object(), Rule(10**6, 60, "sliding")
    for _ in range(5_000):
        await kept_one.grants(rule, 2)
        await kept_one.pass_time(10)

    assert kept_one.storage.written <= 2 * 50 + 3


async def test_the_alarm_of_a_long_window_is_not_too_far() -> None:
    kept_one, yearly = Object(), Rule(1, 31_536_000, "sliding")
    await kept_one.grants(yearly, 1)

    assert kept_one.storage.alarm == kept_one.clock.now + LATEST_MS
    await kept_one.pass_time(31_535_999_999)
    assert await kept_one.grants(yearly, 1) == 0
    await kept_one.pass_time(1)
    assert kept_one.storage.values == {}


async def test_units_are_given_ahead_only_by_a_busy_counter_and_only_a_part() -> None:
    kept_one, rule = Object(), Rule(10_000, 60, "sliding")

    given = [(await kept_one.take(rule, 1, 5_000)).ahead for _ in range(BUSY)]

    assert given[:-1] == [0] * (BUSY - 1)
    assert given[-1] == (10_000 - BUSY) // SHARE


async def test_near_the_limit_units_are_given_one_by_one() -> None:
    kept_one, rule = Object(), Rule(LARGE, 60, "sliding")
    await kept_one.take(rule, LARGE - SHARE - 1)

    given = [await kept_one.take(rule, 1, 5_000) for _ in range(SHARE + 1)]

    assert [taken.ahead for taken in given] == [1] + [0] * SHARE
    assert [taken.verdict.granted for taken in given[-3:]] == [1, 1, 0]


async def test_of_a_small_limit_none_is_given_ahead() -> None:
    kept_one, rule = Object(), Rule(LARGE - 1, 60, "sliding")

    given = [await kept_one.take(rule, 1, 5_000) for _ in range(LARGE)]

    assert not any(taken.ahead for taken in given)
    assert sum(taken.verdict.granted for taken in given) == LARGE - 1


async def test_what_was_given_ahead_counts_as_used_when_it_may_be_used_last() -> None:
    kept_one, rule = Object(), Rule(SHARE * 100, 60, "sliding")
    for _ in range(BUSY - 1):
        await kept_one.take(rule)
    ahead = (await kept_one.take(rule, 1, 1)).ahead

    await kept_one.pass_time(60_000 + HOLD_MS - 1)
    before = (await kept_one.take(rule)).verdict.remaining
    await kept_one.pass_time(1)

    assert ahead == 1
    assert (await kept_one.take(rule)).verdict.remaining == before


async def test_a_refusal_tells_when_as_much_as_was_asked_for_can_be_had() -> None:
    kept_one, rule = Object(), Rule(100, 60, "sliding")
    await kept_one.take(rule, 50)
    await kept_one.pass_time(20_000)
    await kept_one.take(rule, 45)

    small, large = await kept_one.take(rule, 40), await kept_one.take(rule, 90)

    assert (small.wait, large.wait, small.verdict.remaining) == (40.0, 60.0, 5)
