"""What no log may keep, nor a collector of traces get."""

import json

import pytest

from fakes import Bench, a_request, an_answer, an_entry, universal

BASE = "https://sluice.test/v1/acme/main"
SECRET = "sk-admin-secret"
TRACED = {"otel": [{"url": "https://otel.example.com/v1/traces"}]}


def exported(bench: Bench) -> str:
    return json.dumps(bench.post.sent)


async def test_nor_is_the_answer_kept_for_others(bench: Bench) -> None:
    url = f"{BASE}/openai/realtime/client_secrets"
    for _ in range(2):
        bench.fetch.script.append(an_answer(json.dumps({"value": SECRET})))
        await bench.handle(a_request({"cf-aig-cache-ttl": "600"}, "{}", url=url))

    assert len(bench.fetch.sent) == 2


@pytest.mark.parametrize(
    "path",
    [
        "openai/organization/admin_api_keys",
        "openai/v1/organization/projects/proj_1/service_accounts",
        "openai/v1/organization/projects/proj_1/service_accounts/sa_1/api_keys",
        "openai/realtime/client_secrets",
        "openai/realtime/sessions",
        "openai/v1/realtime%2Fsessions",
        "azure-openai/my-resource/openai/v1/realtime/client_secrets",
        "grok/v1/realtime/client_secrets",
        "deepgram/v1/auth/grant",
        "deepgram/v1/projects/1/keys",
        "elevenlabs/v1/convai/conversation/get-signed-url",
        "elevenlabs/v1/single-use-token/realtime_scribe",
        "cartesia/access-token",
        "google-ai-studio/v1alpha/auth_tokens",
        "openrouter/v1/auth/keys",
        "perplexity-ai/generate_auth_token",
        "replicate/webhooks/default/secret",
    ],
)
async def test_where_a_provider_hands_out_credentials_no_bodies_are_kept(
    bench: Bench, path: str
) -> None:
    bench.settings(authentication=False, **TRACED)
    bench.fetch.script.append(an_answer(json.dumps({"value": SECRET})))

    key = {"xi-api-key": "key"}
    reply = await bench.handle(a_request(key, text='{"name":"a-name"}', url=f"{BASE}/{path}"))

    assert reply.status == 200
    assert len(bench.database.rows("logs")) == 1
    assert bench.database.rows("payloads") == []
    assert SECRET not in exported(bench)
    assert "a-name" not in exported(bench)


async def test_so_it_is_where_the_caller_chooses_the_url(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(json.dumps(SECRET)))
    chosen = {"x-fal-target-url": "https://rest.alpha.fal.ai/tokens/"}

    await bench.handle(a_request(chosen, text="{}", url=f"{BASE}/fal"))

    assert len(bench.database.rows("logs")) == 1
    assert bench.database.rows("payloads") == []


async def test_of_a_universal_request_it_is_told_by_its_entry(bench: Bench) -> None:
    bench.fetch.script += [an_answer("{}", status=500), an_answer(json.dumps(SECRET))]
    minting = an_entry("openai", endpoint="realtime/client_secrets")

    await bench.handle(universal(an_entry("groq"), minting))

    first, second = (row["id"] for row in bench.database.rows("logs"))
    kept = {row["log_id"] for row in bench.database.rows("payloads")}
    assert (first in kept, second in kept) == (True, False)


async def test_what_is_only_named_alike_is_kept(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))
    url = f"{BASE}/openai/files/my-client_secrets/content"

    await bench.handle(a_request(url=url))

    assert len(bench.database.rows("payloads")) == 2


@pytest.mark.parametrize("token", [{}, {"cf-aig-authorization": "Bearer wrong"}])
async def test_who_has_no_token_leaves_a_row_and_nothing_of_his_own_in_it(
    bench: Bench, token: dict[str, str]
) -> None:
    bench.settings(authentication=True, **TRACED)
    metadata = {"cf-aig-metadata": '{"word":"stranger"}'}

    reply = await bench.handle(a_request(token | metadata, text='{"model":"stranger"}'))

    assert reply.status == 401
    [row] = bench.database.rows("logs")
    assert (row["status_code"], row["error_code"]) == (401, 2009)
    assert (row["model"], row["metadata"]) == (None, None)
    assert bench.database.rows("payloads") == []
    assert "cf.aig.request" in exported(bench)
    assert "stranger" not in exported(bench)
