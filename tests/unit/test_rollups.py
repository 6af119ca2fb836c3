"""What the cron trigger counts, and that counting twice changes nothing."""

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import Any

import pytest

from fakes import NOW, Bench, SqliteDatabase
from logged import add_row
from logs.periods import DAY_MS, HOUR_MS, first_id, moment
from logs.rollups import REST_MS, middle, roll_up
from ports import Row, Statement

HOUR = int(NOW) - int(NOW) % HOUR_MS
TABLES = ("rollups", "rollup_speeds", "rollup_metadata", "log_periods")


async def count(bench: Bench, now: float = NOW) -> None:
    while await roll_up(bench.database, now, 3):
        pass


def counted(database: SqliteDatabase) -> dict[str, list[dict[str, Any]]]:
    return {table: database.rows(table) for table in TABLES}


def some_days(database: SqliteDatabase, numbers: Iterable[int] = range(200)) -> None:
    for number in numbers:
        add_row(
            database,
            NOW - 3 * DAY_MS + number * HOUR_MS / 3,
            provider=("openai", "groq")[number % 2],
            status_code=(200, 429)[number % 5 == 0],
            success=int(number % 5 != 0),
            cached=int(number % 3 == 0),
            duration=number * 7,
            cost=0.25 if number % 2 else None,
            flags=None if number % 2 else '["cost_unknown"]',
            tokens_in=number,
            metadata={"team": f"team-{number % 4}"},
        )


async def test_an_hour_is_counted_by_what_its_rows_have_in_common(bench: Bench) -> None:
    when = NOW - HOUR_MS
    usage = {"tokens_in": 10, "tokens_out": 5, "tokens_cached": 2}
    add_row(bench.database, when, cost=0.5, **usage)
    add_row(bench.database, when, **usage, flags='["cost_unknown"]')
    add_row(bench.database, when, final=0, status_code=500, success=0)
    add_row(bench.database, when, model=None, status_code=429, success=0, error_code=2003)

    await count(bench)

    hours = [row for row in bench.database.rows("rollups") if row["span"] == HOUR_MS]
    told = {(row["model"], row["status_code"]): row for row in hours}
    assert {row["start"] for row in hours} == {HOUR - HOUR_MS}
    names = ("requests", "attempts", "failed", "tokens_in", "tokens_out", "cost", "unpriced")
    assert [told["gpt-5", 200][name] for name in names] == [2, 2, 0, 20, 10, 0.5, 1]
    assert [told["gpt-5", 500][name] for name in names] == [0, 1, 0, 0, 0, 0, 0]
    assert [told["", 429][name] for name in names] == [1, 1, 1, 0, 0, 0, 0]
    assert told["", 429]["error_code"] == 2003


async def test_counting_twice_gives_the_same(bench: Bench) -> None:
    some_days(bench.database)
    await count(bench)
    once = counted(bench.database)

    bench.database.connection.execute("UPDATE log_periods SET due = 1")
    await count(bench)

    assert counted(bench.database) == once


async def test_rows_that_come_late_give_the_same_as_if_they_had_come_in_time(
    bench: Bench,
) -> None:
    some_days(bench.database)
    await count(bench)
    with closing(SqliteDatabase()) as other:
        late = Bench(other)
        for numbers in (range(0, 200, 2), range(1, 200, 2)):
            some_days(other, numbers)
            await count(late)

        assert counted(other) == counted(bench.database)


async def test_the_current_hour_is_not_counted(bench: Bench) -> None:
    add_row(bench.database, NOW)

    await count(bench)

    assert bench.database.rows("rollups") == []
    assert [row["due"] for row in bench.database.rows("log_periods")] == [1]


async def test_a_day_is_the_sum_of_its_hours(bench: Bench) -> None:
    some_days(bench.database)

    await count(bench, NOW + DAY_MS)

    for name in ("requests", "attempts", "failed", "tokens_in", "cost", "unpriced"):
        sums = bench.database.connection.execute(
            f"SELECT sum({name}) FROM rollups GROUP BY span"
        ).fetchall()
        assert tuple(sums[0]) == tuple(sums[1])
    kinds = "SELECT span, kind, sum(one.value) AS n FROM rollup_speeds, json_each(counts) AS one"
    rows = bench.database.connection.execute(f"{kinds} GROUP BY 1, 2 ORDER BY 2, 1").fetchall()
    assert rows[0]["n"] == rows[1]["n"] == rows[2]["n"] == rows[3]["n"]


async def test_a_day_that_is_not_over_is_not_counted(bench: Bench) -> None:
    add_row(bench.database, NOW - HOUR_MS)

    await count(bench)

    assert {row["span"] for row in bench.database.rows("rollups")} == {HOUR_MS}


async def test_what_one_run_counts_is_bounded_and_the_oldest_comes_first(bench: Bench) -> None:
    for hour in range(1, 6):
        add_row(bench.database, NOW - hour * HOUR_MS)

    assert await roll_up(bench.database, NOW, 2) == 2

    starts = {row["start"] for row in bench.database.rows("rollups")}
    assert starts == {HOUR - 5 * HOUR_MS, HOUR - 4 * HOUR_MS}


