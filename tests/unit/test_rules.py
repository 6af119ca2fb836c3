"""Which requests a rule is about, and which of them it counts together."""

from dataclasses import replace
from typing import Any

import pytest

from call import Ask, Call
from charges.facts import facts
from fakes import a_call, a_request
from limits.rules import Limit, limits_of
from settings import Settings

FILTER = {"mode": "filter"}
PARTITION = {"mode": "partition"}


def a_limit(**conditions: Any) -> Limit:
    rule = {"id": "r", "limit": 5, "limitType": "requests", "window": 60, **conditions}
    return limits_of(Settings.model_validate({"rate_limiting_rules": [rule]}))[0]


def caller(
    metadata: str | None = None,
    *,
    model: str | None = "gpt-5",
    token: str | None = None,
    address: str | None = None,
) -> Call:
    headers = {"cf-aig-metadata": metadata} if metadata else {}
    call = a_call(request=a_request(headers, address=address), ask=Ask(model))
    call.trail.token_id = token
    return call


def counter(limit: Limit, call: Call) -> str | None:
    return limit.counter(call.gateway.internal_id, facts(call))


def test_a_rule_without_conditions_counts_all_requests_together() -> None:
    assert counter(a_limit(), caller()) == "1:r:requests:all"


@pytest.mark.parametrize(
    ("conditions", "one", "other"),
    [
        ({"metadata": {"user": PARTITION}}, caller('{"user":"a"}'), caller('{"user":"b"}')),
        ({"metadata": {"n": PARTITION}}, caller('{"n":1}'), caller('{"n":true}')),
        ({"model": PARTITION}, caller(model="gpt-5"), caller(model="o3")),
        ({"token": PARTITION}, caller(token="t1"), caller(token="t2")),
        ({"address": PARTITION}, caller(address="192.0.2.1"), caller(address="192.0.2.2")),
        ({"address": PARTITION}, caller(address="2001:db8::1"), caller(address="2001:db8:0:1::1")),
    ],
)
def test_values_are_counted_apart(conditions: Any, one: Call, other: Call) -> None:
    limit = a_limit(**conditions)

    assert counter(limit, one) == counter(limit, replace(one))
    assert counter(limit, one) != counter(limit, other)
    assert None not in (counter(limit, one), counter(limit, other))


def test_providers_are_counted_apart() -> None:
    limit, call = a_limit(provider=PARTITION), caller()
    other = replace(call, target=replace(call.target, provider="groq"))

    assert counter(limit, call) != counter(limit, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:1"),
        ("2001:DB8:0:0::1", "2001:db8::2"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
    ],
)
def test_addresses_of_one_network_are_counted_together(one: str, other: str) -> None:
    limit = a_limit(address=PARTITION)

    assert counter(limit, caller(address=one)) == counter(limit, caller(address=other))


@pytest.mark.parametrize(
    "conditions",
    [
        {"metadata": {"user": PARTITION}},
        {"metadata": {"user": {**FILTER, "values": ["a"]}}},
        {"model": PARTITION},
        {"model": {**FILTER, "values": ["gpt-5"]}},
        {"token": PARTITION},
        {"address": PARTITION},
    ],
)
@pytest.mark.parametrize("address", [None, "nonsense"])
def test_who_lacks_what_a_rule_asks_for_is_not_limited(
    conditions: Any, address: str | None
) -> None:
    call = caller(model=None, address=address)

    assert counter(a_limit(**conditions), call) is None


@pytest.mark.parametrize("values", [["gpt-5"], ["openai/gpt-5"], ["o3", "gpt-5"]])
def test_a_filter_names_a_model_with_or_without_its_provider(values: list[str]) -> None:
    assert counter(a_limit(model={**FILTER, "values": values}), caller())


@pytest.mark.parametrize("values", [[], ["gpt-5-mini"], ["groq/gpt-5"], ["openai"]])
def test_and_is_about_no_other(values: list[str]) -> None:
    assert counter(a_limit(model={**FILTER, "values": values}), caller()) is None


def test_all_conditions_must_hold() -> None:
    limit = a_limit(
        metadata={"user": PARTITION, "team": {**FILTER, "values": ["red", "blue"]}},
        provider={**FILTER, "values": ["openai"]},
    )

    red, blue = caller('{"user":"a","team":"red"}'), caller('{"user":"a","team":"blue"}')
    assert counter(limit, red) == counter(limit, blue)
    assert counter(limit, caller('{"user":"a","team":"green"}')) is None
    assert counter(limit, caller('{"team":"red"}')) is None


def test_the_same_value_of_two_facts_is_not_the_same_counter() -> None:
    by_user, by_team = (a_limit(metadata={key: PARTITION}) for key in ("user", "team"))
    call = caller('{"user":"a","team":"a"}')

    assert counter(by_user, call) != counter(by_team, call)


def test_a_name_of_a_counter_is_short_and_tells_nothing_of_the_caller() -> None:
    limit = a_limit(metadata={"user": PARTITION})
    secret = "sk-secret" * 100

    name = counter(limit, caller(f'{{"user":"{secret}"}}'))

    assert name
    assert "secret" not in name
    assert len(name) < 64


def test_tokens_and_requests_are_counted_apart() -> None:
    assert counter(a_limit(limitType="tokens"), caller()) == "1:r:tokens:all"


def test_a_rule_that_is_not_enabled_is_none() -> None:
    rules = [{"limit": 5, "limitType": "requests", "window": 60, "enabled": False}]

    assert limits_of(Settings.model_validate({"rate_limiting_rules": rules})) == ()


def test_a_filter_is_about_any_model_that_the_provider_may_run() -> None:
    call = caller()
    call = replace(call, ask=Ask("small", others=("dear", "other")))

    for name in ("small", "dear", "openai/dear", "openai/small"):
        assert counter(a_limit(model=FILTER | {"values": [name]}), call)
    assert counter(a_limit(model=FILTER | {"values": ["o3"]}), call) is None


def test_a_partition_is_that_of_the_first_of_them() -> None:
    limit, call = a_limit(model=PARTITION), caller(model="small")
    others = replace(call, ask=Ask("small", others=("dear",)))

    assert counter(limit, others) == counter(limit, call)
    assert counter(limit, replace(call, ask=Ask(others=("small", "dear")))) == counter(limit, call)
