"""How long rows are kept, and how many."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from fakes import NOW, Bench, a_request, an_answer
from ids import uuid7
from logged import add_body, add_row
from logs.periods import DAY_MS, HOUR_MS
from logs.retention import Keeper
from logs.rollups import roll_up
from maintenance import maintain
from management import asked, result
from ports import Database, Row, Statement

CAP = 10_000


async def run(bench: Bench) -> None:
    await maintain(bench.database, bench.snapshots, bench.clock)


def ids(bench: Bench) -> list[str]:
    return [row["id"] for row in bench.database.rows("logs")]


def filled(bench: Bench, count: int = CAP + 50) -> list[str]:
    """Write more rows than a log may hold, over five hours."""
    connection = bench.database.connection
    connection.execute("BEGIN")
    made = [
        add_row(bench.database, NOW - 5 * HOUR_MS + n * 4 * HOUR_MS // count) for n in range(count)
    ]
    connection.execute("COMMIT")
    return made


async def test_rows_are_kept_for_ever_unless_a_gateway_says_otherwise(bench: Bench) -> None:
    add_row(bench.database, NOW - 4_000 * DAY_MS)

    await run(bench)

    assert len(ids(bench)) == 1


async def test_rows_go_with_their_bodies_when_their_days_are_over(bench: Bench) -> None:
    bench.settings(log_retention_days=30)
    old = add_row(bench.database, NOW - 30 * DAY_MS - 1)
    add_body(bench.database, old, "request", "old")
    young = add_row(bench.database, NOW - 30 * DAY_MS + 1)
    add_body(bench.database, young, "request", "young")

    await run(bench)

    assert ids(bench) == [young]
    assert [row["body"] for row in bench.database.rows("payloads")] == ["young"]


async def test_charts_stay_when_rows_go_but_not_what_people_wrote(bench: Bench) -> None:
    bench.settings(log_retention_days=1)
    add_row(bench.database, NOW - 3 * DAY_MS, metadata={"user": "Ann"})

    await run(bench)

    told = result(
        await asked(bench, "GET", f"gateways/main/analytics?start={int(NOW - 4 * DAY_MS)}")
    )
    assert ids(bench) == []
    assert (told["totals"]["requests"], told["metadata"]) == (1, {})
    assert b"Ann" not in b"".join(
        str(row).encode()
        for table in ("rollup_metadata", "logs")
        for row in bench.database.rows(table)
    )


async def test_rows_that_come_late_into_an_hour_of_deleted_ones_leave_its_charts_alone(
    bench: Bench,
) -> None:
    bench.settings(log_retention_days=1)
    for _ in range(3):
        add_row(bench.database, NOW - 3 * DAY_MS)
    await run(bench)
    add_row(bench.database, NOW - 3 * DAY_MS)

    await run(bench)

    told = result(
        await asked(bench, "GET", f"gateways/main/analytics?start={int(NOW - 4 * DAY_MS)}")
    )
    assert (told["totals"]["requests"], ids(bench)) == (3, [])


async def test_the_oldest_rows_go_where_a_log_holds_too_many(bench: Bench) -> None:
    bench.settings(log_management=CAP, log_management_strategy="DELETE_OLDEST")
    made = filled(bench)

    await run(bench)

    assert ids(bench) == made[50:]
    assert bench.database.rows("full_logs") == []


class Shared:
    """A database that others ask as well, between any two questions."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, sql: str, *values: str | float | None) -> Sequence[Row]:
        await asyncio.sleep(0)
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        await asyncio.sleep(0)
        return await self._database.batch(statements)


