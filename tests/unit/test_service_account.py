import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from errors import BadKey, Unreachable
from fakes import NOW, FakeClock, FakeFetch, FakeReplyBody, RealCrypto, an_answer
from ports import Ending, Incoming, Outgoing
from signing.base import Means, Minted
from signing.service_account import authorize

TOKEN_URL = "https://oauth2.googleapis.com/token"
KEY = generate_private_key(65537, 2048)
MINUTE = 60_000


def pem(private_format: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return KEY.private_bytes(Encoding.PEM, private_format, NoEncryption()).decode()


FIELDS: dict[str, Any] = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "key-1",
    "private_key": pem(),
    "client_email": "robot@p.iam.gserviceaccount.com",
    "client_id": "1",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": TOKEN_URL,
    "universe_domain": "googleapis.com",
}
ACCOUNT = json.dumps(FIELDS)
SECRET = "".join(pem().split("\n")[1:-2])


class Bench:
    """What a request is authorised with, and what came of it."""

    def __init__(self, *script: Incoming | Exception) -> None:
        self.clock = FakeClock()
        self.fetch = FakeFetch(*script)
        self.minted: dict[str, Minted] = {}
        self.means = Means(self.fetch, RealCrypto(), self.clock, self.minted)

    async def headers(
        self, key: str | None, headers: Mapping[str, str] | None = None
    ) -> Mapping[str, str]:
        """Return what a request is sent with."""
        url = "https://aiplatform.googleapis.com/v1/publishers/google/models/m:generateContent"
        sent = {"accept": "x"} | dict(headers or {})
        outgoing = Outgoing("POST", url, "aiplatform.googleapis.com", sent, None)
        return await authorize(
            key, "v1/publishers/google/models/m:generateContent", outgoing, self.means
        )


def token(name: str = "ya29.minted", **fields: object) -> Incoming:
    answer = {"access_token": name, "expires_in": 3599, "token_type": "Bearer"} | fields
    return an_answer(json.dumps(answer))


def account(**fields: object) -> str:
    return json.dumps(FIELDS | fields)


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


async def test_a_token_is_used_until_shortly_before_its_end() -> None:
    bench = Bench(token("first"), token("second"))
    used: list[str] = []

    for minutes in (0, 54, 1):
        bench.clock.now += minutes * MINUTE
        used.append((await bench.headers(ACCOUNT))["authorization"])

    # 3599 - 300 seconds are 54 minutes and 59 seconds.
    assert used == ["Bearer first", "Bearer first", "Bearer second"]
    assert [minted.until for minted in bench.minted.values()] == [NOW + 55 * MINUTE + 3_299_000]


@pytest.mark.parametrize("life", [None, 0, 299, -1, "3599", True, float("nan")])
async def test_a_token_that_ends_soon_is_used_once(life: object) -> None:
    bench = Bench(token("first", expires_in=life), token("second", expires_in=life))

    used = [(await bench.headers(ACCOUNT))["authorization"] for _ in range(2)]

    assert used == ["Bearer first", "Bearer second"]


async def test_a_token_is_believed_for_no_more_than_an_hour() -> None:
    bench = Bench(token(expires_in=10**12))
    await bench.headers(ACCOUNT)

    assert [minted.until for minted in bench.minted.values()] == [NOW + 3_300_000]


@pytest.mark.parametrize(
    "other",
    [
        {"client_email": "other@p.iam.gserviceaccount.com"},
        {"private_key_id": "key-2"},
        {"private_key": pem() + "\n"},
    ],
)
async def test_a_token_is_for_the_whole_key_that_it_was_made_of(other: dict[str, str]) -> None:
    bench = Bench(token("first"), token("second"))

    await bench.headers(ACCOUNT)
    headers = await bench.headers(account(**other))

    assert headers["authorization"] == "Bearer second"
    assert len(bench.minted) == 2


