"""A database that is slow, fails or is down: tried again, then counted as lost. Nobody waits."""

import json
from collections.abc import Sequence

import pytest

from call import Ask, Reply
from deployment import Deployment
from fakes import NOW, Bench, BrokenDatabase, FakeClock, SqliteDatabase, a_call, a_request, kept_of
from fakes import an_answer as answered
from ids import uuid7
from isolate import Isolate
from logs.journal import PAUSES_S, Journal
from logs.row import Entry
from logs.storage import MESSAGE_SIZE, store
from ports import Database, DatabaseError, Ending, Row, Statement
from watching import FakeQueue


class Flaky:
    """A database whose first writes fail."""

    def __init__(self, database: SqliteDatabase, failures: int) -> None:
        self._database = database
        self.failures = failures
        self.tried = 0

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        self.tried += 1
        if self.tried <= self.failures:
            raise DatabaseError("overloaded")
        return await self._database.batch(statements)


def an_entry(text: str | None = None) -> Entry:
    row = kept_of(a_call(ask=Ask(text=text)), Reply(200, {}), Ending("complete", text), NOW)
    return Entry((row.row[0], uuid7(NOW), *row.row[2:]), row.request, row.response)


@pytest.mark.parametrize("failures", [1, 2])
async def test_a_write_that_fails_is_tried_again(database: SqliteDatabase, failures: int) -> None:
    clock, flaky = FakeClock(), Flaky(database, failures)
    journal = Journal(clock)

    await journal.write(an_entry("hello"), flaky)

    assert (len(database.rows("logs")), len(database.rows("payloads"))) == (1, 2)
    assert journal.state() == {"lost": 0, "lost_bodies": 0, "waiting": 0}
    assert clock.now - NOW == pytest.approx(1000 * sum(PAUSES_S[:failures]))


async def test_what_fails_three_times_is_lost_counted_and_reported(
    database: SqliteDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    flaky = Flaky(database, 3)
    journal = Journal(FakeClock())

    await journal.write(an_entry(), flaky)
    await journal.write(an_entry(), flaky)

    assert journal.state() == {"lost": 1, "lost_bodies": 0, "waiting": 0}
    assert caplog.messages == ["1 log rows are lost: overloaded"]
    assert len(database.rows("logs")) == 1


async def test_in_a_cluster_no_row_is_lost_until_another_instance_has_the_database(
    database: SqliteDatabase,
) -> None:
    class Moving(Flaky):
        async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
            self.failures = 99 if clock.now < NOW + 20_000 else 0
            return await super().batch(statements)

    clock = FakeClock()
    journal = Isolate(Deployment(cluster=True), clock).journal

    await journal.write(an_entry(), Moving(database, 0))

    assert journal.state()["lost"] == 0
    assert len(database.rows("logs")) == 1


async def test_long_bodies_that_are_lost_are_counted(database: SqliteDatabase) -> None:
    class NoBodies(Flaky):
        async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
            if "payloads" in statements[0][0]:
                raise DatabaseError("too long")
            return await super().batch(statements)

    journal = Journal(FakeClock())

    await journal.write(an_entry("a" * 500_000), NoBodies(database, 0))

    assert journal.state() == {"lost": 0, "lost_bodies": 2, "waiting": 0}
    assert len(database.rows("logs")) == 1


async def test_a_row_that_is_lost_takes_its_long_bodies_along(database: SqliteDatabase) -> None:
    journal = Journal(FakeClock())

    await journal.write(an_entry("a" * 2_500_000), Flaky(database, 3))

    assert (database.rows("logs"), database.rows("payloads")) == ([], [])
    assert journal.state() == {"lost": 1, "lost_bodies": 6, "waiting": 0}


async def test_who_reads_the_log_does_not_wait_for_a_database_that_is_down(
    database: SqliteDatabase,
) -> None:
    clock = FakeClock()
    journal = Journal(clock)
    flaky: Database = BrokenDatabase()

    await journal.flush(flaky)

    assert clock.now == NOW


async def test_health_tells_what_was_lost(bench: Bench) -> None:
    await bench.isolate.journal.write(an_entry(), BrokenDatabase())

    reply = await bench.handle(a_request(url="https://sluice.test/healthz", method="GET"))

    told = json.loads(str(reply.body))
    assert told["logs"] == {"lost": 1, "lost_bodies": 0, "waiting": 0}


async def test_with_a_queue_rows_go_to_the_queue_and_from_there_to_the_database(
    database: SqliteDatabase,
) -> None:
    queue = FakeQueue()
    journal = Journal(FakeClock())
    entries = [an_entry('quote " and \\ and é and 🛷'), an_entry()]

    for entry in entries:
        await journal.write(entry, database, queue)
    assert database.rows("logs") == []
    await store(queue.messages, database)

    assert [row["id"] for row in database.rows("logs")] == [entry.id for entry in entries]
    assert {row["body"] for row in database.rows("payloads")} == {'quote " and \\ and é and 🛷'}
    assert len(database.rows("log_periods")) == 1


async def test_a_message_that_comes_twice_does_no_harm(database: SqliteDatabase) -> None:
    queue = FakeQueue()
    await Journal(FakeClock()).write(an_entry("hello"), database, queue)

    await store(queue.messages * 2, database)
    await store(queue.messages, database)

    assert (len(database.rows("logs")), len(database.rows("payloads"))) == (1, 2)


async def test_what_is_too_long_for_a_message_goes_straight_to_the_database(
    database: SqliteDatabase,
) -> None:
    queue = FakeQueue()

    await Journal(FakeClock()).write(an_entry("a" * 90_000), database, queue)
    await Journal(FakeClock()).write(an_entry("a" * 500_000), database, queue)

    assert [row["part"] for row in database.rows("payloads")] == [0] * 4
    assert len(queue.messages) == 1
    assert all(len(text) <= MESSAGE_SIZE for text in queue.messages)


async def test_many_messages_are_written_in_values_that_the_database_takes(
    database: SqliteDatabase,
) -> None:
    queue = FakeQueue()
    for _ in range(40):
        await Journal(FakeClock()).write(an_entry("a" * 50_000), database, queue)

    await store(queue.messages, database)

    assert len(database.rows("logs")) == 40
    assert len(database.batches) > 1


async def test_a_queue_that_is_down_is_tried_again_then_rows_are_lost(
    database: SqliteDatabase,
) -> None:
    queue = FakeQueue()
    queue.broken = True
    journal = Journal(FakeClock())

    await journal.write(an_entry(), database, queue)

    assert journal.state()["lost"] == 1


async def test_an_answer_is_as_good_as_ever_when_the_log_is_down(bench: Bench) -> None:
    bench.fetch.script += [answered("{}"), answered("{}")]
    await bench.handle(a_request())
    bench.database.connection.execute("DROP TABLE log_periods")

    reply = await bench.handle(a_request())

    assert reply.status == 200
    assert bench.isolate.journal.state()["lost"] == 1
