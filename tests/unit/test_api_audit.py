"""The audit log: who changed what through the management API."""

import json
from dataclasses import replace
from typing import Any

import pytest

from call import Request
from fakes import ID, Bench, BrokenDatabase, FakeBody, told
from logged import add_body, add_row
from management import BASE, asked, failing, mended, result, wrong
from running import SETTINGS

TOKEN = {"name": "ci", "scopes": ["read", "edit"]}
KEY = {"provider_slug": "openai", "secret": "sk-a-very-secret-key-of-openai"}
CUSTOM = {
    "name": "Mine",
    "slug": "mine",
    "base_url": "https://mine.example",
    "headers": '{"x-api-key": "a-very-secret-header"}',
}
DATASET: dict[str, Any] = {"name": "all", "enable": True, "filters": []}


async def audit(bench: Bench, query: str = "") -> list[dict[str, Any]]:
    """Return what the audit log shows, the newest first."""
    return result(await asked(bench, "GET", f"audit-logs?{query}"))


async def only(bench: Bench) -> dict[str, Any]:
    (row,) = await audit(bench)
    return row


async def test_a_new_gateway_is_a_row_that_says_who_what_and_when(bench: Bench) -> None:
    reply = await asked(bench, "POST", "gateways", {"id": "new"} | SETTINGS)

    row = await only(bench)
    assert row | {"after": None} == {
        "id": row["id"],
        "created_at": "2025-06-15T15:06:40.000Z",
        "actor": "admin",
        "action": "create",
        "resource": "gateway",
        "resource_id": "new",
        "gateway_id": None,
        "query": None,
        "before": None,
        "after": None,
        "outcome": "done",
        "request_id": reply.headers["cf-aig-request-id"],
    }
    assert row["after"] == result(reply)


async def test_a_change_tells_what_was_before_and_after(bench: Bench) -> None:
    await asked(bench, "PUT", "gateways/main", SETTINGS | {"cache_ttl": 60})

    row = await only(bench)
    assert (row["action"], row["resource_id"], row["gateway_id"]) == ("replace", "main", "main")
    assert (row["before"]["authentication"], row["after"]["authentication"]) == (False, True)
    assert (row["before"]["cache_ttl"], row["after"]["cache_ttl"]) == (0, 60)


async def test_what_is_deleted_is_told_one_last_time(bench: Bench) -> None:
    made = result(await asked(bench, "POST", "gateways/main/datasets", DATASET))

    await asked(bench, "DELETE", f"gateways/main/datasets/{made['id']}")

    row = (await audit(bench))[0]
    assert (row["action"], row["resource"]) == ("delete", "dataset")
    assert (row["resource_id"], row["gateway_id"]) == (made["id"], "main")
    assert (row["before"], row["after"]) == (made, None)


async def test_every_kind_of_change_is_a_row(bench: Bench) -> None:
    key = result(await asked(bench, "POST", "gateways/main/provider_configs", KEY))["id"]
    await asked(bench, "PUT", f"gateways/main/provider_configs/{key}", {"alias": "b"})
    await asked(bench, "POST", "gateways/main/provider_configs/reseal", {})
    custom = result(await asked(bench, "POST", "custom-providers", CUSTOM))["id"]
    await asked(bench, "PATCH", f"custom-providers/{custom}", {"enable": True})
    token = result(await asked(bench, "POST", "tokens", TOKEN))["id"]
    await asked(bench, "DELETE", f"tokens/{token}")
    await asked(bench, "DELETE", "gateways/main/cache?provider=openai")
    dataset = result(await asked(bench, "POST", "gateways/main/datasets", DATASET))["id"]
    body = {"name": "a", "dataset_ids": [dataset], "evaluation_type_ids": ["cost"]}
    evaluation = result(await asked(bench, "POST", "gateways/main/evaluations", body))["id"]

    rows = await audit(bench)
    assert [(row["action"], row["resource"], row["resource_id"]) for row in reversed(rows)] == [
        ("create", "provider_config", key),
        ("update", "provider_config", key),
        ("reseal", "provider_config", None),
        ("create", "custom_provider", custom),
        ("update", "custom_provider", custom),
        ("create", "token", token),
        ("revoke", "token", token),
        ("purge", "cache", None),
        ("create", "dataset", dataset),
        ("create", "evaluation", evaluation),
    ]
    assert rows[2]["query"] == "provider=openai"
    assert rows[2]["after"] == {"purged": "provider", "value": "openai"}


