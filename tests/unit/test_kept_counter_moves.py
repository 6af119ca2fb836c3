"""A counter whose object moves between machines: what counts, when answers are lost on the way."""

import json

import pytest

from charges.leases import BUSY
from fakes import FakeClock, FakeStorage
from limits.counter import Counter, Rule
from ports import Taken
from runtime import kept_counter
from runtime.answers import ANSWERS, PAGE, PAGES, REMEMBER_MS
from runtime.kept_counter import FLUSH_MS, KeptCounter, Settling

RULE = Rule(1000, 60, "sliding")


class Moving:
    """A counter that begins anew from what it wrote, as often as it is told to."""

    def __init__(self, *, moves: bool = True) -> None:
        self.clock = FakeClock()
        self.storage = FakeStorage()
        self.moves = moves
        self.move()

    def move(self) -> None:
        self.counter = KeptCounter(self.storage, self.clock, moves=self.moves)

    def pages(self) -> list[str]:
        return [name for name in self.storage.values if name != "state"]

    async def left(self) -> int:
        taken = kept_counter.taken(await self.counter.take(kept_counter.take(RULE, 1, 0)))
        return taken.verdict.remaining

    async def granted(self, units: int) -> Taken:
        return kept_counter.taken(await self.counter.take(kept_counter.take(RULE, units, 0)))

    def settling(self, reserved: int, used: int, at: int) -> Settling:
        """Return what is asked by one whose clock is that of the counter."""
        asked = kept_counter.settle(RULE, reserved, used, at)
        return Settling(asked, lambda: self.clock.now / 1000)


async def test_every_change_is_written_before_it_is_answered() -> None:
    one = Moving()

    for count in range(1, 6):
        assert await one.left() == 1000 - count
        one.move()


async def test_a_change_writes_the_counter_and_one_page_of_answers_once() -> None:
    one = Moving()
    await one.left()
    written = one.storage.written

    for _ in range(2 * PAGE):
        await one.left()

    assert one.storage.written == written + 2 * 2 * PAGE
    assert max(map(len, one.storage.values.values())) < PAGE * 150


async def test_an_ask_that_is_sent_again_is_answered_the_same_and_counts_once() -> None:
    one, asked = Moving(moves=False), kept_counter.take(RULE, 7, 0)

    first = await one.counter.take(asked)
    one.clock.now += 100
    again = await one.counter.take(asked)

    assert again == first
    assert await one.left() == 1000 - 8


async def test_also_where_the_object_has_moved_meanwhile() -> None:
    one, asked = Moving(), kept_counter.take(RULE, 7, 0)

    first = await one.counter.take(asked)
    one.move()
    again = await one.counter.take(asked)

    assert again == first
    assert await one.left() == 1000 - 8


async def test_also_where_many_are_under_way_when_it_moves_again_and_again() -> None:
    one = Moving()
    asked = [kept_counter.take(RULE, 1, 0) for _ in range(4 * PAGE)]

    first = [await one.counter.take(each) for each in asked]
    for _ in range(2):
        one.move()
        assert [await one.counter.take(each) for each in asked] == first

    assert await one.left() == 1000 - len(asked) - 1


async def test_also_where_the_counter_was_empty_meanwhile() -> None:
    one, asked = Moving(), kept_counter.take(RULE, 7, 0)
    for _ in range(3 * PAGE):
        await one.left()
    one.clock.now += 60_000
    await one.counter.alarm()

    first = await one.counter.take(asked)
    one.move()

    assert await one.counter.take(asked) == first
    assert await one.left() == 1000 - 8


async def test_units_that_were_given_ahead_are_given_once() -> None:
    one = Moving()
    for _ in range(BUSY):
        await one.left()
    asked = kept_counter.take(RULE, 1, 20)

    first = kept_counter.taken(await one.counter.take(asked))
    one.move()
    again = kept_counter.taken(await one.counter.take(asked))

    assert (again, again.ahead) == (first, 20)
    assert await one.left() == 1000 - BUSY - 22


async def test_a_settlement_that_is_sent_again_counts_once() -> None:
    one = Moving()
    taken = kept_counter.taken(await one.counter.take(kept_counter.take(RULE, 10, 0)))
    more = kept_counter.settle(RULE, 10, 30, taken.at)
    less = kept_counter.settle(RULE, 10, 4, taken.at)

    for asked in (more, more, less, less):
        await one.counter.settle(asked)
        one.move()

    assert await one.left() == 1000 - 30 + 6 - 1


async def test_it_counts_once_however_late_it_is_sent_again() -> None:
    one = Moving()
    taken = await one.granted(10)
    asked = one.settling(10, 4, taken.at)

    await one.counter.settle(asked.text(1))
    one.clock.now += 25_000
    await one.counter.settle(asked.text(1))
    one.move()
    await one.counter.settle(asked.text(1))

    assert await one.left() == 1000 - 4 - 1


async def test_what_was_not_done_the_first_time_is_done_the_second() -> None:
    one = Moving()
    taken = await one.granted(10)
    asked = one.settling(10, 4, taken.at)

    asked.text(1)
    one.clock.now += 25_000
    await one.counter.settle(asked.text(1))

    assert await one.left() == 1000 - 4 - 1


