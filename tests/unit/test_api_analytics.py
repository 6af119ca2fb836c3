"""Charts of a gateway: from what was counted, and from the rows of the newest hours."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from fakes import NOW, Bench
from logged import add_row
from logs.analytics import together
from logs.periods import DAY_MS, HOUR_MS
from logs.rollups import roll_up
from management import asked, result, wrong
from ports import DatabaseError

CHARTS = "gateways/main/analytics"


async def charts(bench: Bench, query: str = "", path: str = CHARTS) -> Any:
    return result(await asked(bench, "GET", f"{path}?{query}"))


async def count(bench: Bench) -> None:
    while await roll_up(bench.database, bench.clock(), 50):
        pass


def a_week(bench: Bench) -> None:
    """Write two rows an hour, the last ones in the hour that is not over."""
    for hour in range(7 * 24):
        when = NOW - hour * HOUR_MS
        add_row(bench.database, when, cost=0.5, tokens_in=10, tokens_out=5, tokens_cached=2)
        add_row(
            bench.database,
            when,
            provider="groq",
            model="kimi",
            success=0,
            status_code=429,
            error_code=2003,
        )


async def test_totals_tell_requests_not_attempts(bench: Bench) -> None:
    add_row(bench.database, final=0, success=0, status_code=503)
    add_row(bench.database, cost=0.5, tokens_in=9, tokens_out=4, tokens_cached=3)
    add_row(bench.database, cached=1, cost=0.0)
    add_row(bench.database, success=0, status_code=429, error_code=2003)
    add_row(bench.database, success=0, status_code=500, flags='["cost_unknown"]')

    told = await charts(bench)

    assert told["totals"] == {
        "requests": 4,
        "attempts": 5,
        "failed": 2,
        "rate_limited": 1,
        "cache_hits": 1,
        "cache_hit_rate": 0.25,
        "tokens_in": 9,
        "tokens_out": 4,
        "tokens_cached": 3,
        "cost": 0.5,
        "unpriced_attempts": 1,
        "saved": 0.0,
    }
    assert told["errors"] == [
        {"status_code": 429, "error_code": 2003, "requests": 1},
        {"status_code": 500, "error_code": None, "requests": 1},
    ]


@pytest.mark.parametrize("counted", [True, False])
async def test_charts_are_the_same_before_and_after_hours_are_counted(
    bench: Bench, counted: bool
) -> None:
    add_row(bench.database, NOW - HOUR_MS, cost=0.5, metadata={"team": "a"}, duration=123)
    add_row(bench.database, NOW, provider="groq", metadata={"team": "a"}, duration=777)
    if counted:
        await count(bench)

    told = await charts(bench, "group_by=provider")

    assert [(one["start"], one["group"], one["requests"]) for one in told["series"]] == [
        ("2025-06-15T14:00:00.000Z", "openai", 1),
        ("2025-06-15T15:00:00.000Z", "groq", 1),
    ]
    assert told["metadata"] == {"team": [{"value": "a", "requests": 2}]}
    assert [one["total"]["p50"] for one in told["latency"]] == [774, 124]


async def test_rows_that_come_after_their_hour_was_counted_count_once(bench: Bench) -> None:
    add_row(bench.database, NOW - HOUR_MS)
    await count(bench)
    add_row(bench.database, NOW - HOUR_MS)

    assert (await charts(bench))["totals"]["requests"] == 2


@pytest.mark.parametrize("interval", ["hour", "day"])
async def test_series_add_up_to_the_totals(bench: Bench, interval: str) -> None:
    a_week(bench)
    await count(bench)
    add_row(bench.database, NOW)

    told = await charts(bench, f"start={int(NOW - 6 * DAY_MS)}&interval={interval}&group_by=status")

    for name in ("requests", "attempts", "failed", "tokens_in", "cost", "rate_limited"):
        assert sum(one[name] for one in told["series"]) == told["totals"][name] > 0


async def test_days_and_hours_tell_the_same(bench: Bench) -> None:
    a_week(bench)
    await count(bench)
    span = "start=2025-06-10&end=2025-06-16"

    by_day = await charts(bench, f"{span}&interval=day")
    by_hour = await charts(bench, f"{span}&interval=hour")

    for name in ("totals", "errors", "latency", "metadata"):
        assert by_day[name] == by_hour[name]
    assert (len(by_day["series"]), len(by_hour["series"])) == (6, 136)
    assert by_day["totals"]["requests"] == 272


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ("provider=groq", 1),
        ("model=gpt-5", 2),
        ("status=4xx", 1),
        ("status=2xx", 2),
        ("cached=true", 1),
        ("cached=false", 2),
        ("provider=groq&status=2xx", 0),
    ],
)
async def test_charts_may_be_of_some_requests_alone(
    bench: Bench, query: str, requests: int
) -> None:
    add_row(bench.database)
    add_row(bench.database, cached=1)
    add_row(bench.database, provider="groq", model="kimi", status_code=429, success=0)

    assert (await charts(bench, query))["totals"]["requests"] == requests


@pytest.mark.parametrize(
    ("grouping", "groups"),
    [
        ("provider", ["groq", "openai"]),
        ("model", [None, "gpt-5"]),
        ("status", ["2xx", "5xx"]),
        ("cached", ["false", "true"]),
    ],
)
async def test_series_may_be_grouped(bench: Bench, grouping: str, groups: list[str | None]) -> None:
    add_row(bench.database)
    add_row(bench.database, provider="groq", model=None, status_code=503, success=0, cached=1)

    told = await charts(bench, f"group_by={grouping}")

    assert [one["group"] for one in told["series"]] == groups


async def test_groups_beyond_the_largest_are_one(bench: Bench) -> None:
    for number in range(25):
        for _ in range(1 + (number < 20)):
            add_row(bench.database, model=f"model-{number:02}")

    told = await charts(bench, "group_by=model")

    groups = {one["group"]: one["requests"] for one in told["series"]}
    assert (len(groups), groups["(other)"]) == (21, 5)


@pytest.mark.parametrize("letter", ["m", "🛷", "\x01", '"'])
async def test_names_that_callers_make_up_change_no_sum_whatever_they_are(
    bench: Bench, letter: str
) -> None:
    def name(number: int) -> str:
        return f"{number}{letter * 1_000}"

    for number in range(1_000):
        for when in (NOW - HOUR_MS, NOW):
            add_row(bench.database, when, model=name(number), cost=0.5, duration=number)
    for _ in range(4):
        add_row(bench.database, model=name(999))

    told = await charts(bench, "group_by=model")
    of_one = await charts(bench, f"model={quote(name(7))}")

    assert (told["totals"]["requests"], told["totals"]["cost"]) == (2_004, 1_000.0)
    assert sum(one["requests"] for one in told["series"]) == 2_004
    newest = [one for one in told["series"] if one["start"] == "2025-06-15T15:00:00.000Z"]
    groups = {one["group"]: one["requests"] for one in newest}
    assert (groups[name(999)], len(groups)) == (5, 20)
    assert "(other)" in [one["provider"] for one in told["latency"]]
    assert of_one["totals"]["requests"] == of_one["latency"][0]["total"]["attempts"] == 2


async def test_metadata_of_many_gateways_is_told_together(bench: Bench) -> None:
    connection = bench.database.connection
    connection.execute("BEGIN")
    for gateway in range(60):
        number = bench.database.add_gateway(f"gateway-{gateway}")
        for entry in range(20):
            metadata = {f"{key}{'ä' * 99}": f"{entry:02}{'ö' * 98}" for key in range(5)}
            add_row(bench.database, gateway_id=number, metadata=metadata)
    connection.execute("COMMIT")

    told = (await charts(bench, path="analytics"))["metadata"]

    assert len(told) == 5
    assert {one["requests"] for values in told.values() for one in values} == {60}


async def test_hours_that_are_over_and_not_counted_are_named(bench: Bench) -> None:
    second = bench.database.add_gateway("second")
    for hour in (0, 1, 2, 4):
        add_row(bench.database, NOW - hour * HOUR_MS)
    add_row(bench.database, NOW - 2 * HOUR_MS, gateway_id=second)
    hours = ["2025-06-15T11:00:00.000Z", "2025-06-15T13:00:00.000Z"]

    told = await charts(bench)
    assert (told["totals"]["requests"], told["uncounted_hours"]) == (2, hours)
    of_all = await charts(bench, path="analytics")
    assert (of_all["totals"]["requests"], of_all["uncounted_hours"]) == (2, hours)

    await count(bench)
    told = await charts(bench)
    assert (told["totals"]["requests"], told["uncounted_hours"]) == (4, [])


async def test_speeds_are_told_by_provider_and_model(bench: Bench) -> None:
    for duration in range(1, 101):
        add_row(bench.database, duration=duration * 100, latency=duration)

    [told] = (await charts(bench))["latency"]

    assert (told["provider"], told["model"]) == ("openai", "gpt-5")
    assert told["total"]["attempts"] == 100
    for kind, scale in (("total", 100), ("first_byte", 1)):
        for name, exact in (("p50", 50), ("p90", 90), ("p99", 99)):
            assert abs(told[kind][name] - exact * scale) <= 0.05 * exact * scale


async def test_an_account_has_charts_of_all_its_gateways(bench: Bench) -> None:
    second = bench.database.add_gateway("second")
    add_row(bench.database)
    add_row(bench.database, gateway_id=second)
    add_row(bench.database, gateway_id=77)

    assert (await charts(bench, path="analytics"))["totals"]["requests"] == 2
    assert (await charts(bench))["totals"]["requests"] == 1


async def test_charts_of_nothing_are_empty(bench: Bench) -> None:
    told = await charts(bench)

    assert (told["series"], told["errors"], told["latency"], told["metadata"]) == ([], [], [], {})
    assert (told["totals"]["requests"], told["totals"]["cache_hit_rate"]) == (0, None)
    assert (told["interval"], told["start"]) == ("hour", "2025-06-14T15:00:00.000Z")


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("start=yesterday", "start"),
        ("start=0001-01-01T00:00:00%2B14:00&end=0001-01-02T00:00:00Z", "start"),
        ("start=9999-12-31T00:00:00Z&end=9999-12-31T23:59:59Z", "end"),
        ("end=x", "end"),
        ("interval=minute", "interval"),
        ("group_by=colour", "group_by"),
        ("status=200", "status"),
        ("cached=maybe", "cached"),
        ("start=2025-01-01&interval=hour", "start"),
        ("start=2001-01-01&interval=day", "start"),
        ("start=2025-06-16&end=2025-06-15", "start"),
    ],
)
async def test_a_parameter_that_breaks_its_rule_is_refused_with_its_path(
    bench: Bench, query: str, name: str
) -> None:
    assert wrong(await asked(bench, "GET", f"{CHARTS}?{query}")) == [(400, 7001, ["query", name])]


async def test_a_gateway_that_does_not_exist_has_no_charts(bench: Bench) -> None:
    assert wrong(await asked(bench, "GET", "gateways/none/analytics")) == [(404, 7002, None)]


async def test_what_is_asked_at_one_time_has_ended_when_one_of_it_fails() -> None:
    ended: list[str] = []

    async def slow() -> None:
        await asyncio.sleep(0)
        ended.append("slow")

    async def failing() -> None:
        raise DatabaseError("no connection")

    with pytest.raises(DatabaseError):
        await together(failing(), slow())

    assert ended == ["slow"]
