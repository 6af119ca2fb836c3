"""Stored keys of providers on WebCrypto and the real database; and what every provider is sent."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from providers import PROVIDERS
from running import Gateway, until
from worker.scripted import PLAY, ScriptedUpstream, Wire
from worker.scripts import CHAT


async def picky(wire: Wire) -> None:
    """Refuse keys that say so, and show which one was used."""
    key = wire.request.header("authorization") or ""
    answered = b'{"error": {"message": "Slow down", "code": "rate_limit_exceeded"}}'
    if "used-up" in key:
        await wire.whole("429 Too Many Requests", "application/json", answered, retry_after="2")
    elif "wrong" in key:
        await wire.whole("401 Unauthorized", "application/json", b'{"error": {"message": "No"}}')
    else:
        await wire.whole("200 OK", "application/json", CHAT)


@pytest.fixture
def stored(gateway: Gateway, upstream: ScriptedUpstream) -> Iterator[Gateway]:
    """Return a gateway that stores keys."""
    upstream.learn(picky)
    with gateway.another(f"stored-{uuid4().hex[:8]}") as other:
        yield other


def send(gateway: Gateway, path: str = "openai/script/picky", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = f"{gateway.address}/{path}"
    return httpx.post(url, json={"model": "m-1"}, headers=named, timeout=30)


def used(gateway: Gateway, upstream: ScriptedUpstream, **headers: str) -> str:
    """Send a request without a key, and return the key that the provider got."""
    send(gateway, **headers)
    return (upstream.last().header("authorization") or "").removeprefix("Bearer ")


def test_a_request_without_a_key_gets_the_stored_one(
    stored: Gateway, upstream: ScriptedUpstream
) -> None:
    key = stored.store("openai", "sk-stored-of-openai-1234")

    response = send(stored)

    assert response.content == CHAT
    assert upstream.last().header("authorization") == "Bearer sk-stored-of-openai-1234"
    row = stored.row_of(response)
    assert (row["byok"], row["key_id"]) == (True, key["id"])
    assert key["secret_preview"] == "…1234"
    assert "sk-stored" not in json.dumps([key, stored.ask("/provider_configs").json()])


def test_the_caller_s_own_key_comes_first(stored: Gateway, upstream: ScriptedUpstream) -> None:
    stored.store("openai", "sk-stored-of-openai-1234")

    response = send(stored, authorization="Bearer sk-own")

    assert upstream.last().header("authorization") == "Bearer sk-own"
    assert stored.row_of(response)["byok"] is False


@pytest.mark.parametrize(
    ("path", "header", "sent"),
    [
        ("anthropic/script/picky", "x-api-key", "k-1"),
        ("google-ai-studio/script/picky", "x-goog-api-key", "k-1"),
        ("azure-openai/resource/deployment/script/picky", "api-key", "k-1"),
        ("deepgram/script/picky", "authorization", "Token k-1"),
        ("fal/script/picky", "authorization", "Key k-1"),
        ("elevenlabs/script/picky", "xi-api-key", "k-1"),
    ],
)
def test_a_stored_key_is_sent_as_its_vendor_wants_it(
    stored: Gateway, upstream: ScriptedUpstream, path: str, header: str, sent: str
) -> None:
    stored.store(path.partition("/")[0], "k-1")

    send(stored, path)

    assert upstream.last().header(header) == sent


def test_a_stored_pair_of_aws_becomes_a_signature(
    stored: Gateway, upstream: ScriptedUpstream
) -> None:
    secret = {"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "very-secret-of-aws"}
    stored.store("aws-bedrock", json.dumps(secret))

    response = send(stored, "aws-bedrock/bedrock-runtime/eu-west-1/script/picky")

    assert response.status_code == 200, response.text
    signature = upstream.last().header("authorization") or ""
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/bedrock/aws4_request" in signature
    assert "very-secret" not in str(upstream.last().headers)


def test_keys_of_one_alias_are_used_in_turn(stored: Gateway, upstream: ScriptedUpstream) -> None:
    for name in ("sk-one", "sk-two", "sk-three"):
        stored.store("openai", name, alias="team")
    stored.store("openai", "sk-default")

    turns = [used(stored, upstream, cf_aig_byok_alias="team") for _ in range(6)]

    assert sorted(turns[:3]) == ["sk-one", "sk-three", "sk-two"]
    assert turns[:3] == turns[3:]
    assert used(stored, upstream) == "sk-default"


@pytest.mark.parametrize("refused", ["sk-used-up", "sk-wrong"])
def test_a_refused_key_gives_way_to_the_other_at_once_and_rests(
    stored: Gateway, upstream: ScriptedUpstream, refused: str
) -> None:
    stored.store("openai", refused)
    stored.store("openai", "sk-good")
    # Both have had their turn after two requests, so the refused one has been found out.
    answers = [send(stored, cf_aig_max_attempts="2") for _ in range(2)]

    turns = [used(stored, upstream) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert turns == ["sk-good"] * 4


def test_a_key_is_used_again_when_it_has_rested_as_long_as_the_provider_said(
    stored: Gateway, upstream: ScriptedUpstream
) -> None:
    stored.store("openai", "sk-used-up")
    stored.store("openai", "sk-good")
    until(lambda: used(stored, upstream) == "sk-used-up" or None, "the turn of the key")
    assert used(stored, upstream) == "sk-good"

    until(lambda: used(stored, upstream) == "sk-used-up" or None, "the key to wake", patience=10)


def test_a_missing_alias_is_told_with_those_that_exist(stored: Gateway) -> None:
    stored.store("openai", "sk-1", alias="blue")
    stored.store("openai", "sk-2", alias="red")

    response = send(stored, cf_aig_byok_alias="green")

    message = (
        "Provider 'openai' has no BYOK credential named 'green'. Configured aliases: blue, red"
    )
    assert response.status_code == 400
    assert response.json()["error"] == [{"code": 2040, "message": message}]


def test_a_deleted_key_is_gone_and_the_caller_is_told_both_ways(
    stored: Gateway, upstream: ScriptedUpstream
) -> None:
    key = stored.store("openai", "sk-short-lived")
    assert used(stored, upstream) == "sk-short-lived"

    stored.manage("DELETE", f"/gateways/{stored.name}/provider_configs/{key['id']}")

    response = until(
        lambda: answer if (answer := send(stored)).status_code == 400 else None, "the key to go"
    )
    assert response.json()["internalCode"] == 7502
    assert "`authorization`" in response.json()["message"]
    assert "provider_configs" in response.json()["message"]


def test_a_key_never_lies_anywhere_in_the_clear(stored: Gateway) -> None:
    alias, secret = f"alias-{uuid4().hex}", f"sk-{uuid4().hex}{uuid4().hex}"
    stored.store("openai", secret, alias=alias)
    response = send(stored, cf_aig_byok_alias=alias)
    assert stored.row_of(response)["byok"] is True

    files = stored.at_rest()

    # The alias shows that what was looked through is where keys lie.
    assert alias.encode() in files
    assert secret.encode() not in files


@pytest.mark.parametrize("slug", PROVIDERS)
def test_the_example_of_a_provider_reaches_it_with_its_key(
    gateway: Gateway, upstream: ScriptedUpstream, slug: str
) -> None:
    provider = PROVIDERS[slug]
    example, key = provider.example, provider.key
    headers: dict[str, str] = {"content-type": "application/json", PLAY: "json_answer"}
    headers |= dict(line.split(": ", 1) for line in example.headers)
    headers[key.header] = key.form.format("key-of-the-caller")

    response = httpx.post(
        f"{gateway.address}/{slug}/{example.path}", content=example.body, headers=headers
    )

    assert (response.status_code, response.content) == (200, CHAT), response.text
    asked = upstream.last()
    assert asked.target == urlsplit(upstream.bases[slug]).path + own_path(slug)
    assert {name: asked.header(name) for name in headers} == headers
    assert asked.body == example.body.encode()


def own_path(slug: str) -> str:
    """Return the path of an example as the vendor has it behind its address."""
    provider = PROVIDERS[slug]
    path, mark, query = provider.example.path.partition("?")
    if provider.address:
        return urlsplit(provider.address("local", path)).path + mark + query
    for prefix in provider.prefixes:
        if path.startswith(f"{prefix}/"):
            return path.removeprefix(prefix) + mark + query
    return f"/{path}{mark}{query}"


def test_no_provider_is_asked_without_a_key(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    refused: dict[str, Any] = {}
    # Models of Workers AI are run by the platform, or by servers of one's own: nobody sends a key.
    for slug in PROVIDERS.keys() - {"workers-ai"}:
        example = PROVIDERS[slug].example
        url = f"{gateway.address}/{slug}/{example.path}"
        answer = httpx.post(url, content=example.body, headers={PLAY: "json_answer"})
        refused[slug] = (answer.status_code, answer.json()["internalCode"])

    assert refused == dict.fromkeys(refused, (400, 7502))
    assert len(refused) == len(PROVIDERS) - 1
    assert len(upstream.requests) == before
