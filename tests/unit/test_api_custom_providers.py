"""Providers that an operator adds through the management API."""

import json
from typing import Any

import pytest

from call import Reply, Request
from fakes import Bench, FakeBody, a_request, an_answer, told
from management import BASE, asked, result, wrong

CUSTOM = "custom-providers"
MINE = "https://sluice.test/v1/acme/main/custom-mine/v1/chat/completions"
NEW: dict[str, Any] = {"name": "Mine", "slug": "mine", "base_url": "https://llm.example/api"}
HEADERS = '{"X-Team": "blue", "authorization": "Bearer sk-0123456789"}'
MASKED = '{"x-team": "***", "authorization": "***"}'
NONE = "01975a5c-f680-7000-8000-000000000000"


async def ask(bench: Bench, method: str, path: str = CUSTOM, body: object = None) -> Reply:
    return await asked(bench, method, path, body)


async def made(bench: Bench, **more: object) -> dict[str, Any]:
    return result(await ask(bench, "POST", body=NEW | more))


async def changed(bench: Bench, provider: dict[str, Any], **change: object) -> dict[str, Any]:
    return result(await ask(bench, "PATCH", f"{CUSTOM}/{provider['id']}", change))


async def url_asked(bench: Bench, url: str = MINE) -> str | int:
    """Send a request, and return where it went, or its error."""
    bench.fetch.script[:], bench.fetch.sent = [an_answer("{}")], []
    reply = await bench.handle(a_request(url=url))
    return bench.fetch.sent[0].url if bench.fetch.sent else told(reply)["internalCode"]


async def test_what_is_shown_of_a_custom_provider(bench: Bench) -> None:
    provider = await made(bench, description="Our own", position=3, headers=HEADERS)

    assert provider == NEW | {
        "id": provider["id"],
        "account_id": "acme",
        "account_tag": "acme",
        "headers": MASKED,
        "enable": False,
        "beta": False,
        "description": "Our own",
        "link": None,
        "curl_example": None,
        "js_example": None,
        "position": 3,
        "logo": None,
        "created_at": "2025-06-15T15:06:40.000Z",
        "modified_at": "2025-06-15T15:06:40.000Z",
    }
    assert result(await ask(bench, "GET")) == [provider]
    assert result(await ask(bench, "GET", f"{CUSTOM}/{provider['id']}")) == provider


async def test_it_is_reached_at_once_when_it_is_enabled_and_only_then(bench: Bench) -> None:
    assert await url_asked(bench) == 2008
    provider = await made(bench)
    assert await url_asked(bench) == 2008

    await changed(bench, provider, enable=True)
    assert await url_asked(bench) == "https://llm.example/api/v1/chat/completions"

    await changed(bench, provider, enable=False)
    assert await url_asked(bench) == 2008


