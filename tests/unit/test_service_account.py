"""Which keys sign for a token, in what words, and which are refused."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from errors import BadKey
from fakes import NOW
from service_accounts import ACCOUNT, FIELDS, KEY, SECRET, TOKEN_URL, Bench, account, pem, token


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def unpacked(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


async def sent_form(bench: Bench) -> dict[str, list[str]]:
    body = bench.fetch.sent[0].body
    assert body
    return parse_qs(await body.text() or "", strict_parsing=True)


async def test_a_stored_service_account_signs_for_a_token() -> None:
    bench = Bench(token())

    headers = await bench.headers(ACCOUNT)

    assert headers == {"accept": "x", "authorization": "Bearer ya29.minted"}
    (request,) = bench.fetch.sent
    assert (request.method, request.url) == ("POST", TOKEN_URL)
    assert request.host == "oauth2.googleapis.com"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = await sent_form(bench)
    assert form.keys() == {"grant_type", "assertion"}
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]


async def test_the_assertion_is_what_google_wants_and_its_signature_is_good() -> None:
    bench = Bench(token())
    await bench.headers(ACCOUNT)

    header, claims, signature = (await sent_form(bench))["assertion"][0].split(".")

    KEY.public_key().verify(
        base64.urlsafe_b64decode(signature + "=="),
        f"{header}.{claims}".encode(),
        PKCS1v15(),
        SHA256(),
    )
    assert unpacked(header) == {"alg": "RS256", "typ": "JWT", "kid": "key-1"}
    told = unpacked(claims)
    assert told == {
        "iss": "robot@p.iam.gserviceaccount.com",
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": TOKEN_URL,
        "iat": NOW / 1000 - 30,
        "exp": told["iat"] + 3600,
    }


async def test_a_key_without_an_id_or_a_token_uri_signs_too() -> None:
    bench = Bench(token())
    few = {name: FIELDS[name] for name in ("client_email", "private_key")}

    await bench.headers(json.dumps(few | {"region": "us-central1"}))

    header = (await sent_form(bench))["assertion"][0].split(".")[0]
    assert unpacked(header) == {"alg": "RS256", "typ": "JWT"}


@pytest.mark.parametrize(
    "key",
    [
        f"\n {ACCOUNT}\n",
        packed(ACCOUNT),
        base64.encodebytes(ACCOUNT.encode()).decode(),
        base64.urlsafe_b64encode(account(region="us-central1", note="ÿÿÿ¾").encode()).decode(),
        packed(ACCOUNT).rstrip("="),
        account(private_key=pem().replace("\n", "\\n")),
        account(private_key=pem().replace("\n", "\r\n")),
        account(private_key=f"# made by hand\n{pem()}"),
    ],
)
async def test_a_stored_key_may_be_written_in_several_ways(key: str) -> None:
    assert (await Bench(token()).headers(key))["authorization"] == "Bearer ya29.minted"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
async def test_a_caller_may_send_the_account_in_base64(scheme: str) -> None:
    given = packed(account(region="europe-west4"))

    headers = await Bench(token()).headers(None, {"authorization": f"{scheme} {given}"})

    assert headers == {"accept": "x", "authorization": "Bearer ya29.minted"}


@pytest.mark.parametrize(
    "given",
    [
        "Bearer ya29.c.b0AXv0zTP",
        "Bearer AQ.Ab8RN6",
        "Bearer eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln",
        f"Bearer {packed('no JSON')}",
        f"Bearer {packed('[1]')}",
        f"Bearer {packed('{')}",
        f"Bearer {packed(' ' * 30_000 + ACCOUNT)}",
        "Bearer é",
        "Bearer ",
        "Bearer",
        "Basic Zm9vOmJhcg==",
        "",
    ],
)
async def test_what_else_a_caller_sends_passes_as_it_is(given: str) -> None:
    bench = Bench()
    own = {"authorization": given, "x-goog-user-project": "p"}

    assert await bench.headers(None, own) == {"accept": "x"} | own
    assert not bench.fetch.sent


async def test_a_caller_may_send_the_account_as_it_is_but_not_a_part_of_it() -> None:
    headers = await Bench(token()).headers(None, {"authorization": f"Bearer {ACCOUNT}"})

    assert headers["authorization"] == "Bearer ya29.minted"
    with pytest.raises(BadKey):
        await Bench().headers(None, {"authorization": f"Bearer {ACCOUNT[:-1]}"})


async def test_a_caller_without_a_header_is_let_through() -> None:
    assert await Bench().headers(None) == {"accept": "x"}
    assert await Bench().headers(None, {"x-goog-api-key": "AIza1"}) == {
        "accept": "x",
        "x-goog-api-key": "AIza1",
    }


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("ya29.ready", {"authorization": "Bearer ya29.ready"}),
        (" eyJ0.eyJp.c2ln\n", {"authorization": "Bearer eyJ0.eyJp.c2ln"}),
        ("AIzaSy", {"x-goog-api-key": "AIzaSy"}),
        ("AQ.Ab8", {"x-goog-api-key": "AQ.Ab8"}),
    ],
)
async def test_a_stored_token_or_api_key_goes_where_google_looks_for_it(
    key: str, written: dict[str, str]
) -> None:
    others = {"authorization": "Bearer gateway", "x-goog-api-key": "gateway"}

    assert await Bench().headers(key, others) == {"accept": "x"} | written


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.test/token",
        "https://www.googleapis.com/oauth2/v4/token",
        "https://oauth2.googleapis.com/token/",
        "http://oauth2.googleapis.com/token",
        "",
        None,
        1,
    ],
)
async def test_a_key_that_names_another_endpoint_is_refused_and_sent_nowhere(uri: object) -> None:
    bench = Bench()
    key = account(token_uri=uri)

    for stored, headers in ((key, {}), (None, {"authorization": f"Bearer {packed(key)}"})):
        with pytest.raises(BadKey, match=r"`token_uri` is not https://oauth2\.googleapis\.com"):
            await bench.headers(stored, headers)

    assert not bench.fetch.sent


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("{", "begins like JSON"),
        ('{"client_email": 1', "begins like JSON"),
        ("{}", "not that of a service account"),
        (packed("{}"), "not that of a service account"),
        ('{"type": "authorized_user", "refresh_token": "r"}', "not that of a service account"),
        (account(private_key=None), "not that of a service account"),
        (account(client_email=["a"]), "not that of a service account"),
        (account(private_key=""), "no PEM"),
        (account(private_key="AAAA"), "no PEM"),
        (account(private_key="-----BEGIN PRIVATE KEY-----\n*\n"), "no PEM"),
        (account(private_key=pem(PrivateFormat.TraditionalOpenSSL)), "openssl pkcs8"),
        (account(private_key=pem().replace(SECRET[:9], "AAAAAAAAA")), "no RSA key"),
        (account(padding="x" * 20_000), "more than 20000 characters"),
        ("{" + "[" * 15_000, "begins like JSON"),
        ('{"client_email": "\ud800"}', "not that of a service account"),
    ],
)
async def test_a_key_of_the_wrong_form_is_refused(key: str, problem: str) -> None:
    bench = Bench()

    with pytest.raises(BadKey, match=problem):
        await bench.headers(key)

    assert not bench.fetch.sent
    assert not bench.minted


def test_the_key_of_these_tests_is_one() -> None:
    assert isinstance(KEY, RSAPrivateKey)
    assert len(SECRET) > 1500


@given(st.text() | st.text().map("{{{}".format))
async def test_any_credential_passes_or_is_refused(given: str) -> None:
    bench = Bench()
    own = {"authorization": f"Bearer {given}"}

    try:
        passed, stored = await bench.headers(None, own), await bench.headers(given)
    except BadKey:
        assert given.strip().startswith("{")
    else:
        assert passed == {"accept": "x"} | own
        assert len(stored) == 2
