"""Signatures of AWS: what is signed, and what is not."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ports import Outgoing
from signing.sigv4 import Credentials, Scope, sign
from sigv4_requests import BODY, CLAUDE, HOST, JSON, NOW, SECRET, WHO, outgoing, signature

SCOPE = Scope("us-east-1", "bedrock")
GOLDEN = "6b726cf87d30ec666128ea4874edc7d85a438aa6fe829c0028a1f6bd52b6355b"


def signed_of(headers: Mapping[str, str]) -> str:
    return headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]


def test_a_request_is_signed_as_the_vendors_own_library_does() -> None:
    headers = sign(outgoing(), BODY.encode(), WHO, SCOPE, NOW)

    assert headers == {
        "content-type": "application/json",
        "x-amz-date": "20261122T070000Z",
        "authorization": "AWS4-HMAC-SHA256 "
        "Credential=AKIDEXAMPLE/20261122/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date, Signature={GOLDEN}",
    }


# Made by botocore 1.44.5.
@pytest.mark.parametrize(
    ("path", "body", "headers", "expected"),
    [
        (
            "model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aapplication-inference-profile"
            "%2Fabc123/converse",
            BODY,
            {},
            "dc77e25db47ae3789fd0b779373da994838a2987967340cc26bcafa99fb2a022",
        ),
        (
            "model/amazon.nova-lite-v1%3A0/invoke-with-response-stream",
            '{"a":1}',
            {"x-amzn-bedrock-accept": "application/json"},
            "0a490d4e8d4175e4e54826a3b34e6889598689d289548da6190f142571fb41c7",
        ),
    ],
)
def test_paths_and_headers_are_signed(
    path: str, body: str, headers: dict[str, str], expected: str
) -> None:
    request = outgoing(path, JSON | headers)

    assert signature(sign(request, body.encode(), WHO, SCOPE, NOW)) == expected


def test_temporary_credentials_send_and_sign_their_token() -> None:
    who = Credentials("AKIDEXAMPLE", SECRET, "tok/+==")

    headers = sign(outgoing(), BODY.encode(), who, SCOPE, NOW)

    assert headers["x-amz-security-token"] == "tok/+=="
    assert signed_of(headers) == "content-type;host;x-amz-date;x-amz-security-token"
    assert signature(headers) == "4c4782a8b107509e96f59f1343235999abac985c3b1175527b2f209acf0edff5"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("model/m/converse", "model//m/converse"),
        ("model/m/converse", "model/./x/../m/converse"),
        ("model/m/converse?a=1&b=2", "model/m/converse?b=2&a=1"),
        ("model/m/converse?a=%2F", "model/m/converse?a=/"),
        ("model/m/converse?a", "model/m/converse?a="),
    ],
)
def test_spellings_that_a_server_reads_alike_are_signed_alike(one: str, other: str) -> None:
    signatures = {signature(sign(outgoing(path), b"", WHO, SCOPE, NOW)) for path in (one, other)}

    assert len(signatures) == 1


@pytest.mark.parametrize(
    "request_",
    [
        outgoing(CLAUDE.replace("%3A", ":")),
        outgoing(CLAUDE + "/"),
        outgoing(CLAUDE + "?a=1"),
        outgoing(method="GET"),
        outgoing(headers={"content-type": "text/plain"}),
        outgoing(headers={}),
        outgoing(headers=JSON | {"x-amzn-bedrock-trace": "ENABLED"}),
    ],
)
def test_what_is_signed_cannot_be_changed(request_: Outgoing) -> None:
    assert signature(sign(request_, BODY.encode(), WHO, SCOPE, NOW)) != GOLDEN


def test_what_changes_on_the_way_is_not_signed() -> None:
    added = {"user-agent": "x", "accept-encoding": "gzip", "accept": "*/*", "traceparent": "00"}

    headers = sign(outgoing(headers=JSON | added), BODY.encode(), WHO, SCOPE, NOW)

    assert signature(headers) == GOLDEN
    assert headers.items() >= added.items()


def test_credentials_do_not_show_what_is_secret() -> None:
    who = Credentials("AKIDEXAMPLE", SECRET, "token-1")

    assert SECRET not in repr(who)
    assert "token-1" not in repr(who)


@given(st.text(st.characters(codec="ascii", exclude_characters="?#")), st.text())
def test_any_path_and_query_can_be_signed(path: str, query: str) -> None:
    request = Outgoing("POST", f"https://{HOST}/{path}?{query}", HOST, JSON, None)

    assert len(signature(sign(request, b"", WHO, SCOPE, NOW))) == 64