async def test_who_sends_a_false_private_key_gets_no_token_of_another() -> None:
    bench = Bench(token())
    await bench.headers(ACCOUNT)

    with pytest.raises(BadKey):
        await bench.headers(account(private_key=""))


async def test_tokens_are_held_under_a_digest_and_are_not_many() -> None:
    bench = Bench(token())
    bench.minted.update({str(number): Minted("t", NOW) for number in range(1000)})

    await bench.headers(ACCOUNT)

    ((name, minted),) = bench.minted.items()
    assert minted.token == "ya29.minted"
    assert len(name) == 64
    assert SECRET not in name


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


@pytest.mark.parametrize(
    ("status", "answer", "words"),
    [
        (
            400,
            {"error": "invalid_grant", "error_description": "Invalid JWT Signature."},
            "invalid_grant: Invalid JWT Signature.",
        ),
        (401, {"error": "invalid_client"}, "invalid_client"),
        (
            403,
            {"error": {"code": 403, "message": "Disabled", "status": "PERMISSION_DENIED"}},
            "PERMISSION_DENIED: Disabled",
        ),
        (404, "<html>", "status 404"),
        (400, [], "status 400"),
    ],
)
async def test_a_key_that_google_refuses_is_refused_in_its_words(
    status: int, answer: object, words: str
) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    bench = Bench(an_answer(text, status=status))

    with pytest.raises(BadKey, match=words) as caught:
        await bench.headers(ACCOUNT)

    assert caught.value.status == 401
    assert not bench.minted


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, {"error": "internal_failure"}),
        (503, "<html>"),
        (429, {"error": "rate_limit"}),
        (400, {"error": "server_error"}),
        (400, {"error": "temporarily_unavailable"}),
        (302, ""),
        (200, ""),
        (200, {}),
        (200, {"access_token": ""}),
        (200, {"access_token": 1}),
        (200, {"id_token": "eyJ"}),
    ],
)
async def test_a_fault_of_google_is_one_that_passes(status: int, answer: object) -> None:
    text = answer if isinstance(answer, str) else json.dumps(answer)
    bench = Bench(an_answer(text, status=status))

    with pytest.raises(Unreachable, match=r"oauth2\.googleapis\.com"):
        await bench.headers(ACCOUNT)

    assert not bench.minted


async def test_an_answer_that_is_not_held_is_a_fault_of_google() -> None:
    ending = Ending("complete", '{"access_token":"ya29.x","expires_in":3599}')
    long = Incoming(200, {}, FakeReplyBody(ending, holds=False))
    bench = Bench(long, Incoming(200, {}, None))

    for _ in range(2):
        with pytest.raises(Unreachable):
            await bench.headers(ACCOUNT)


async def test_an_endpoint_that_cannot_be_reached_is_told_as_such() -> None:
    lost = Unreachable("oauth2.googleapis.com", 12)
    broken = Incoming(200, {}, FakeReplyBody(breaks=lost))

    for failure in (lost, broken):
        with pytest.raises(Unreachable) as caught:
            await Bench(failure).headers(ACCOUNT)
        assert caught.value is lost


@pytest.mark.parametrize(
    "answer",
    [
        (400, '{"error": "invalid_grant", "error_description": "account not found"}'),
        (400, "x" * 10_000),
        (500, "{}"),
        (200, "{}"),
    ],
)
@pytest.mark.parametrize("changed", [{}, {"private_key": SECRET}, {"token_uri": "https://x.test"}])
async def test_no_error_tells_the_key(answer: tuple[int, str], changed: dict[str, str]) -> None:
    status, text = answer
    bench = Bench(an_answer(text, status=status))

    with pytest.raises((BadKey, Unreachable)) as caught:
        await bench.headers(account(**changed))

    told = f"{caught.value.envelope()}{caught.value.headers}{caught.value!r}"
    assert not any(SECRET[at : at + 16] in told for at in range(0, len(SECRET) - 16, 16))
    assert len(told) < 2000


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
