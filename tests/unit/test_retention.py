"""How long rows are kept, and how many."""

from typing import Any

import pytest

from fakes import NOW, Bench, a_request, an_answer
from logged import add_body, add_row
from maintenance import maintain
from management import asked, result
from periods import DAY_MS, HOUR_MS
from retention import Keeper
from rollups import roll_up

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


async def test_rows_of_an_hour_that_was_not_counted_do_not_go(bench: Bench) -> None:
    bench.settings(log_retention_days=1)
    old = add_row(bench.database, NOW - 3 * DAY_MS)
    # No count has been made.
    keeper = Keeper(
        bench.database, bench.snapshots, bench.isolate.gateways, bench.clock, NOW + 60_000
    )

    await keeper.keep()

    assert ids(bench) == [old]


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
