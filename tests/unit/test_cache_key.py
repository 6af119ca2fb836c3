"""Which requests are the same to the cache: who asks, whom, where, and with which headers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from call import Request, Target
from fakes import CHAT, NOW, FakeBody, a_request
from intake.call import provider_call
from kept.key import cache_key, custom_key
from options import Options
from snapshot import Custom, Gateway, StoredKey

GATEWAY = Gateway(1, "acme", "main", authentication=False, collect_logs=True)
BODY = '{"model":"gpt-5","messages":[]}'
OURS = "slu_0123456789abcdef"
"""A token of ours, by its prefix."""


def stored(key_id: str, provider: str = "openai", alias: str = "default") -> StoredKey:
    return StoredKey(key_id, provider, alias, default=alias == "default", sealed=f"sealed-{key_id}")


async def key_of(  # noqa: PLR0913 - each a part of what is asked
    headers: Mapping[str, str] | None = None,
    *,
    slug: str = "openai",
    path: str = "chat/completions",
    query: str = "",
    gateway: Gateway = GATEWAY,
    text: str = BODY,
) -> str | None:
    """Return the key of a request that brings a provider's key, unless its headers say otherwise.

    A header without a value is one that is not sent.
    """
    given = {"authorization": "Bearer sk", "content-type": "application/json", **(headers or {})}
    sent = {name: value for name, value in given.items() if value}
    request = Request("POST", CHAT, sent, FakeBody(text))
    return await cache_key(await provider_call(request, gateway, Target(slug, path, query), NOW))


async def test_the_same_request_has_the_same_key_and_tells_nothing_of_itself() -> None:
    key = await key_of()

    assert key == await key_of()
    assert key is not None
    assert len(key) == 64
    assert set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("authorization", "Bearer sk-other"),
        ("authorization", ""),
        ("openai-organization", "org-2"),
        ("openai-beta", "assistants=v2"),
        ("accept", "audio/mpeg"),
        ("accept-language", "de"),
        ("range", "bytes=0-1"),
        ("if-none-match", '"1"'),
        ("content-language", "de"),
    ],
)
async def test_what_may_change_the_answer_makes_another_key(name: str, value: str) -> None:
    assert await key_of({name: value}) != await key_of()


@pytest.mark.parametrize(
    "name",
    [
        "accept-encoding",
        "cache-control",
        "idempotency-key",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-client-request-id",
        "x-request-id",
        "x-stainless-retry-count",
        "x-stainless-lang",
        # What reaches no provider.
        "cookie",
        "x-forwarded-for",
        "cf-connecting-ip",
        "cf-aig-metadata",
        "cf-aig-event-id",
        "cf-aig-cache-ttl",
        "cf-aig-request-timeout",
        "anthropic-beta",
    ],
)
async def test_what_no_provider_answers_differently_for_does_not_matter(name: str) -> None:
    assert await key_of({name: "60"}) == await key_of()


async def test_the_headers_that_a_vendor_reads_are_its_own() -> None:
    plain = {"x-api-key": "sk", "authorization": ""}
    anthropic: dict[str, Any] = {"slug": "anthropic", "path": "v1/messages"}

    keys = {
        await key_of({**plain, **more}, **anthropic)
        for more in (
            {},
            {"anthropic-beta": "context-1m"},
            {"anthropic-version": "2023-06-01"},
            {"x-api-key": "sk-other"},
            {"authorization": "Bearer sk"},
        )
    }

    assert len(keys) == 5


async def test_a_header_that_chooses_the_whole_address_matters() -> None:
    fal: dict[str, Any] = {"slug": "fal", "path": ""}
    one = {"authorization": "Key k", "x-fal-target-url": "https://queue.fal.run/a"}

    assert await key_of(one, **fal) != await key_of(
        {**one, "x-fal-target-url": "https://queue.fal.run/b"}, **fal
    )


@pytest.mark.parametrize(
    "other",
    [
        {"slug": "groq"},
        {"path": "responses"},
        {"path": "chat/completions/"},
        {"query": "a=1"},
        {"text": '{"model":"gpt-5-mini","messages":[]}'},
        {"text": '{"model":"gpt-5","messages":[],"stream":true}'},
        {"text": '{"model":"gpt-5","messages":[],"stream":false}'},
    ],
)
async def test_another_target_is_another_key(other: dict[str, Any]) -> None:
    assert await key_of(**other) != await key_of()


async def test_parts_of_an_address_are_not_mistaken_for_each_other() -> None:
    assert await key_of(path="a", query="b=1") != await key_of(path="a?b=1")


async def test_a_model_that_stands_in_the_path_matters() -> None:
    given = {"x-goog-api-key": "k", "authorization": ""}
    paths = [f"v1beta/models/{model}:generateContent" for model in ("a", "b")]

    keys = {await key_of(given, slug="google-ai-studio", path=path) for path in paths}

    assert len(keys) == 2


async def test_a_key_in_the_query_is_a_credential() -> None:
    nobody = {"authorization": ""}
    google: dict[str, Any] = {"slug": "google-ai-studio", "path": "v1beta/models/m:generateContent"}

    keys = [await key_of(nobody, query=f"key={key}", **google) for key in ("a", "a", "b")]

    assert keys[0] == keys[1] != keys[2]


async def test_two_gateways_never_share() -> None:
    other = replace(GATEWAY, internal_id=2)
    named = {"cf-aig-cache-key": "mine"}

    assert await key_of(gateway=other) != await key_of()
    assert await key_of(named, gateway=other) != await key_of(named)


async def test_a_purge_is_another_key_of_everything_or_of_one_provider() -> None:
    everything = replace(GATEWAY, generations={"": 1})
    openai = replace(GATEWAY, generations={"openai": 1})
    groq = replace(GATEWAY, generations={"groq": 1})

    assert len({await key_of(gateway=one) for one in (GATEWAY, everything, openai)}) == 3
    assert await key_of(gateway=groq) == await key_of()


async def test_stored_keys_are_a_credential_by_their_ids() -> None:
    nobody = {"authorization": ""}
    one, other = (replace(GATEWAY, keys=(stored(key),)) for key in ("k1", "k2"))

    assert await key_of(nobody, gateway=one) == await key_of(nobody, gateway=one)
    assert await key_of(nobody, gateway=one) != await key_of(nobody, gateway=other)
    assert await key_of(nobody, gateway=one) != await key_of(nobody)


async def test_keys_that_are_used_in_turn_share_what_is_kept() -> None:
    nobody = {"authorization": ""}
    both = replace(GATEWAY, keys=(stored("k1"), stored("k2")))

    # Whichever of the two answered: the next request would get the other one.
    assert await key_of(nobody, gateway=both) == await key_of(nobody, gateway=both)
    assert await key_of(nobody, gateway=both) != await key_of(
        nobody, gateway=replace(GATEWAY, keys=(stored("k1"),))
    )


async def test_an_alias_matters_only_where_a_stored_key_is_used() -> None:
    keys = (stored("k1"), stored("k2", alias="team"), stored("k3", "groq"))
    gateway = replace(GATEWAY, keys=keys)
    nobody, team = {"authorization": ""}, {"cf-aig-byok-alias": "team"}

    assert await key_of({**nobody, **team}, gateway=gateway) != await key_of(
        nobody, gateway=gateway
    )
    assert await key_of(team, gateway=gateway) == await key_of(gateway=gateway)


async def test_an_alias_that_is_unknown_has_no_key() -> None:
    gateway = replace(GATEWAY, keys=(stored("k1"),))

    assert await key_of({"authorization": "", "cf-aig-byok-alias": "typo"}, gateway=gateway) is None


async def test_a_token_of_ours_in_place_of_a_providers_key_is_no_credential() -> None:
    gateway = replace(GATEWAY, keys=(stored("k1"),))
    tokens = [f"Bearer {OURS}", f"Bearer {OURS}f"]

    keys = {await key_of({"authorization": token}, gateway=gateway) for token in tokens}

    assert keys == {await key_of({"authorization": ""}, gateway=gateway)}


async def test_a_token_of_ours_in_the_query_does_not_matter() -> None:
    assert await key_of(query=f"a=1&token={OURS}") == await key_of(query="a=1")


async def test_a_custom_provider_that_was_changed_has_another_key() -> None:
    def gateway(version: str) -> Gateway:
        custom = Custom("ours", "https://llm.example.com", None, version)
        return replace(GATEWAY, customs={"ours": custom})

    keys = [await key_of(slug="custom-ours", gateway=gateway(one)) for one in ("1", "1", "2")]

    assert keys[0] == keys[1] != keys[2]


async def test_an_unknown_provider_has_no_key() -> None:
    assert await key_of(slug="nobody") is None


async def test_a_name_of_the_callers_is_a_key_of_its_own_whatever_is_asked_by_whom() -> None:
    named = {"cf-aig-cache-key": "mine"}

    keys = {
        await key_of(named),
        await key_of({**named, "authorization": "Bearer other"}),
        await key_of(named, slug="groq", path="x", query="y=1"),
        await key_of(named, text='{"model":"other"}'),
    }

    assert keys == {custom_key(1, 0, "mine", stream=False)}


async def test_a_stream_is_kept_apart_under_a_name_too() -> None:
    named = {"cf-aig-cache-key": "mine"}

    assert await key_of(named, text='{"stream":true}') == custom_key(1, 0, "mine", stream=True)
    assert custom_key(1, 0, "mine", stream=True) != custom_key(1, 0, "mine", stream=False)


async def test_another_name_and_another_generation_are_other_keys() -> None:
    keys = {custom_key(1, 0, "a", stream=False), custom_key(1, 0, "b", stream=False)}
    keys |= {custom_key(1, 1, "a", stream=False), custom_key(2, 0, "a", stream=False)}

    assert len(keys) == 4


async def test_a_request_without_a_body_has_a_key_too() -> None:
    request = replace(a_request(), body=None)
    call = await provider_call(request, GATEWAY, Target("openai", "x", ""), NOW)

    assert call.options == Options()
    assert await cache_key(call) not in (None, await key_of(path="x", text=""))


async def test_a_token_of_ours_in_the_query_is_no_key_of_the_provider() -> None:
    async def key_with(key_id: str) -> str | None:
        gateway = replace(GATEWAY, keys=(stored(key_id, "google-ai-studio"),))
        headers = {"authorization": ""}
        path = "v1beta/models/gemini-2.5-flash:generateContent"
        return await key_of(
            headers, slug="google-ai-studio", path=path, query=f"key={OURS}", gateway=gateway
        )

    # It is the stored key that is used.
    assert await key_with("k1") != await key_with("k2")
