"""How much of the log a list reads, and what it says of all that was found."""

from dataclasses import replace
from typing import Any

import pytest

from api.log_search import Search
from api.paging import Page
from fakes import NOW, Bench, told
from logged import add_row
from logs.periods import HOUR_MS
from logs.rollups import roll_up
from management import asked

LOGS = "gateways/main/logs"


async def info(bench: Bench, query: str = "") -> dict[str, Any]:
    return told(await asked(bench, "GET", f"{LOGS}?{query}"))["result_info"]


@pytest.fixture
def rows(bench: Bench) -> None:
    """Five hours with one row more each, the oldest has one."""
    for hour in range(5):
        for number in range(hour + 1):
            add_row(
                bench.database,
                NOW - (4 - hour) * HOUR_MS + number,
                cost=0.5 * number,
                duration=10 * number,
                tokens_in=number,
                tokens_out=1,
            )


async def count(bench: Bench) -> None:
    await roll_up(bench.database, bench.clock(), 100)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize("counted", [True, False])
async def test_the_total_is_all_rows_whether_their_hours_were_counted_or_not(
    bench: Bench, counted: bool
) -> None:
    if counted:
        await count(bench)

    assert (await info(bench, "per_page=2"))["total_count"] == 15


@pytest.mark.usefixtures("rows")
async def test_rows_that_come_after_their_hour_was_counted_are_in_the_total(bench: Bench) -> None:
    await count(bench)
    add_row(bench.database, NOW - 3 * HOUR_MS)

    assert (await info(bench))["total_count"] == 16


@pytest.mark.usefixtures("rows")
async def test_a_filter_has_a_total_of_its_own(bench: Bench) -> None:
    told_of = await info(bench, "min_tokens_in=3")

    assert (told_of["total_count"], told_of["searched_from"]) == (3, None)


@pytest.mark.usefixtures("rows")
async def test_extremes_are_told_where_they_are_wanted(bench: Bench) -> None:
    assert "max_cost" not in await info(bench)
    assert await info(bench, "meta_info=true") == {
        "page": 1,
        "per_page": 20,
        "count": 15,
        "total_count": 15,
        "min_cost": 0.0,
        "max_cost": 2.0,
        "min_duration": 0,
        "max_duration": 40,
        "min_tokens_in": 0,
        "max_tokens_in": 4,
        "min_tokens_out": 1,
        "max_tokens_out": 1,
        "min_total_tokens": 1,
        "max_total_tokens": 5,
        "searched_from": None,
    }


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("query", "most", "found", "since"),
    [
        # The newest hour has five rows, the one before it four.
        ("min_cost=0", 5, 5, "2025-06-15T15:00:00.000Z"),
        ("min_cost=0", 6, 9, "2025-06-15T14:00:00.000Z"),
        ("min_tokens_in=4", 5, 1, "2025-06-15T15:00:00.000Z"),
        ("order_by=cost&min_cost=0", 6, 9, "2025-06-15T14:00:00.000Z"),
        ("order_by=cost", 6, 9, "2025-06-15T14:00:00.000Z"),
        ("order_by=cost", 16, 15, None),
        ("min_cost=0", 15, 15, "2025-06-15T11:00:00.000Z"),
        ("min_cost=0", 16, 15, None),
        ("end_date=2025-06-15T13:59:00Z&min_cost=0", 3, 3, "2025-06-15T13:00:00.000Z"),
    ],
)
async def test_a_search_reads_the_newest_hours_until_it_has_read_enough(
    bench: Bench, query: str, most: int, found: int, since: str | None
) -> None:
    await count(bench)
    search = replace(Search.of(query, 1), most=most)

    rows, told_of = await search.page(bench.database, "*", Page.of("per_page=50"))

    assert (len(rows), told_of["total_count"]) == (found, found)
    assert told_of["searched_from"] == since


@pytest.mark.usefixtures("rows")
async def test_without_a_filter_every_row_can_be_reached(bench: Bench) -> None:
    search = replace(Search.of("", 1), most=1)

    rows, told_of = await search.page(bench.database, "*", Page.of("per_page=50"))

    assert (len(rows), told_of) == (15, {"total_count": 15})
