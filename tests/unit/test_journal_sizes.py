"""D1 takes no value above 2,000,000 bytes, and a group is one value for each table."""

import asyncio
import json

import pytest

from call import Ask, Call, Reply
from fakes import NOW, FakeClock, HeldDatabase, SqliteDatabase, a_call, kept_of
from ids import uuid7
from logs.journal import GROUP, Journal
from logs.row import Entry
from ports import Ending


def entry_of(call: Call, text: str | None = None) -> Entry:
    made = kept_of(call, Reply(200, {}), Ending("complete", text), NOW)
    return Entry((made.row[0], uuid7(NOW), *made.row[2:]), made.request, made.response)


async def write_as_group(entries: list[Entry], database: SqliteDatabase) -> None:
    held = HeldDatabase(database)
    journal = Journal(FakeClock())
    first = asyncio.create_task(journal.write(entry_of(a_call()), held))
    gate = await held.next_write()
    for one in entries:
        await journal.write(one, held)
    held.free = True
    gate.set_result(None)
    await first


def longest(database: SqliteDatabase) -> int:
    values = (value for batch in database.batches for one in batch for value in one)
    return max(len(str(value).encode()) for value in values)


@pytest.mark.parametrize("character", ["\x01", '"', "\\", "\U0001f6f7", "\u00e9", "a"])
async def test_the_longest_bodies_of_a_group_can_be_written(
    database: SqliteDatabase, character: str
) -> None:
    call = a_call(ask=Ask(text=character * 5_000))

    await write_as_group([entry_of(call, character * 5_000) for _ in range(GROUP)], database)

    assert longest(database) < 2_000_000
    assert len(database.rows("payloads")) == 2 * GROUP + 1


async def test_entries_too_long_for_one_group_go_in_several(database: SqliteDatabase) -> None:
    call = a_call(ask=Ask(text="\x01" * 5_000))

    await write_as_group([entry_of(call, "\x01" * 5_000) for _ in range(GROUP)], database)

    assert len(database.batches) == 5
    assert len(database.rows("logs")) == GROUP + 1


# A platform that takes 128 KB of headers takes all of these.
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("user-agent", "x" * 100_000),
        ("content-type", "application/" + "x" * 100_000),
        ("cf-aig-metadata", json.dumps({"key": "x" * 100_000})),
    ],
)
async def test_the_longest_headers_of_a_group_can_be_written(
    database: SqliteDatabase, header: str, value: str
) -> None:
    call = a_call({header: value})

    await write_as_group([entry_of(call) for _ in range(GROUP)], database)

    assert longest(database) < 2_000_000
    assert len(database.rows("logs")) == GROUP + 1


async def test_the_longest_model_names_of_a_group_can_be_written(
    database: SqliteDatabase,
) -> None:
    call = a_call(ask=Ask("x" * 100_000))

    await write_as_group([entry_of(call) for _ in range(GROUP)], database)

    assert longest(database) < 2_000_000
    assert len(database.rows("logs")) == GROUP + 1
