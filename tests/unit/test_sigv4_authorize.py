"""What stored and sent credentials of AWS do to a request."""

import re

import pytest

from errors import BadKey, ClientLeft
from fakes import FakeBody, FakeClock, FakeFetch, RealCrypto
from signing.base import Means
from signing.sigv4 import Scope, authorize, sign
from sigv4_requests import BODY, CLAUDE, JSON, NOW, SECRET, WHO, outgoing, signature

STORED = f'{{"accessKeyId": "AKIDEXAMPLE", "secretAccessKey": "{SECRET}", "region": "eu-west-1"}}'
AUTHORIZE = authorize({"data": "one", "control": "two"}, re.compile("control/[^/]+/bare/"))


def means(now: float = NOW) -> Means:
    return Means(FakeFetch(), RealCrypto(), FakeClock(now * 1000), {})


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
