"""What is stored encrypted, when the encryption key of the deployment is another one."""

import json
from typing import Any

import pytest

from call import Reply
from deployment import Deployment
from fakes import CHAT, ENCRYPTION_KEY, Bench, a_request, an_answer
from isolate import Isolate
from management import asked, result

CONFIGS = "gateways/main/provider_configs"
SECRET = "sk-proj-0123456789-abcd"
NEW: dict[str, Any] = {"provider_slug": "openai", "secret": SECRET}
CUSTOM: dict[str, Any] = {
    "name": "Mine",
    "slug": "mine",
    "base_url": "https://llm.example",
    "headers": '{"x-team-key": "k1"}',
}
NEW_KEY = "another encryption key of thirty-two characters or more"


async def ask(bench: Bench, method: str, path: str = CONFIGS, body: object = None) -> Reply:
    return await asked(bench, method, path, body)


async def stored(bench: Bench, **more: object) -> dict[str, Any]:
    return result(await ask(bench, "POST", body=NEW | more))


async def key_used(bench: Bench, url: str = CHAT, **headers: str) -> str | int:
    """Send a request without a key, and return the key with which it went, or its error."""
    bench.fetch.script[:], bench.fetch.sent = [an_answer("{}")], []
    reply = await bench.handle(a_request({"authorization": "", **headers}, url=url))
    if not bench.fetch.sent:
        return json.loads(str(reply.body))["internalCode"]
    return bench.fetch.sent[0].headers["authorization"]


def redeployed(bench: Bench, key: str, old: str | None = None) -> None:
    deployment = Deployment(admin_token="secret", encryption_key=key, encryption_key_old=old)
    bench.isolate = Isolate(deployment, bench.clock)


async def test_with_the_old_encryption_key_beside_the_new_one_keys_are_encrypted_anew(
    bench: Bench,
) -> None:
    await stored(bench)
    await stored(bench, provider_slug="groq", secret="gsk-0123456789-abcd")
    redeployed(bench, NEW_KEY, old=ENCRYPTION_KEY)
    assert await key_used(bench) == f"Bearer {SECRET}"
    await stored(bench, alias="later")

    told = result(await ask(bench, "POST", f"{CONFIGS}/reseal"))

    assert told == {"resealed": 2, "total": 3}
    redeployed(bench, NEW_KEY)
    assert await key_used(bench) == f"Bearer {SECRET}"
    groq = await key_used(bench, CHAT.replace("openai", "groq"))
    assert groq == "Bearer gsk-0123456789-abcd"
    again = result(await ask(bench, "POST", f"{CONFIGS}/reseal"))
    assert again == {"resealed": 0, "total": 3}


async def test_without_the_old_encryption_key_a_key_cannot_be_used(bench: Bench) -> None:
    await stored(bench)
    redeployed(bench, NEW_KEY)

    assert await key_used(bench) == 7501


async def test_a_key_that_cannot_be_opened_is_named_and_the_others_are_encrypted_anew(
    bench: Bench,
) -> None:
    redeployed(bench, "a key that nobody knows any more, of thirty-two characters")
    lost = await stored(bench, alias="lost")
    redeployed(bench, ENCRYPTION_KEY)
    await stored(bench)
    redeployed(bench, NEW_KEY, old=ENCRYPTION_KEY)

    reply = await ask(bench, "POST", f"{CONFIGS}/reseal")

    assert (reply.status, json.loads(str(reply.body))["errors"][0]["code"]) == (500, 7501)
    assert f"opens {lost['id']}." in str(reply.body)
    redeployed(bench, NEW_KEY)
    assert await key_used(bench) == f"Bearer {SECRET}"
    await ask(bench, "PUT", f"{CONFIGS}/{lost['id']}", {"secret": "sk-new-one"})
    assert await key_used(bench, **{"cf-aig-byok-alias": "lost"}) == "Bearer sk-new-one"


async def test_only_posting_encrypts_anew(bench: Bench) -> None:
    reply = await ask(bench, "DELETE", f"{CONFIGS}/reseal")

    assert (reply.status, reply.headers["allow"]) == (405, "POST")


async def test_a_change_encrypts_the_headers_of_a_custom_provider_anew(bench: Bench) -> None:
    made = result(await ask(bench, "POST", "custom-providers", CUSTOM))
    one = f"custom-providers/{made['id']}"
    redeployed(bench, NEW_KEY, old=ENCRYPTION_KEY)

    assert result(await ask(bench, "PATCH", one, {})) == made

    redeployed(bench, NEW_KEY)
    assert result(await ask(bench, "PATCH", one, {})) == made


async def test_headers_that_cannot_be_opened_are_not_lost_by_a_change(bench: Bench) -> None:
    made = result(await ask(bench, "POST", "custom-providers", CUSTOM))
    one = f"custom-providers/{made['id']}"
    before = bench.database.rows("custom_providers")
    redeployed(bench, NEW_KEY)

    reply = await ask(bench, "PATCH", one, {"enable": True})

    assert (reply.status, json.loads(str(reply.body))["errors"][0]["code"]) == (500, 7501)
    assert "ENCRYPTION_KEY_OLD" in str(reply.body)
    assert bench.database.rows("custom_providers") == before


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "GET"])
async def test_a_custom_provider_whose_headers_are_lost_can_be_seen_mended_and_deleted(
    bench: Bench, method: str
) -> None:
    made = result(await ask(bench, "POST", "custom-providers", CUSTOM))
    one = f"custom-providers/{made['id']}"
    redeployed(bench, NEW_KEY)

    shown = result(await ask(bench, method, one, {"headers": '{"x-team-key": "k2"}'}))

    assert shown["headers"] == '{"x-team-key": "***"}'
    assert (await ask(bench, "GET", "custom-providers")).status == 200
