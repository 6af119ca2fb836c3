"""What must never happen: a key where nobody may read it, a request where nobody sent one."""

import base64
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from call import Reply, Request
from errors import BadPath, BadUniversal, ClientLeft, Unreachable, UpstreamTimeout
from fakes import CHAT, Bench, FakeBody, FakeReplyBody, an_answer, an_entry, told, universal
from intake.universal import entries
from ports import Incoming, Outgoing
from providers import PROVIDERS, find
from snapshot import Custom

BASE = CHAT.removesuffix("openai/chat/completions")
PEM = (
    generate_private_key(65537, 2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
ACCOUNT = json.dumps({"type": "service_account", "client_email": "r@p.iam", "private_key": PEM})
ENCODED = base64.b64encode(ACCOUNT.encode()).decode()
MINTED = '{"access_token":"ya29.hush-minted","expires_in":3599}'
# Every key that is sent has this in it, and nothing else has.
HUSH = "hush"
STORED = {
    "openai": "sk-hush-stored-0000",
    "anthropic": "sk-ant-hush-stored-0000",
    "google-ai-studio": "AIza-hush-stored-0000",
    "google-vertex-ai": ACCOUNT,
    "aws-bedrock": '{"accessKeyId":"AKID","secretAccessKey":"hush-stored-secret"}',
    "azure-openai": "hush-stored-azure-0000",
    "deepgram": "hush-stored-deepgram-0000",
    "elevenlabs": "hush-stored-voice-0000",
    "fal": "hush:stored-fal-0000",
    "custom-mine": "hush-stored-custom-0000",
}
PATHS = {
    "openai": "chat/completions",
    "anthropic": "v1/messages",
    "google-ai-studio": "v1/models/m:generateContent",
    "google-vertex-ai": "v1/projects/p/locations/us-east5/publishers/google/models/m:x",
    "aws-bedrock": "bedrock-runtime/us-east-1/model/m/converse",
    "azure-openai": "res/dep/chat/completions",
    "deepgram": "v1/listen",
    "elevenlabs": "v1/text-to-speech/v",
    "fal": "fal-ai/flux",
    "custom-mine": "v1/chat/completions",
    "opnai": "chat/completions",
    "compat": "chat/completions",
}
KEYS: list[dict[str, str]] = [
    {},
    {"authorization": "Bearer sk-hush-mine"},
    {"authorization": f"Bearer {ENCODED}"},
    {"x-api-key": "hush-mine", "x-goog-api-key": "hush-mine", "api-key": "hush-mine"},
    {"xi-api-key": "hush-mine", "cookie": "a=hush", "x-any": "hush", "proxy-authorization": "hush"},
    {"authorization": "Bearer sk-hush-mine", "cf-aig-max-attempts": "hurry"},
    {"authorization": "Bearer sk-hush-mine", "cf-aig-byok-alias": "nobody"},
    {"cf-aig-byok-alias": "nobody"},
    {"x-fal-target-url": "https://evil.test/?fal_jwt_token=hush"},
    {"cf-aig-authorization": "Bearer slu_hush"},
]
OUTCOMES: list[Callable[[], Incoming | Exception]] = [
    lambda: an_answer("{}"),
    lambda: an_answer('{"error":{"message":"Incorrect API key","code":"x"}}', status=401),
    lambda: Incoming(200, {}, FakeReplyBody(breaks=Unreachable("api.openai.com", 3))),
    lambda: Unreachable("api.openai.com", 3),
    lambda: UpstreamTimeout("api.openai.com", 10),
    ClientLeft,
    ZeroDivisionError,
]
HEADERS = {"authorization": "Bearer sk-hush-entry"}
BAD_ENTRIES: list[object] = [
    [an_entry(headers=HEADERS)] * 11,
    [an_entry(headers=HEADERS, endpoint="../x")],
    [an_entry(headers=HEADERS, endpoint="v1/models/m?key=hush#x")],
    [an_entry(headers=HEADERS), an_entry("opn ai")],
    [an_entry(headers=HEADERS | {"x-a": "hush\r\n"})],
    [an_entry(headers="Bearer sk-hush")],
    [an_entry(headers=["Bearer sk-hush"])],
    [an_entry(headers=HEADERS, config="hush")],
    [an_entry(headers=HEADERS, config={"retries": "hush"})],
    [an_entry(headers=HEADERS | {"cf-aig-max-attempts": "9"})],
    an_entry(authorization="Bearer sk-hush", query=None, endpoint=None),
    [HEADERS],
    "Bearer sk-hush",
]


def all_requests() -> Iterator[Request]:
    """Yield requests with keys in all the places where keys are sent, good and bad."""
    for slug, path in PATHS.items():
        for headers in KEYS:
            for query in ("", "?key=hush&api_key=hush&token=hush"):
                yield a_request(slug, path + query, headers)
    targets = [
        an_entry(slug, endpoint=f"{path}?key=hush", headers={**headers, "x-api-key": "hush"})
        for slug, path in PATHS.items()
        for headers in KEYS[:5]
    ]
    for start in range(0, len(targets), 10):
        yield universal(*targets[start : start + 10], authorization="Bearer sk-hush-outer")
    for text in map(json.dumps, BAD_ENTRIES):
        outer = {"authorization": "Bearer sk-hush-outer"}
        yield Request("POST", BASE.rstrip("/"), outer, FakeBody(text))


def a_request(slug: str, path: str, headers: Mapping[str, str]) -> Request:
    sent = {"content-type": "application/json", **headers}
    return Request("POST", f"{BASE}{slug}/{path}", sent, FakeBody('{"model":"m"}'))


async def furnish(bench: Bench) -> str:
    """Store every kind of key, close the gateway, and return a token of it."""
    bench.settings(authentication=True, retry_max_attempts=2, retry_delay=0)
    custom = {"name": "Mine", "slug": "mine", "base_url": "https://llm.example.com", "enable": True}
    await bench.manage("POST", "custom-providers", **custom, headers='{"x-tenant":"hush-header"}')
    for slug, secret in STORED.items():
        await bench.store(slug, secret)
    return (await bench.manage("POST", "tokens", name="ci"))["value"]


def written(bench: Bench) -> list[str]:
    """Return all that the gateway has written down."""
    tables = ("gateways", "logs", "payloads", "tokens", "provider_keys", "custom_providers")
    rows = [row for table in tables for row in bench.database.rows(table)]
    return [*map(str, rows), str(bench.snapshots.copies)]


def shown(reply: Reply) -> str:
    """Return all that a caller is told."""
    return str((reply.status, reply.headers, reply.body))


class Vendor:
    """Answers every request in the same way, and keeps what it was asked."""

    def __init__(self) -> None:
        self.outcome = OUTCOMES[0]
        self.sent: list[Outgoing] = []

    async def __call__(self, outgoing: Outgoing) -> Incoming:
        self.sent.append(outgoing)
        google = outgoing.host == "oauth2.googleapis.com"
        answer = an_answer(MINTED) if google else self.outcome()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def seen(self) -> str:
        """All that was sent but bodies, which are the caller's own."""
        return str([(outgoing.url, outgoing.headers) for outgoing in self.sent])


async def test_a_key_is_never_logged_answered_or_told_on_the_console(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token, vendor = await furnish(bench), Vendor()
    bench.ports = replace(bench.ports, fetch=vendor)
    lines: list[str] = []

    for vendor.outcome in OUTCOMES:
        for request in all_requests():
            shown_token = {"cf-aig-authorization": f"Bearer {token}", **request.headers}
            lines.append(shown(await bench.handle(replace(request, headers=shown_token))))
            lines.append(shown(await bench.handle(request)))

    lines += [*written(bench), caplog.text]
    secrets = (HUSH, PEM.split("\n")[1], ENCODED[:200], token)
    assert [line for line in lines if any(secret in line for secret in secrets)] == []
    assert token not in vendor.seen
    # Were nothing sent, nothing could have leaked.
    assert all(word in vendor.seen for word in ("hush-stored", "hush-mine"))
    assert all(word in vendor.seen for word in ("hush-minted", "hush-header", "key=hush"))
    assert len(bench.database.rows("logs")) > 1_000
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["http://169.254.169.254/latest", "http://localhost/", "//x"])
async def test_a_redirect_is_the_caller_s_to_follow(
    bench: Bench, status: int, location: str
) -> None:
    bench.fetch.script.append(Incoming(status, {"location": location}, None))

    reply = await bench.handle(a_request("openai", "models", {"authorization": "Bearer sk"}))

    assert (reply.status, reply.headers["location"]) == (status, location)
    assert [outgoing.host for outgoing in bench.fetch.sent] == ["api.openai.com"]


async def test_the_url_that_a_client_of_fal_s_chooses_gets_the_stored_key(bench: Bench) -> None:
    await bench.store("fal", "id:secret")
    bench.fetch.script.append(an_answer("{}"))
    url = "https://queue.fal.run/fal-ai/flux/requests/7/status?logs=1"

    reply = await bench.handle(a_request("fal", "any", {"x-fal-target-url": url}))

    [sent] = bench.fetch.sent
    assert (reply.status, sent.url, sent.host) == (200, url, "queue.fal.run")
    assert sent.headers["authorization"] == "Key id:secret"
    assert "x-fal-target-url" not in sent.headers


@pytest.mark.parametrize(
    "url",
    [
        *("https://evil.test/fal.run", "https://fal.run.evil.test/", "https://fal.run@evil.test/"),
        *("http://fal.run/", "https://fal.run:8443/", "https://127.0.0.1/", "https://[::1]/"),
        *("https://169.254.169.254/latest/meta-data/", "https://fal.run\\@evil.test/", "x"),
    ],
)
async def test_no_other_url_gets_it(bench: Bench, url: str) -> None:
    await bench.store("fal", "id:secret")
    headers = {"x-fal-target-url": url}

    direct = await bench.handle(a_request("fal", "fal-ai/flux", headers))
    listed = await bench.handle(universal(an_entry("fal", endpoint="a", headers=headers)))

    for reply in (direct, listed):
        assert (reply.status, told(reply)["internalCode"]) == (400, 7001)
    assert bench.fetch.sent == []


async def test_with_another_provider_no_url_can_be_chosen(bench: Bench) -> None:
    bench.fetch.script.append(an_answer("{}"))
    headers = {"x-fal-target-url": "https://queue.fal.run/", "authorization": "Bearer sk"}

    await bench.handle(a_request("openai", "models", headers))

    assert [outgoing.url for outgoing in bench.fetch.sent] == ["https://api.openai.com/v1/models"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-a\r\nhost": "evil.test"},
        {"x-a": "1\r\nhost: evil.test"},
        {"authorization": "Bearer a\nb"},
    ],
)
async def test_no_header_can_be_smuggled_into_a_request(
    bench: Bench, headers: dict[str, str]
) -> None:
    reply = await bench.handle(universal(an_entry(headers=headers)))

    assert (reply.status, told(reply)["internalCode"]) == (400, 7001)
    assert bench.fetch.sent == []


async def test_an_entry_cannot_say_what_belongs_to_the_connection(bench: Bench) -> None:
    names = (
        *("Host", "Connection", "Content-Length", "Transfer-Encoding", "Upgrade", "TE", "Cookie"),
        *("Expect", "CF-Connecting-IP", "CF-Worker", "X-Forwarded-For", "Forwarded", "Via"),
        *("Proxy-Authorization", "Sec-WebSocket-Key", "Accept-Encoding", "X-Real-IP"),
    )
    headers = {"authorization": "Bearer sk", **dict.fromkeys(names, "evil")}
    bench.fetch.script.append(an_answer("{}"))

    await bench.handle(universal(an_entry(headers=headers)))

    assert set(bench.fetch.sent[0].headers) == {"authorization", "content-type", "accept-encoding"}
    assert "evil" not in str(bench.fetch.sent[0].headers)


@given(st.sampled_from([*PROVIDERS, "custom-mine"]), st.text() | st.from_regex(r"\A[!-~]*\Z"))
def test_no_endpoint_of_an_entry_leads_to_another_host(slug: str, endpoint: str) -> None:
    customs = {"mine": Custom("mine", "https://llm.example.com/base", None)}
    try:
        [entry] = entries(json.dumps(an_entry(slug, endpoint=endpoint)))
        url = find(slug, customs).url("acme", entry.target.path, entry.target.query)
    except (BadUniversal, BadPath):
        return
    parts, base = urlsplit(url), urlsplit(find(slug, customs).base_url)
    assert url.isascii()
    assert (parts.scheme, parts.netloc) == ("https", parts.hostname)
    if "{" not in base.netloc:
        assert (parts.hostname or "").endswith(base.hostname or "?") or slug == "baseten"
        assert parts.path.startswith(base.path)
