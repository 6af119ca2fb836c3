"""Gateways, made and changed through the management API."""

import json
from typing import Any

import pytest

from call import Reply, Request
from fakes import NOW, Bench, FakeBody, a_request, an_answer
from maintenance import maintain
from running import SETTINGS

BASE = "https://sluice.test/client/v4/accounts/acme/ai-gateway/gateways"
NEW: dict[str, Any] = {"id": "team-a"} | SETTINGS
EVERYTHING: dict[str, Any] = NEW | {
    "authentication": False,
    "byok_only": True,
    "cache_ttl": None,
    "dlp": {
        "enabled": True,
        "policies": [
            {
                "id": "Block-PII",
                "enabled": True,
                "action": "BLOCK",
                "check": ["REQUEST"],
                "profiles": ["a"],
            }
        ],
    },
    "guardrails": {"prompt": {"S1": "FLAG", "P1": "BLOCK"}, "response": None},
    "log_management": 10_000,
    "log_management_strategy": "DELETE_OLDEST",
    "otel": [{"url": "https://otel.example.com/v1/traces"}],
    "rate_limiting_technique": "sliding",
    "retry_max_attempts": 5,
    "retry_delay": 60_000,
    "retry_backoff": "linear",
    "spend_limits": {
        "enabled": True,
        "rules": [
            {
                "limit": 10.5,
                "limitType": "cost",
                "window": 86_400,
                "metadata": {
                    "user": {"mode": "partition"},
                    "team": {"mode": "filter", "values": []},
                },
            }
        ],
    },
    "stripe": {"authorization": "***", "usage_events": [{"payload": "{}"}]},
    "workers_ai_billing_mode": "unified",
}
NO_LIMIT: dict[str, Any] = {"spend_limits": {"rules": [{}]}}


def spending(limit: float, window: int = 60) -> dict[str, Any]:
    """Return the setting of a budget, in USD, for so many seconds."""
    rule = {"limit": limit, "limitType": "cost", "window": window}
    return {"spend_limits": {"enabled": True, "rules": [rule]}}


async def ask(bench: Bench, method: str, path: str = "", body: object = None) -> Reply:
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    headers = {"authorization": "Bearer secret"}
    content = None if text is None else FakeBody(text)
    return await bench.handle(Request(method, BASE + path, headers, content))


def result(reply: Reply) -> Any:
    assert reply.status == 200, reply.body
    assert isinstance(reply.body, str)
    return json.loads(reply.body)["result"]


def errors(reply: Reply) -> Any:
    assert isinstance(reply.body, str)
    return json.loads(reply.body)["errors"]


async def test_a_gateway_is_made_with_authentication_unless_it_says_otherwise(
    bench: Bench,
) -> None:
    made = result(await ask(bench, "POST", body=NEW))

    assert made["id"] == "team-a"
    assert made["authentication"] is True
    assert made["is_default"] is False
    assert made["created_at"] == made["modified_at"] == "2025-06-15T15:06:40.000Z"
    assert made == result(await ask(bench, "GET", "/team-a"))


async def test_every_setting_comes_back_as_it_was_sent(bench: Bench) -> None:
    made = result(await ask(bench, "POST", body=EVERYTHING))

    # These have defaults of their own inside.
    within = ("otel", "spend_limits", "dlp")
    sent = {name: value for name, value in EVERYTHING.items() if name not in within}
    assert {name: made[name] for name in sent} == sent
    assert made["otel"][0] | {"content_type": "json"} == made["otel"][0]
    assert made["spend_limits"]["rules"][0]["technique"] == "sliding"
    assert made["dlp"]["policies"][0]["id"] == "Block-PII"