@pytest.mark.parametrize("runs", [2, 3])
async def test_runs_that_overlap_delete_no_more_than_one(bench: Bench, runs: int) -> None:
    bench.settings(log_management=CAP, log_management_strategy="DELETE_OLDEST")
    made = filled(bench, CAP + 2_500)
    while await roll_up(bench.database, NOW, 50):
        pass
    until = NOW + 60_000
    shared, gateways = Shared(bench.database), bench.isolate.gateways
    keeper = Keeper(shared, bench.snapshots, gateways, bench.clock, until)

    async def late(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        await keeper.keep()

    await asyncio.gather(*map(late, range(runs)))

    assert ids(bench) == made[2_500:]


async def test_rows_of_an_hour_that_was_not_counted_do_not_go(bench: Bench) -> None:
    bench.settings(log_retention_days=1)
    old = add_row(bench.database, NOW - 3 * DAY_MS)
    # No count has been made.
    keeper = Keeper(
        bench.database, bench.snapshots, bench.isolate.gateways, bench.clock, NOW + 60_000
    )

    await keeper.keep()

    assert ids(bench) == [old]


async def test_rows_of_long_bodies_go_few_at_a_time(bench: Bench) -> None:
    bench.settings(log_retention_days=1)
    for number in range(25):
        when = NOW - 3 * DAY_MS + number
        long = add_row(bench.database, when, request_size=8_000_000, response_size=90_000_000)
        add_body(bench.database, long, "request", "long")

    await run(bench)

    assert ids(bench) == []
    assert bench.database.rows("payloads") == []
    transactions = [
        len(json.loads(str(value))["ids"])
        for batch in bench.database.batches
        for sql, value, *_ in batch
        if sql.startswith("DELETE FROM logs")
    ]
    assert transactions == [5, 5, 5, 5, 5]


@pytest.mark.parametrize(
    "settings",
    [
        {"log_retention_days": 1},
        {"log_management": CAP, "log_management_strategy": "DELETE_OLDEST"},
    ],
)
async def test_bodies_that_have_lost_their_row_go_with_their_time(
    bench: Bench, settings: dict[str, Any]
) -> None:
    bench.settings(**settings)
    old, young = uuid7(NOW - 2 * DAY_MS), uuid7(NOW - DAY_MS / 2)
    add_body(bench.database, old, "request", *["old"] * 250)
    add_body(bench.database, young, "request", "young")

    await run(bench)

    assert [row["body"] for row in bench.database.rows("payloads")] == ["young"]


async def test_bodies_of_rows_that_are_kept_stay(bench: Bench) -> None:
    bench.settings(log_management=CAP, log_management_strategy="DELETE_OLDEST")
    add_body(bench.database, add_row(bench.database, NOW - 9 * DAY_MS), "request", "kept")

    await run(bench)

    assert len(bench.database.rows("payloads")) == 1


def refuse_to_count(bench: Bench) -> None:
    """Let no hour be counted that has a model `bad`."""
    bench.database.connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON rollups WHEN new.model = 'bad' "
        "BEGIN SELECT raise(ABORT, 'exceeded its CPU time limit'); END"
    )


async def test_an_hour_that_cannot_be_counted_is_waited_for_a_day_and_no_longer(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.settings(log_retention_days=1)
    refuse_to_count(bench)
    bad = [add_row(bench.database, NOW + number, model="bad") for number in range(5)]
    later = add_row(bench.database, NOW + HOUR_MS)

    bench.clock.now = NOW + DAY_MS + HOUR_MS / 6
    await run(bench)
    assert ids(bench) == [*bad, later]

    bench.clock.now = NOW + DAY_MS + HOUR_MS
    await run(bench)
    assert ids(bench) == [later]
    assert "rows of gateway 1 go that could not be counted" in caplog.text

    bench.clock.now += HOUR_MS
    await run(bench)
    told = result(await asked(bench, "GET", f"gateways/main/analytics?start={int(NOW)}"))
    assert (told["totals"]["requests"], told["uncounted_hours"]) == (
        1,
        ["2025-06-15T15:00:00.000Z"],
    )


async def test_rows_that_somebody_deletes_give_up_no_hour(bench: Bench) -> None:
    refuse_to_count(bench)
    bad = [add_row(bench.database, NOW - 2 * DAY_MS + number, model="bad") for number in range(3)]
    await run(bench)

    await asked(
        bench,
        "DELETE",
        f"gateways/main/logs?filters.key=id&filters.operator=eq&filters.value={bad[0]}",
    )
    bench.database.connection.execute("DROP TRIGGER refuse")
    bench.clock.now += HOUR_MS
    await run(bench)

    told = result(
        await asked(bench, "GET", f"gateways/main/analytics?start={int(NOW - 3 * DAY_MS)}")
    )
    assert (told["totals"]["requests"], told["uncounted_hours"]) == (2, [])


async def test_nor_does_it_keep_a_log_above_its_cap_for_ever(bench: Bench) -> None:
    bench.settings(log_management=CAP, log_management_strategy="DELETE_OLDEST")
    refuse_to_count(bench)
    bad = [add_row(bench.database, NOW - 6 * HOUR_MS, model="bad") for _ in range(5)]
    good = filled(bench, CAP)

    await run(bench)
    assert ids(bench) == [*bad, *good]

    bench.clock.now += DAY_MS
    await run(bench)
    assert ids(bench) == good


async def send(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))
    assert (await bench.handle(a_request())).status == 200


