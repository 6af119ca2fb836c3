"""Keys of providers, stored and changed through the management API."""

from typing import Any

import pytest

from call import Reply, Request
from deployment import Deployment
from fakes import CHAT, Bench, a_request, an_answer, told
from isolate import Isolate
from management import BASE, asked, result, wrong

CONFIGS = "gateways/main/provider_configs"
SECRET = "sk-proj-0123456789-abcd"
NEW: dict[str, Any] = {"provider_slug": "openai", "secret": SECRET}
SERVICE_ACCOUNT = '{\n  "client_email": "a@b.example",\n  "private_key": "é"\n}'
NONE = "01975a5c-f680-7000-8000-000000000000"


async def ask(bench: Bench, method: str, path: str = CONFIGS, body: object = None) -> Reply:
    return await asked(bench, method, path, body)


async def stored(bench: Bench, **more: object) -> dict[str, Any]:
    return result(await ask(bench, "POST", body=NEW | more))


async def key_used(bench: Bench, url: str = CHAT, **headers: str) -> str | int:
    """Send a request without a key, and return the key with which it went, or its error."""
    bench.fetch.script[:], bench.fetch.sent = [an_answer("{}")], []
    reply = await bench.handle(a_request({"authorization": "", **headers}, url=url))
    if not bench.fetch.sent:
        return told(reply)["internalCode"]
    return bench.fetch.sent[0].headers["authorization"]


async def test_a_stored_key_is_used_at_once_and_never_shown(bench: Bench) -> None:
    assert await key_used(bench) == 7502

    made = await ask(bench, "POST", body=NEW)

    assert await key_used(bench) == f"Bearer {SECRET}"
    one = f"{CONFIGS}/{result(made)['id']}"
    shown = [made, await ask(bench, "GET"), await ask(bench, "GET", one)]
    shown += [await ask(bench, "PUT", one, {"secret": SECRET}), await ask(bench, "DELETE", one)]
    assert [reply.status for reply in shown] == [200] * 5
    assert not any(SECRET in str(reply.body) for reply in shown)


async def test_a_key_lies_encrypted_in_the_database_and_in_the_snapshot(bench: Bench) -> None:
    await stored(bench)
    await key_used(bench)

    assert SECRET not in "".join(bench.database.connection.iterdump())
    assert bench.database.rows("provider_keys")[0]["sealed"] in str(bench.snapshots.copies)
    assert SECRET not in str(bench.snapshots.copies)


async def test_what_is_shown_of_a_key(bench: Bench) -> None:
    made = await stored(bench)

    assert made == {
        "id": made["id"],
        "gateway_id": "main",
        "provider_slug": "openai",
        "alias": "default",
        "default_config": False,
        "secret_id": made["id"],
        "secret_preview": "…abcd",
        "created_at": "2025-06-15T15:06:40.000Z",
        "modified_at": "2025-06-15T15:06:40.000Z",
    }
    assert result(await ask(bench, "GET")) == [made]
    assert result(await ask(bench, "GET", f"{CONFIGS}/{made['id']}")) == made


async def test_of_a_short_key_nothing_is_shown(bench: Bench) -> None:
    assert (await stored(bench, secret="123456789012345"))["secret_preview"] == "…"


