"""Long bodies: whole, in rows that the database takes, and behind the rows of the log."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from call import Ask, Reply
from fakes import NOW, FakeClock, HeldDatabase, SqliteDatabase, a_call, kept_of
from ids import uuid7
from logs.deletion import delete_rows
from logs.journal import GROUP, MOST_WAITING, Journal
from logs.row import Entry
from logs.storage import PART_SIZE, store
from ports import Ending
from watching import FakeQueue


def an_entry(request: str | None = None, response: str | None = None) -> Entry:
    row = kept_of(a_call(ask=Ask(text=request)), Reply(200, {}), Ending("complete", response), NOW)
    return Entry((row.row[0], uuid7(NOW), *row.row[2:]), row.request, row.response)


def whole(database: SqliteDatabase, side: str) -> str:
    rows = [row for row in database.rows("payloads") if row["side"] == side]
    return "".join(row["body"] for row in sorted(rows, key=lambda row: row["part"]))


@asynccontextmanager
async def a_write(database: SqliteDatabase) -> AsyncGenerator[tuple[Journal, HeldDatabase]]:
    """Let a write begin, which goes on after the block."""
    held, journal = HeldDatabase(database), Journal(FakeClock())
    writer = asyncio.create_task(journal.write(an_entry(), held))
    gate = await held.next_write()
    yield journal, held
    held.free = True
    gate.set_result(None)
    await writer


@pytest.mark.parametrize("letter", ["a", '"', "\\", "\x01", "é", "語", "🛷", "a🛷"])
async def test_a_body_of_ten_megabytes_is_kept_whole_in_rows_of_one(
    database: SqliteDatabase, letter: str
) -> None:
    text = letter * (10_000_000 // len(letter.encode()))

    await Journal(FakeClock()).write(an_entry(text), database)

    assert whole(database, "request") == text
    rows = database.rows("payloads")
    assert max(len(row["body"].encode()) for row in rows) <= PART_SIZE


async def test_a_body_that_is_long_at_one_end_is_cut_where_it_must_be(
    database: SqliteDatabase,
) -> None:
    text = "a" * 900_000 + "🛷" * 500_000

    await Journal(FakeClock()).write(an_entry(text, text), database)

    assert whole(database, "request") == whole(database, "response") == text
    assert max(len(row["body"].encode()) for row in database.rows("payloads")) <= PART_SIZE


async def test_a_body_of_half_a_megabyte_is_one_row(database: SqliteDatabase) -> None:
    await Journal(FakeClock()).write(an_entry("a" * 500_000, "b" * 500_000), database)

    assert len(database.rows("payloads")) == 2


async def test_bodies_that_are_not_short_are_written_with_the_rows_of_their_group(
    database: SqliteDatabase,
) -> None:
    async with a_write(database) as (journal, held):
        for _ in range(30):
            await journal.write(an_entry('"' * 20_000, "é" * 10_001), held)

    assert [any("INTO logs" in sql for sql, *_ in batch) for batch in database.batches] == [
        True
    ] * 3
    values = [len(one) - 1 for batch in database.batches for one in batch]
    assert max(values) == 100
    assert whole(database, "request") == '"' * 20_000 * 30
    assert whole(database, "response") == "é" * 10_001 * 30


async def test_bodies_that_are_not_short_pass_through_a_queue(database: SqliteDatabase) -> None:
    queue = FakeQueue()

    await Journal(FakeClock()).write(an_entry('"' * 20_000, "b" * 10_001), database, queue)
    await store(queue.messages, database)

    assert len(queue.messages) == 1
    assert whole(database, "request") == '"' * 20_000
    assert whole(database, "response") == "b" * 10_001


async def test_a_row_is_written_before_its_long_bodies(database: SqliteDatabase) -> None:
    held = HeldDatabase(database)
    journal = Journal(FakeClock())
    writer = asyncio.create_task(journal.write(an_entry("a" * 3_000_000), held))

    (await held.next_write()).set_result(None)
    gate = await held.next_write()

    assert (len(database.rows("logs")), database.rows("payloads")) == (1, [])
    held.free = True
    gate.set_result(None)
    await writer
    assert len(whole(database, "request")) == 3_000_000


@pytest.mark.parametrize("parts", [0, 1, 2])
async def test_a_row_that_is_deleted_while_its_long_body_is_being_written_leaves_nothing(
    database: SqliteDatabase, parts: int
) -> None:
    held = HeldDatabase(database)
    journal, entry = Journal(FakeClock()), an_entry("a" * 3_000_000)
    writer = asyncio.create_task(journal.write(entry, held))
    for _ in range(1 + parts):
        (await held.next_write()).set_result(None)
    gate = await held.next_write()

    assert len(database.rows("payloads")) == parts
    await delete_rows(database, 1, [entry.id])
    held.free = True
    gate.set_result(None)
    await writer

    assert (database.rows("logs"), database.rows("payloads")) == ([], [])


async def test_a_long_body_waits_for_its_row_however_many_are_before_it(
    database: SqliteDatabase,
) -> None:
    async with a_write(database) as (journal, held):
        for _ in range(2 * GROUP):
            await journal.write(an_entry(), held)
        await journal.write(an_entry("a" * 2_500_000), held)

    assert len(database.rows("logs")) == 2 * GROUP + 2
    assert whole(database, "request") == "a" * 2_500_000


async def test_rows_that_come_meanwhile_do_not_wait_for_long_bodies(
    database: SqliteDatabase,
) -> None:
    held = HeldDatabase(database)
    journal = Journal(FakeClock())
    writer = asyncio.create_task(journal.write(an_entry("a" * 5_000_000), held))
    (await held.next_write()).set_result(None)
    first_part = await held.next_write()

    await journal.write(an_entry("short"), held)
    first_part.set_result(None)
    (await held.next_write()).set_result(None)
    next_part = await held.next_write()

    assert (len(database.rows("logs")), len(database.rows("payloads"))) == (2, 2)
    held.free = True
    next_part.set_result(None)
    await writer


async def test_the_first_part_of_a_body_is_written_last(database: SqliteDatabase) -> None:
    held = HeldDatabase(database)
    writer = asyncio.create_task(Journal(FakeClock()).write(an_entry("a" * 2_500_000), held))
    (await held.next_write()).set_result(None)
    for _ in range(2):
        gate = await held.next_write()
        assert 0 not in [row["part"] for row in database.rows("payloads")]
        gate.set_result(None)
    (await held.next_write()).set_result(None)
    await writer

    assert [row["part"] for row in database.rows("payloads")] == [0, 1, 2]


async def test_when_too_much_waits_bodies_are_lost_before_rows(database: SqliteDatabase) -> None:
    async with a_write(database) as (journal, held):
        count = MOST_WAITING // 9_000_000 + 2

        for _ in range(count):
            await journal.write(an_entry("a" * 9_000_000), held)

        assert journal.state()["lost_bodies"] == 2
    assert len(database.rows("logs")) == count + 1
    assert journal.state() == {"lost": 0, "lost_bodies": 2, "waiting": 0}
    assert len({row["log_id"] for row in database.rows("payloads")}) == count - 2


async def test_bodies_that_are_not_short_are_lost_like_others(database: SqliteDatabase) -> None:
    async with a_write(database) as (journal, held):
        count = MOST_WAITING // 90_000 + 2

        for _ in range(count):
            await journal.write(an_entry("a" * 90_000), held)

        lost = journal.state()["lost_bodies"]
        assert lost >= 2
    assert len(database.rows("logs")) == count + 1
    assert len(whole(database, "request")) == (count - lost) * 90_000


async def test_when_far_too_much_waits_rows_are_lost_and_counted(
    database: SqliteDatabase,
) -> None:
    held = HeldDatabase(database)
    journal = Journal(FakeClock())
    writer = asyncio.create_task(journal.write(an_entry(), held))
    gate = await held.next_write()
    bloated = an_entry()
    row = (*bloated.row[:2], "x" * 5_000_000, *bloated.row[3:])

    for _ in range(12):
        await journal.write(Entry((row[0], uuid7(NOW), *row[2:])), held)

    assert journal.state() == {"lost": 3, "lost_bodies": 0, "waiting": 10}
    gate.cancel()
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)


async def test_half_a_character_does_no_harm(database: SqliteDatabase) -> None:
    await Journal(FakeClock()).write(an_entry("a" * 500_000 + "\ud83d"), database)

    assert whole(database, "request") == "a" * 500_000 + "?"
