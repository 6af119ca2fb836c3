"""No page that people open by default reads all rows: what SQLite plans to do, after ANALYZE."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from api.log_search import Search
from api.paging import Page
from explained import Explained
from fakes import NOW, Bench
from logged import add_body, add_row
from logs.periods import DAY_MS, HOUR_MS
from logs.rollups import roll_up
from management import asked
from ports import Row

SCANS = ("SCAN logs", "SCAN payloads", "SCAN rollups", "SCAN rolled", "SCAN log_periods")


class ExplainedRows(Explained):
    """One that keeps the plans of queries of rows of the log alone, too."""

    def __init__(self) -> None:
        super().__init__()
        self.of_rows: list[str] = []

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        if sql.startswith("SELECT") and " FROM logs WHERE" in sql:
            self.of_rows += self.explain(sql, *values)
        return await super().all(sql, *values)


@pytest.fixture
async def planned() -> Bench:
    """A gateway with three days of rows, and the statistics of them."""
    database = ExplainedRows()
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
FILTERED = [
    "order_by=cost",
    "meta_info=true",
    "start_date=2025-06-12&end_date=2025-06-15",
    "search=x",
    "success=false",
    "cached=true&provider=openai&model=gpt-5",
    "min_cost=1&max_duration=50&min_total_tokens=3",
    "feedback=1",
    *(f"{FILTER}{key}" for key in ("id", "event_id", "metadata.key", "metadata.value")),
    *(f"{FILTER}{key}" for key in ("provider", "model", "user_agent", "request_type")),
]


@pytest.mark.parametrize(
    "path",
    [
        "logs",
        "logs?per_page=50&page=3",
        "logs?direction=asc",
        *(f"logs?{query}" for query in FILTERED),
        "analytics",
        "analytics?interval=hour&start=2025-06-12",
        "analytics?interval=day&start=2025-01-01&group_by=model",
    ],
)
async def test_a_page_searches_by_key(planned: Bench, path: str) -> None:
    reply = await asked(planned, "GET", f"gateways/main/{path}")

    assert reply.status == 200
    assert isinstance(planned.database, ExplainedRows)
    plans = planned.database.plans
    assert not [plan for plan in plans if plan.startswith(SCANS)]
    table = "rolled" if path.startswith("analytics") else "logs"
    assert any(plan.startswith(f"SEARCH {table} USING PRIMARY KEY (gateway_id=?") for plan in plans)


@pytest.mark.parametrize("query", FILTERED)
async def test_a_filter_reads_the_newest_rows_up_to_a_bound_alone(
    planned: Bench, query: str
) -> None:
    search = replace(Search.of(query, 1), most=50)

    await search.page(planned.database, "*", Page.of(""))

    assert isinstance(planned.database, ExplainedRows)
    reads = [plan for plan in planned.database.of_rows if " logs " in plan]
    assert reads
    key = "SEARCH logs USING PRIMARY KEY (gateway_id=? AND id"
    bounded = (f"{key}>?", f"{key}=?")
    assert not [plan for plan in reads if not plan.startswith(bounded)]


async def test_a_row_is_found_by_its_key(planned: Bench) -> None:
    [row] = planned.database.rows("payloads")
    for path in ("", "/request"):
        reply = await asked(planned, "GET", f"gateways/main/logs/{row['log_id']}{path}")
        assert reply.status == 200

    assert isinstance(planned.database, ExplainedRows)
    plans = planned.database.plans
    assert not [plan for plan in plans if plan.startswith(SCANS)]
    assert any("USING PRIMARY KEY (gateway_id=? AND id=?)" in plan for plan in plans)


async def test_the_newest_rows_are_read_without_sorting(planned: Bench) -> None:
    await asked(planned, "GET", "gateways/main/logs?success=false")

    assert isinstance(planned.database, ExplainedRows)
    assert planned.database.of_rows
    assert not [plan for plan in planned.database.of_rows if "TEMP B-TREE" in plan]


async def test_due_hours_are_found_by_their_index(planned: Bench) -> None:
    assert isinstance(planned.database, ExplainedRows)
    await roll_up(planned.database, NOW, 10)

    assert any("USING INDEX log_periods_due" in plan for plan in planned.database.plans)
