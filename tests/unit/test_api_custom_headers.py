"""The headers that an operator stores for a custom provider."""

import json
from typing import Any

import pytest

from call import Reply
from credentials import custom_context
from deployment import Deployment
from fakes import Bench, a_request, an_answer
from isolate import Isolate
from management import asked, result, wrong

CUSTOM = "custom-providers"
MINE = "https://sluice.test/v1/acme/main/custom-mine/v1/chat/completions"
NEW: dict[str, Any] = {"name": "Mine", "slug": "mine", "base_url": "https://llm.example/api"}
HEADERS = '{"X-Team": "blue", "authorization": "Bearer sk-0123456789"}'
MASKED = '{"x-team": "***", "authorization": "***"}'
SENT = {"x-team": "blue", "authorization": "Bearer sk-0123456789"}


async def ask(bench: Bench, method: str, path: str = CUSTOM, body: object = None) -> Reply:
    return await asked(bench, method, path, body)


async def made(bench: Bench, **more: object) -> dict[str, Any]:
    return result(await ask(bench, "POST", body=NEW | more))


async def changed(bench: Bench, provider: dict[str, Any], **change: object) -> dict[str, Any]:
    return result(await ask(bench, "PATCH", f"{CUSTOM}/{provider['id']}", change))


async def kept_headers(bench: Bench, slug: str = "mine") -> Any:
    """Open what the database keeps of a provider's headers."""
    kept = {row["slug"]: row["headers"] for row in bench.database.rows("custom_providers")}[slug]
    context = custom_context("acme", slug)
    return json.loads(await bench.isolate.vault.open(kept, context, bench.ports.crypto))


async def test_its_headers_are_sent_with_every_request(bench: Bench) -> None:
    await made(bench, enable=True, headers=HEADERS)
    bench.fetch.script[:] = [an_answer("{}")]

    await bench.handle(a_request({"authorization": ""}, url=MINE))

    assert SENT.items() <= bench.fetch.sent[0].headers.items()


async def test_headers_lie_encrypted_and_are_never_shown(bench: Bench) -> None:
    answer = await ask(bench, "POST", body=NEW | {"enable": True, "headers": HEADERS})
    bench.fetch.script[:] = [an_answer("{}")]
    await bench.handle(a_request(url=MINE))

    one = f"{CUSTOM}/{result(answer)['id']}"
    shown = [answer, await ask(bench, "GET"), await ask(bench, "GET", one)]
    shown += [await ask(bench, "PATCH", one, {}), await ask(bench, "DELETE", one)]
    assert [reply.status for reply in shown] == [200] * 5
    assert not any("sk-0123456789" in str(reply.body) for reply in shown)
    assert "sk-0123456789" not in str(bench.snapshots.copies)


async def test_headers_lie_encrypted_in_the_database(bench: Bench) -> None:
    await made(bench, headers=HEADERS)

    assert "sk-0123456789" not in "".join(bench.database.connection.iterdump())
    assert await kept_headers(bench) == SENT


async def test_a_refusal_does_not_repeat_a_header(bench: Bench) -> None:
    broken = json.dumps({"authorization": "sk-0123456789", "x-team": "a\nsk-0123456789"})
    wrongly = ({"headers": broken}, {"headers": HEADERS, "slug": "A"}, {"headers": HEADERS[1:]})
    for change in wrongly:
        assert "sk-0123456789" not in str((await ask(bench, "POST", body=NEW | change)).body)


@pytest.mark.parametrize("change", [{}, {"headers": MASKED}, {"headers": MASKED.replace(" ", "")}])
async def test_headers_stay_when_they_are_not_given_or_come_back_as_they_were_shown(
    bench: Bench, change: dict[str, Any]
) -> None:
    provider = await made(bench, headers=HEADERS)

    after = await changed(bench, provider, name="Ours", **change)

    assert (after["name"], after["headers"]) == ("Ours", MASKED)
    assert await kept_headers(bench) == SENT


async def test_one_header_can_be_changed_beside_another_that_stays(bench: Bench) -> None:
    provider = await made(bench, headers=HEADERS)

    await changed(bench, provider, headers='{"Authorization": "***", "x-team": "red", "x-a": "b"}')

    assert await kept_headers(bench) == SENT | {"x-team": "red", "x-a": "b"}


@pytest.mark.parametrize("nothing", [None, "", "{}"])
async def test_headers_can_be_taken_away(bench: Bench, nothing: str | None) -> None:
    provider = await made(bench, headers=HEADERS)

    assert (await changed(bench, provider, headers=nothing))["headers"] is None
    assert bench.database.rows("custom_providers")[0]["headers"] is None


async def test_a_new_slug_keeps_the_headers(bench: Bench) -> None:
    provider = await made(bench, headers=HEADERS)

    await changed(bench, provider, slug="ours")

    assert await kept_headers(bench, "ours") == SENT


async def test_without_an_encryption_key_there_are_no_headers(bench: Bench) -> None:
    bench.isolate = Isolate(Deployment(admin_token="secret"), bench.clock)

    assert wrong(await ask(bench, "POST", body=NEW | {"headers": HEADERS})) == [(500, 7501, None)]
    assert bench.database.rows("custom_providers") == []
    assert (await made(bench))["headers"] is None
