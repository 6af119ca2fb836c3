import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from errors import BadKey, ClientLeft
from fakes import FakeBody, FakeClock, FakeFetch, RealCrypto
from ports import Body, Outgoing
from signing.base import Means
from signing.sigv4 import Credentials, Scope, authorize, sign

# 22 November 2026, 07:00:00 UTC.
NOW = 1_795_330_800
BODY = '{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}'
JSON = {"content-type": "application/json"}
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
WHO = Credentials("AKIDEXAMPLE", SECRET)
STORED = f'{{"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "{SECRET}", "region": "eu-west-1"}}'
SCOPE = Scope("us-east-1", "bedrock")
HOST = "bedrock-runtime.us-east-1.amazonaws.com"
CLAUDE = "model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
GOLDEN = "6b726cf87d30ec666128ea4874edc7d85a438aa6fe829c0028a1f6bd52b6355b"

AUTHORIZE = authorize({"data": "one", "control": "two"}, re.compile("control/[^/]+/bare/"))


def outgoing(
    path: str = CLAUDE,
    headers: Mapping[str, str] = JSON,
    body: Body | None = None,
    method: str = "POST",
) -> Outgoing:
    return Outgoing(method, f"https://{HOST}/{path}", HOST, headers, body)


def signature(headers: Mapping[str, str]) -> str:
    return headers["authorization"].rpartition("Signature=")[2]


def signed_of(headers: Mapping[str, str]) -> str:
    return headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]


def means(now: float = NOW) -> Means:
    return Means(FakeFetch(), RealCrypto(), FakeClock(now * 1000), {})


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


async def test_stored_credentials_sign_for_the_region_and_the_service_of_the_path() -> None:
    request = outgoing(body=FakeBody(BODY))

    headers = await AUTHORIZE(STORED, f"data/us-east-1/{CLAUDE}", request, means())

    scope = Scope("us-east-1", "one")
    assert headers == sign(outgoing(), BODY.encode(), WHO, scope, NOW)


async def test_a_retry_is_signed_anew() -> None:
    request = outgoing(body=FakeBody(BODY))

    first, second = [
        await AUTHORIZE(STORED, "data/us-east-1/a", request, means(now)) for now in (NOW, NOW + 1)
    ]

    assert second["x-amz-date"] == "20261122T070001Z"
    assert signature(first) != signature(second)


async def test_a_request_without_a_body_is_signed() -> None:
    request = outgoing("v1/models", {}, method="GET")

    headers = await AUTHORIZE(STORED, "control/us-east-1/v1/models", request, means())

    assert headers == sign(request, b"", WHO, Scope("us-east-1", "two"), NOW)


async def test_a_body_is_signed_in_its_bytes() -> None:
    request = outgoing(body=FakeBody('{"text": "héllo 日本"}'))

    headers = await AUTHORIZE(STORED, "data/us-east-1/a", request, means())

    payload = '{"text": "héllo 日本"}'.encode()
    assert headers == sign(outgoing(), payload, WHO, Scope("us-east-1", "one"), NOW)


async def test_a_stored_session_token_is_sent() -> None:
    stored = f'{{"accessKeyId":"A","secretAccessKey":"{SECRET}","sessionToken":"tok"}}'

    headers = await AUTHORIZE(stored, "data/us-east-1/a", outgoing(), means())

    assert headers["x-amz-security-token"] == "tok"


@pytest.mark.parametrize("token", ["null", '""'])
async def test_a_stored_session_token_may_be_left_empty(token: str) -> None:
    stored = f'{{"accessKeyId":"A","secretAccessKey":"{SECRET}","sessionToken":{token}}}'

    headers = await AUTHORIZE(stored, "data/us-east-1/a", outgoing(), means())

    assert "x-amz-security-token" not in headers


