"""What Prometheus is told, as its own parser reads it."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import metrics
from call import Reply, Request
from deployment import Deployment
from fakes import NOW, Bench
from logged import add_row

URL = "https://sluice.test/metrics"
MINUTE_MS = 60_000
NAMES = {"account": "acme", "gateway": "main", "provider": "openai", "model": "gpt-5"}


async def scrape(bench: Bench, authorization: str = "Bearer secret") -> Reply:
    return await bench.handle(Request("GET", URL, {"authorization": authorization}))


async def read(bench: Bench) -> dict[str, list[tuple[dict[str, str], float]]]:
    reply = await scrape(bench)
    assert reply.status == 200
    families = text_string_to_metric_families(str(reply.body))
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in families
    }


async def test_the_last_minutes_are_told_by_gateway_provider_and_model(bench: Bench) -> None:
    add_row(bench.database, NOW - 6 * MINUTE_MS, cost=9.0)
    add_row(bench.database, NOW - MINUTE_MS, cost=0.5, tokens_in=10, tokens_out=5, latency=40)
    add_row(bench.database, success=0, status_code=503, final=0)
    add_row(bench.database, cached=1, cost=0.0, attempt=0, saved_cost=0.25)
    add_row(bench.database, success=0, status_code=429, error_code=2003, attempt=0)

    told = await read(bench)

    requests = {(at["status"], at["cached"]): value for at, value in told["sluice_requests"]}
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
        assert told[f"sluice_{name}"] == [(NAMES, value)]
    latency = {(at["kind"], at["quantile"]): value for at, value in told["sluice_latency_seconds"]}
    assert latency["first_byte", "0.5"] == pytest.approx(0.04, rel=0.05)
    assert latency["total", "0.99"] == pytest.approx(0.1, rel=0.05)


async def test_the_log_of_the_isolate_is_told(bench: Bench) -> None:
    told = await read(bench)

    assert [told[f"sluice_log_{name}"] for name in ("lost", "lost_bodies", "waiting")] == [
        [({}, 0.0)]
    ] * 3


async def test_only_so_many_models_have_a_name(bench: Bench) -> None:
    for number in range(metrics.SERIES + 50):
        add_row(bench.database, model=f"m{number}")
    add_row(bench.database, model="m0")

    told = await read(bench)

    series: list[tuple[dict[str, Any], float]] = told["sluice_attempts"]
    assert len(series) == metrics.SERIES + 1
    assert [value for at, value in series if at["model"] == "(other)"] == [50]
    assert [value for at, value in series if at["model"] == "m0"] == [2]


async def test_a_name_cannot_break_a_line(bench: Bench) -> None:
    name = 'a"} 1\nsluice_x{y="\\'
    add_row(bench.database, model=name)

    told = await read(bench)

    assert [at["model"] for at, _ in told["sluice_attempts"]] == [name]


@pytest.mark.parametrize("given", ["", "Bearer wrong", "Basic secret", "Bearer "])
async def test_only_the_admin_token_may_read_them(bench: Bench, given: str) -> None:
    assert (await scrape(bench, given)).status == 401


async def test_without_an_admin_token_there_are_none(bench: Bench) -> None:
    bench.isolate.deployment = Deployment()

    assert (await scrape(bench)).status == 404