async def test_of_a_row_that_is_judged_nothing_but_the_judgement_is_written_down(
    bench: Bench,
) -> None:
    row = add_row(bench.database, metadata={"user": "alice"}, score=0.25, feedback=None)
    add_body(bench.database, row, "request", "a body that is nobody's business")
    body = {"feedback": 1, "metadata": {"user": "mallory"}}

    reply = await asked(bench, "PATCH", f"gateways/main/logs/{row}", body)

    told = await only(bench)
    assert (told["actor"], told["action"], told["resource"]) == ("admin", "judge", "log")
    assert (told["resource_id"], told["gateway_id"]) == (row, "main")
    assert told["before"] == {"feedback": None, "score": 0.25, "metadata": {"user": "alice"}}
    assert told["after"] == {"feedback": 1, "score": 0.25, "metadata": {"user": "mallory"}}
    assert told["outcome"] == "done"
    assert result(reply)["metadata"] == {"user": "mallory"}


async def test_no_secret_is_written_down(bench: Bench) -> None:
    await asked(bench, "POST", "gateways/main/provider_configs", KEY)
    await asked(bench, "POST", "custom-providers", CUSTOM)
    token = result(await asked(bench, "POST", "tokens", TOKEN))["value"]
    secrets: dict[str, Any] = {
        "stripe": {"authorization": "sk-stripe-secret", "usage_events": []},
        "otel": [{"url": "https://otel.example", "headers": {"x": "otel-header-secret"}}],
    }
    secrets["otel"][0]["authorization"] = "otel-secret"
    await asked(bench, "PUT", "gateways/main", SETTINGS | secrets)
    await asked(bench, "DELETE", "gateways/main")

    written = json.dumps(bench.database.rows("audit_logs"))
    sealed = bench.database.rows("custom_providers")[0]["headers"]
    for secret in (KEY["secret"], "a-very-secret-header", token, "otel-header-secret", sealed):
        assert secret not in written
    assert "otel-secret" not in written
    assert "sk-stripe-secret" not in written
    assert (await audit(bench))[1]["after"]["otel"][0]["headers"] == {"x": "***"}


async def test_a_token_that_changes_something_is_named_by_its_id(bench: Bench) -> None:
    token = result(await asked(bench, "POST", "tokens", TOKEN))
    headers = {"authorization": f"Bearer {token['value']}", "cf-ray": "8f00-FRA"}
    body = FakeBody(json.dumps(DATASET))

    await bench.handle(Request("POST", f"{BASE}/gateways/main/datasets", headers, body))

    (row,) = await audit(bench, f"actor={token['id']}")
    assert (row["action"], row["resource"]) == ("create", "dataset")
    assert row["request_id"] == "8f00-FRA"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "gateways", {"id": "new"}),
        ("POST", "gateways", {"id": "main"} | SETTINGS),
        ("PUT", "gateways/none", SETTINGS),
        ("DELETE", "gateways/none", None),
        ("DELETE", "gateways/main/cache?colour=red", None),
        ("POST", "tokens", {}),
        ("PATCH", "gateways/main", {}),
        ("PATCH", "gateways/main/logs/none", {}),
        ("PATCH", f"gateways/main/logs/{ID}", {"feedback": 2}),
        ("POST", "nothing", {}),
    ],
)
async def test_a_change_that_is_refused_leaves_no_row(
    bench: Bench, method: str, path: str, body: object
) -> None:
    add_row(bench.database, id=ID)

    assert (await asked(bench, method, path, body)).status >= 400

    assert not bench.database.rows("audit_logs")


async def test_reading_leaves_no_row(bench: Bench) -> None:
    for path in ("gateways", "gateways/main", "tokens", "audit-logs", "openapi.json"):
        assert (await asked(bench, "GET", path)).status == 200
        assert (await asked(bench, "HEAD", path)).status == 200

    assert not bench.database.rows("audit_logs")


