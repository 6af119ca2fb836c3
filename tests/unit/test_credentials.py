"""Whose key a request is sent with: the caller's own, else one that the gateway stores."""

import json
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from call import Reply, Request
from fakes import CHAT, Bench, FakeBody, an_answer, told

BASE = CHAT.removesuffix("openai/chat/completions")
AWS = '{"accessKeyId":"AKIDSTORED","secretAccessKey":"hush-hush","region":"eu-west-1"}'
CONVERSE = "aws-bedrock/bedrock-runtime/us-east-1/model/m/converse"
VERTEX = "google-vertex-ai/v1/projects/p/locations/us-central1/publishers/google/models/m:x"


async def ask(
    bench: Bench,
    path: str = "openai/chat/completions",
    headers: Mapping[str, str] | None = None,
    *answers: str,
) -> Reply:
    bench.fetch.script += [an_answer(text) for text in (*answers, "{}")]
    sent = {"content-type": "application/json", **(headers or {})}
    return await bench.handle(Request("POST", BASE + path, sent, FakeBody('{"model":"m"}')))


def key_sent(bench: Bench) -> dict[str, str]:
    """What the last request to a provider was authorised with."""
    names = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "xi-api-key")
    headers = bench.fetch.sent[-1].headers
    return {name: headers[name] for name in names if name in headers}


async def test_a_key_in_the_request_is_used_before_a_stored_one(bench: Bench) -> None:
    await bench.store("openai", "sk-stored")

    await ask(bench, headers={"authorization": "Bearer sk-mine"})

    assert key_sent(bench) == {"authorization": "Bearer sk-mine"}
    assert [row["key_id"] for row in bench.database.rows("logs")] == [None]


async def test_without_a_key_in_the_request_the_stored_one_is_used(bench: Bench) -> None:
    key_id = await bench.store("openai", "sk-stored")

    reply = await ask(bench)

    assert (reply.status, key_sent(bench)) == (200, {"authorization": "Bearer sk-stored"})
    assert [row["key_id"] for row in bench.database.rows("logs")] == [key_id]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("openai/chat/completions", "authorization"),
        ("anthropic/v1/messages", "x-api-key"),
        ("google-ai-studio/v1/models/m:generateContent", "x-goog-api-key"),
        ("azure-openai/res/dep/chat/completions", "api-key"),
        (CONVERSE, "authorization"),
        (VERTEX, "authorization"),
    ],
)
async def test_without_any_key_the_answer_tells_both_ways_to_give_one(
    bench: Bench, path: str, header: str
) -> None:
    reply = await ask(bench, path)

    assert (reply.status, told(reply)["internalCode"]) == (400, 7502)
    assert f"`{header}`" in told(reply)["message"]
    assert "`provider_configs`" in told(reply)["message"]
    assert bench.fetch.sent == []
    assert [row["error_code"] for row in bench.database.rows("logs")] == [7502]


async def test_the_key_of_another_provider_or_gateway_is_not_used(bench: Bench) -> None:
    await bench.store("groq", "gsk")
    bench.database.add_gateway("other")
    fields = {"provider_slug": "openai", "secret": "sk-other"}
    await bench.manage("POST", "gateways/other/provider_configs", **fields)

    assert (await ask(bench)).status == 400


async def test_an_alias_chooses_a_stored_key(bench: Bench) -> None:
    await bench.store("openai", "sk-default")
    await bench.store("openai", "sk-team", "team-a")

    await ask(bench, headers={"cf-aig-byok-alias": "team-a"})

    assert key_sent(bench) == {"authorization": "Bearer sk-team"}


async def test_an_unknown_alias_is_refused_with_the_known_ones(bench: Bench) -> None:
    await bench.store("openai", "sk-default")
    await bench.store("openai", "sk-team", "team-a")
    await bench.store("groq", "gsk", "team-b")

    reply = await ask(bench, headers={"cf-aig-byok-alias": "team-c"})

    assert (reply.status, told(reply)["internalCode"]) == (400, 2040)
    assert told(reply)["message"] == (
        "Provider 'openai' has no BYOK credential named 'team-c'. "
        "Configured aliases: default, team-a"
    )
    assert bench.fetch.sent == []


