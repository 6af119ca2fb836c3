"""Where a gateway's traces go, and the secrets that they are sent with."""

import json
from typing import Any

import pytest

from deployment import Deployment
from fakes import Bench
from isolate import Isolate
from management import asked, result, wrong
from running import SETTINGS
from traces.exporter import context

URL = "https://otel.example.com/v1/traces"
HEADERS = {"X-Team": "blue", "x-api-key": "key-0123456789"}
ONE: dict[str, Any] = {"url": URL, "headers": HEADERS, "authorization": "Bearer sk-0123456789"}
SENT = {"x-team": "blue", "x-api-key": "key-0123456789", "authorization": "Bearer sk-0123456789"}
MAIN = "gateways/main"


def settings(*otel: object) -> dict[str, Any]:
    return SETTINGS | {"otel": list(otel)}


async def put(bench: Bench, *otel: object) -> Any:
    return result(await asked(bench, "PUT", MAIN, settings(*otel)))["otel"]


async def kept(bench: Bench) -> list[Any]:
    """Open what the database keeps."""
    stored = json.loads(bench.database.rows("gateways")[0]["settings"])["otel"]
    return [
        json.loads(
            await bench.isolate.vault.open(
                one["sealed"], context("acme", "main", one["url"]), bench.ports.crypto
            )
        )
        for one in stored
    ]


async def test_headers_are_shown_masked_and_lie_encrypted(bench: Bench) -> None:
    shown = await put(bench, ONE)

    masked = {"X-Team": "***", "x-api-key": "***"}
    assert shown == [
        {"url": URL, "headers": masked, "authorization": "***", "content_type": "json"}
    ]
    assert shown == result(await asked(bench, "GET", MAIN))["otel"]
    lies = json.dumps(bench.database.rows("gateways")) + json.dumps(bench.snapshots.copies)
    assert "0123456789" not in lies
    assert await kept(bench) == [SENT]


async def test_what_is_sent_back_as_it_was_shown_stays(bench: Bench) -> None:
    shown = await put(bench, ONE, {"url": "https://two.example.com/"})

    again = await put(bench, *reversed(shown))

    assert again == [*reversed(shown)]
    stored = json.loads(bench.database.rows("gateways")[0]["settings"])["otel"]
    assert stored[0]["sealed"] is None
    sealed = await bench.isolate.vault.open(
        stored[1]["sealed"], context("acme", "main", URL), bench.ports.crypto
    )
    assert json.loads(sealed) == SENT


async def test_a_value_can_be_changed_beside_those_that_stay(bench: Bench) -> None:
    shown = (await put(bench, ONE))[0]

    await put(bench, shown | {"authorization": "Bearer new", "headers": {"x-team": "***"}})

    assert await kept(bench) == [{"x-team": "blue", "authorization": "Bearer new"}]


async def test_a_secret_never_follows_to_another_address(bench: Bench) -> None:
    shown = (await put(bench, ONE))[0]

    moved = shown | {"url": "https://thief.example.com/v1/traces"}
    reply = await asked(bench, "PUT", MAIN, settings(moved))

    at = ["body", "otel", "0", "headers"]
    assert wrong(reply) == [
        (400, 7001, [*at, name]) for name in ("x-team", "x-api-key", "authorization")
    ]
    assert await kept(bench) == [SENT]


@pytest.mark.parametrize(
    "url",
    [
        "http://otel.example.com/v1/traces",
        "https://127.0.0.1/v1/traces",
        "https://[::1]/v1/traces",
        "https://collector.internal/v1/traces",
        "https://user:pass@otel.example.com/",
        "https://otel.example.com:4318/v1/traces",
        "https://otel.example.com/v1/traces?key=k",
        "nowhere",
    ],
)
async def test_traces_go_to_public_https_addresses_alone(bench: Bench, url: str) -> None:
    reply = await asked(bench, "PUT", MAIN, settings({"url": url}))

    assert wrong(reply) == [(400, 7001, ["body", "otel", "0", "url"])]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"content_type": "protobuf"}, ["content_type"]),
        ({"sealed": "x"}, ["sealed"]),
        ({"headers": {"host": "elsewhere"}}, ["headers", "host"]),
        ({"headers": {"bad name": "x"}}, ["headers", "bad name"]),
        ({"headers": {"x-a": "line\nbreak"}}, ["headers", "x-a"]),
        ({"headers": {"x-a": 1}}, ["headers", "x-a"]),
        ({"authorization": "***"}, ["headers", "authorization"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_a_destination_that_breaks_its_rule_is_refused_with_its_path(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    reply = await asked(bench, "PUT", MAIN, settings({"url": URL} | change))

    assert wrong(reply) == [(400, 7001, ["body", "otel", "0", *path])]


async def test_an_address_is_named_once(bench: Bench) -> None:
    reply = await asked(bench, "PUT", MAIN, settings({"url": URL}, {"url": URL}))

    assert wrong(reply) == [(400, 7001, ["body", "otel", "1", "url"])]


async def test_there_are_five_destinations_at_the_most(bench: Bench) -> None:
    many = [{"url": f"{URL}/{number}"} for number in range(6)]

    assert wrong(await asked(bench, "PUT", MAIN, settings(*many)))[0][:2] == (400, 7001)
    assert len(await put(bench, *many[:5])) == 5


async def test_without_an_encryption_key_no_secret_is_stored(bench: Bench) -> None:
    bench.isolate = Isolate(Deployment(admin_token="secret"), bench.clock)

    refused = await asked(bench, "PUT", MAIN, settings(ONE))

    assert wrong(refused)[0][:2] == (500, 7501)
    assert await put(bench, {"url": URL}) == [
        {"url": URL, "headers": {}, "authorization": None, "content_type": "json"}
    ]
