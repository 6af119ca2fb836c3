"""What the headers tell of a limit."""

import pytest

from limits import Rule, Verdict, headers


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Verdict(1, 42, 17), {"ratelimit": '"default";r=42;t=17'}),
        (Verdict(1, 42, 16.001), {"ratelimit": '"default";r=42;t=17'}),
        (Verdict(1, 99, 0), {"ratelimit": '"default";r=99;t=0'}),
        (Verdict(0, 0, 0.2), {"ratelimit": '"default";r=0;t=1', "retry-after": "1"}),
        (Verdict(0, 0, 2.5), {"ratelimit": '"default";r=0;t=3', "retry-after": "3"}),
        (Verdict(0, 5, 0), {"ratelimit": '"default";r=5;t=0', "retry-after": "1"}),
    ],
)
def test_headers(verdict: Verdict, told: dict[str, str]) -> None:
    assert headers(Rule(100, 60, "sliding"), verdict) == {
        "ratelimit-policy": '"default";q=100;w=60',
        **told,
    }


def test_headers_are_structured_fields_whatever_the_name_and_the_limit() -> None:
    told = headers(Rule(10**20, 60, "fixed"), Verdict(1, 10**20 - 1, 1), 'a"b\\c\r\né')

    assert told["ratelimit-policy"] == '"a\\"b\\\\c???";q=999999999999999;w=60'
    assert told["ratelimit"] == '"a\\"b\\\\c???";r=999999999999999;t=1'
