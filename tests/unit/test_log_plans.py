"""No page that people open by default reads all rows: what SQLite plans to do, after ANALYZE."""

from collections.abc import Sequence

import pytest

from fakes import NOW, Bench, SqliteDatabase
from logged import add_body, add_row
from management import asked
from periods import DAY_MS, HOUR_MS
from ports import Row
from rollups import roll_up

SCANS = ("SCAN logs", "SCAN payloads", "SCAN rollups", "SCAN rolled", "SCAN log_periods")


class Explained(SqliteDatabase):
    """A database that keeps the plan of every query."""

    plans: list[str]
    of_rows: list[str]
    """Plans of queries of rows of the log alone."""

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        rows = self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
        self.plans.extend(row["detail"] for row in rows)
        if sql.startswith("SELECT") and " FROM logs WHERE" in sql:
            self.of_rows.extend(row["detail"] for row in rows)
        return await super().all(sql, *values)


@pytest.fixture
async def planned() -> Bench:
    """A gateway with three days of rows, and the statistics of them."""
    database = Explained()
    database.plans, database.of_rows = [], []
    bench = Bench(database)
    for number in range(300):
        add_row(database, NOW - 3 * DAY_MS + number * HOUR_MS / 4, cost=0.1 * number)
    add_body(database, add_row(database), "request", "hello")
    while await roll_up(database, NOW, 50):
        pass
    database.connection.execute("ANALYZE")
    database.plans.clear()
    return bench


FILTER = "filters.operator=eq&filters.value=x&filters.key="


@pytest.mark.parametrize(
    "path",
    [
        "logs",
        "logs?per_page=50&page=3",
        "logs?direction=asc",
        "logs?order_by=cost",
        "logs?meta_info=true",
        "logs?start_date=2025-06-14&end_date=2025-06-15",
        "logs?search=x",
        "logs?success=false",
        "logs?cached=true&provider=openai&model=gpt-5",
        "logs?min_cost=1&max_duration=50&min_total_tokens=3",
        "logs?feedback=1",
        *(f"logs?{FILTER}{key}" for key in ("id", "event_id", "metadata.key", "metadata.value")),
        *(f"logs?{FILTER}{key}" for key in ("provider", "model", "user_agent", "request_type")),
        "analytics",
        "analytics?interval=hour&start=2025-06-12",
        "analytics?interval=day&start=2025-01-01&group_by=model",
    ],
)
async def test_a_page_searches_by_key(planned: Bench, path: str) -> None:
    reply = await asked(planned, "GET", f"gateways/main/{path}")

    assert reply.status == 200
    assert isinstance(planned.database, Explained)
    plans = planned.database.plans
    assert not [plan for plan in plans if plan.startswith(SCANS)]
    table = "rolled" if path.startswith("analytics") else "logs"
    assert any(plan.startswith(f"SEARCH {table} USING PRIMARY KEY (gateway_id=?") for plan in plans)


async def test_a_row_is_found_by_its_key(planned: Bench) -> None:
    [row] = planned.database.rows("payloads")
    for path in ("", "/request"):
        reply = await asked(planned, "GET", f"gateways/main/logs/{row['log_id']}{path}")
        assert reply.status == 200

    assert isinstance(planned.database, Explained)
    plans = planned.database.plans
    assert not [plan for plan in plans if plan.startswith(SCANS)]
    assert any("USING PRIMARY KEY (gateway_id=? AND id=?)" in plan for plan in plans)


async def test_the_newest_rows_are_read_without_sorting(planned: Bench) -> None:
    await asked(planned, "GET", "gateways/main/logs?success=false")

    assert isinstance(planned.database, Explained)
    assert planned.database.of_rows
    assert not [plan for plan in planned.database.of_rows if "TEMP B-TREE" in plan]


async def test_due_hours_are_found_by_their_index(planned: Bench) -> None:
    assert isinstance(planned.database, Explained)
    await roll_up(planned.database, NOW, 10)

    assert any("USING INDEX log_periods_due" in plan for plan in planned.database.plans)
