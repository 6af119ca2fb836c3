import asyncio
import json

import pytest

from call import Ask, Reply
from fakes import ID, NOW, FakeClock, HeldDatabase, SqliteDatabase, a_call, kept_of
from logs.journal import GROUP, LEASE_MS, TERM_MS, Journal
from logs.row import COLUMNS, Entry
from ports import Database, Ending


def an_entry(number: int = 0, text: str | None = None) -> Entry:
    call = a_call(ask=Ask(text=text))
    row = kept_of(call, Reply(200, {}), Ending("complete", text), NOW)
    return Entry((row.row[0], f"{ID[:24]}{number:012}", *row.row[2:]), row.request, row.response)


def ids(database: SqliteDatabase) -> list[int]:
    return [int(row["id"][24:]) for row in database.rows("logs")]


def sizes(database: SqliteDatabase) -> list[int]:
    return [len(json.loads(str(statements[0][1]))) for statements in database.batches]


def writing(journal: Journal, number: int, database: Database) -> "asyncio.Task[None]":
    return asyncio.create_task(journal.write(an_entry(number), database))


async def test_an_idle_journal_writes_at_once(database: SqliteDatabase) -> None:
    await Journal(FakeClock()).write(an_entry(text="hello"), database)

    assert ids(database) == [0]
    assert [tuple(payload.values()) for payload in database.rows("payloads")] == [
        (1, ID, "request", 0, "hello"),
        (1, ID, "response", 0, "hello"),
    ]


@pytest.mark.parametrize("text", [None, ""])
async def test_an_entry_without_bodies_is_a_row_alone(
    database: SqliteDatabase, text: str | None
) -> None:
    await Journal(FakeClock()).write(an_entry(text=text), database)

    assert (len(database.rows("logs")), database.rows("payloads")) == (1, [])
    assert not any("payloads" in sql for sql, *_ in database.batches[0])


async def test_values_come_back_as_they_went(database: SqliteDatabase) -> None:
    written = an_entry(text='quote " and \\ and \n and é and 🛷 and {"a":[1]}')

    await Journal(FakeClock()).write(written, database)

    [row] = database.rows("logs")
    assert tuple(row[column] for column in COLUMNS) == written.row
    assert {payload["body"] for payload in database.rows("payloads")} == {written.request}


async def test_one_entry_after_the_other_makes_no_group(database: SqliteDatabase) -> None:
    journal = Journal(FakeClock())

    for number in range(3):
        await journal.write(an_entry(number), database)

    assert sizes(database) == [1, 1, 1]


async def test_entries_that_come_during_a_write_go_together_in_the_next(
    database: SqliteDatabase,
) -> None:
    held = HeldDatabase(database)
    journal = Journal(FakeClock())
    first = writing(journal, 0, held)
    gate = await held.next_write()

    for number in range(1, 4):
        await journal.write(an_entry(number), held)
    assert ids(database) == []
    held.free = True
    gate.set_result(None)
    await first

    assert ids(database) == [0, 1, 2, 3]
    assert sizes(database) == [1, 3]


async def test_a_group_has_at_most_a_hundred_entries(database: SqliteDatabase) -> None:
    held = HeldDatabase(database)
    journal = Journal(FakeClock())
    first = writing(journal, 0, held)
    gate = await held.next_write()

    for number in range(1, 202):
        await journal.write(an_entry(number), held)
    held.free = True
    gate.set_result(None)
    await first

    assert sizes(database) == [1, 100, 100, 1]
    assert ids(database) == list(range(202))


async def test_rows_and_bodies_are_written_together_or_not_at_all(
    database: SqliteDatabase,
) -> None:
    database.connection.execute("DROP TABLE payloads")

    await Journal(FakeClock()).write(an_entry(text="hello"), database)

    assert ids(database) == []


async def test_while_a_lease_lasts_nobody_else_writes(database: SqliteDatabase) -> None:
    clock, held = FakeClock(), HeldDatabase(database)
    journal = Journal(clock)
    frozen = writing(journal, 0, held)
    gate = await held.next_write()

    clock.now += LEASE_MS - 1
    await journal.write(an_entry(1), database)

    assert ids(database) == []
    held.free = True
    gate.set_result(None)
    await frozen


async def test_when_a_writer_vanishes_the_next_one_takes_over_and_nothing_is_lost(
    database: SqliteDatabase,
) -> None:
    clock, held = FakeClock(), HeldDatabase(database)
    journal = Journal(clock)
    frozen = writing(journal, 0, held)
    gate = await held.next_write()
    await journal.write(an_entry(1), database)

    clock.now += LEASE_MS
    await journal.write(an_entry(2), database)

    assert ids(database) == [0, 1, 2]
    gate.set_result(None)
    await frozen


async def test_a_writer_that_comes_back_doubles_nothing(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    clock, held = FakeClock(), HeldDatabase(database)
    journal = Journal(clock)
    frozen = writing(journal, 0, held)
    gate = await held.next_write()
    clock.now += LEASE_MS
    await journal.write(an_entry(1), database)

    gate.set_result(None)
    await frozen
    await journal.write(an_entry(2), database)

    assert ids(database) == [0, 1, 2]
    assert caplog.messages == []


async def test_at_the_end_of_a_term_the_next_request_leads(database: SqliteDatabase) -> None:
    clock, held = FakeClock(), HeldDatabase(database)
    journal = Journal(clock)
    first = writing(journal, 0, held)
    gate = await held.next_write()
    await journal.write(an_entry(1), held)
    clock.now += TERM_MS
    gate.set_result(None)
    last_of_first = await held.next_write()

    second = writing(journal, 2, held)
    gate_of_second = await held.next_write()
    last_of_first.set_result(None)
    await first

    assert ids(database) == [0, 1]
    gate_of_second.set_result(None)
    await second
    assert ids(database) == [0, 1, 2]


async def test_what_waits_at_the_end_of_a_term_is_written_however_much_it_is(
    database: SqliteDatabase,
) -> None:
    clock, held = FakeClock(), HeldDatabase(database)
    journal = Journal(clock)
    first = writing(journal, 0, held)
    gate = await held.next_write()
    for number in range(1, GROUP + 2):
        await journal.write(an_entry(number), database)

    clock.now += TERM_MS
    held.free = True
    gate.set_result(None)
    await first

    assert ids(database) == list(range(GROUP + 2))


async def test_a_writer_who_lingers_takes_along_what_comes_meanwhile(
    database: SqliteDatabase,
) -> None:
    journal = Journal(FakeClock(), linger=0.01)
    first = asyncio.create_task(journal.write(an_entry(0), database))
    await asyncio.sleep(0)

    await journal.write(an_entry(1), database)

    assert ids(database) == []
    await first
    assert ids(database) == [0, 1]
    assert len(database.batches) == 1


async def test_what_waits_can_be_written_at_once_for_a_reader(database: SqliteDatabase) -> None:
    journal = Journal(FakeClock(), linger=0.01)
    writer = asyncio.create_task(journal.write(an_entry(0), database))
    await asyncio.sleep(0)

    await journal.flush(database)

    assert ids(database) == [0]
    await writer
    assert ids(database) == [0]
    assert len(database.batches) == 1
