"""What a token of the gateway's own may do with the management API."""

import json
from typing import Any

import pytest

from call import Reply, Request
from deployment import Deployment
from fakes import Bench, FakeBody
from isolate import Isolate
from logged import add_body, add_row
from management import result
from running import SETTINGS

BASE = "https://sluice.test/client/v4/accounts/acme/ai-gateway"
READS = [
    "gateways",
    "gateways/main",
    "gateways/main/logs",
    "gateways/main/provider_configs",
    "custom-providers",
]
EDITS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "gateways", SETTINGS | {"id": "new"}),
    ("PUT", "gateways/main", SETTINGS),
    ("DELETE", "gateways/main", {}),
    ("POST", "gateways/main/provider_configs", {"provider_slug": "openai", "secret": "sk"}),
    ("POST", "gateways/main/provider_configs/reseal", {}),
    ("POST", "custom-providers", {"name": "a", "slug": "a", "base_url": "https://a.example"}),
]


async def ask(bench: Bench, method: str, path: str, authorization: str, body: Any = None) -> Reply:
    content = FakeBody(json.dumps(body))
    headers = {"authorization": authorization}
    return await bench.handle(Request(method, f"{BASE}/{path}", headers, content))


async def a_token(bench: Bench, *scopes: str, **more: object) -> str:
    """Make a token, and return the header that shows it."""
    body = {"name": "ci", "scopes": scopes} | more
    made = json.loads(str((await ask(bench, "POST", "tokens", "Bearer secret", body)).body))
    return f"Bearer {made['result']['value']}"


def refusal(reply: Reply) -> tuple[int, int]:
    told = json.loads(str(reply.body))
    assert (told["success"], told["result"], told["messages"]) == (False, None, [])
    return reply.status, told["errors"][0]["code"]


@pytest.fixture(autouse=True)
def _second_gateway(bench: Bench) -> None:
    bench.database.add_gateway("team-b")


@pytest.mark.parametrize("path", READS)
async def test_a_token_with_the_scope_read_reads_everything_but_tokens(
    bench: Bench, path: str
) -> None:
    token = await a_token(bench, "read")

    assert (await ask(bench, "GET", path, token)).status == 200
    assert (await ask(bench, "HEAD", path, token)).status == 200


@pytest.mark.parametrize(("method", "path", "body"), EDITS)
async def test_a_token_with_the_scope_edit_changes_everything_but_tokens(
    bench: Bench, method: str, path: str, body: dict[str, Any]
) -> None:
    token = await a_token(bench, "edit")

    assert (await ask(bench, method, path, token, body)).status == 200


@pytest.mark.parametrize(("method", "path", "body"), EDITS)
@pytest.mark.parametrize("scopes", [["run"], ["read"], ["run", "read"]])
async def test_without_the_scope_edit_nothing_is_changed(
    bench: Bench, scopes: list[str], method: str, path: str, body: dict[str, Any]
) -> None:
    token = await a_token(bench, *scopes)
    before = list(bench.database.connection.iterdump())

    reply = await ask(bench, method, path, token, body)

    assert refusal(reply) == (403, 10000)
    assert "`edit`" in str(reply.body)
    assert list(bench.database.connection.iterdump()) == before


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize("scopes", [["run"], ["edit"], ["run", "edit"]])
async def test_without_the_scope_read_nothing_is_shown(
    bench: Bench, scopes: list[str], path: str
) -> None:
    token = await a_token(bench, *scopes)

    reply = await ask(bench, "GET", path, token)

    assert refusal(reply) == (403, 10000)
    assert "`read`" in str(reply.body)


async def test_the_scope_edit_alone_shows_what_was_changed_and_no_bodies(bench: Bench) -> None:
    row = add_row(bench.database, metadata={"user": "alice"})
    add_body(bench.database, row, "request", "a body")
    token = await a_token(bench, "edit")

    reply = await ask(bench, "PATCH", f"gateways/main/logs/{row}", token, {})

    assert result(reply)["metadata"] == {"user": "alice"}
    assert "a body" not in str(reply.body)