@pytest.mark.parametrize("strategy", ["STOP_INSERTING", None])
async def test_a_full_log_gets_no_more_rows_until_there_is_room(
    bench: Bench, strategy: str | None
) -> None:
    settings: dict[str, Any] = {"authentication": False, "log_management": CAP}
    bench.settings(**settings, log_management_strategy=strategy)
    filled(bench, CAP)
    await run(bench)

    await send(bench)
    assert len(ids(bench)) == CAP

    await asked(bench, "DELETE", "gateways/main/logs?limit=10")
    await run(bench)
    bench.clock.now += 60_000
    await send(bench)

    assert len(ids(bench)) == CAP - 9


async def test_a_log_below_its_cap_is_left_alone(bench: Bench) -> None:
    bench.settings(log_management=CAP, log_management_strategy="STOP_INSERTING")
    filled(bench, 100)

    await run(bench)

    assert (len(ids(bench)), bench.database.rows("full_logs")) == (100, [])


async def test_a_full_log_is_open_again_when_the_gateway_has_no_cap_any_more(bench: Bench) -> None:
    bench.settings(log_management=CAP, log_management_strategy="STOP_INSERTING")
    filled(bench, CAP)
    await run(bench)
    assert len(bench.database.rows("full_logs")) == 1
    bench.settings()

    await run(bench)

    assert bench.database.rows("full_logs") == []


async def test_what_one_run_deletes_is_bounded_by_time_and_the_next_goes_on(bench: Bench) -> None:
    bench.settings(log_retention_days=1)
    for number in range(1_500):
        add_row(bench.database, NOW - 3 * DAY_MS + number)
    while await roll_up(bench.database, NOW, 50):
        pass

    def keeper(seconds: int) -> Keeper:
        until = bench.clock() + seconds * 1000
        return Keeper(bench.database, bench.snapshots, bench.isolate.gateways, bench.clock, until)

    await keeper(0).keep()
    assert len(ids(bench)) == 1_500
    await keeper(60).keep()
    assert ids(bench) == []


async def test_a_gateway_that_cannot_be_kept_does_not_stand_in_the_way(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.settings(log_retention_days="never")
    second = bench.database.add_gateway("second", '{"log_retention_days": 1}')
    add_row(bench.database, NOW - 3 * DAY_MS, gateway_id=second)

    await run(bench)

    assert ids(bench) == []
    assert "the log of gateway 1 is not kept" in caplog.text


async def test_a_gateway_that_is_deleted_leaves_nothing_behind(bench: Bench) -> None:
    bench.settings(log_management=CAP)
    filled(bench, CAP)
    await run(bench)

    await bench.manage("DELETE", "gateways/main")
    await run(bench)

    tables = (
        "logs",
        "payloads",
        "log_periods",
        "full_logs",
        "rollups",
        "rollup_speeds",
        "rollup_metadata",
    )
    assert {table: len(bench.database.rows(table)) for table in tables} == dict.fromkeys(tables, 0)
