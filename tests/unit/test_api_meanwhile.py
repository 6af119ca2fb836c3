"""What others change at the same time, and changes that fail half way."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from api.update import ATTEMPTS
from fakes import Bench, a_request, an_answer
from management import asked, failing, mended, result, shared, wrong
from running import SETTINGS

CUSTOM: dict[str, Any] = {
    "name": "Mine",
    "slug": "mine",
    "base_url": "https://mine.example",
    "enable": True,
}
OF_ACCOUNT = "SELECT id FROM gateways WHERE account_id"


@pytest.fixture(autouse=True)
def _closed(bench: Bench) -> None:
    bench.settings(authentication=True)


async def sent(bench: Bench, token: str, path: str = "main/openai/models") -> int:
    """Send a request through a gateway, and return the status that the caller sees."""
    bench.fetch.script[:] = [an_answer("{}")]
    headers = {"cf-aig-authorization": token}
    return (
        await bench.handle(a_request(headers, url=f"https://sluice.test/v1/acme/{path}"))
    ).status


async def a_token(bench: Bench, **more: object) -> dict[str, Any]:
    return result(await asked(bench, "POST", "tokens", {"name": "ci"} | more))


async def test_a_revocation_that_failed_can_be_asked_again(bench: Bench) -> None:
    token = await a_token(bench)
    assert await sent(bench, token["value"]) == 200
    failing(bench, OF_ACCOUNT)
    assert (await asked(bench, "DELETE", f"tokens/{token['id']}")).status == 500
    mended(bench)

    assert (await asked(bench, "DELETE", f"tokens/{token['id']}")).status == 200

    assert await sent(bench, token["value"]) == 401


async def test_a_provider_whose_deletion_failed_can_be_deleted_again(bench: Bench) -> None:
    token = await a_token(bench)
    custom = result(await asked(bench, "POST", "custom-providers", CUSTOM))
    assert await sent(bench, token["value"], "main/custom-mine/models") == 200
    failing(bench, OF_ACCOUNT)
    assert (await asked(bench, "DELETE", f"custom-providers/{custom['id']}")).status == 500
    mended(bench)

    assert (await asked(bench, "DELETE", f"custom-providers/{custom['id']}")).status == 200

    assert await sent(bench, token["value"], "main/custom-mine/models") == 400


@pytest.mark.parametrize(
    ("path", "body"), [("tokens", {"name": "ci"}), ("custom-providers", CUSTOM)]
)
async def test_what_could_not_be_made_known_is_not_made(
    bench: Bench, path: str, body: dict[str, Any]
) -> None:
    failing(bench, OF_ACCOUNT)
    assert (await asked(bench, "POST", path, body)).status == 500
    mended(bench)

    assert result(await asked(bench, "GET", path)) == []
    assert (await asked(bench, "POST", path, body)).status == 200


async def test_no_token_is_made_for_a_gateway_that_is_deleted_meanwhile(bench: Bench) -> None:
    async def deleting() -> None:
        result(await asked(bench, "DELETE", "gateways/main"))

    shared(bench, ("INSERT INTO tokens", deleting))

    reply = await asked(bench, "POST", "tokens", {"name": "ci", "gateways": ["main"]})

    assert wrong(reply) == [(400, 7001, ["body", "gateways", "0"])]
    assert bench.database.rows("tokens") == []


async def test_nor_for_one_that_was_made_anew_meanwhile(bench: Bench) -> None:
    async def deleting() -> None:
        result(await asked(bench, "DELETE", "gateways/main"))

    async def making() -> None:
        result(await asked(bench, "POST", "gateways", SETTINGS | {"id": "main"}))

    shared(bench, ("INSERT INTO tokens", deleting), ("SELECT key FROM json_each", making))

    reply = await asked(bench, "POST", "tokens", {"name": "ci", "gateways": ["main"]})

    assert wrong(reply) == [(400, 7001, ["body", "gateways", "0"])]
    assert bench.database.rows("tokens") == []


async def a_custom(bench: Bench) -> str:
    """Return the path of a new custom provider."""
    return (
        f"custom-providers/{result(await asked(bench, 'POST', 'custom-providers', CUSTOM))['id']}"
    )


async def a_key(bench: Bench) -> str:
    """Return the path of a new stored key."""
    configs = "gateways/main/provider_configs"
    body = {"provider_slug": "openai", "secret": "sk-0123456789-0123456789"}
    return f"{configs}/{result(await asked(bench, 'POST', configs, body))['id']}"


@dataclass
class Kind:
    """Something that is changed in part."""

    made: Callable[[Bench], Awaitable[str]]
    method: str
    statement: str
    """How the one begins that changes it."""
    one: dict[str, Any]
    other: dict[str, Any]
    """Two changes that have no part in common."""


KINDS = [
    Kind(a_custom, "PATCH", "UPDATE OR IGNORE", {"enable": False}, {"description": "Our own"}),
    Kind(a_key, "PUT", "UPDATE provider_keys", {"alias": "team"}, {"default_config": True}),
]


@pytest.mark.parametrize("kind", KINDS)
async def test_two_changes_at_the_same_time_are_both_made(bench: Bench, kind: Kind) -> None:
    path = await kind.made(bench)

    async def changing() -> None:
        result(await asked(bench, kind.method, path, kind.one))

    shared(bench, (kind.statement, changing))

    after = result(await asked(bench, kind.method, path, kind.other))

    assert after == result(await asked(bench, "GET", path))
    assert kind.one.items() | kind.other.items() <= after.items()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_deleted_while_it_is_changed_is_not_found(bench: Bench, kind: Kind) -> None:
    path = await kind.made(bench)

    async def deleting() -> None:
        result(await asked(bench, "DELETE", path))

    shared(bench, (kind.statement, deleting))

    assert (await asked(bench, kind.method, path, kind.one)).status == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_that_is_always_too_late_is_given_up(bench: Bench, kind: Kind) -> None:
    path = await kind.made(bench)

    async def changing() -> None:
        bench.clock.now += 1
        result(await asked(bench, kind.method, path, kind.other))

    # What changes it meets nobody on its way.
    meetings = [(kind.statement, changing), (kind.statement, nothing)] * ATTEMPTS
    shared(bench, *meetings)

    assert wrong(await asked(bench, kind.method, path, kind.one)) == [(409, 7508, None)]
    assert result(await asked(bench, "GET", path)).items() >= kind.other.items()


async def nothing() -> None:
    pass
