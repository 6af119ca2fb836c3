"""Rules for rate limits, as the management API takes and returns them."""

import json
import re
from typing import Any

import pytest

from call import Reply, Request
from fakes import Bench, FakeBody, told
from running import SETTINGS

RULE: dict[str, Any] = {"limit": 5, "limitType": "requests", "window": 60}
EVERYTHING: dict[str, Any] = RULE | {
    "id": "per-user",
    "enabled": False,
    "limitType": "tokens",
    "technique": "fixed",
    "mode": "shadow",
    "metadata": {
        "user": {"mode": "partition"},
        "team": {"mode": "filter", "values": ["red"]},
    },
    "model": {"mode": "filter", "values": ["openai/gpt-5"]},
    "provider": {"mode": "partition"},
    "token": {"mode": "filter", "values": ["0197"]},
    "address": {"mode": "partition"},
}


async def put(bench: Bench, rules: object, **more: object) -> Reply:
    url = "https://sluice.test/client/v4/accounts/acme/ai-gateway/gateways/main"
    body = FakeBody(json.dumps({**SETTINGS, "rate_limiting_rules": rules, **more}))
    return await bench.handle(Request("PUT", url, {"authorization": "Bearer secret"}, body))


async def test_rules_are_returned_as_they_were_set(bench: Bench) -> None:
    reply = await put(bench, [EVERYTHING], rate_limiting_failure_mode="closed")

    shown = told(reply)["result"]
    assert shown["rate_limiting_rules"] == [EVERYTHING]
    assert shown["rate_limiting_failure_mode"] == "closed"


async def test_a_rule_without_an_id_gets_one_and_keeps_it(bench: Bench) -> None:
    [made] = told(await put(bench, [RULE]))["result"]["rate_limiting_rules"]
    [kept] = (await bench.manage("GET", "gateways/main"))["rate_limiting_rules"]

    assert re.fullmatch("[0-9a-f]{8}", made["id"])
    assert kept == made
    assert made == RULE | {
        "id": made["id"],
        "enabled": True,
        "technique": "sliding",
        "mode": "enforce",
        "metadata": None,
        "model": None,
        "provider": None,
        "token": None,
        "address": None,
    }


async def test_what_is_not_named_is_gone(bench: Bench) -> None:
    await put(bench, [RULE])

    shown = await bench.manage("PUT", "gateways/main", **SETTINGS)

    assert (shown["rate_limiting_rules"], shown["rate_limiting_failure_mode"]) == ([], "open")


@pytest.mark.parametrize(
    ("rules", "path", "message"),
    [
        ([RULE | {"limit": 0}], "0.limit", "greater than 0"),
        ([RULE | {"limit": 1.5}], "0.limit", "integer"),
        ([RULE | {"limit": "5"}], "0.limit", "integer"),
        ([RULE | {"window": 0}], "0.window", "greater than 0"),
        ([RULE | {"limitType": "cost"}], "0.limitType", "'requests' or 'tokens'"),
        ([RULE | {"mode": "off"}], "0.mode", "'enforce' or 'shadow'"),
        ([RULE | {"technique": "leaky"}], "0.technique", "'fixed' or 'sliding'"),
        ([RULE | {"per": "user"}], "0.per", "not permitted"),
        ([RULE | {"id": 'a"b'}], "0.id", "pattern"),
        ([{"limit": 5, "window": 60}], "0.limitType", "required"),
        ([RULE, RULE | {"model": {"mode": "all"}}], "1.model.mode", "'filter' or 'partition'"),
        ([RULE | {"model": dict[str, str]()}], "0.model.mode", "required"),
        ([RULE | {"model": {"mode": "filter", "values": [1]}}], "0.model.values.0", "string"),
        ([RULE | {"model": {"mode": "filter"}}], "0.model.values", "required"),
        ([RULE | {"address": {"mode": "filter"}}], "0.address.mode", "'partition'"),
        ([RULE] * 21, "", "at most 20"),
        ([RULE | {"id": "a"}, RULE | {"id": "a"}], "", "unique"),
        ([RULE | {"id": "default"}], "", "unique and not `default`"),
        (None, "", "list"),
    ],
)
async def test_a_rule_that_breaks_a_rule_is_refused_with_its_path(
    bench: Bench, rules: Any, path: str, message: str
) -> None:
    reply = await put(bench, rules)

    where = ["body", "rate_limiting_rules", *filter(None, path.split("."))]
    errors = told(reply)["errors"]
    assert reply.status == 400
    assert [error["path"] for error in errors] == [where]
    assert message in errors[0]["message"]