async def test_space_around_a_key_is_no_part_of_it(bench: Bench) -> None:
    await stored(bench, secret=f"  {SECRET}\n")

    assert await key_used(bench) == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"alias": ""}, ["alias"]),
        ({"alias": "a b"}, ["alias"]),
        ({"alias": "x" * 65}, ["alias"]),
        ({"alias": "team\n"}, ["alias"]),
        ({"alias": None}, ["alias"]),
        ({"default_config": 1}, ["default_config"]),
        ({"default_config": "true"}, ["default_config"]),
        ({"provider_slug": "nobody"}, ["provider_slug"]),
        ({"provider_slug": "OpenAI"}, ["provider_slug"]),
        ({"provider_slug": "custom-"}, ["provider_slug"]),
        ({"provider_slug": "custom-A b"}, ["provider_slug"]),
        ({"provider_slug": None}, ["provider_slug"]),
        ({"secret": ""}, ["secret"]),
        ({"secret": " \n "}, ["secret"]),
        ({"secret": None}, ["secret"]),
        ({"secret": 5}, ["secret"]),
        ({"secret": "s" * 20_001}, ["secret"]),
        ({"secret": "two\nlines"}, ["secret"]),
        ({"secret": "schlüssel"}, ["secret"]),
        ({"provider_slug": "custom-mine", "secret": "two\nlines"}, ["secret"]),
        ({"rate_limit": 5}, ["rate_limit"]),
        ({"defaultconfig": True}, ["defaultconfig"]),
    ],
)
async def test_a_field_that_breaks_its_rule_is_refused_with_its_path(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    reply = await ask(bench, "POST", body=NEW | change)

    assert wrong(reply) == [(400, 7001, ["body", *path])]
    assert bench.database.rows("provider_keys") == []


@pytest.mark.parametrize("body", ["", "{", "[]", '{"secret": "\\ud800"}', "[" * 100_000])
async def test_a_body_that_is_no_object_is_refused(bench: Bench, body: str) -> None:
    assert wrong(await ask(bench, "POST", body=body)) == [(400, 7001, ["body"])]


async def test_a_refusal_does_not_repeat_the_key(bench: Bench) -> None:
    for change in ({"alias": " "}, {"provider_slug": "nobody"}, {"secret": f"{SECRET}\n{SECRET}"}):
        assert SECRET not in str((await ask(bench, "POST", body=NEW | change)).body)
    assert SECRET not in str((await ask(bench, "POST", body=f'{{"secret": "{SECRET}')).body)


@pytest.mark.parametrize("slug", ["aws-bedrock", "google-vertex-ai"])
async def test_a_key_that_signs_may_be_json_of_several_lines(bench: Bench, slug: str) -> None:
    assert await stored(bench, provider_slug=slug, secret=SERVICE_ACCOUNT)


async def test_without_an_encryption_key_nothing_is_stored(bench: Bench) -> None:
    bench.isolate = Isolate(Deployment(admin_token="secret"), bench.clock)

    reply = await ask(bench, "POST", body=NEW)

    assert wrong(reply) == [(500, 7501, None)]
    assert "ENCRYPTION_KEY" in str(reply.body)
    assert bench.database.rows("provider_keys") == []


async def test_a_new_secret_takes_the_place_of_the_old_one_at_once(bench: Bench) -> None:
    made = await stored(bench, alias="team", default_config=True)
    assert await key_used(bench) == f"Bearer {SECRET}"
    bench.clock.now += 1_000

    changed = result(
        await ask(bench, "PUT", f"{CONFIGS}/{made['id']}", {"secret": "sk-9876543210-wxyz"})
    )

    assert await key_used(bench) == "Bearer sk-9876543210-wxyz"
    assert changed["secret_preview"] == "…wxyz"
    assert changed["modified_at"] > changed["created_at"]
    assert (changed["alias"], changed["default_config"]) == ("team", True)


async def test_an_alias_is_changed_and_the_secret_stays(bench: Bench) -> None:
    made = await stored(bench)
    assert await key_used(bench) == f"Bearer {SECRET}"

    changed = result(await ask(bench, "PUT", f"{CONFIGS}/{made['id']}", {"alias": "team"}))

    assert (changed["alias"], changed["secret_preview"]) == ("team", "…abcd")
    assert await key_used(bench) == 7502
    assert await key_used(bench, **{"cf-aig-byok-alias": "team"}) == f"Bearer {SECRET}"


async def test_a_default_is_used_where_a_request_names_no_alias(bench: Bench) -> None:
    made = await stored(bench, alias="team")
    assert await key_used(bench) == 7502

    await ask(bench, "PUT", f"{CONFIGS}/{made['id']}", {"default_config": True})

    assert await key_used(bench) == f"Bearer {SECRET}"


async def test_an_answer_can_be_sent_back(bench: Bench) -> None:
    made = await stored(bench, alias="team", default_config=True)

    assert result(await ask(bench, "PUT", f"{CONFIGS}/{made['id']}", made)) == made
    assert await key_used(bench) == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"provider_slug": "groq"}, ["provider_slug"]),
        ({"alias": "a b"}, ["alias"]),
        ({"default_config": None}, ["default_config"]),
        ({"secret": ""}, ["secret"]),
        ({"secret": "two\nlines"}, ["secret"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_a_change_that_breaks_a_rule_changes_nothing(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    made = await stored(bench)

    reply = await ask(bench, "PUT", f"{CONFIGS}/{made['id']}", change)

    assert wrong(reply) == [(400, 7001, ["body", *path])]
    assert result(await ask(bench, "GET")) == [made]


async def test_a_deleted_key_is_no_longer_used(bench: Bench) -> None:
    made = await stored(bench)
    assert await key_used(bench) == f"Bearer {SECRET}"

    assert result(await ask(bench, "DELETE", f"{CONFIGS}/{made['id']}")) == made

    assert await key_used(bench) == 7502
    assert bench.database.rows("provider_keys") == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_key_belongs_to_its_gateway_alone(bench: Bench, method: str) -> None:
    bench.database.add_gateway("team-b")
    made = await stored(bench)

    reply = await ask(bench, method, f"gateways/team-b/provider_configs/{made['id']}", {})

    assert wrong(reply) == [(404, 7002, None)]
    assert result(await ask(bench, "GET", "gateways/team-b/provider_configs")) == []
    other = await key_used(bench, CHAT.replace("main", "team-b"))
    assert (other, await key_used(bench)) == (7502, f"Bearer {SECRET}")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_key_that_does_not_exist_is_not_found(bench: Bench, method: str) -> None:
    assert wrong(await ask(bench, method, f"{CONFIGS}/{NONE}", {})) == [(404, 7002, None)]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("POST", ""), ("POST", "/reseal"), ("GET", f"/{NONE}"), ("PUT", f"/{NONE}")],
)
async def test_a_gateway_that_does_not_exist_has_no_keys(
    bench: Bench, method: str, path: str
) -> None:
    reply = await ask(bench, method, f"gateways/nobody/provider_configs{path}", NEW)

    assert wrong(reply) == [(404, 7002, None)]


async def test_another_account_sees_no_key(bench: Bench) -> None:
    made = await stored(bench)
    url = f"{BASE}/{CONFIGS}".replace("acme", "other")

    for path in ("", f"/{made['id']}"):
        reply = await bench.handle(Request("GET", url + path, {"authorization": "Bearer secret"}))
        assert wrong(reply) == [(404, 7002, None)]


async def test_keys_are_listed_in_pages_the_oldest_first(bench: Bench) -> None:
    for alias in ("a", "b", "c"):
        bench.clock.now += 1
        await stored(bench, alias=alias)

    reply = await ask(bench, "GET", f"{CONFIGS}?per_page=2&page=2")

    assert [key["alias"] for key in result(reply)] == ["c"]
    info = {"page": 2, "per_page": 2, "count": 1, "total_count": 3}
    assert told(reply)["result_info"] == info


async def test_a_deleted_gateway_takes_its_keys_with_it(bench: Bench) -> None:
    bench.database.add_gateway("team-b")
    await stored(bench)
    kept = result(await ask(bench, "POST", "gateways/team-b/provider_configs", NEW))

    await ask(bench, "DELETE", "gateways/main")

    assert [row["id"] for row in bench.database.rows("provider_keys")] == [kept["id"]]
    bench.database.add_gateway()
    assert await key_used(bench) == 7502