async def test_the_most_frequent_metadata_of_a_key_is_counted(bench: Bench) -> None:
    for number in range(30):
        for _ in range(2 if number >= 15 else 1):
            add_row(bench.database, NOW - HOUR_MS, metadata={"user": f"user-{number:02}"})
    add_row(bench.database, NOW - HOUR_MS, metadata={"beta": True}, final=0)
    add_row(bench.database, NOW - HOUR_MS, metadata={"beta": True, "x" * 500: "y" * 500})

    await count(bench)

    [row] = bench.database.rows("rollup_metadata")
    entries = json.loads(row["counts"])
    users = [entry for entry in entries if entry[0] == "user"]
    assert len(users) == 20
    assert sum(entry[2] == 2 for entry in users) == 15
    assert ["beta", "true", 1] in entries
    assert ["x" * 100, "y" * 100, 1] in entries


@pytest.mark.parametrize("ms", [0, 1, 9, 10, 19, 20, 49, 99, 100, 101, 109, 123, 199, 200, 777])
@pytest.mark.parametrize("scale", [1, 10, 1_000, 10_000])
async def test_a_speed_is_counted_within_five_per_cent(bench: Bench, ms: int, scale: int) -> None:
    add_row(bench.database, NOW - HOUR_MS, duration=ms * scale, latency=None)

    await count(bench)

    [row] = bench.database.rows("rollup_speeds")
    [least] = json.loads(row["counts"])
    assert abs(middle(int(least)) - ms * scale) <= 0.05 * ms * scale


async def test_speeds_are_those_of_answers_that_a_provider_gave(bench: Bench) -> None:
    add_row(bench.database, NOW - HOUR_MS, cached=1)
    add_row(bench.database, NOW - HOUR_MS, success=0)

    await count(bench)

    assert bench.database.rows("rollup_speeds") == []


def test_the_first_id_of_a_time_is_no_greater_than_any_of_then() -> None:
    when = int(NOW)
    made = first_id(when)

    assert moment(f"{made}-7000-8000-000000000000") == when
    assert first_id(when - 1) + "-7fff-bfff-ffffffffffff" < made


async def test_an_hour_that_cannot_be_counted_stays_due_and_is_reported(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    add_row(bench.database, NOW - HOUR_MS)
    bench.database.connection.execute("DROP TABLE rollup_speeds")

    assert await roll_up(bench.database, NOW, 5) == 0

    assert "the log of gateway 1 is not counted" in caplog.text
    assert [row["due"] for row in bench.database.rows("log_periods")] == [NOW]
    assert bench.database.rows("rollups") == []


async def test_an_hour_of_many_rows_gives_the_same_in_pieces(bench: Bench) -> None:
    some_days(bench.database)
    await count(bench)
    with closing(SqliteDatabase()) as other:
        some_days(other)
        while await roll_up(other, NOW, 50, large=1):
            pass

        assert len(other.batches) > 5 * len(bench.database.batches)
        assert counted(other) == counted(bench.database)


class Growing:
    """A database to which rows come while it counts, before the batch of a number."""

    def __init__(self, database: SqliteDatabase, *batches: int) -> None:
        self._database = database
        self._batches = batches
        self._count = 0

    async def all(self, sql: str, *values: str | float | None) -> Sequence[Row]:
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        self._count += 1
        if self._count in self._batches:
            add_row(self._database, NOW - HOUR_MS)
        return await self._database.batch(statements)


@pytest.mark.parametrize("batch", range(1, 8))
async def test_no_row_is_missed_that_comes_while_an_hour_is_counted_in_pieces(
    bench: Bench, batch: int
) -> None:
    for _ in range(3):
        add_row(bench.database, NOW - HOUR_MS)

    assert await roll_up(Growing(bench.database, batch), NOW, 5, large=2) == 0

    [hour] = [row for row in bench.database.rows("log_periods") if row["span"] == HOUR_MS]
    assert hour["due"]
    assert await roll_up(bench.database, NOW + REST_MS, 5, large=2) == 1
    [row] = bench.database.rows("rollups")
    assert (row["span"], row["requests"]) == (HOUR_MS, 4)


async def test_pieces_of_a_run_that_ended_halfway_do_no_harm(bench: Bench) -> None:
    for minute in range(0, 60, 5):
        add_row(bench.database, HOUR - HOUR_MS + minute * 60_000)
    stopping = Growing(bench.database)
    bench.database.connection.execute(
        "CREATE TRIGGER stop BEFORE INSERT ON rollups WHEN new.start % 3600000 = 1800000 "
        "BEGIN SELECT raise(ABORT, 'stop'); END"
    )
    assert await roll_up(stopping, NOW, 5, large=2) == 0
    assert len(bench.database.rows("rollups")) == 3
    bench.database.connection.execute("DROP TRIGGER stop")

    assert await roll_up(bench.database, NOW + REST_MS, 5) == 1

    [row] = bench.database.rows("rollups")
    assert (row["span"], row["requests"]) == (HOUR_MS, 12)
    assert len(bench.database.rows("rollup_speeds")) == 2


async def test_hours_that_cannot_be_counted_stand_in_nobody_s_way(bench: Bench) -> None:
    for hour in range(1, 6):
        add_row(bench.database, NOW - hour * HOUR_MS, model="bad" if hour > 2 else "good")
    bench.database.connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON rollups WHEN new.model = 'bad' "
        "BEGIN SELECT raise(ABORT, 'exceeded its CPU time limit'); END"
    )

    assert await roll_up(bench.database, NOW, 3) == 0
    assert await roll_up(bench.database, NOW, 3) == 2
    assert await roll_up(bench.database, NOW + REST_MS - 1, 3) == 0
    bench.database.connection.execute("DROP TRIGGER refuse")

    assert await roll_up(bench.database, NOW + REST_MS, 3) == 3
