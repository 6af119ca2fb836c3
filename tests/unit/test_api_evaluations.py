"""Evaluations: what is found of the rows of the log that datasets select."""

import asyncio
from typing import Any

import pytest

from fakes import NOW, PATIENCE, Bench, a_request, an_answer
from gateway import handle
from ids import uuid7
from isolate import Isolate
from logged import add_row
from logs.periods import HOUR_MS
from maintenance import maintain
from management import asked, result, wrong

PATH = "gateways/main/evaluations"
TYPES = ["cost", "speed", "feedback"]


def logged(bench: Bench, at: float = NOW, **more: Any) -> None:
    """Put a row into the log."""
    add_row(bench.database, at, event_id="e", **more)


async def dataset(bench: Bench, *filters: tuple[str, str, list[Any]], enable: bool = True) -> str:
    named = [{"key": key, "operator": how, "value": value} for key, how, value in filters]
    body = {"name": "some", "enable": enable, "filters": named}
    return result(await asked(bench, "POST", "gateways/main/datasets", body))["id"]


async def evaluated(bench: Bench, *datasets: str, types: list[str] = TYPES) -> Any:
    body = {"name": "what", "dataset_ids": datasets, "evaluation_type_ids": types}
    return result(await asked(bench, "POST", PATH, body))


async def count(bench: Bench, *filters: tuple[str, str, list[Any]]) -> int:
    """Return how many rows a dataset selects."""
    return (await evaluated(bench, await dataset(bench, *filters)))["total_logs"]


def told(evaluation: Any) -> dict[str, tuple[str, int, int]]:
    return {
        one["evaluation_type_id"]: (one["result"], one["status"], one["total_logs"])
        for one in evaluation["results"]
    }


async def test_cost_speed_and_thumbs_are_averages_of_the_rows_that_tell_them(
    bench: Bench,
) -> None:
    logged(bench, cost=0.5, duration=100, feedback=1)
    logged(bench, cost=0.25, duration=300, feedback=-1)
    logged(bench, cost=None, duration=200, feedback=0)
    logged(bench, cost=None, duration=200, feedback=1)

    evaluation = await evaluated(bench, await dataset(bench))

    assert evaluation["total_logs"] == 4
    assert evaluation["processed"] is True
    assert told(evaluation) == {
        "cost": ("0.375", 1, 2),
        "speed": ("200.0", 1, 4),
        "feedback": (str(2 / 3), 1, 3),
    }
    assert {one["evaluation_id"] for one in evaluation["results"]} == {evaluation["id"]}


async def test_what_no_row_tells_has_no_result(bench: Bench) -> None:
    evaluation = await evaluated(bench, await dataset(bench), types=["cost"])

    assert told(evaluation) == {"cost": ("", 2, 0)}
    assert evaluation["total_logs"] == 0


async def test_every_kind_of_filter_selects(bench: Bench) -> None:
    logged(bench, provider="openai", model="GPT-5", cost=1.0, tokens_in=1, tokens_out=2, cached=1)
    logged(bench, provider="anthropic", model="claude", cost=2.0, tokens_in=5, success=0)
    logged(bench, provider="cohere", model=None, cost=3, tokens_in=7, tokens_out=9, feedback=1)

    assert await count(bench) == 3
    assert await count(bench, ("provider", "eq", ["openai", "cohere"])) == 2
    assert await count(bench, ("model", "contains", ["gpt", "claude"])) == 2
    assert await count(bench, ("cost", "lt", [2])) == 1
    assert await count(bench, ("cost", "gt", [2, 1])) == 2
    assert await count(bench, ("cost", "eq", [3, 2.0])) == 2
    assert await count(bench, ("tokens", "eq", [16])) == 1
    assert await count(bench, ("tokens", "gt", [0])) == 2
    assert await count(bench, ("cached", "eq", [True])) == 1
    assert await count(bench, ("success", "eq", [False, True])) == 3
    assert await count(bench, ("feedback", "eq", [1])) == 1
    assert await count(bench, ("cost", "gt", [1]), ("provider", "eq", ["cohere", "openai"])) == 1


async def test_times_select_to_the_millisecond(bench: Bench) -> None:
    for minutes in (0, 1, 2):
        logged(bench, NOW + minutes * 60_000)
    second = "2025-06-15T15:07:40Z"

    assert await count(bench, ("created_at", "gt", [second])) == 1
    assert await count(bench, ("created_at", "lt", ["2025-06-15T17:07:40+02:00"])) == 1
    assert await count(bench, ("created_at", "eq", [second])) == 1
    both = [("created_at", "gt", [second]), ("created_at", "lt", [second])]
    assert await count(bench, *both) == 0
    assert await count(bench, ("created_at", "gt", ["0001-01-01T00:00:00+14:00"])) == 3


@pytest.mark.parametrize("early", [0, 120_000, HOUR_MS - 1_000, -1_000])
async def test_a_time_selects_the_rows_that_the_list_of_the_log_finds(
    bench: Bench, early: int
) -> None:
    """A request's id may be made long before its first attempt begins, or a moment later."""
    logged(bench, NOW, id=uuid7(NOW - early))
    time = "2025-06-15T15:06:40Z"

    assert await count(bench, ("created_at", "eq", [time])) == 1
    found = await asked(bench, "GET", f"gateways/main/logs?start_date={time}&end_date={time}")
    assert len(result(found)) == 1


async def test_a_row_that_several_datasets_select_counts_once(bench: Bench) -> None:
    logged(bench, provider="openai", cost=1.0)
    logged(bench, provider="anthropic", cost=3.0)
    one = await dataset(bench, ("provider", "eq", ["openai"]))
    two = await dataset(bench, ("cost", "lt", [2]))
    three = await dataset(bench, ("cost", "gt", [2]))

    assert (await evaluated(bench, one, two, one))["total_logs"] == 1
    assert (await evaluated(bench, one, two, three))["total_logs"] == 2


