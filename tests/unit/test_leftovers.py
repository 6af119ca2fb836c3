"""What a deleted gateway leaves behind goes bit by bit, whatever fails meanwhile."""

from collections.abc import Sequence

import pytest

from explained import Explained
from fakes import NOW, Bench, FakeClock, SqliteDatabase
from logged import add_body, add_row
from logs.leftovers import BODIES, KEYS, ROWS, sweep
from logs.periods import DAY_MS
from logs.rollups import roll_up
from maintenance import maintain
from management import asked, result
from ports import DatabaseError, Row
from running import SETTINGS


async def run(bench: Bench) -> None:
    await maintain(bench.database, bench.snapshots, bench.clock)


def of_gateway(database: SqliteDatabase, number: int) -> dict[str, int]:
    """Return how many rows of a gateway each table has that has any."""
    sql = "SELECT count(*) FROM {} WHERE gateway_id = ?"
    counts = {
        table: database.connection.execute(sql.format(table), (number,)).fetchone()[0]
        for table in tables(database)
    }
    return {table: count for table, count in counts.items() if count}


def tables(database: SqliteDatabase) -> set[str]:
    """Return the tables whose rows belong to a gateway."""
    sql = """SELECT tables.name FROM sqlite_master AS tables
        JOIN pragma_table_info(tables.name) AS columns
        WHERE tables.type = 'table' AND columns.name = 'gateway_id'"""
    return {name for (name,) in database.connection.execute(sql)}


def fill(database: SqliteDatabase, number: int) -> None:
    """Give a gateway rows of all kinds."""
    add_row(database, NOW, gateway_id=number, metadata={"team": "blue"})
    for table in tables(database) - {"logs", "log_periods"}:
        columns = database.connection.execute(f"PRAGMA table_info({table})").fetchall()
        values = ", ".join(f"'{_sample(column, number)}'" for column in columns)
        database.connection.execute(f"INSERT INTO {table} VALUES ({values})")


def _sample(column: Row, number: int) -> object:
    known = {"gateway_id": number, "side": "request", "kind": "total", "counts": "{}"}
    return known.get(column["name"], number if column["type"] == "INTEGER" else f"of {number}")


def test_every_table_whose_rows_belong_to_a_gateway_is_swept(bench: Bench) -> None:
    assert set(KEYS) == tables(bench.database)


async def test_the_log_of_a_deleted_gateway_stays_until_the_next_run_and_its_secrets_do_not(
    bench: Bench,
) -> None:
    fill(bench.database, 1)

    result(await asked(bench, "DELETE", "gateways/main"))

    left = of_gateway(bench.database, 1)
    assert "logs" in left
    assert not {"provider_keys", "full_logs", "tails"} & set(left)
    await run(bench)
    assert of_gateway(bench.database, 1) == {}


async def test_a_deletion_that_fails_changes_nothing_and_can_be_asked_again(bench: Bench) -> None:
    fill(bench.database, 1)
    before = of_gateway(bench.database, 1)
    bench.database.connection.execute(
        "CREATE TRIGGER jam BEFORE DELETE ON gateways BEGIN SELECT RAISE(ABORT, 'jammed'); END"
    )

    assert (await asked(bench, "DELETE", "gateways/main")).status == 500

    assert of_gateway(bench.database, 1) == before
    bench.database.connection.execute("DROP TRIGGER jam")
    assert (await asked(bench, "DELETE", "gateways/main")).status == 200


async def test_other_gateways_keep_all_they_have(bench: Bench) -> None:
    for number in (bench.database.add_gateway("other"), bench.database.add_gateway("third")):
        fill(bench.database, number)
    before = of_gateway(bench.database, 3)
    result(await asked(bench, "DELETE", "gateways/other"))

    await sweep(bench.database, bench.clock, NOW + 1)

    assert of_gateway(bench.database, 2) == {}
    assert of_gateway(bench.database, 3) == before


