"""What must not happen: requests led astray, headers smuggled in, keys left lying about."""

import json
from uuid import uuid4

import httpx
import pytest

from running import Gateway, post
from worker.caller import RawCaller
from worker.scripted import PLAY, ScriptedUpstream, Wire

METADATA = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"


async def redirect_to_metadata(wire: Wire) -> None:
    await wire.head("307 Temporary Redirect", location=METADATA, content_length="0")


async def wrong_key(wire: Wire) -> None:
    await wire.whole("401 Unauthorized", "application/json", b'{"error": {"message": "Wrong"}}')


# Ways out: https, a public host, and no parser that reads the host otherwise.
TARGETS = [
    "http://169.254.169.254/latest/meta-data/",
    "https://169.254.169.254/latest/meta-data/",
    "https://127.0.0.1/",
    "https://localhost/",
    "https://[::1]/",
    "https://10.0.0.1/",
    "https://2130706433/",
    "https://0x7f.1/",
    "http://fal.run/x",
    "https://fal.run.evil.com/x",
    "https://evil-fal.run/x",
    "https://evil.com/fal.run",
    "https://fal.run@evil.com/x",
    "https://evil.com#@fal.run/x",
    "https://evil.com?.fal.run/x",
    "https://evil.com\\.fal.run/x",
    "https://evil.com\\@fal.run/x",
    "https://fal.run:8443/x",
    "https://fal.run\t.evil.com/x",
    "https://fal.run%2eevil.com/x",
    "//evil.com/fal.run",
    "fal.run",
    "https://",
    "file:///etc/passwd",
]
# Every spelling of an address that is not of the public internet, or not https.
BASE_URLS = [
    "http://models.example.com",
    "https://localhost",
    "https://localhost.",
    "https://LOCALHOST/v1",
    "https://foo.localhost",
    "https://127.0.0.1",
    "https://127.1",
    "https://2130706433",
    "https://0x7f000001",
    "https://0x7f.0.0.1",
    "https://0177.0.0.1",
    "https://017700000001",
    "https://127.0.0.1.",
    "https://0.0.0.0",
    "https://10.1.2.3",
    "https://172.16.0.1",
    "https://192.168.0.1",
    "https://169.254.169.254",
    "https://100.64.0.1",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[fd00::1]",
    "https://metadata.google.internal",
    "https://printer.local",
    "https://intranet",
    "https://user@models.example.com",
    "https://user:word@models.example.com",
    "https://models.example.com:8443",
    "https://models.example.com@127.0.0.1",
    "https://models.example.com?x=1",
    "https://models.example.com#x",
    "https://models.example.com\\@127.0.0.1",
    "https://\uff11\uff12\uff17.0.0.1",
    "https://127。0。0。1",
    "https://ⓛocalhost",
    "https:// 127.0.0.1",
    "https://exa mple.com",
    "ftp://models.example.com",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("target", TARGETS)
def test_a_header_leads_fal_s_requests_nowhere_but_to_fal(
    gateway: Gateway, upstream: ScriptedUpstream, target: str
) -> None:
    before = len(upstream.requests)
    headers = {"x-fal-target-url": target, PLAY: "json_answer"}

    response = post(f"{gateway.address}/fal/fal-ai/fast-sdxl", json={}, headers=headers)

    assert (response.status_code, response.json()["internalCode"]) == (400, 7001)
    assert "x-fal-target-url" in response.json()["message"]
    assert len(upstream.requests) == before


@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run", "rest.fal.ai"])
def test_a_header_may_lead_fal_s_requests_to_fal(
    gateway: Gateway, upstream: ScriptedUpstream, host: str
) -> None:
    headers = {"x-fal-target-url": f"https://{host}/a/b?c=%2F", PLAY: "json_answer"}

    response = post(f"{gateway.address}/fal/ignored", json={}, headers=headers)

    assert response.status_code == 200
    assert upstream.last().target == "/fal/fal/a/b?c=%2F"
    assert upstream.last().header("x-fal-target-url") is None


@pytest.mark.parametrize("header", ["x-fal-target-url", "x-target-url", "x-forwarded-host"])
def test_no_header_leads_the_requests_of_others(
    gateway: Gateway, upstream: ScriptedUpstream, header: str
) -> None:
    headers = {header: "https://evil.com/", PLAY: "json_answer"}

    response = post(f"{gateway.openai}/chat/completions", json={}, headers=headers)

    assert response.status_code == 200
    assert upstream.last().target == "/v1/chat/completions"
    assert upstream.last().header(header) is None


@pytest.mark.parametrize("base_url", BASE_URLS)
def test_a_provider_of_our_own_must_be_on_the_public_internet(
    gateway: Gateway, base_url: str
) -> None:
    body = {"name": "x", "slug": "led-astray", "base_url": base_url, "enable": True}
    headers = {"authorization": f"Bearer {gateway.admin_token}"}

    response = httpx.post(f"{gateway.account}/custom-providers", json=body, headers=headers)

    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, 1002)


@pytest.mark.parametrize("script", ["redirect_to_metadata", "redirect"])
def test_a_provider_cannot_send_us_elsewhere(
    gateway: Gateway, upstream: ScriptedUpstream, script: str
) -> None:
    upstream.learn(redirect_to_metadata)
    before = len(upstream.requests)

    response = post(f"{gateway.openai}/script/{script}", json={})

    # It is the caller's to follow, from where the caller is.
    assert response.status_code == 307
    assert response.headers["location"] in (METADATA, "/v1/script/json_answer")
    assert len(upstream.requests) == before + 1