async def test_an_alias_does_not_matter_beside_a_key_of_the_caller(bench: Bench) -> None:
    headers = {"cf-aig-byok-alias": "nobody", "authorization": "Bearer sk-mine"}

    assert (await ask(bench, headers=headers)).status == 200


async def test_a_key_that_is_marked_as_default_is_used_without_its_alias(bench: Bench) -> None:
    await bench.store("openai", "sk-prod", "prod", default_config=True)
    await bench.store("openai", "sk-team", "team-a")

    await ask(bench)

    assert key_sent(bench) == {"authorization": "Bearer sk-prod"}


async def test_keys_of_one_alias_are_used_in_turn(bench: Bench) -> None:
    keys = [await bench.store("openai", f"sk-{number}") for number in range(3)]

    for _ in range(6):
        await ask(bench)

    used = [outgoing.headers["authorization"] for outgoing in bench.fetch.sent]
    assert sorted(used[:3]) == ["Bearer sk-0", "Bearer sk-1", "Bearer sk-2"]
    assert used[3:] == used[:3]
    rows = [row["key_id"] for row in bench.database.rows("logs")]
    assert sorted(rows) == sorted(keys * 2)


async def test_a_deleted_key_is_used_no_more(bench: Bench) -> None:
    key_id = await bench.store("openai", "sk-stored")
    await ask(bench)

    await bench.manage("DELETE", f"gateways/main/provider_configs/{key_id}")

    assert (await ask(bench)).status == 400


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        ("openai/chat/completions", {"authorization": "Bearer k:1"}),
        ("anthropic/v1/messages", {"x-api-key": "k:1"}),
        ("google-ai-studio/v1/models/m:generateContent", {"x-goog-api-key": "k:1"}),
        ("google/v1/models/m:generateContent", {"x-goog-api-key": "k:1"}),
        ("azure-openai/res/dep/chat/completions", {"api-key": "k:1"}),
        ("cartesia/tts/bytes", {"x-api-key": "k:1"}),
        ("cohere/v2/chat", {"authorization": "Bearer k:1"}),
        ("deepgram/v1/listen", {"authorization": "Token k:1"}),
        ("elevenlabs/v1/text-to-speech/v", {"xi-api-key": "k:1"}),
        ("fal/fal-ai/flux", {"authorization": "Key k:1"}),
        ("ideogram/generate", {"api-key": "k:1"}),
        ("parallel/v1/tasks/runs", {"x-api-key": "k:1"}),
        ("parallel/chat/completions", {"authorization": "Bearer k:1"}),
        ("workers-ai/v1/chat/completions", {"authorization": "Bearer k:1"}),
        (CONVERSE, {"authorization": "Bearer k:1"}),
        (CONVERSE.replace("runtime", "mantle"), {"authorization": "Bearer k:1"}),
        ("aws-bedrock/bedrock-mantle/us-east-1/anthropic/v1/messages", {"x-api-key": "k:1"}),
        (VERTEX, {"authorization": "Bearer k:1"}),
    ],
)
async def test_a_stored_key_is_written_as_its_vendor_wants_it(
    bench: Bench, path: str, sent: dict[str, str]
) -> None:
    slug = path.partition("/")[0]
    await bench.store("google-ai-studio" if slug == "google" else slug, "k:1")

    reply = await ask(bench, path)

    assert (reply.status, key_sent(bench)) == (200, sent)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("anthropic/v1/messages", {"x-api-key": "mine"}),
        ("anthropic/v1/messages", {"authorization": "Bearer mine"}),
        ("google-ai-studio/v1/models/m:generateContent", {"x-goog-api-key": "mine"}),
        ("google-ai-studio/v1/models/m:generateContent", {"authorization": "Bearer mine"}),
        ("google-ai-studio/v1/models/m:generateContent?alt=sse&key=mine", {}),
        ("azure-openai/res/dep/chat/completions", {"authorization": "Bearer mine"}),
        ("deepgram/v1/listen", {"authorization": "Bearer mine"}),
        ("elevenlabs/v1/text-to-speech/v", {"xi-api-key": "mine"}),
        ("fal/fal-ai/flux", {"authorization": "Key mine"}),
        (VERTEX, {"x-goog-api-key": "mine"}),
    ],
)
async def test_a_key_of_the_caller_is_known_wherever_the_vendor_looks_for_it(
    bench: Bench, path: str, headers: dict[str, str]
) -> None:
    await bench.store(path.partition("/")[0], "stored")

    reply = await ask(bench, path, headers)

    assert (reply.status, key_sent(bench)) == (200, headers)
    assert "stored" not in str(bench.fetch.sent)


