"""Datasets, made and changed through the management API."""

from typing import Any

import pytest

from fakes import Bench
from maintenance import maintain
from management import asked, result, wrong

PATH = "gateways/main/datasets"
FILTERS: list[dict[str, Any]] = [
    {"key": "provider", "operator": "eq", "value": ["openai", "anthropic"]},
    {"key": "model", "operator": "contains", "value": ["gpt"]},
    {"key": "cost", "operator": "lt", "value": [0.5]},
    {"key": "tokens", "operator": "gt", "value": [10]},
    {"key": "created_at", "operator": "gt", "value": ["2025-01-01T00:00:00Z"]},
    {"key": "success", "operator": "eq", "value": [True]},
]
NEW: dict[str, Any] = {"name": "Dear ones", "enable": True, "filters": FILTERS}


async def made(bench: Bench, **more: Any) -> Any:
    return result(await asked(bench, "POST", PATH, NEW | more))


async def test_a_dataset_comes_back_as_it_was_sent(bench: Bench) -> None:
    dataset = await made(bench)

    assert {name: dataset[name] for name in NEW} == NEW
    assert dataset["gateway_id"] == "main"
    assert dataset["account_id"] == dataset["account_tag"] == "acme"
    assert dataset["created_at"] == dataset["modified_at"] == "2025-06-15T15:06:40.000Z"
    assert dataset == result(await asked(bench, "GET", f"{PATH}/{dataset['id']}"))


async def test_a_dataset_is_replaced(bench: Bench) -> None:
    dataset = await made(bench)
    bench.clock.now += 5_000

    # An answer that is sent back, with a change.
    changed = dataset | {"name": "Others", "filters": []}
    replaced = result(await asked(bench, "PUT", f"{PATH}/{dataset['id']}", changed))

    assert replaced == changed | {"modified_at": "2025-06-15T15:06:45.000Z"}
    assert replaced == result(await asked(bench, "GET", f"{PATH}/{dataset['id']}"))


async def test_a_deleted_dataset_is_gone(bench: Bench) -> None:
    dataset = await made(bench)

    assert result(await asked(bench, "DELETE", f"{PATH}/{dataset['id']}")) == dataset

    for method in ("GET", "PUT", "DELETE"):
        reply = await asked(bench, method, f"{PATH}/{dataset['id']}", NEW)
        assert wrong(reply) == [(404, 7002, None)]


async def test_datasets_are_found_by_name_and_by_whether_they_are_enabled(bench: Bench) -> None:
    await made(bench, name="Red one")
    await made(bench, name="Red two", enable=False)
    await made(bench, name="Blue")

    async def names(query: str) -> list[str]:
        return [one["name"] for one in result(await asked(bench, "GET", f"{PATH}?{query}"))]

    assert await names("") == ["Red one", "Red two", "Blue"]
    assert await names("search=RED") == ["Red one", "Red two"]
    assert await names("name=Blue") == ["Blue"]
    assert await names("name=Red") == []
    assert await names("enable=false") == ["Red two"]
    assert await names("enable=true&search=red") == ["Red one"]
    assert await names("per_page=2&page=2") == ["Blue"]


async def test_datasets_are_found_by_id_and_by_what_their_filters_say(bench: Bench) -> None:
    def chosen(*values: str) -> list[dict[str, Any]]:
        return [{"key": "model", "operator": "contains", "value": values}]

    one = await made(bench, name="One", filters=chosen("Claude", "größer"))
    await made(bench, name="Two", filters=[FILTERS[2]])

    async def names(search: str) -> list[str]:
        return [one["name"] for one in result(await asked(bench, "GET", f"{PATH}?search={search}"))]

    assert await names(one["id"].upper()) == ["One"]
    assert await names("CLAUDE") == ["One"]
    assert await names("gr%C3%B6%C3%9Fer") == ["One"]
    assert await names("contains") == ["One"]
    assert await names("cost") == ["Two"]
    assert await names("0.5") == ["Two"]
    # What filters are written in is no part of what they say.
    assert await names("operator") == await names("%5B") == await names('"') == []
    assert await names("") == ["One", "Two"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("enable=yes", "enable"),
        ("page=0", "page"),
        ("page=1_0", "page"),
        ("per_page=51", "per_page"),
        ("search=" + "x" * 1025, "search"),
    ],
)
async def test_a_query_that_breaks_a_rule_is_refused_with_its_path(
    bench: Bench, query: str, path: str
) -> None:
    assert wrong(await asked(bench, "GET", f"{PATH}?{query}")) == [(400, 7001, ["query", path])]


