"""What an operator may let Sluice send: the headers of a custom provider."""

import json

import pytest

from errors import Invalid
from outside import checked_headers


@pytest.mark.parametrize("text", [None, ""])
def test_no_headers_are_none(text: str | None) -> None:
    assert checked_headers(text) is None


def test_headers_are_kept_with_their_names_in_lower_case() -> None:
    text = '{"X-Tenant":"acme","Authorization":"Bearer sk","x-empty":"","X-Tab":"a\\tb"}'

    assert json.loads(checked_headers(text) or "") == {
        "x-tenant": "acme",
        "authorization": "Bearer sk",
        "x-empty": "",
        "x-tab": "a\tb",
    }


@pytest.mark.parametrize("text", ["x", "[]", '"a: b"', "null", "1", "[" * 100_000, "{"])
def test_headers_that_are_no_object_are_refused(text: str) -> None:
    with pytest.raises(Invalid, match="a JSON object"):
        checked_headers(text)


@pytest.mark.parametrize(
    "name",
    [
        *("", "a b", "a:b", "a\r\nb", "a\n", "é", "a\0", "(a)", "a;b", '"a"'),
        *("Host", "connection", "Keep-Alive", "TE", "trailer", "Transfer-Encoding", "upgrade"),
        *("content-length", "Cookie", "accept-encoding", "expect", "via", "forwarded"),
        *("proxy-authorization", "Proxy-Connection", "cf-connecting-ip", "CF-AIG-Authorization"),
        *("x-forwarded-for", "X-Forwarded-Host", "sec-websocket-key", "Sec-Fetch-Mode"),
    ],
)
def test_a_header_that_is_not_an_operator_s_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked_headers(json.dumps({"x-fine": "1", name: "2"}))

    assert [path for _, path in refused.value.problems] == [["body", "headers", name]]


@pytest.mark.parametrize(
    "value", ["a\r\nx-evil: 1", "a\n", "\r", "\0", "\x7f", "é", "日本", 1, None, True, ["a"], {}]
)
def test_a_value_that_is_none_of_a_header_is_refused(value: object) -> None:
    with pytest.raises(Invalid, match="printable ASCII"):
        checked_headers(json.dumps({"x-a": value}))