async def test_a_stored_key_of_amazon_s_signs_the_request(bench: Bench) -> None:
    key_id = await bench.store("aws-bedrock", AWS)

    reply = await ask(bench, CONVERSE)

    headers = bench.fetch.sent[0].headers
    assert reply.status == 200
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDSTORED/20250615/")
    assert headers["x-amz-date"] == "20250615T150640Z"
    assert "hush-hush" not in str(bench.fetch.sent)
    assert [row["key_id"] for row in bench.database.rows("logs")] == [key_id]


async def test_a_stored_service_account_becomes_an_access_token_that_is_used_again(
    bench: Bench,
) -> None:
    key = generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {"client_email": "robot@p.iam.gserviceaccount.com", "private_key": pem}
    await bench.store("google-vertex-ai", json.dumps({"type": "service_account"} | account))
    minted = json.dumps({"access_token": "ya29.minted", "expires_in": 3599})

    first = await ask(bench, VERTEX, None, minted)
    second = await ask(bench, VERTEX)

    assert (first.status, second.status) == (200, 200)
    hosts = [outgoing.host for outgoing in bench.fetch.sent]
    assert hosts == ["oauth2.googleapis.com", *["us-central1-aiplatform.googleapis.com"] * 2]
    assert key_sent(bench) == {"authorization": "Bearer ya29.minted"}
    assert pem.split("\n")[1] not in str(bench.fetch.sent)


async def test_a_stored_key_of_the_wrong_form_is_told_and_not_shown(bench: Bench) -> None:
    await bench.store("aws-bedrock", '{"secretAccessKey":"hush-hush"}')

    reply = await ask(bench, CONVERSE)

    assert (reply.status, told(reply)["internalCode"]) == (401, 2009)
    assert "accessKeyId" in told(reply)["message"]
    assert "hush" not in str(reply.body)


async def test_a_custom_provider_needs_no_key_and_takes_one(bench: Bench) -> None:
    fields = {"name": "Mine", "slug": "mine", "base_url": "https://llm.example.com/v1"}
    await bench.manage("POST", "custom-providers", **fields, enable=True)

    await ask(bench, "custom-mine/chat/completions")
    without = key_sent(bench)
    await ask(bench, "custom-mine/chat/completions", {"authorization": "Bearer sk-mine"})
    own = key_sent(bench)
    await bench.store("custom-mine", "sk-stored")
    await ask(bench, "custom-mine/chat/completions")

    assert (without, own) == ({}, {"authorization": "Bearer sk-mine"})
    assert key_sent(bench) == {"authorization": "Bearer sk-stored"}
    assert bench.fetch.sent[0].url == "https://llm.example.com/v1/chat/completions"


async def test_a_custom_provider_gets_the_headers_that_are_stored_for_it(bench: Bench) -> None:
    headers = json.dumps({"X-Tenant": "acme", "Authorization": "Basic c3RvcmVk"})
    fields = {"name": "Mine", "slug": "mine", "base_url": "https://llm.example.com/v1"}
    await bench.manage("POST", "custom-providers", **fields, enable=True, headers=headers)

    reply = await ask(bench, "custom-mine/chat/completions", {"x-tenant": "evil"})

    assert reply.status == 200
    sent = bench.fetch.sent[0].headers
    assert (sent["x-tenant"], sent["authorization"]) == ("acme", "Basic c3RvcmVk")
