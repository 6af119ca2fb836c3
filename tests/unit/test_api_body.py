"""Bodies of the management API that are too long, or would become too long for the database."""

import json
from typing import Any

import pytest

from api.body import LONGEST
from api.datasets import LONGEST_FILTERS, MOST_FILTERS
from api.selection import MOST_VALUES
from call import Request
from fakes import ID, Bench, FakeBody, told
from logged import add_row
from management import BASE, asked, result, wrong
from running import SETTINGS

DATASET: dict[str, Any] = {"name": "a", "enable": True, "filters": []}
CUSTOM = {"name": "x", "slug": "x", "base_url": "https://a.example"}


def of_bytes(body: dict[str, Any], name: str, length: int) -> str:
    """Return a body of so many bytes, of which one member is a very long text."""
    empty = len(json.dumps(body | {name: ""}))
    return json.dumps(body | {name: "x" * (length - empty)})


@pytest.mark.parametrize(
    ("method", "path", "body", "name"),
    [
        ("POST", "gateways", SETTINGS | {"id": "new"}, "store_id"),
        ("PUT", "gateways/main", SETTINGS, "store_id"),
        ("PATCH", f"gateways/main/logs/{ID}", {}, "colour"),
        ("POST", "gateways/main/datasets", DATASET, "name"),
        ("POST", "custom-providers", CUSTOM, "description"),
        ("POST", "tokens", {}, "name"),
    ],
)
async def test_a_body_that_is_too_long_is_refused_and_told_how_long_it_may_be(
    bench: Bench, method: str, path: str, body: dict[str, Any], name: str
) -> None:
    add_row(bench.database, id=ID)

    reply = await asked(bench, method, path, of_bytes(body, name, LONGEST + 1))

    assert wrong(reply) == [(400, 7001, ["body"])]
    assert (
        told(reply)["errors"][0]["message"] == "The body has more than 1,000,000 bytes. Send less"
    )


async def test_the_length_of_a_body_is_counted_in_bytes(bench: Bench) -> None:
    body = json.dumps({"name": "é" * (LONGEST // 2)}, ensure_ascii=False)

    reply = await asked(bench, "POST", "tokens", body)

    assert wrong(reply) == [(400, 7001, ["body"])]


async def test_a_body_that_is_too_long_to_be_read_is_no_bad_json(bench: Bench) -> None:
    headers = {"authorization": "Bearer secret"}

    reply = await bench.handle(Request("POST", f"{BASE}/gateways", headers, FakeBody(None)))

    assert wrong(reply) == [(400, 7001, ["body"])]
    assert "1,000,000 bytes" in told(reply)["errors"][0]["message"]


async def test_a_body_as_long_as_it_may_be_is_kept(bench: Bench) -> None:
    whole = of_bytes(SETTINGS, "store_id", LONGEST)
    accents = json.dumps(SETTINGS | {"store_id": "é" * 490_000}, ensure_ascii=False)

    for body, length in ((whole, 990_000), (accents, 489_999)):
        assert len(result(await asked(bench, "PUT", "gateways/main", body))["store_id"]) > length


async def test_headers_for_traces_that_fill_a_body_are_kept(bench: Bench) -> None:
    otel = {"url": "https://a.example", "headers": {f"x-{n}": "a" * 9_800 for n in range(100)}}

    shown = result(await asked(bench, "PUT", "gateways/main", SETTINGS | {"otel": [otel]}))

    assert len(shown["otel"][0]["headers"]) == 100
    otel["headers"] = {f"x-{n}": "a" for n in range(101)}
    reply = await asked(bench, "PUT", "gateways/main", SETTINGS | {"otel": [otel]})
    assert wrong(reply) == [(400, 7001, ["body", "otel", "0", "headers"])]


def filters(text: str) -> list[dict[str, Any]]:
    """Return as many filters of one text as a dataset may have."""
    one = {"key": "model", "operator": "eq", "value": [text] * MOST_VALUES}
    return [one] * MOST_FILTERS


async def test_filters_that_are_too_long_together_are_refused(bench: Bench) -> None:
    body = DATASET | {"filters": filters("x" * (LONGEST_FILTERS // 1000))}

    reply = await asked(bench, "POST", "gateways/main/datasets", body)

    assert wrong(reply) == [(400, 7001, ["body", "filters"])]
    assert "100,000 bytes" in told(reply)["errors"][0]["message"]
    assert not bench.database.rows("datasets")


async def test_datasets_that_are_as_long_as_they_may_be_are_evaluated_together(
    bench: Bench,
) -> None:
    body = json.dumps(DATASET | {"filters": filters("\N{GRINNING FACE}" * 23)}, ensure_ascii=False)
    made = [await asked(bench, "POST", "gateways/main/datasets", body) for _ in range(10)]
    ids = [result(reply)["id"] for reply in made]
    wanted = {"name": "a", "dataset_ids": ids, "evaluation_type_ids": ["cost"]}

    evaluation = result(await asked(bench, "POST", "gateways/main/evaluations", wanted))

    assert len(evaluation["datasets"]) == 10


async def test_an_id_of_a_dataset_that_is_far_too_long_is_refused(bench: Bench) -> None:
    long = "\N{GRINNING FACE}" * 200_000
    wanted = {"name": "a", "dataset_ids": [long], "evaluation_type_ids": ["cost"]}
    body = json.dumps(wanted, ensure_ascii=False)

    reply = await asked(bench, "POST", "gateways/main/evaluations", body)

    assert wrong(reply) == [(400, 7001, ["body", "dataset_ids", "0"])]