async def test_a_new_address_and_a_new_slug_count_at_once(bench: Bench) -> None:
    provider = await made(bench, enable=True)
    assert await url_asked(bench) == "https://llm.example/api/v1/chat/completions"

    await changed(bench, provider, base_url="https://other.example/")
    assert await url_asked(bench) == "https://other.example/v1/chat/completions"

    await changed(bench, provider, slug="ours")
    assert await url_asked(bench) == 2008
    ours = MINE.replace("custom-mine", "custom-ours")
    assert await url_asked(bench, ours) == "https://other.example/v1/chat/completions"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 257}, ["name"]),
        ({"name": None}, ["name"]),
        ({"slug": ""}, ["slug"]),
        ({"slug": "-a"}, ["slug"]),
        ({"slug": "Mine"}, ["slug"]),
        ({"slug": "a/b"}, ["slug"]),
        ({"slug": "mine\n"}, ["slug"]),
        ({"slug": "x" * 64}, ["slug"]),
        ({"base_url": None}, ["base_url"]),
        ({"base_url": "https://llm.example/" + "x" * 2048}, ["base_url"]),
        ({"headers": {"x-team": "blue"}}, ["headers"]),
        ({"headers": "x-team: blue"}, ["headers"]),
        ({"headers": "[]"}, ["headers"]),
        ({"headers": '{"x-team": 5}'}, ["headers", "x-team"]),
        ({"headers": '{"x-team": "a\\nb"}'}, ["headers", "x-team"]),
        ({"headers": '{"x team": "a"}'}, ["headers", "x team"]),
        ({"headers": '{"Host": "a"}'}, ["headers", "Host"]),
        ({"headers": '{"x-team": "***"}'}, ["headers", "x-team"]),
        ({"headers": json.dumps({"x-team": "x" * 16_384})}, ["headers"]),
        ({"enable": 1}, ["enable"]),
        ({"beta": "true"}, ["beta"]),
        ({"description": 5}, ["description"]),
        ({"link": "x" * 4097}, ["link"]),
        ({"curl_example": []}, ["curl_example"]),
        ({"js_example": {}}, ["js_example"]),
        ({"position": -1}, ["position"]),
        ({"position": "1"}, ["position"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_a_field_that_breaks_its_rule_is_refused_with_its_path(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    assert wrong(await ask(bench, "POST", body=NEW | change)) == [(400, 7001, ["body", *path])]
    assert bench.database.rows("custom_providers") == []

    provider = await made(bench)
    reply = await ask(bench, "PATCH", f"{CUSTOM}/{provider['id']}", change)
    assert wrong(reply) == [(400, 7001, ["body", *path])]
    assert result(await ask(bench, "GET")) == [provider]


@pytest.mark.parametrize("name", ["name", "slug", "base_url"])
async def test_what_is_required_is_missed_by_name(bench: Bench, name: str) -> None:
    body = {key: value for key, value in NEW.items() if key != name}

    assert wrong(await ask(bench, "POST", body=body)) == [(400, 7001, ["body", name])]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "llm.example",
        "http://llm.example",
        "https://llm.example:8443",
        "https://user@llm.example",
        "https://llm.example?a=b",
        "https://localhost",
        "https://10.0.0.1",
        "https://169.254.169.254/latest",
        "https://2130706433",
        "https://[::1]",
        "https://metadata.google.internal",
    ],
)
async def test_only_https_and_public_hosts_can_be_named(bench: Bench, url: str) -> None:
    assert wrong(await ask(bench, "POST", body=NEW | {"base_url": url})) == [(400, 1002, None)]
    assert bench.database.rows("custom_providers") == []

    provider = await made(bench)
    reply = await ask(bench, "PATCH", f"{CUSTOM}/{provider['id']}", {"base_url": url})
    assert wrong(reply) == [(400, 1002, None)]
    assert result(await ask(bench, "GET")) == [provider]


async def test_a_slug_is_given_once_in_an_account(bench: Bench) -> None:
    await made(bench)
    other = await made(bench, slug="other")

    assert wrong(await ask(bench, "POST", body=NEW)) == [(409, 1003, None)]
    taken = await ask(bench, "PATCH", f"{CUSTOM}/{other['id']}", {"slug": "mine"})
    assert wrong(taken) == [(409, 1003, None)]
    assert [row["slug"] for row in bench.database.rows("custom_providers")] == ["mine", "other"]


async def test_an_answer_can_be_sent_back(bench: Bench) -> None:
    provider = await made(bench, headers=HEADERS, enable=True, position=3)

    assert await changed(bench, provider, **provider) == provider


async def test_a_change_is_dated(bench: Bench) -> None:
    provider = await made(bench)
    bench.clock.now += 1_000

    after = await changed(bench, provider)

    assert after["created_at"] == provider["created_at"]
    assert after["modified_at"] == "2025-06-15T15:06:41.000Z"


async def test_a_deleted_provider_is_reached_no_more(bench: Bench) -> None:
    provider = await made(bench, enable=True)
    assert await url_asked(bench) == "https://llm.example/api/v1/chat/completions"

    assert result(await ask(bench, "DELETE", f"{CUSTOM}/{provider['id']}")) == provider

    assert await url_asked(bench) == 2008
    assert bench.database.rows("custom_providers") == []


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_what_does_not_exist_is_not_found(bench: Bench, method: str) -> None:
    assert wrong(await ask(bench, method, f"{CUSTOM}/{NONE}", {})) == [(404, 1004, None)]


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_account_has_its_own_custom_providers_alone(bench: Bench, method: str) -> None:
    provider = await made(bench, enable=True)
    theirs = f"{BASE}/{CUSTOM}".replace("acme", "other")
    headers = {"authorization": "Bearer secret"}

    one = Request(method, f"{theirs}/{provider['id']}", headers, FakeBody("{}"))

    assert wrong(await bench.handle(one)) == [(404, 1004, None)]
    assert result(await bench.handle(Request("GET", theirs, headers))) == []
    assert result(await bench.handle(Request("POST", theirs, headers, FakeBody(json.dumps(NEW)))))
    assert result(await ask(bench, "GET")) == [provider]


async def test_they_are_listed_by_slug_in_pages_and_searched(bench: Bench) -> None:
    for slug, name in (("c", "Team"), ("a", "x"), ("b-team", "y")):
        await made(bench, slug=slug, name=name)

    async def slugs(query: str) -> list[str]:
        return [one["slug"] for one in result(await ask(bench, "GET", f"{CUSTOM}?{query}"))]

    assert await slugs("") == ["a", "b-team", "c"]
    assert await slugs("per_page=2&page=2") == ["c"]
    assert await slugs("search=TEAM") == ["b-team", "c"]
    # A text is a part of one of them, not of one and the next.
    assert await slugs("search=team y") == []
    first = result(await ask(bench, "GET"))[0]["id"]
    assert await slugs(f"search={first.upper()}") == ["a"]
    reply = await ask(bench, "GET", f"{CUSTOM}?search=TEAM&per_page=1")
    info = {"page": 1, "per_page": 1, "count": 1, "total_count": 2}
    assert told(reply)["result_info"] == info
