"""What of the log a query asks for, in every spelling."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from fakes import NOW, Bench
from logged import add_row
from management import asked, result, wrong

LOGS = "gateways/main/logs"


@pytest.fixture
def ids(bench: Bench) -> dict[str, str]:
    """Two rows that differ in all that can be asked for."""
    plain = add_row(bench.database, NOW, metadata={"team": "a", "beta": True})
    other = add_row(
        bench.database,
        NOW + 60_000,
        provider="groq",
        model="kimi",
        model_type="text-embeddings",
        request_type="universal",
        request_content_type="text/plain",
        response_content_type="audio/mpeg",
        success=0,
        cached=1,
        status_code=429,
        error_code=2003,
        cost=0.5,
        tokens_in=10,
        tokens_out=5,
        duration=900,
        metadata={"user": "A 7"},
        event_id="order-7",
        user_agent="curl/8",
        authentication=1,
        feedback=1,
        score=7.5,
    )
    return {plain: "plain", other: "other"}


async def found(bench: Bench, ids: dict[str, str], query: str) -> list[str]:
    reply = await asked(bench, "GET", f"{LOGS}?{query}")
    return [ids[row["id"]] for row in result(reply)]


def flat(key: str, operator: str, *values: object) -> str:
    """Write a filter as the official SDKs do."""
    pairs = [("filters.key", key), ("filters.operator", operator)]
    return urlencode([*pairs, *(("filters.value", str(value)) for value in values)])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["other", "plain"]),
        ("provider=groq", ["other"]),
        ("model=gpt-5", ["plain"]),
        ("model_type=text-embeddings", ["other"]),
        ("cached=true", ["other"]),
        ("cached=false", ["plain"]),
        ("success=true", ["plain"]),
        ("success=0", ["other"]),
        ("feedback=1", ["other"]),
        ("feedback=0", []),
        ("request_content_type=text/plain", ["other"]),
        ("response_content_type=audio/mpeg", ["other"]),
        ("min_cost=0.4", ["other"]),
        ("max_cost=0.4", []),
        ("max_duration=100", ["plain"]),
        ("min_duration=101", ["other"]),
        ("min_tokens_in=10&max_tokens_in=10", ["other"]),
        ("max_tokens_out=4", []),
        ("min_total_tokens=15", ["other"]),
        ("max_total_tokens=14", []),
        ("search=a%207", ["other"]),
        ("search=TEAM", ["plain"]),
        ("search=", ["other", "plain"]),
        ("direction=asc", ["plain", "other"]),
        ("order_by_direction=asc", ["plain", "other"]),
        ("order_by=duration&order_by_direction=asc", ["plain", "other"]),
        ("order_by=cost", ["other", "plain"]),
        ("order_by=provider&direction=asc", ["other", "plain"]),
        ("start_date=2025-06-15T15:07:00Z", ["other"]),
        ("end_date=2025-06-15T15:07:00Z", ["plain"]),
        ("start_date=2025-06-15&end_date=2025-06-16", ["other", "plain"]),
        ("start_date=2025-06-15T17:07:00%2B02:00", ["other"]),
        (f"start_date={int(NOW) + 1}", ["other"]),
        ("provider=groq&success=true", []),
    ],
)
async def test_a_parameter_asks_for_rows(
    bench: Bench, ids: dict[str, str], query: str, names: list[str]
) -> None:
    assert await found(bench, ids, query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (flat("provider", "eq", "groq"), ["other"]),
        (flat("provider", "eq", "groq", "openai"), ["other", "plain"]),
        (flat("provider", "neq", "groq"), ["plain"]),
        (flat("provider", "neq", "groq", "openai"), []),
        (flat("model", "contains", "GPT"), ["plain"]),
        (flat("cost", "gt", "0.1"), ["other"]),
        (flat("cost", "eq", ""), ["plain"]),
        (flat("cost", "neq", ""), ["other"]),
        (flat("cost", "neq", "0.5"), ["plain"]),
        (flat("duration", "lt", "900"), ["plain"]),
        (flat("tokens", "eq", "15"), ["other"]),
        (flat("success", "eq", "false"), ["other"]),
        (flat("cached", "eq", "true"), ["other"]),
        (flat("authentication", "eq", "true"), ["other"]),
        (flat("wholesale", "eq", "true"), []),
        (flat("compatibilityMode", "eq", "false"), ["other", "plain"]),
        (flat("dlp_action", "eq", "BLOCK"), []),
        (flat("event_id", "eq", "order-7"), ["other"]),
        (flat("user_agent", "contains", "curl"), ["other"]),
        (flat("feedback", "eq", "1"), ["other"]),
        (flat("status_code", "gt", "399"), ["other"]),
        (flat("status_code", "contains", "42"), ["other"]),
        (flat("status_code", "contains", "0.5"), []),
        (flat("cost", "contains", "0.5"), ["other"]),
        (flat("error_code", "eq", "2003"), ["other"]),
        (flat("score", "gt", "7"), ["other"]),
        (flat("request_type", "eq", "universal"), ["other"]),
        (flat("created_at", "gt", "2025-06-15T15:07:00Z"), ["other"]),
        (flat("metadata.key", "eq", "team"), ["plain"]),
        (flat("metadata.key", "neq", "team"), ["other"]),
        (flat("metadata.value", "eq", "true"), ["plain"]),
        (flat("metadata.value", "contains", "a 7"), ["other"]),
        (flat("metadata.value", "eq", "a", "A 7"), ["other", "plain"]),
        (flat("provider", "eq", "groq") + "&" + flat("success", "eq", "true"), []),
        (flat("provider", "eq", "groq") + "&" + flat("success", "eq", "false"), ["other"]),
    ],
)
async def test_a_filter_asks_for_rows(
    bench: Bench, ids: dict[str, str], query: str, names: list[str]
) -> None:
    assert await found(bench, ids, query) == names


FILTER: dict[str, Any] = {"key": "provider", "operator": "eq", "value": ["groq"]}


@pytest.mark.parametrize(
    "query",
    [
        "filters[0][key]=provider&filters[0][operator]=eq&filters[0][value][]=groq",
        "filters[0][key]=provider&filters[0][operator]=eq&filters[0][value]=groq",
        "filters[0].key=provider&filters[0].operator=eq&filters[0].value=groq",
        "filters[][key]=provider&filters[][operator]=eq&filters[][value][]=groq",
        "filters=" + quote(json.dumps([FILTER])),
        "filters=" + quote(json.dumps(FILTER)),
        "filters[]=" + quote(json.dumps(FILTER)),
        "filters[0]=" + quote(json.dumps(FILTER | {"value": "groq"})),
    ],
)
async def test_a_filter_may_be_spelt_in_many_ways(
    bench: Bench, ids: dict[str, str], query: str
) -> None:
    assert await found(bench, ids, query) == ["other"]
    assert await found(bench, ids, quote(query, safe="=&%")) == ["other"]


@pytest.mark.parametrize(("duration", "names"), [("5", []), ("5000", ["other"])])
async def test_filters_may_come_as_all_keys_all_operators_all_values(
    bench: Bench, ids: dict[str, str], duration: str, names: list[str]
) -> None:
    keys = "filters.key=provider&filters.key=duration"
    operators = "filters.operator=eq&filters.operator=lt"
    values = f"filters.value=groq&filters.value={duration}"

    assert await found(bench, ids, f"{keys}&{operators}&{values}") == names


async def test_values_that_may_be_of_either_filter_are_refused(bench: Bench) -> None:
    query = (
        "filters.key=provider&filters.key=model&filters.operator=eq&filters.operator=eq"
        "&filters.value=a&filters.value=b&filters.value=c"
    )

    assert wrong(await asked(bench, "GET", f"{LOGS}?{query}")) == [
        (400, 7001, ["query", "filters"])
    ]


async def test_two_filters_with_indices_both_hold(bench: Bench, ids: dict[str, str]) -> None:
    filters = [FILTER, {"key": "duration", "operator": "lt", "value": [5]}]

    assert await found(bench, ids, "filters=" + quote(json.dumps(filters))) == []
    assert (
        await found(bench, ids, "&".join("filters=" + quote(json.dumps(f)) for f in filters)) == []
    )


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("cached=maybe", ["query", "cached"]),
        ("min_cost=cheap", ["query", "min_cost"]),
        ("max_duration=nan", ["query", "max_duration"]),
        ("start_date=yesterday", ["query", "start_date"]),
        ("order_by=metadata", ["query", "order_by"]),
        ("order_by=id;DROP", ["query", "order_by"]),
        ("direction=up", ["query", "order_by_direction"]),
        ("meta_info=2", ["query", "meta_info"]),
        ("page=0", ["query", "page"]),
        (flat("nobody", "eq", "x"), ["query", "filters", "0", "key"]),
        (flat("provider", "like", "x"), ["query", "filters", "0", "operator"]),
        (flat("cost", "gt", "dear"), ["query", "filters", "0", "value", "0"]),
        ("filters.key=provider&filters.operator=eq", ["query", "filters", "0", "value"]),
        ("filters=x", ["query", "filters"]),
        ("filters=7", ["query", "filters", "0"]),
        ("filters[0][colour]=red", ["query", "filters", "0", "key"]),
        ("filters[a][key]=x", ["query", "filters[a][key]"]),
        ("&".join([flat("provider", "eq", "x")] * 21), ["query", "filters"]),
        (flat("provider", "eq", *range(61)), ["query", "filters"]),
    ],
)
async def test_what_breaks_a_rule_is_refused_with_its_path(
    bench: Bench, query: str, path: list[str]
) -> None:
    [first, *_] = wrong(await asked(bench, "GET", f"{LOGS}?{query}"))

    assert first == (400, 7001, path)


async def test_a_value_that_is_none_is_one_mistake(bench: Bench) -> None:
    given = [{"key": "id", "operator": "eq", "value": [{"str": 1}]}]

    reply = await asked(bench, "GET", f"{LOGS}?filters={quote(json.dumps(given))}")

    assert wrong(reply) == [(400, 7001, ["query", "filters", "0", "value", "0"])]


@pytest.mark.parametrize("value", ["' OR 1=1 --", '"; DROP TABLE logs; --', "?1", "%", "\x00"])
async def test_what_a_filter_says_is_never_sql(
    bench: Bench, ids: dict[str, str], value: str
) -> None:
    for key in ("provider", "metadata.key", "metadata.value"):
        assert await found(bench, ids, flat(key, "eq", value)) == []
    assert len(bench.database.rows("logs")) == 2