async def test_the_rows_of_another_gateway_do_not_count(bench: Bench) -> None:
    logged(bench, gateway_id=bench.database.add_gateway("other"))

    assert await count(bench) == 0


async def test_a_request_whose_row_still_waits_to_be_written_counts(bench: Bench) -> None:
    # A writer that lingers for company which does not come.
    bench.isolate = Isolate(bench.isolate.deployment, bench.clock, linger=PATIENCE)
    bench.fetch.script.append(an_answer('{"model":"gpt-5"}'))
    await handle(a_request(), bench.isolate, bench.ports)
    writing = asyncio.create_task(bench.background.run())
    for _ in range(20):
        await asyncio.sleep(0)

    assert await count(bench) == 1
    writing.cancel()


async def test_a_value_is_never_read_as_sql(bench: Bench) -> None:
    logged(bench)

    assert await count(bench, ("provider", "eq", ["' OR 1=1 --", "]"])) == 0
    assert await count(bench, ("model", "contains", ["%", "_"])) == 0


async def test_no_question_looks_at_the_whole_of_a_long_log(bench: Bench) -> None:
    """The key finds the newest rows, and those of a period, without a scan."""
    plans: list[str] = []
    database = bench.database
    run = database.connection.execute

    def plan_of(sql: str) -> None:
        if "count(*) AS total, avg" in sql:
            plans.extend(row["detail"] for row in run(f"EXPLAIN QUERY PLAN {sql}"))

    database.connection.set_trace_callback(plan_of)
    await count(bench, ("created_at", "gt", ["2025-06-15T15:07:40Z"]))
    database.connection.set_trace_callback(None)

    (logs,) = [plan for plan in plans if " logs " in f"{plan} "]
    assert logs == "SEARCH logs USING PRIMARY KEY (gateway_id=? AND id>? AND id<?)"
    assert not [plan for plan in plans if "TEMP B-TREE" in plan]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"dataset_ids": []}, ["dataset_ids"]),
        ({"dataset_ids": ["a"] * 11}, ["dataset_ids"]),
        ({"dataset_ids": ["nobody"]}, ["dataset_ids", "0"]),
        ({"evaluation_type_ids": ["cost", "beauty"]}, ["evaluation_type_ids", "1"]),
        ({"evaluation_type_ids": "cost"}, ["evaluation_type_ids"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_an_evaluation_that_breaks_a_rule_is_refused_with_its_path(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    body = {"name": "a", "dataset_ids": [await dataset(bench)], "evaluation_type_ids": ["cost"]}

    reply = await asked(bench, "POST", PATH, body | change)

    assert wrong(reply) == [(400, 7001, ["body", *path])]
    assert not bench.database.rows("evaluations")


async def test_a_dataset_that_is_not_enabled_is_not_evaluated(bench: Bench) -> None:
    off = await dataset(bench, enable=False)
    body = {"name": "a", "dataset_ids": [off], "evaluation_type_ids": ["cost"]}

    reply = await asked(bench, "POST", PATH, body)

    assert wrong(reply) == [(400, 7001, ["body", "dataset_ids", "0"])]


async def test_an_evaluation_stays_what_it_was(bench: Bench) -> None:
    logged(bench)
    chosen = await dataset(bench)
    evaluation = await evaluated(bench, chosen)

    logged(bench)
    result(await asked(bench, "DELETE", f"gateways/main/datasets/{chosen}"))

    assert result(await asked(bench, "GET", f"{PATH}/{evaluation['id']}")) == evaluation
    assert evaluation["datasets"][0]["id"] == chosen


async def test_evaluations_are_listed_and_deleted(bench: Bench) -> None:
    chosen = await dataset(bench)
    first, second = [await evaluated(bench, chosen) for _ in range(2)]

    listed = result(await asked(bench, "GET", f"{PATH}?search=WHA&name=what&processed=true"))
    assert listed == [second, first]
    assert result(await asked(bench, "GET", f"{PATH}?search={first['id'].upper()}")) == [first]
    assert result(await asked(bench, "GET", f"{PATH}?search=whatever")) == []
    assert result(await asked(bench, "GET", f"{PATH}?processed=false")) == []
    assert result(await asked(bench, "GET", f"{PATH}?name=wha")) == []
    assert result(await asked(bench, "DELETE", f"{PATH}/{first['id']}")) == first
    assert wrong(await asked(bench, "GET", f"{PATH}/{first['id']}")) == [(404, 7002, None)]
    assert wrong(await asked(bench, "DELETE", f"{PATH}/{first['id']}")) == [(404, 7002, None)]


async def test_a_gateway_takes_its_evaluations_with_it(bench: Bench) -> None:
    await evaluated(bench, await dataset(bench))

    result(await asked(bench, "DELETE", "gateways/main"))
    await maintain(bench.database, bench.snapshots, bench.clock)

    assert not bench.database.rows("evaluations")


async def test_the_types_are_listed_in_the_order_that_is_asked_for(bench: Bench) -> None:
    async def ids(query: str) -> list[str]:
        return [one["id"] for one in result(await asked(bench, "GET", f"evaluation-types?{query}"))]

    assert await ids("") == ["cost", "feedback", "speed"]
    assert await ids("order_by=name&order_by_direction=desc") == ["speed", "feedback", "cost"]
    assert await ids("per_page=2&page=2") == ["speed"]
    reply = await asked(bench, "GET", "evaluation-types?order_by=colour")
    assert wrong(reply) == [(400, 7001, ["query", "order_by"])]