@pytest.mark.parametrize("key", [STORED, "ABSKplain="])
async def test_what_is_stored_takes_the_place_of_what_a_caller_signs_with(key: str) -> None:
    left = {
        "authorization": "AWS4-HMAC-SHA256 Credential=theirs",
        "x-api-key": "theirs",
        "x-amz-date": "19700101T000000Z",
        "x-amz-security-token": "theirs",
        "x-amz-content-sha256": "theirs",
    }

    headers = await AUTHORIZE(key, "data/us-east-1/a", outgoing(headers=JSON | left), means())

    assert "theirs" not in "".join(headers.values())
    assert headers == await AUTHORIZE(key, "data/us-east-1/a", outgoing(), means())


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("data/us-east-1/model/m/converse", "authorization", "Bearer ABSKplain="),
        ("control/us-east-1/v1/responses", "authorization", "Bearer ABSKplain="),
        ("control/us-east-1/bare/v1/messages", "x-api-key", "ABSKplain="),
        ("data/us-east-1/bare/v1/messages", "authorization", "Bearer ABSKplain="),
    ],
)
async def test_a_stored_api_key_goes_where_the_path_wants_it(
    path: str, name: str, value: str
) -> None:
    headers = await AUTHORIZE("  ABSKplain=\n", path, outgoing(), means())

    assert headers == JSON | {name: value}


@pytest.mark.parametrize(
    "key",
    [
        "",
        "two words",
        "line\nbreak",
        "ключ",
        "{",
        "{}",
        '{"accessKeyId":"A"}',
        '{"secretAccessKey":"hush-hush"}',
        '{"accessKeyId":"A","secretAccessKey":""}',
        '{"accessKeyId":"","secretAccessKey":"hush-hush"}',
        '{"accessKeyId":1,"secretAccessKey":"hush-hush"}',
        '{"accessKeyId":"A\\r\\nx: y","secretAccessKey":"hush-hush"}',
        '{"accessKeyId":"A","secretAccessKey":"hush-hush","sessionToken":"a b"}',
        '{"accessKeyId":"A","secretAccessKey":"hush-hush","sessionToken":7}',
        '{"accessKeyId":"A","secretAccessKey":"hush-hush"',
        "{" * 10_000,
    ],
)
async def test_a_stored_key_of_another_form_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(BadKey) as caught:
        await AUTHORIZE(key, "data/us-east-1/a", outgoing(), means())

    assert "secretAccessKey" in caught.value.message
    assert "hush" not in caught.value.message
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


async def test_a_body_that_is_too_long_to_be_signed_is_refused() -> None:
    with pytest.raises(BadKey, match="over 10 MB"):
        await AUTHORIZE(STORED, "data/us-east-1/a", outgoing(body=FakeBody(None)), means())


async def test_an_api_key_sends_a_body_that_is_too_long_to_be_signed() -> None:
    request = outgoing(body=FakeBody(None))

    assert await AUTHORIZE("key", "data/us-east-1/a", request, means())


async def test_a_caller_who_leaves_is_found_out() -> None:
    with pytest.raises(ClientLeft):
        await AUTHORIZE(STORED, "data/r/a", outgoing(body=FakeBody(ClientLeft())), means())


@pytest.mark.parametrize("path", ["data/us-east-1/a", "control/us-east-1/bare/a"])
async def test_what_a_caller_has_signed_passes_untouched(path: str) -> None:
    theirs = JSON | {
        "authorization": "AWS4-HMAC-SHA256 Credential=AKID/20261122/us-east-1/bedrock/aws4_request",
        "x-amz-date": "20261122T070000Z",
        "x-amz-security-token": "tok",
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    }

    headers = await AUTHORIZE(None, path, outgoing(headers=theirs), means())

    assert headers == theirs


@pytest.mark.parametrize(
    ("given_", "sent"),
    [
        ({"authorization": "Bearer k"}, {"x-api-key": "k"}),
        ({"authorization": "bearer  k "}, {"x-api-key": "k"}),
        ({"x-api-key": "k"}, {"x-api-key": "k"}),
        ({"x-api-key": "k", "authorization": "Bearer other"}, {"x-api-key": "k"}),
        ({"authorization": "Basic k"}, {"authorization": "Basic k"}),
    ],
)
async def test_a_callers_api_key_goes_where_the_path_wants_it(
    given_: dict[str, str], sent: dict[str, str]
) -> None:
    path = "control/us-east-1/bare/v1/messages"

    assert await AUTHORIZE(None, path, outgoing(headers=given_), means()) == sent


async def test_elsewhere_a_callers_api_key_stays_where_it_is() -> None:
    theirs = {"authorization": "Bearer k"}

    assert await AUTHORIZE(None, "data/r/a", outgoing(headers=theirs), means()) == theirs