@pytest.mark.parametrize("move", [False, True])
async def test_what_may_be_done_and_forgotten_is_not_given_back_once_more(move: bool) -> None:
    one = Moving(moves=False)
    taken, others = await one.granted(10), await one.granted(20)
    asked = one.settling(10, 4, taken.at)
    await one.counter.settle(asked.text(1))
    one.clock.now += 500
    for _ in range(ANSWERS + 1):
        await one.left()

    if move:
        one.clock.now += FLUSH_MS
        await one.counter.alarm()
        one.move()
    await one.counter.settle(asked.text(1))

    # Rather too much counts than too little: the others' units are not given back.
    assert others.verdict.granted == 20
    assert await one.left() == 1000 - 4 - 20 - (ANSWERS + 1) - 1


async def test_nor_where_objects_move_and_all_pages_are_full() -> None:
    one, rule = Moving(), Rule(10 * PAGE * PAGES, 60, "sliding")
    asked = kept_counter.take(rule, 10, 0)
    at = kept_counter.taken(await one.counter.take(asked)).at
    settling = Settling(kept_counter.settle(rule, 10, 4, at), lambda: one.clock.now / 1000)
    await one.counter.settle(settling.text(1))
    for _ in range(PAGE * PAGES):
        await one.counter.take(kept_counter.take(rule, 1, 0))

    one.move()
    await one.counter.settle(settling.text(1))

    last = kept_counter.taken(await one.counter.take(kept_counter.take(rule, 1, 0)))
    assert last.verdict.remaining == rule.limit - 4 - PAGE * PAGES - 1


async def test_what_was_forgotten_before_the_first_time_does_not_matter() -> None:
    one = Moving(moves=False)
    taken = await one.granted(10)
    for _ in range(ANSWERS + 1):
        await one.left()
    one.clock.now += 5_000
    asked = one.settling(10, 4, taken.at)

    asked.text(1)
    one.clock.now += 500
    await one.counter.settle(asked.text(1))

    assert await one.left() == 1000 - 4 - (ANSWERS + 1) - 1


async def test_what_was_used_beyond_a_reservation_rather_counts_twice_than_never() -> None:
    one = Moving(moves=False)
    taken = await one.granted(10)
    asked = one.settling(10, 30, taken.at)
    await one.counter.settle(asked.text(1))
    for _ in range(ANSWERS + 1):
        await one.left()

    await one.counter.settle(asked.text(1))

    assert await one.left() == 1000 - 30 - 20 - (ANSWERS + 1) - 1


async def test_two_asks_for_the_same_count_twice() -> None:
    one = Moving()

    await one.counter.take(kept_counter.take(RULE, 1, 0))
    await one.counter.take(kept_counter.take(RULE, 1, 0))

    assert await one.left() == 997


async def test_one_who_was_refused_may_be_let_in_when_he_asks_again() -> None:
    one, rule = Moving(), Rule(1, 60, "sliding")
    await one.counter.take(kept_counter.take(rule, 1, 0))
    asked = kept_counter.take(rule, 1, 0)

    refused = kept_counter.taken(await one.counter.take(asked))
    one.clock.now += 60_000
    granted = kept_counter.taken(await one.counter.take(asked))

    assert (refused.verdict.granted, granted.verdict.granted) == (0, 1)


async def test_answers_are_remembered_for_a_moment_and_not_all() -> None:
    one = Moving(moves=False)
    for _ in range(3 * ANSWERS):
        await one.left()
    one.clock.now += FLUSH_MS
    await one.counter.alarm()
    many = len(json.loads(one.storage.values["state"])["answers"])
    one.clock.now += REMEMBER_MS + 1
    await one.left()

    assert many == ANSWERS
    assert len(json.loads(one.storage.values["state"])["answers"]) == 1


async def test_one_that_moves_remembers_as_many_as_there_are_in_a_moment_up_to_a_bound() -> None:
    one, rule = Moving(), Rule(10 * PAGE * PAGES, 60, "sliding")
    asked = [kept_counter.take(rule, 1, 0) for _ in range(PAGE * PAGES)]
    first = [await one.counter.take(each) for each in asked]
    one.move()
    again = [await one.counter.take(each) for each in asked]
    for _ in range(PAGE * (PAGES - 1)):
        await one.counter.take(kept_counter.take(rule, 1, 0))

    assert again == first
    assert len(one.pages()) == PAGES
    assert [await one.counter.take(each) for each in asked[-PAGE:]] == first[-PAGE:]


async def test_one_that_moves_needs_no_more_room_as_time_passes() -> None:
    one = Moving()
    for _ in range(20):
        for _ in range(PAGE):
            await one.left()
        one.clock.now += REMEMBER_MS + 1

    assert one.pages() == ["answers-0"]


async def test_a_counter_that_was_written_by_an_earlier_version_is_read() -> None:
    one = Moving()
    one.storage.put("state", json.dumps(Counter().dump()))

    one.move()

    assert await one.left() == 999