async def test_a_secret_that_nothing_uses_is_not_kept(bench: Bench) -> None:
    stripe: dict[str, Any] = {"authorization": "sk_live_secret", "usage_events": []}

    made = result(await ask(bench, "POST", body=NEW | {"stripe": stripe}))

    assert made["stripe"]["authorization"] == "***"
    kept = [*bench.database.rows("gateways"), *bench.database.rows("audit_logs")]
    assert "sk_live_secret" not in f"{kept}"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"cache_ttl": -1}, ["cache_ttl"]),
        ({"cache_ttl": "60"}, ["cache_ttl"]),
        ({"collect_logs": 1}, ["collect_logs"]),
        ({"rate_limiting_technique": "leaky"}, ["rate_limiting_technique"]),
        ({"retry_max_attempts": 6}, ["retry_max_attempts"]),
        ({"retry_delay": 60_001}, ["retry_delay"]),
        ({"log_management": 9_999}, ["log_management"]),
        ({"logpush_public_key": "short"}, ["logpush_public_key"]),
        ({"guardrails": {"prompt": {"S99": "FLAG"}}}, ["guardrails", "prompt", "S99"]),
        ({"otel": [{"url": "nowhere"}]}, ["otel", "0", "url"]),
        (NO_LIMIT, ["spend_limits", "rules", "0", "limit"]),
        (spending(float("inf")), ["spend_limits", "rules", "0", "limit"]),
        (spending(1e300), ["spend_limits", "rules", "0", "limit"]),
        (spending(1e-12), ["spend_limits", "rules", "0", "limit"]),
        (spending(1, window=10**11), ["spend_limits", "rules", "0", "window"]),
        ({"rate_limiting_limit": 2**53}, ["rate_limiting_limit"]),
        ({"rate_limiting_interval": 10**11}, ["rate_limiting_interval"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_a_setting_that_breaks_its_rule_is_refused_with_its_path(
    bench: Bench, change: dict[str, Any], path: list[str]
) -> None:
    reply = await ask(bench, "POST", body=NEW | change)

    assert reply.status == 400
    assert {"code": 7001, "path": ["body", *path]}.items() <= errors(reply)[0].items()
    assert (await ask(bench, "GET", "/team-a")).status == 404


@pytest.mark.parametrize("limit", [1e-9, 9_000_000])
async def test_a_budget_of_any_size_that_is_taken_lets_requests_be_answered(
    bench: Bench, limit: float
) -> None:
    budget = spending(limit, window=3_155_760_000)
    result(await ask(bench, "POST", body=NEW | budget | {"authentication": False}))
    bench.fetch.script.append(an_answer("{}"))

    reply = await bench.handle(a_request(url="https://sluice.test/v1/acme/team-a/openai/models"))

    assert reply.status in (200, 429)
    assert [row["status_code"] for row in bench.database.rows("logs")] == [reply.status]


@pytest.mark.parametrize("name", ["cache_ttl", "collect_logs", "rate_limiting_limit"])
async def test_what_is_required_is_missed_by_name(bench: Bench, name: str) -> None:
    body = {key: value for key, value in NEW.items() if key != name}

    reply = await ask(bench, "POST", body=body)

    assert errors(reply) == [{"code": 7001, "message": "Required", "path": ["body", name]}]


@pytest.mark.parametrize("gateway_id", ["", "-a", "a b", "a/b", "x" * 65, None, 1])
async def test_an_id_is_a_slug(bench: Bench, gateway_id: object) -> None:
    reply = await ask(bench, "POST", body=NEW | {"id": gateway_id})

    assert errors(reply)[0]["path"] == ["body", "id"]


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"', '{"id":"\\ud800"}', "[" * 100_000])
async def test_a_body_that_is_no_object_is_refused(bench: Bench, body: str) -> None:
    reply = await ask(bench, "POST", body=body)

    assert (reply.status, errors(reply)[0]["path"]) == (400, ["body"])


async def test_an_id_is_given_once(bench: Bench) -> None:
    await ask(bench, "POST", body=NEW)

    reply = await ask(bench, "POST", body=NEW)

    assert (reply.status, errors(reply)[0]["code"]) == (409, 1003)


async def test_a_replacement_is_whole_and_seen_by_the_next_request(bench: Bench) -> None:
    await ask(bench, "POST", body=NEW | {"retry_delay": 7})
    url = "https://sluice.test/v1/acme/team-a/openai/models"
    assert (await bench.handle(a_request(url=url))).status == 401
    bench.clock.now += 1_000

    answer = await ask(bench, "PUT", "/team-a", NEW | {"authentication": False})
    replaced = result(answer)

    assert (replaced["authentication"], replaced["retry_delay"]) == (False, None)
    assert replaced["modified_at"] > replaced["created_at"]
    bench.fetch.script.append(an_answer("{}"))
    assert (await bench.handle(a_request(url=url))).status == 200


async def test_an_answer_can_be_sent_back(bench: Bench) -> None:
    made = result(await ask(bench, "POST", body=NEW))

    assert result(await ask(bench, "PUT", "/team-a", made)) == made


@pytest.mark.parametrize("other", ["team-b", "", None, 5])
async def test_the_id_of_a_gateway_cannot_be_changed(bench: Bench, other: object) -> None:
    made = result(await ask(bench, "POST", body=NEW))

    reply = await ask(bench, "PUT", "/team-a", NEW | {"id": other, "retry_delay": 7})

    assert reply.status == 400
    assert [(one["code"], one["path"]) for one in errors(reply)] == [(7001, ["body", "id"])]
    assert result(await ask(bench, "GET", "/team-a")) == made


async def test_a_deleted_gateway_is_gone_with_its_log(bench: Bench) -> None:
    bench.fetch.script += [an_answer("{}"), an_answer("{}")]
    await bench.handle(a_request())
    assert bench.database.rows("logs")

    deleted = result(await ask(bench, "DELETE", "/main"))

    assert deleted["id"] == "main"
    await maintain(bench.database, bench.snapshots, bench.clock)
    assert (bench.database.rows("logs"), bench.database.rows("payloads")) == ([], [])
    assert (await bench.handle(a_request())).status == 400


@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PUT", NEW), ("DELETE", None)])
async def test_a_gateway_that_does_not_exist_is_not_found(
    bench: Bench, method: str, body: object
) -> None:
    reply = await ask(bench, method, "/nobody", body)

    assert (reply.status, errors(reply)[0]["code"]) == (404, 7002)


async def test_gateways_are_listed_by_id_in_pages_and_searched(bench: Bench) -> None:
    for name in ("c", "B-team", "a-team"):
        await ask(bench, "POST", body=NEW | {"id": name})

    async def ids(query: str) -> list[str]:
        return [row["id"] for row in result(await ask(bench, "GET", f"?{query}"))]

    assert await ids("") == ["B-team", "a-team", "c", "main"]
    assert await ids("per_page=2&page=2") == ["c", "main"]
    assert await ids("search=TEAM") == ["B-team", "a-team"]


async def test_an_account_sees_its_own_gateways_alone(bench: Bench) -> None:
    url = "https://sluice.test/client/v4/accounts/other/ai-gateway/gateways"
    headers = {"authorization": "Bearer secret"}

    listed = await bench.handle(Request("GET", url, headers))
    gotten = await bench.handle(Request("GET", f"{url}/main", headers))

    assert (result(listed), gotten.status) == ([], 404)
    assert bench.clock.now == NOW
