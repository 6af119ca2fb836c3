"""What the headers tell of limits."""

import pytest

from limits.counter import Rule, Verdict
from limits.rules import Limit, headers

OWN = Limit("default", Rule(100, 60, "sliding"))


@pytest.mark.parametrize(
    ("verdict", "left"),
    [
        (Verdict(1, 42, 17), '"default";r=42;t=17'),
        (Verdict(1, 42, 16.001), '"default";r=42;t=17'),
        (Verdict(1, 99, 0), '"default";r=99;t=0'),
        (Verdict(0, 0, 0.2), '"default";r=0;t=1'),
        (Verdict(0, 5, 2.5), '"default";r=5;t=3'),
    ],
)
def test_headers(verdict: Verdict, left: str) -> None:
    assert headers([(OWN, verdict)]) == {
        "ratelimit": left,
        "ratelimit-policy": '"default";q=100;w=60',
    }


def test_several_limits_are_a_list_and_tokens_are_called_so() -> None:
    tokens = Limit("a1b2c3d4", Rule(10_000, 3600, "fixed"), tokens=True)

    told = headers([(OWN, Verdict(1, 42, 17)), (tokens, Verdict(500, 9500, 3))])

    assert told == {
        "ratelimit": '"default";r=42;t=17, "a1b2c3d4";r=9500;t=3',
        "ratelimit-policy": '"default";q=100;w=60, "a1b2c3d4";q=10000;w=3600;qu="tokens"',
    }


def test_no_number_is_more_than_a_structured_field_may_hold() -> None:
    huge = Limit("default", Rule(10**20, 60, "fixed"))

    told = headers([(huge, Verdict(1, 10**20 - 1, 1))])

    assert told["ratelimit-policy"] == '"default";q=999999999999999;w=60'
    assert told["ratelimit"] == '"default";r=999999999999999;t=1'


def test_without_a_limit_there_are_none() -> None:
    assert headers([]) == {}
