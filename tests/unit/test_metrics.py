"""What Prometheus is told, as its own parser reads it."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import metrics
from call import Reply, Request
from deployment import Deployment
from fakes import NOW, Bench, SqliteDatabase
from logged import add_row
from logs.periods import HOUR_MS, SLICE_MS
from logs.rollups import roll_up
from ports import Row, Statement

URL = "https://sluice.test/metrics"
MINUTE_MS = 60_000
HOUR = NOW // HOUR_MS * HOUR_MS
NAMES = {"account": "acme", "gateway": "main", "provider": "openai", "model": "gpt-5"}
Told = dict[str, list[tuple[dict[str, str], float]]]


async def scrape(bench: Bench, authorization: str = "Bearer secret") -> Reply:
    return await bench.handle(Request("GET", URL, {"authorization": authorization}))


async def read(bench: Bench) -> Told:
    """Return the samples by their names."""
    reply = await scrape(bench)
    assert reply.status == 200
    told: Told = {}
    for family in text_string_to_metric_families(str(reply.body)):
        for sample in family.samples:
            told.setdefault(sample.name, []).append((sample.labels, sample.value))
    return told


async def attempts(bench: Bench) -> float:
    return sum(value for _, value in (await read(bench)).get("sluice_attempts_total", []))


async def test_what_is_over_is_told_by_gateway_provider_and_model(bench: Bench) -> None:
    bench.clock.now = HOUR + 5 * MINUTE_MS
    add_row(bench.database, HOUR, cost=0.5, tokens_in=10, tokens_out=5, latency=40)
    add_row(bench.database, HOUR, success=0, status_code=503, final=0)
    add_row(bench.database, HOUR, cached=1, cost=0.0, attempt=0, saved_cost=0.25)
    add_row(bench.database, HOUR, success=0, status_code=429, error_code=2003, attempt=0)

    told = await read(bench)

    requests = {(at["status"], at["cached"]): value for at, value in told["sluice_requests_total"]}
    expected = {("2xx", "false"): 1, ("5xx", "false"): 0, ("2xx", "true"): 1, ("4xx", "false"): 1}
    assert requests == expected
    sums = {
        "attempts": 2,
        "failed": 1,
        "tokens_in": 10,
        "tokens_out": 5,
        "cost": 0.5,
        "saved": 0.25,
    }
    for name, value in sums.items():
        assert told[f"sluice_{name}_total"] == [(NAMES, value)]


async def test_speeds_are_a_histogram(bench: Bench) -> None:
    bench.clock.now = HOUR + 5 * MINUTE_MS
    for duration in (40, 99, 100, 199, 700, 3_000_000):
        add_row(bench.database, HOUR, duration=duration, latency=None)

    told = await read(bench)

    buckets = {at["le"]: value for at, value in told["sluice_latency_seconds_bucket"]}
    upto = {"0.05": 1, "0.1": 2, "0.2": 4, "0.5": 4, "1": 5, "200": 5, "+Inf": 6}
    assert {le: buckets[le] for le in upto} == upto
    assert [value for _, value in told["sluice_latency_seconds_count"]] == [6]
    [(at, total)] = told["sluice_latency_seconds_sum"]
    assert at == NAMES | {"kind": "total"}
    assert total == pytest.approx(3001.138, rel=0.05)


@pytest.mark.parametrize(
    "ms", [5, 19, 21, 49, 54, 100, 109, 199, 219, 1_000, 1_099, 5_499, 190_000]
)
async def test_the_sum_of_a_histogram_is_at_most_five_per_cent_off(bench: Bench, ms: int) -> None:
    bench.clock.now = HOUR + 5 * MINUTE_MS
    for _ in range(3):
        add_row(bench.database, HOUR, duration=ms, latency=None)

    [(_, total)] = (await read(bench))["sluice_latency_seconds_sum"]

    assert abs(total * 1000 - 3 * ms) <= 0.05 * 3 * ms


async def test_what_the_cron_counts_during_a_scrape_waits_for_the_next_one(bench: Bench) -> None:
    add_row(bench.database, HOUR)
    add_row(bench.database, HOUR + 58 * MINUTE_MS, model="new")
    bench.clock.now = HOUR + 56 * MINUTE_MS
    await read(bench)
    bench.clock.now = HOUR + HOUR_MS
    bench.ports = replace(bench.ports, database=Counted(bench.database))

    reply = await scrape(bench)

    assert reply.status == 200
    assert "new" not in str(reply.body)
    assert "(other)" not in str(reply.body)
    assert 'model="new"' in str((await scrape(bench)).body)


class Counted:
    """A database whose hours are counted between the counts of a scrape and its speeds."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def all(self, sql: str, *values: str | float | None) -> Sequence[Row]:
        if "rollup_speeds" in sql:
            await roll_up(self._database, HOUR + HOUR_MS, 50)
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        return await self._database.batch(statements)


