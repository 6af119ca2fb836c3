"""Fields and parameters of Cloudflare's API that clients send, and what becomes of them here."""

from typing import Any

import pytest

from fakes import Bench
from ids import since, uuid7
from management import asked, result, wrong
from running import SETTINGS

KEYS = "gateways/main/provider_configs"
KEY = {"provider_slug": "openai", "secret": "sk-a-key-of-some-length"}


async def custom(bench: Bench, slug: str, **more: Any) -> None:
    body = {"name": f"The {slug}", "slug": slug, "base_url": "https://a.example"} | more
    result(await asked(bench, "POST", "custom-providers", body))


async def test_a_gateway_has_the_fields_of_cloudflare_s(bench: Bench) -> None:
    gateway = result(await asked(bench, "GET", "gateways/main"))

    assert (gateway["account_id"], gateway["account_tag"]) == ("acme", "acme")
    assert (gateway["wholesale"], gateway["internal"]) == (False, False)


async def test_a_gateway_that_was_read_can_be_sent_back(bench: Bench) -> None:
    gateway = result(await asked(bench, "GET", "gateways/main"))

    assert result(await asked(bench, "PUT", "gateways/main", gateway)) == gateway | {
        "modified_at": "2025-06-15T15:06:40.000Z"
    }


async def test_all_that_is_wrong_with_a_gateway_is_told_at_once(bench: Bench) -> None:
    body = {"id": "-", "cache_ttl": 1, "collect_logs": True, "colour": "red"}

    paths = [path for _, _, path in wrong(await asked(bench, "POST", "gateways", body))]

    names = ("cache_invalidate_on_update", "rate_limiting_interval", "rate_limiting_limit")
    assert paths[:3] == [["body", name] for name in names]
    assert sorted(path[1] for path in paths[3:] if path) == ["cache_ttl", "colour", "id"]


@pytest.mark.parametrize(("length", "status"), [(2048, 200), (2049, 400)])
async def test_a_very_long_url_is_refused(bench: Bench, length: int, status: int) -> None:
    url = f"https://otel.example/{'a' * (length - 21)}"

    reply = await asked(bench, "PUT", "gateways/main", SETTINGS | {"otel": [{"url": url}]})

    assert (len(url), reply.status) == (length, status)
    assert (await asked(bench, "GET", "gateways/main")).status == 200


@pytest.mark.parametrize(
    "more",
    [{"rate_limit": 10}, {"rate_limit_period": 60}, {"secret_id": "of-a-store"}],
)
async def test_what_a_stored_key_cannot_have_is_refused(
    bench: Bench, more: dict[str, object]
) -> None:
    reply = await asked(bench, "POST", KEYS, KEY | more)

    assert wrong(reply) == [(400, 7001, ["body", *more])]
    assert not bench.database.rows("provider_keys")


async def test_a_stored_key_that_was_read_can_be_sent_back(bench: Bench) -> None:
    nothing = {"rate_limit": None, "rate_limit_period": None, "secret_id": None}
    key = result(await asked(bench, "POST", KEYS, KEY | nothing))
    path = f"{KEYS}/{key['id']}"

    assert result(await asked(bench, "PUT", path, key)) == key
    reply = await asked(bench, "PUT", path, key | {"secret_id": "another"})
    assert wrong(reply) == [(400, 7001, ["body", "secret_id"])]


async def test_custom_providers_are_filtered_and_ordered(bench: Bench) -> None:
    await custom(bench, "a", enable=True, position=3)
    await custom(bench, "b", beta=True, position=1)
    await custom(bench, "c", enable=True, beta=True, position=2, name="A name")

    async def slugs(query: str) -> list[str]:
        listed = result(await asked(bench, "GET", f"custom-providers?{query}"))
        return [one["slug"] for one in listed]

    assert await slugs("") == ["a", "b", "c"]
    assert await slugs("enable=true") == ["a", "c"]
    assert await slugs("enable=false") == ["b"]
    assert await slugs("beta=true") == ["b", "c"]
    assert await slugs("beta=false&enable=true") == ["a"]
    assert await slugs("order_by=position") == ["b", "c", "a"]
    assert await slugs("order_by=name") == ["c", "a", "b"]
    assert await slugs("order_by=beta&per_page=100&search=the") == ["a", "b"]


@pytest.mark.parametrize(
    ("query", "path"),
    [("order_by=headers", "order_by"), ("beta=1", "beta"), ("per_page=101", "per_page")],
)
async def test_a_query_of_custom_providers_that_breaks_a_rule_is_refused(
    bench: Bench, query: str, path: str
) -> None:
    reply = await asked(bench, "GET", f"custom-providers?{query}")

    assert wrong(reply) == [(400, 7001, ["query", path])]


def test_ids_lie_on_their_side_of_a_time() -> None:
    # Later than those of other tests, so that none is counted on from.
    at = 1_900_000_000_000

    assert uuid7(at - 1) < since(at) < uuid7(at) < since(at + 1)
    assert since(-1) == since(0)