@pytest.mark.parametrize(
    "path", ["gateways/main", "gateways/main/logs", "gateways/main/provider_configs"]
)
async def test_a_token_for_one_gateway_reads_that_one(bench: Bench, path: str) -> None:
    token = await a_token(bench, "read", gateways=["main"])

    assert (await ask(bench, "GET", path, token)).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "gateways",
        "gateways/team-b",
        "gateways/team-b/logs",
        "gateways/MAIN",
        "gateways/main-2",
        "gateways/",
        "custom-providers",
        "custom-providers/main",
        "main",
        "tokens",
    ],
)
async def test_a_token_for_one_gateway_reads_nothing_else(bench: Bench, path: str) -> None:
    token = await a_token(bench, "read", gateways=["main"])

    assert refusal(await ask(bench, "GET", path, token)) == (403, 10000)


async def test_a_token_for_one_gateway_makes_no_other(bench: Bench) -> None:
    token = await a_token(bench, "edit", gateways=["main"])

    reply = await ask(bench, "POST", "gateways", token, SETTINGS | {"id": "new"})

    assert refusal(reply) == (403, 10000)


async def test_a_token_may_be_for_several_gateways(bench: Bench) -> None:
    token = await a_token(bench, "read", gateways=["main", "team-b"])

    assert (await ask(bench, "GET", "gateways/team-b", token)).status == 200


async def test_an_expired_token_is_as_good_as_none(bench: Bench) -> None:
    token = await a_token(bench, "read", expires_at="2025-06-15T15:06:41Z")
    assert (await ask(bench, "GET", "gateways", token)).status == 200

    bench.clock.now += 1_000

    assert refusal(await ask(bench, "GET", "gateways", token)) == (401, 10000)


async def test_a_revoked_token_is_refused_at_once(bench: Bench) -> None:
    token = await a_token(bench, "read")
    token_id = bench.database.rows("tokens")[0]["id"]

    await ask(bench, "DELETE", f"tokens/{token_id}", "Bearer secret")

    assert refusal(await ask(bench, "GET", "gateways", token)) == (401, 10000)


async def test_a_token_is_worth_nothing_in_another_account(bench: Bench) -> None:
    token = await a_token(bench, "read")
    url = BASE.replace("acme", "other")

    reply = await bench.handle(Request("GET", f"{url}/gateways", {"authorization": token}))

    assert refusal(reply) == (401, 10000)


async def test_without_an_admin_token_no_token_opens_the_management_api(bench: Bench) -> None:
    token = await a_token(bench, "read")
    bench.isolate = Isolate(Deployment(), bench.clock)

    assert refusal(await ask(bench, "GET", "gateways", token)) == (404, 7000)


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "Bearer  {} "])
async def test_the_scheme_may_be_written_in_any_way(bench: Bench, form: str) -> None:
    token = (await a_token(bench, "read")).removeprefix("Bearer ")

    assert (await ask(bench, "GET", "gateways", form.format("secret"))).status == 200
    assert (await ask(bench, "GET", "gateways", form.format(token))).status == 200


@pytest.mark.parametrize("form", ["{}", "Basic {}", "Bearer", "Bearer ", "Bearer {} x", "Bearer{}"])
async def test_what_is_not_a_bearer_token_is_refused(bench: Bench, form: str) -> None:
    assert refusal(await ask(bench, "GET", "gateways", form.format("secret"))) == (401, 10000)


async def test_the_digest_of_a_token_does_not_stand_for_it(bench: Bench) -> None:
    await a_token(bench, "read")
    digest = bench.database.rows("tokens")[0]["digest"]

    assert refusal(await ask(bench, "GET", "gateways", f"Bearer {digest}")) == (401, 10000)


async def test_whoever_is_refused_has_no_body_read(bench: Bench) -> None:
    body = FakeBody(AssertionError("the body was read"))
    request = Request("POST", f"{BASE}/gateways", {"authorization": "Bearer none"}, body)

    assert refusal(await bench.handle(request)) == (401, 10000)