@pytest.mark.parametrize("cron", [1, 5], ids=["on time", "late"])
async def test_counters_grow_from_slices_to_hours_to_days(bench: Bench, cron: int) -> None:
    day = NOW // (24 * HOUR_MS) * 24 * HOUR_MS
    seen: list[Told] = []
    chance = Random(7)
    for minute in range(0, 25 * 60, 5):
        bench.clock.now = day + minute * MINUTE_MS
        # None in the last minutes of an hour, so that its slices are all that it has.
        for second in range(10, 300, 60) if minute % 60 else ():
            # Sums of such costs depend on what is added to what first.
            cost, duration = chance.random(), chance.randrange(50, 5_000)
            ago = bench.clock.now - second * 1000
            add_row(bench.database, ago, cost=cost, saved_cost=cost / 3, duration=duration)
        seen.append(await read(bench))
        if minute % (cron * 60) == 0:
            seen.append(await read(bench))
            await roll_up(bench.database, bench.clock.now, 50)
        seen.append(await read(bench))

    names = [name for name in seen[-1] if "_log_" not in name]
    assert {"sluice_cost_total", "sluice_latency_seconds_sum"} <= set(names)
    for name in names:
        of_labels: dict[str, list[float]] = {}
        for at, value in (sample for told in seen for sample in told.get(name, [])):
            of_labels.setdefault(str(at), []).append(value)
        assert all(values == sorted(values) for values in of_labels.values()), name


async def test_a_slice_is_counted_once_and_no_row_is_read_in_between(bench: Bench) -> None:
    bench.clock.now = HOUR + 5 * MINUTE_MS
    add_row(bench.database, HOUR)
    assert await attempts(bench) == 1
    batches = len(bench.database.batches)

    add_row(bench.database, HOUR + 6 * MINUTE_MS)
    bench.clock.now = HOUR + 9 * MINUTE_MS
    assert await attempts(bench) == 1
    assert len(bench.database.batches) == batches

    bench.clock.now = HOUR + 10 * MINUTE_MS
    assert await attempts(bench) == 2


async def test_rows_that_were_late_are_counted_with_the_next_slice(bench: Bench) -> None:
    bench.clock.now = HOUR + 5 * MINUTE_MS
    add_row(bench.database, HOUR)
    assert await attempts(bench) == 1

    add_row(bench.database, HOUR + MINUTE_MS)
    add_row(bench.database, HOUR + 40 * MINUTE_MS)
    bench.clock.now = HOUR + 45 * MINUTE_MS

    assert await attempts(bench) == 3


async def test_an_hour_that_is_over_has_no_slices(bench: Bench) -> None:
    add_row(bench.database, HOUR)
    bench.clock.now = HOUR + 5 * MINUTE_MS
    await read(bench)
    await roll_up(bench.database, HOUR + HOUR_MS, 50)

    spans = {row["span"] for table in ("rollups", "rollup_speeds")
             for row in bench.database.rows(table)}  # fmt: skip
    assert SLICE_MS not in spans
    bench.clock.now = HOUR + HOUR_MS
    assert await attempts(bench) == 1