@pytest.mark.parametrize(
    "path",
    [
        "azure-openai/evil.com%2F/deployment/chat/completions",
        "azure-openai/evil.com#/deployment/chat/completions",
        "azure-openai/user@evil/deployment/chat/completions",
        "aws-bedrock/bedrock-runtime/evil.com%2F/model/m/converse",
        "aws-bedrock/bedrock-runtime/us-east-1.evil.com/model/m/converse",
        "aws-bedrock/s3/us-east-1/bucket",
        "google-vertex-ai/v1/projects/p/locations/evil.com%2F/publishers/google/models/m:predict",
        "google-vertex-ai/v1/projects/p/locations/x.evil.com/publishers/google/models/m:predict",
        "baseten/model/evil.com%2F",
        "workers-ai/@cf/..%2F..%2F..%2F..%2Fmembers/x",
    ],
)
def test_a_path_cannot_become_a_host_of_somebody_else(
    gateway: Gateway, upstream: ScriptedUpstream, path: str
) -> None:
    before = len(upstream.requests)
    headers = {"api-key": "k", PLAY: "json_answer"}

    response = post(f"{gateway.address}/{path}", json={}, headers=headers)

    assert (response.status_code, response.json()["internalCode"]) == (400, 7001)
    assert len(upstream.requests) == before


def test_no_header_is_smuggled_past_the_list(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    smuggled = {
        "connection": "close, x-internal, authorization",
        "x-internal": "1",
        "cf_connecting_ip": "10.0.0.1",
        "cf_access_jwt_assertion": "jwt",
        "cookie": "CF_Authorization=jwt; session=1",
        "forwarded": "for=10.0.0.1;host=evil.com",
        "x_forwarded_host": "evil.com",
        "x_original_url": "/admin",
        "x_http_method_override": "DELETE",
        "te": "trailers",
        "proxy_authorization": "Basic x",
        "sec_websocket_protocol": "cf-aig-authorization.slu_token",
        "cf_aig_authorization": "Bearer slu_token",
        "cf_aig_unheard_of": "1",
    }

    caller = RawCaller(f"{gateway.openai}/script/json_answer", b"{}", **smuggled)
    caller.read_head()
    caller.die()

    names = {name for name, _ in upstream.last().headers}
    # `cf-worker` is the platform's own, where there is one.
    sent = {name.replace("_", "-") for name in smuggled} | {"connection"}
    assert names & sent <= {"connection"}
    assert {name for name in names if name.startswith("cf-")} <= {"cf-worker"}
    told = json.dumps(upstream.last().headers)
    assert "x-internal" not in told
    assert "slu_token" not in told
    assert "jwt" not in told


def test_a_token_of_ours_in_the_query_stays_here(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.address}/google-ai-studio/script/json_answer?a=1&key=slu_secret&b=2"

    post(url, json={}, headers={"x-goog-api-key": "k"})

    assert upstream.last().target == "/gemini/script/json_answer?a=1&b=2"


@pytest.mark.parametrize(
    "headers",
    [{"x-a": "1\r\nx-b: 2"}, {"x-a\r\nx-b": "2"}, {"x a": "1"}, {"": "1"}, {"x-a": "\u2028"}],
)
def test_an_entry_cannot_break_out_of_its_headers(
    gateway: Gateway, upstream: ScriptedUpstream, headers: dict[str, str]
) -> None:
    before = len(upstream.requests)
    body = [{"provider": "openai", "endpoint": "script/stream", "query": {}, "headers": headers}]

    response = httpx.post(gateway.address, json=body)

    assert (response.status_code, response.json()["internalCode"]) == (400, 7001)
    assert "entry 0, field `headers`" in response.json()["message"]
    assert len(upstream.requests) == before


def test_an_entry_s_headers_pass_the_same_list(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    headers = {
        "authorization": "Bearer k",
        "host": "evil.com",
        "content-length": "1",
        "transfer-encoding": "chunked",
        "cookie": "a=b",
        "cf-connecting-ip": "10.0.0.1",
        "x-forwarded-for": "10.0.0.1",
    }
    entry = {"provider": "openai", "endpoint": "script/json_answer", "query": {"a": "b"}}

    httpx.post(gateway.address, json=entry | {"headers": headers}, headers={"cookie": "c=d"})

    asked = upstream.last()
    assert asked.header("host") == httpx.URL(upstream.base_url).netloc.decode()
    assert asked.body == b'{"a":"b"}'
    assert {"cookie", "cf-connecting-ip", "x-forwarded-for"}.isdisjoint(dict(asked.headers))


def test_a_key_is_in_no_error_no_row_and_no_file(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    upstream.learn(wrong_key)
    key, mark = f"sk-{uuid4().hex}", f"mark-{uuid4().hex}"
    headers = {"authorization": f"Bearer {key}", "cf-aig-metadata": f'{{"mark": "{mark}"}}'}
    asked: list[tuple[str, dict[str, str]]] = [
        ("openai/script/json_answer", {}),
        ("openai/script/wrong_key", {}),
        ("openai/script/slam", {}),
        ("openai/script/hang", {"cf-aig-request-timeout": "50"}),
        ("openai/script/stream", {"cf-aig-max-attempts": "9"}),
        ("nobody/chat", {}),
        ("aws-bedrock/nowhere", {}),
        ("google-vertex-ai/v1/projects/p/locations/global/script/json_answer", {}),
    ]

    answers = [
        httpx.post(f"{gateway.address}/{path}", json={}, headers=headers | more)
        for path, more in asked
    ]

    shown = [f"{answer.headers} {answer.text} {gateway.row_of(answer)}" for answer in answers]
    assert key not in " ".join(shown)
    files = gateway.at_rest()
    assert mark.encode() in files
    assert key.encode() not in files
