"""Spend limits, as the management API takes and returns them."""

import json
import re
from typing import Any

import pytest

from call import Reply, Request
from fakes import Bench, FakeBody, told
from running import SETTINGS

RULE: dict[str, Any] = {"limit": 10.5, "limitType": "cost", "window": 86_400}
EVERYTHING: dict[str, Any] = RULE | {
    "id": "per-user",
    "enabled": False,
    "technique": "fixed",
    "mode": "shadow",
    "metadata": {"user": {"mode": "partition"}, "team": {"mode": "filter", "values": ["a"]}},
    "model": {"mode": "filter", "values": ["openai/gpt-5"]},
    "provider": {"mode": "partition"},
}


async def put(bench: Bench, *rules: object, **more: object) -> Reply:
    url = "https://sluice.test/client/v4/accounts/acme/ai-gateway/gateways/main"
    limits = {"enabled": True, "rules": rules, **more}
    body = FakeBody(json.dumps({**SETTINGS, "spend_limits": limits}))
    return await bench.handle(Request("PUT", url, {"authorization": "Bearer secret"}, body))


async def ids(bench: Bench, *rules: object) -> list[str]:
    set_rules = told(await put(bench, *rules))["result"]["spend_limits"]["rules"]
    return [rule["id"] for rule in set_rules]


async def test_rules_are_returned_as_they_were_set(bench: Bench) -> None:
    reply = await put(bench, EVERYTHING, max_output_tokens=4_096)

    limits = {"enabled": True, "max_output_tokens": 4_096, "rules": [EVERYTHING]}
    assert told(reply)["result"]["spend_limits"] == limits


@pytest.mark.parametrize("tokens", [0, -1, 1.5, "4096", True, 2**53])
async def test_the_length_of_an_answer_is_a_number_of_tokens(bench: Bench, tokens: object) -> None:
    reply = await put(bench, RULE, max_output_tokens=tokens)

    [problem] = told(reply)["errors"]
    assert (reply.status, problem["path"]) == (400, ["body", "spend_limits", "max_output_tokens"])


async def test_no_length_is_the_models_own(bench: Bench) -> None:
    for given in ({}, {"max_output_tokens": None}):
        reply = await put(bench, RULE, **given)

        assert told(reply)["result"]["spend_limits"]["max_output_tokens"] is None


async def test_rules_without_an_id_get_ones_that_differ(bench: Bench) -> None:
    made = await ids(bench, RULE, RULE, RULE | {"window": 60})
    shown = (await bench.manage("GET", "gateways/main"))["spend_limits"]["rules"]

    assert all(re.fullmatch("[0-9a-f]{8}", each) for each in made)
    assert len(set(made)) == 3
    assert [rule["id"] for rule in shown] == made
    assert shown[0]["mode"] == "enforce"


async def test_who_sets_the_same_rule_again_keeps_its_budget(bench: Bench) -> None:
    first = await ids(bench, RULE)

    assert await ids(bench, RULE | {"limit": 20, "id": None}) == first


async def test_rules_that_were_kept_without_an_id_are_still_read(bench: Bench) -> None:
    limits = {"enabled": True, "rules": [RULE | {"id": None}]}
    bench.settings(authentication=False, spend_limits=limits)

    [rule] = (await bench.manage("GET", "gateways/main"))["spend_limits"]["rules"]
    assert re.fullmatch("[0-9a-f]{8}", rule["id"])


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([RULE | {"id": 'a"b'}], ["0", "id"]),
        ([RULE | {"limit": 0}], ["0", "limit"]),
        ([RULE | {"limitType": "tokens"}], ["0", "limitType"]),
        ([RULE | {"window": 0}], ["0", "window"]),
        ([RULE | {"technique": "leaky"}], ["0", "technique"]),
        ([RULE | {"mode": "off"}], ["0", "mode"]),
        ([RULE | {"model": {"mode": "filter"}}], ["0", "model", "values"]),
        ([RULE | {"token": {"mode": "partition"}}], ["0", "token"]),
        ([RULE | {"id": "a"}, RULE | {"id": "a"}], []),
        ([RULE] * 21, []),
    ],
)
async def test_a_rule_that_breaks_its_rule_is_refused_by_its_path(
    bench: Bench, rules: list[Any], path: list[str]
) -> None:
    reply = await put(bench, *rules)

    [problem] = told(reply)["errors"]
    assert (reply.status, problem["path"]) == (400, ["body", "spend_limits", "rules", *path])
