"""What callers and operators say about the cache, and who is heard."""

import json
from typing import Any

import pytest

from call import CUSTOM_KEY_TTL
from fakes import Bench, a_request, an_answer, an_entry, told, universal
from management import asked, result, wrong
from running import SETTINGS

ANSWER = '{"model":"gpt-5","choices":[]}'
OFF: dict[str, Any] = {"authentication": False}
ON = {**OFF, "cache_ttl": 600}


async def ttl_of(bench: Bench, **headers: str) -> int | None:
    """Return for how long the answer to a request is kept. None: not at all."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await _ttl_of(bench, a_request(named))


async def _ttl_of(bench: Bench, request: Any) -> int | None:
    bench.fetch.script[:] = [an_answer(ANSWER)]
    reply = await bench.handle(request)
    assert reply.status == 200, reply.body
    return next(iter(bench.cache.ttls.values()), None)


async def test_nothing_is_kept_unless_somebody_asks_for_it(bench: Bench) -> None:
    assert await ttl_of(bench) is None
    assert (bench.cache.read_keys, bench.flights.joined) == ([], [])


@pytest.mark.parametrize("ttl", [60, 61, 2_591_999, 2_592_000])
async def test_a_caller_may_say_how_long(bench: Bench, ttl: int) -> None:
    assert await ttl_of(bench, cf_aig_cache_ttl=str(ttl)) == ttl


@pytest.mark.parametrize(
    "value",
    ["1", "59", "2592001", "-60", "+60", "60.0", "6e1", "", " ", "true", "٦٠", "00", "9" * 99],
)
async def test_another_length_is_refused_and_the_rule_is_told(bench: Bench, value: str) -> None:
    reply = await bench.handle(a_request({"cf-aig-cache-ttl": value}))

    assert reply.status == 400
    (error,) = told(reply)["error"]
    assert "cf-aig-cache-ttl" in error["message"]
    assert "60 to 2592000, or 0 for no cache" in error["message"]
    assert (bench.fetch.sent, bench.cache.read_keys) == ([], [])


@pytest.mark.parametrize("value", ["yes", "1", "TRUE", "", "null"])
async def test_another_word_than_true_or_false_is_refused(bench: Bench, value: str) -> None:
    reply = await bench.handle(a_request({"cf-aig-skip-cache": value}))

    assert reply.status == 400
    assert "Use `true` or `false`" in told(reply)["error"][0]["message"]


@pytest.mark.parametrize("value", ["", "x" * 513])
async def test_a_name_has_one_to_512_characters(bench: Bench, value: str) -> None:
    reply = await bench.handle(a_request({"cf-aig-cache-key": value}))

    assert reply.status == 400
    assert "Use 1 to 512 characters" in told(reply)["error"][0]["message"]


async def test_the_longest_name_is_taken(bench: Bench) -> None:
    assert await ttl_of(bench, cf_aig_cache_key="x" * 512) == CUSTOM_KEY_TTL == 300


async def test_a_gateway_says_how_long_where_the_caller_does_not(bench: Bench) -> None:
    bench.settings(**ON)

    assert await ttl_of(bench) == 600


@pytest.mark.parametrize(
    ("headers", "ttl"),
    [
        ({"cf_aig_cache_ttl": "60"}, 60),
        ({"cf_aig_cache_ttl": "0"}, None),
        ({"cf_aig_skip_cache": "true"}, None),
        ({"cf_aig_skip_cache": "false"}, 600),
        ({"cf_aig_skip_cache": "true", "cf_aig_cache_ttl": "60"}, None),
        ({"cf_aig_skip_cache": "true", "cf_aig_cache_key": "mine"}, None),
        ({"cf_aig_cache_key": "mine"}, 600),
        ({"cf_aig_cache_key": "mine", "cf_aig_cache_ttl": "60"}, 60),
        ({"cf_aig_cache_key": "mine", "cf_aig_cache_ttl": "0"}, None),
        # The names of old.
        ({"cf_cache_ttl": "60"}, 60),
        ({"cf_skip_cache": "true"}, None),
        ({"cf_cache_ttl": "60", "cf_aig_cache_ttl": "70"}, 70),
        ({"cf_skip_cache": "true", "cf_aig_skip_cache": "false"}, 600),
        ({"cf_skip_cache": "false", "cf_aig_skip_cache": "true"}, None),
    ],
)
async def test_a_caller_wins_over_the_gateway(
    bench: Bench, headers: dict[str, str], ttl: int | None
) -> None:
    bench.settings(**ON)

    assert await ttl_of(bench, **headers) == ttl
    assert bool(bench.cache.read_keys) == bool(ttl)


async def test_a_bad_value_under_an_old_name_is_refused_too(bench: Bench) -> None:
    reply = await bench.handle(a_request({"cf-cache-ttl": "59"}))

    assert reply.status == 400
    assert "cache-ttl" in told(reply)["error"][0]["message"]


@pytest.mark.parametrize(
    ("entry", "request_headers", "ttl"),
    [
        ({}, {}, 600),
        ({}, {"cf_aig_cache_ttl": "60"}, 60),
        ({}, {"cf_cache_ttl": "60"}, 60),
        ({"config": {"cacheTtl": 70}}, {"cf_aig_cache_ttl": "60"}, 70),
        ({"config": {"cacheTtl": 0}}, {"cf_aig_cache_ttl": "60"}, None),
        ({"config": {"cacheTtl": "70"}}, {}, 70),
        ({"headers": {"cf-aig-cache-ttl": "70"}}, {"cf_aig_cache_ttl": "60"}, 70),
        ({"headers": {"CF-AIG-Cache-TTL": 70}}, {"cf_aig_cache_ttl": "60"}, 70),
        # The nearer one wins by whatever name.
        ({"headers": {"cf-cache-ttl": "70"}}, {"cf_aig_cache_ttl": "60"}, 70),
        ({"headers": {"cf-aig-cache-ttl": "70"}}, {"cf_cache_ttl": "60"}, 70),
        ({"headers": {"cf-skip-cache": "true"}}, {"cf_aig_skip_cache": "false"}, None),
        ({"headers": {"cf-skip-cache": "false"}}, {"cf_aig_skip_cache": "true"}, 600),
        ({"config": {"skipCache": False}}, {"cf_skip_cache": "true"}, 600),
        ({"config": {"skipCache": True}}, {}, None),
        ({"config": {"cacheTtl": 70}, "headers": {"cf-cache-ttl": "80"}}, {}, 70),
        ({"config": {"cacheTtl": 70}, "headers": {"cf-aig-cache-ttl": "80"}}, {}, 80),
        ({"config": {"cacheKey": "mine"}}, {}, 600),
    ],
)
async def test_an_entry_wins_over_its_request_and_that_over_the_gateway(
    bench: Bench, entry: dict[str, Any], request_headers: dict[str, str], ttl: int | None
) -> None:
    bench.settings(**ON)
    own = {"headers": {"authorization": "Bearer sk", **entry.get("headers", {})}}

    asked_for = universal(an_entry("openai", **(entry | own)), **request_headers)

    assert await _ttl_of(bench, asked_for) == ttl


async def test_a_name_in_an_entry_is_enough_to_keep_its_answer(bench: Bench) -> None:
    entry = an_entry(config={"cacheKey": "mine"})

    assert await _ttl_of(bench, universal(entry)) == 300


@pytest.mark.parametrize(
    "config", [{"cacheTtl": 59}, {"skipCache": "yes"}, {"cacheKey": ""}, {"cachettl": 60}]
)
async def test_a_bad_wish_of_an_entry_is_refused(bench: Bench, config: dict[str, Any]) -> None:
    reply = await bench.handle(universal(an_entry(), an_entry(config=config)))

    assert reply.status == 400
    assert "entry 1" in told(reply)["error"][0]["message"]
    assert bench.fetch.sent == []


async def test_what_is_said_about_the_cache_reaches_no_provider(bench: Bench) -> None:
    await ttl_of(bench, cf_cache_ttl="60", cf_skip_cache="false", cf_aig_cache_key="mine")

    assert not any(name.startswith("cf-") for name in bench.fetch.sent[0].headers)


@pytest.mark.parametrize("ttl", [0, None, 60, 600, 2_592_000])
async def test_a_gateway_takes_these_lengths(bench: Bench, ttl: int | None) -> None:
    made = await asked(bench, "POST", "gateways", SETTINGS | {"id": "new", "cache_ttl": ttl})

    assert result(made)["cache_ttl"] == ttl


@pytest.mark.parametrize("ttl", [1, 59, 2_592_001, -1, "60", 60.5, True, [60]])
async def test_a_gateway_refuses_other_lengths(bench: Bench, ttl: object) -> None:
    reply = await asked(bench, "POST", "gateways", SETTINGS | {"id": "new", "cache_ttl": ttl})

    assert wrong(reply) == [(400, 7001, ["body", "cache_ttl"])]


@pytest.mark.parametrize("ttl", [0, None])
async def test_a_gateway_without_a_length_keeps_nothing(bench: Bench, ttl: int | None) -> None:
    bench.database.connection.execute(
        "UPDATE gateways SET settings = ?", (json.dumps({**OFF, "cache_ttl": ttl}),)
    )

    assert await ttl_of(bench) is None