async def test_counters_begin_anew_with_the_month(bench: Bench) -> None:
    july = 1_751_328_000_000
    add_row(bench.database, july - 1)
    add_row(bench.database, july)
    await roll_up(bench.database, july + HOUR_MS, 50)
    bench.clock.now = july - 1 + HOUR_MS

    assert await attempts(bench) == 1


async def test_a_scrape_reads_no_table_from_end_to_end(bench: Bench) -> None:
    add_row(bench.database, HOUR)
    bench.clock.now = HOUR + 5 * MINUTE_MS
    plans: list[str] = []
    bench.database.connection.set_trace_callback(plans.append)
    await read(bench)
    bench.database.connection.set_trace_callback(None)

    selects = [sql for sql in plans if sql.lstrip().startswith(("WITH", "SELECT"))]
    details = [
        row["detail"]
        for sql in selects
        for row in bench.database.connection.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]
    tables = ("logs", "rollups", "rolled", "rollup_speeds", "log_periods")
    assert selects
    assert not [one for one in details for table in tables if one.startswith(f"SCAN {table}")]


async def test_the_log_of_the_isolate_is_told(bench: Bench) -> None:
    told = await read(bench)

    assert [told[f"sluice_log_{name}"] for name in ("lost", "lost_bodies", "waiting")] == [
        [({}, 0.0)]
    ] * 3


async def test_only_so_many_models_have_a_name(bench: Bench) -> None:
    for number in range(metrics.SERIES + 50):
        add_row(bench.database, HOUR, model=f"m{number}")
    add_row(bench.database, HOUR, model="m0")
    bench.clock.now = HOUR + 5 * MINUTE_MS

    told = await read(bench)

    series: list[tuple[dict[str, Any], float]] = told["sluice_attempts_total"]
    assert len(series) == metrics.SERIES + 1
    assert [value for at, value in series if at["model"] == "(other)"] == [50]
    assert [value for at, value in series if at["model"] == "m0"] == [2]
    counted: list[tuple[dict[str, Any], float]] = told["sluice_latency_seconds_count"]
    assert sum(value for _, value in counted) == 2 * (metrics.SERIES + 51)
    assert len({at["model"] for at, _ in counted}) == metrics.SERIES + 1


async def test_only_so_much_is_read_whatever_callers_make_up(bench: Bench) -> None:
    read_at_once: list[int] = []

    class Measured(Counted):
        async def all(self, sql: str, *values: str | float | None) -> Sequence[Row]:
            rows = await super().all(sql, *values)
            read_at_once.append(len(rows))
            return rows

    connection = bench.database.connection
    connection.execute("BEGIN")
    for number in range(5_000):
        add_row(bench.database, HOUR, model=f"m{number}", duration=number)
    connection.execute("COMMIT")
    bench.clock.now = HOUR + HOUR_MS
    await roll_up(bench.database, bench.clock.now, 50)
    bench.ports = replace(bench.ports, database=Measured(bench.database))

    assert (await scrape(bench)).status == 200
    assert max(read_at_once) <= 2 * (metrics.SERIES + len(metrics.BOUNDS) + 1)


async def test_a_name_cannot_break_a_line(bench: Bench) -> None:
    name = 'a"} 1\nsluice_x{y="\\'
    add_row(bench.database, HOUR, model=name)
    bench.clock.now = HOUR + 5 * MINUTE_MS

    told = await read(bench)

    assert [at["model"] for at, _ in told["sluice_attempts_total"]] == [name]


@pytest.mark.parametrize("given", ["", "Bearer wrong", "Basic secret", "Bearer "])
async def test_only_the_admin_token_may_read_them(bench: Bench, given: str) -> None:
    assert (await scrape(bench, given)).status == 401


async def test_without_an_admin_token_there_are_none(bench: Bench) -> None:
    bench.isolate.deployment = Deployment()

    assert (await scrape(bench)).status == 404