async def test_a_new_gateway_of_the_name_has_nothing_of_the_old_one(bench: Bench) -> None:
    old = add_row(bench.database, metadata={"team": "blue"})
    result(await asked(bench, "DELETE", "gateways/main"))

    made = result(await asked(bench, "POST", "gateways", SETTINGS | {"id": "main"}))

    assert made["internal_id"] != "1"
    assert bench.database.rows("logs")
    assert result(await asked(bench, "GET", "gateways/main/logs")) == []
    assert (await asked(bench, "GET", f"gateways/main/logs/{old}")).status == 404
    for path in ("gateways/main/analytics", "analytics"):
        assert result(await asked(bench, "GET", path))["totals"]["requests"] == 0


async def test_rows_that_come_after_their_gateway_was_deleted_go_too(bench: Bench) -> None:
    result(await asked(bench, "DELETE", "gateways/main"))
    await run(bench)
    add_body(bench.database, add_row(bench.database, NOW - DAY_MS), "request", "late")

    await run(bench)

    assert of_gateway(bench.database, 1) == {}


class Fragile(SqliteDatabase):
    """A database that fails the second time that rows of the log are deleted."""

    left = 2

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        if sql.startswith("DELETE FROM logs"):
            self.left -= 1
            if not self.left:
                raise DatabaseError("took too long")
        return await super().all(sql, *values)


async def test_a_run_that_fails_is_reported_and_the_next_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = Fragile()
    for _ in range(ROWS + 1):
        add_row(database)

    await sweep(database, FakeClock(), NOW + 1)

    assert len(database.rows("logs")) == 1
    assert "took too long" in caplog.text
    await sweep(database, FakeClock(), NOW + 1)
    assert of_gateway(database, 1) == {}
    database.close()


async def test_a_run_whose_time_is_over_begins_nothing(bench: Bench) -> None:
    result(await asked(bench, "DELETE", "gateways/main"))
    add_row(bench.database)

    await sweep(bench.database, bench.clock, NOW)

    assert len(bench.database.rows("logs")) == 1


async def test_what_is_more_than_one_transaction_holds_goes_in_one_run(bench: Bench) -> None:
    log_id = add_row(bench.database)
    add_body(bench.database, log_id, "request", *["part"] * (BODIES + 1))
    result(await asked(bench, "DELETE", "gateways/main"))

    await run(bench)

    assert of_gateway(bench.database, 1) == {}


async def test_one_transaction_deletes_so_many_rows_and_no_more(bench: Bench) -> None:
    class Ticking(FakeClock):
        def __call__(self) -> float:
            self.now += 1
            return self.now

    bench.database.connection.execute("DELETE FROM gateways")
    for _ in range(2 * ROWS):
        add_row(bench.database)
    bench.database.connection.execute("DELETE FROM log_periods")
    before_logs = 1 + list(KEYS).index("logs")

    await sweep(bench.database, Ticking(), NOW + before_logs + 1)

    assert len(bench.database.rows("logs")) == ROWS


async def test_what_is_left_is_found_by_keys() -> None:
    database = Explained()
    for number in range(1, 4):
        database.add_gateway(f"g{number}")
        for _ in range(100):
            add_row(database, gateway_id=number)
    while await roll_up(database, NOW + DAY_MS, 50):
        pass
    database.connection.execute("ANALYZE")
    database.plans.clear()

    await sweep(database, FakeClock(), NOW + 1)

    # What is scanned is made in passing: the numbers of gateways, and the keys that go.
    scanned = {plan for plan in database.plans if plan.startswith("SCAN")}
    assert scanned <= {"SCAN found", "SCAN CONSTANT ROW"}
    for table in KEYS:
        assert any(plan.startswith(f"SEARCH {table} USING") for plan in database.plans)
    assert "SEARCH next USING PRIMARY KEY (gateway_id>?)" in database.plans
    assert "SEARCH gone USING PRIMARY KEY (gateway_id=?)" in database.plans
    assert "SEARCH gateways USING INTEGER PRIMARY KEY (rowid=?)" in database.plans
    database.close()