async def test_what_cannot_be_written_down_is_not_done(bench: Bench) -> None:
    failing(bench, "INSERT INTO audit_logs")

    assert (await asked(bench, "DELETE", "gateways/main")).status == 500

    assert bench.database.rows("gateways")


async def test_a_change_that_breaks_in_the_middle_stays_begun(bench: Bench) -> None:
    failing(bench, "DELETE FROM gateways")

    assert (await asked(bench, "DELETE", "gateways/main")).status == 500

    mended(bench)
    row = await only(bench)
    assert (row["outcome"], row["resource_id"], row["after"]) == ("begun", "main", None)
    assert row["before"]["id"] == "main"


async def test_a_purge_that_fails_half_way_stays_begun(bench: Bench) -> None:
    bench.cache.broken = True

    assert (await asked(bench, "DELETE", "gateways/main/cache?key=a")).status == 503

    assert (await only(bench))["outcome"] == "begun"


async def test_a_change_that_was_made_is_answered_though_its_row_cannot_be_completed(
    bench: Bench,
) -> None:
    failing(bench, "UPDATE audit_logs")

    reply = await asked(bench, "POST", "tokens", TOKEN)

    mended(bench)
    assert result(reply)["value"]
    assert (await only(bench))["outcome"] == "begun"


async def test_a_very_long_thing_is_told_by_its_length(bench: Bench) -> None:
    dlp = {"enabled": True, "action": "FLAG", "profiles": ["a-profile"] * 10_000}

    await asked(bench, "PUT", "gateways/main", SETTINGS | {"dlp": dlp})

    assert (await only(bench))["after"]["too_long"] > 100_000


async def test_the_audit_log_is_filtered(bench: Bench) -> None:
    await asked(bench, "POST", "gateways", {"id": "one"} | SETTINGS)
    bench.clock.now += 60_000
    await asked(bench, "POST", "gateways", {"id": "two"} | SETTINGS)
    bench.clock.now += 60_000
    await asked(bench, "DELETE", "gateways/one")

    async def ids(query: str) -> list[str]:
        return [row["resource_id"] for row in await audit(bench, query)]

    assert await ids("") == ["one", "two", "one"]
    assert await ids("action=create") == ["two", "one"]
    assert await ids("resource=gateway&actor=admin&per_page=1&page=2") == ["two"]
    assert await ids("resource=token") == []
    assert await ids("since=2025-06-15T15:07:40Z") == ["one", "two"]
    assert await ids("before=2025-06-15T15:07:40Z") == ["one"]
    assert await ids("since=2025-06-15T15:07:40Z&before=2025-06-15T15:08:40Z") == ["two"]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("since=yesterday", "since"),
        ("since=2025-06-15T15:07:40Z&before=2025-06-15T15:07:39Z", "before"),
    ],
)
async def test_a_time_that_breaks_a_rule_is_refused(bench: Bench, query: str, path: str) -> None:
    reply = await asked(bench, "GET", f"audit-logs?{query}")

    assert wrong(reply) == [(400, 7001, ["query", path])]


async def test_only_the_admin_token_reads_the_audit_log(bench: Bench) -> None:
    token = result(await asked(bench, "POST", "tokens", TOKEN))["value"]
    headers = {"authorization": f"Bearer {token}"}

    reply = await bench.handle(Request("GET", f"{BASE}/audit-logs", headers))

    assert (reply.status, told(reply)["errors"][0]["code"]) == (403, 10000)


async def test_an_account_reads_its_own_changes_alone(bench: Bench) -> None:
    await asked(bench, "POST", "gateways", {"id": "one"} | SETTINGS)
    url = BASE.replace("acme", "other")

    reply = await bench.handle(
        Request("GET", f"{url}/audit-logs", {"authorization": "Bearer secret"})
    )

    assert result(reply) == []


async def test_a_database_that_is_down_is_no_answer_that_tells_why(bench: Bench) -> None:
    bench.ports = replace(bench.ports, database=BrokenDatabase())

    reply = await asked(bench, "POST", "gateways", {"id": "one"} | SETTINGS)

    assert reply.status == 500
    assert "no connection" not in str(reply.body)