NONE: dict[str, Any] = {"value": []}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"enable": "yes"}, ["enable"]),
        ({"colour": "red"}, ["colour"]),
        ({"filters": {"a": 1}}, ["filters"]),
        ({"filters": FILTERS * 2}, ["filters"]),
        (
            {"filters": [{"key": "colour", "operator": "eq", "value": ["red"]}]},
            ["filters", "0", "key"],
        ),
        ({"filters": [FILTERS[0] | {"operator": "lt"}]}, ["filters", "0", "operator"]),
        (
            {"filters": [FILTERS[0], FILTERS[2] | {"operator": "contains"}]},
            ["filters", "1", "operator"],
        ),
        ({"filters": [FILTERS[0] | NONE]}, ["filters", "0", "value"]),
        ({"filters": [FILTERS[0] | {"value": "openai"}]}, ["filters", "0", "value"]),
        ({"filters": [FILTERS[5] | {"value": [1]}]}, ["filters", "0", "value", "0"]),
        ({"filters": [FILTERS[4] | {"value": ["yesterday"]}]}, ["filters", "0", "value", "0"]),
        ({"filters": [{"key": "model", "value": ["a"]}]}, ["filters", "0", "operator"]),
        ({"filters": [FILTERS[0] | {"colour": 1}]}, ["filters", "0", "colour"]),
        ({"filters": [{"operator": "eq", "value": ["a"]}]}, ["filters", "0", "key"]),
        ({"filters": [5]}, ["filters", "0"]),
        ({"filters": [FILTERS[2] | {"value": ["x"]}]}, ["filters", "0", "value", "0"]),
        ({"filters": [FILTERS[2] | {"value": [1, True]}]}, ["filters", "0", "value", "1"]),
        ({"filters": [FILTERS[2] | {"value": [10**16]}]}, ["filters", "0", "value", "0"]),
    ],
)
async def test_a_dataset_that_breaks_a_rule_is_refused_with_its_path(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    reply = await asked(bench, "POST", PATH, NEW | change)

    assert wrong(reply) == [(400, 7001, ["body", *path])]
    assert not bench.database.rows("datasets")


async def test_a_number_comes_back_as_the_number_that_it_was(bench: Bench) -> None:
    numbers = [1, 0.5, -(10**15)]
    dataset = await made(bench, filters=[FILTERS[2] | {"value": numbers}])

    assert str(dataset["filters"][0]["value"]) == str(numbers)


async def test_a_number_that_is_none_is_refused(bench: Bench) -> None:
    body = '{"name":"a","enable":true,"filters":[{"key":"cost","operator":"eq","value":[%s]}]}'

    for number in ("NaN", "Infinity", "1e999", "1" * 400):
        reply = await asked(bench, "POST", PATH, body % number)
        assert reply.status == 400, number


async def test_a_gateway_takes_its_datasets_with_it(bench: Bench) -> None:
    await made(bench)

    result(await asked(bench, "DELETE", "gateways/main"))
    await maintain(bench.database, bench.snapshots, bench.clock)

    assert not bench.database.rows("datasets")
    assert wrong(await asked(bench, "GET", PATH)) == [(404, 7002, None)]


async def test_a_dataset_belongs_to_one_gateway(bench: Bench) -> None:
    bench.database.add_gateway("other")
    dataset = await made(bench)

    reply = await asked(bench, "GET", f"gateways/other/datasets/{dataset['id']}")

    assert wrong(reply) == [(404, 7002, None)]
