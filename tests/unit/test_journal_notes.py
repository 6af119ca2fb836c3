"""Entries that are noted when an answer leaves, and made when they are written."""

import asyncio

import pytest

from call import Ask, Reply
from fakes import ID, NOW, FakeClock, HeldDatabase, SqliteDatabase, a_call, kept_of
from logs.journal import NOTES, NOTES_SIZE, Journal
from logs.row import Entry
from ports import Ending


def an_entry(number: int) -> Entry:
    kept = kept_of(a_call(ask=Ask(text="hello")), Reply(200, {}), Ending("complete", ""), NOW)
    return Entry((kept.row[0], f"{ID[:24]}{number:012}", *kept.row[2:]), kept.request)


class Maker:
    """Makes entries, and knows of how many."""

    def __init__(self) -> None:
        self.made: list[int] = []

    def note(self, journal: Journal, number: int, size: int = 5) -> None:
        def make() -> Entry:
            self.made.append(number)
            return an_entry(number)

        journal.note(make, size)


def fail() -> Entry:
    raise RuntimeError("no entry")


def ids(database: SqliteDatabase) -> list[int]:
    return [int(row["id"][24:]) for row in database.rows("logs")]


async def test_a_noted_entry_is_made_when_it_is_written(database: SqliteDatabase) -> None:
    journal, maker = Journal(FakeClock()), Maker()
    maker.note(journal, 1)
    before = list(maker.made)

    assert journal.leads()
    await journal.lead(database)

    assert (before, maker.made, ids(database)) == ([], [1], [1])


async def test_one_request_at_a_time_leads() -> None:
    journal = Journal(FakeClock())

    assert [journal.leads(), journal.leads()] == [True, False]


async def test_many_noted_entries_are_written_together_in_their_order(
    database: SqliteDatabase,
) -> None:
    journal, maker = Journal(FakeClock()), Maker()
    for number in range(55):
        maker.note(journal, number)

    await journal.lead(database)

    assert len(database.batches) == 1
    assert ids(database) == maker.made == list(range(55))


async def test_what_is_noted_during_the_last_write_is_written_too(
    database: SqliteDatabase,
) -> None:
    held, journal, maker = HeldDatabase(database), Journal(FakeClock()), Maker()
    maker.note(journal, 0)
    leading = asyncio.create_task(journal.lead(held))
    gate = await held.next_write()
    maker.note(journal, 1)
    held.free = True
    gate.set_result(None)

    await leading

    assert ids(database) == [0, 1]


async def test_an_entry_that_cannot_be_made_is_counted_and_stops_no_other(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    journal, maker = Journal(FakeClock()), Maker()
    journal.note(fail, 5)
    maker.note(journal, 1)

    await journal.lead(database)

    assert ids(database) == [1]
    assert journal.state() == {"lost": 1, "lost_bodies": 0, "waiting": 0}
    assert "a log row cannot be made" in caplog.text


async def test_a_reader_sees_what_is_noted(database: SqliteDatabase) -> None:
    journal, maker = Journal(FakeClock()), Maker()
    maker.note(journal, 1)

    await journal.flush(database)

    assert ids(database) == [1]


@pytest.mark.parametrize(("count", "size"), [(NOTES + 1, 5), (2, NOTES_SIZE)])
async def test_only_so_much_waits_to_be_made(count: int, size: int) -> None:
    journal, maker = Journal(FakeClock()), Maker()
    for number in range(count - 1):
        maker.note(journal, number, size)
    before = list(maker.made)

    maker.note(journal, count - 1, size)

    assert before == []
    assert maker.made
    assert journal.state()["waiting"] == count
