"""What a caller sends reaches the provider, and what it answers reaches the caller, unchanged."""

import json
import re

import pytest

from running import Gateway, post, request
from worker.scripted import ScriptedUpstream
from worker.scripts import AUDIO, CHAT, LONG

CHAT_REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Grüße 👋"}]}
UUID7 = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_a_json_answer_is_returned_byte_for_byte(gateway: Gateway) -> None:
    # wrangler's own proxy would compress for a caller who accepts it.
    headers = {"accept-encoding": "identity"}

    response = post(f"{gateway.openai}/script/json_answer", json=CHAT_REQUEST, headers=headers)

    assert response.status_code == 200
    assert response.content == CHAT
    assert response.headers["content-type"] == "application/json"
    assert response.headers["content-length"] == str(len(CHAT))
    assert response.headers["x-request-id"] == "req_1"


def test_an_answer_carries_the_ids_of_its_call(gateway: Gateway) -> None:
    headers = post(f"{gateway.openai}/script/json_answer", json=CHAT_REQUEST).headers

    assert UUID7.fullmatch(headers["cf-aig-request-id"])
    assert headers["cf-aig-log-id"] == headers["cf-aig-request-id"]
    assert headers["cf-aig-event-id"] == headers["cf-aig-request-id"]
    assert headers["cf-aig-cache-status"] == "MISS"
    assert headers["cf-aig-step"] == "0"


@pytest.mark.parametrize("path", ["chat/completions", "v1/chat/completions"])
def test_both_spellings_of_the_path_reach_the_provider(gateway: Gateway, path: str) -> None:
    response = post(f"{gateway.openai}/{path}", json=CHAT_REQUEST)

    assert response.status_code == 200
    assert response.json()["object"] == "chat.completion"


def test_query_and_body_reach_the_provider_unchanged(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    body = b'{ "model" : "gpt-5-mini",\n "x": "\\u00fc", "y": 1.0 }'
    url = f"{gateway.openai}/script/json_answer?a=%2F&b=c+d&a=2"

    post(url, content=body, headers={"content-type": "application/json"})

    assert upstream.last().target == "/v1/script/json_answer?a=%2F&b=c+d&a=2"
    assert upstream.last().body == body


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "PURGE", "OPTIONS"])
def test_any_method_reaches_the_provider(
    gateway: Gateway, upstream: ScriptedUpstream, method: str
) -> None:
    response = request(method, f"{gateway.openai}/script/json_answer")

    assert response.status_code == 200
    assert upstream.last().method == method


def test_a_head_request_has_the_headers_and_no_body(gateway: Gateway) -> None:
    response = request("HEAD", f"{gateway.openai}/script/json_answer")

    assert response.status_code == 200
    assert response.content == b""
    assert response.headers["x-request-id"] == "req_1"


def test_only_headers_of_the_allow_list_reach_the_provider(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    sent = {
        "authorization": "Bearer sk-1",
        "openai-organization": "org-1",
        "x-stainless-lang": "python",
        "idempotency-key": "key-1",
        "cookie": "session=1",
        "cf-aig-authorization": "Bearer gateway-token",
        "cf-aig-metadata": '{"user":"1"}',
        "cf-access-jwt-assertion": "jwt",
        "x-forwarded-for": "10.0.0.1",
        "x-api-key": "of somebody else",
        "proxy-authorization": "Basic x",
    }

    post(f"{gateway.openai}/script/json_answer", json=CHAT_REQUEST, headers=sent)

    # `cf-worker` is the platform's own: it names the zone of the Worker, as in production.
    names = {name for name, _ in upstream.last().headers} - {"cf-worker"}
    passed = {"authorization", "openai-organization", "x-stainless-lang", "idempotency-key"}
    assert upstream.last().header("authorization") == "Bearer sk-1"
    assert names & set(sent) == passed
    assert not [name for name in names if name.startswith(("cf-", "x-forwarded"))]


def test_headers_of_the_provider_s_site_stay_with_it(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/rate_limited", json=CHAT_REQUEST)

    assert "set-cookie" not in response.headers


def test_an_error_of_the_provider_is_returned_as_it_is(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/rate_limited", json=CHAT_REQUEST)

    assert response.status_code == 429
    assert response.json()["error"]["code"] == "rate_limit_exceeded"
    assert response.headers["retry-after"] == "7"
    assert response.headers["x-ratelimit-remaining-requests"] == "0"
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"], row["error_code"]) == (429, False, None)


def test_an_upload_reaches_the_provider_byte_for_byte(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    content = bytes(range(256)) * 50_000
    files = {"file": ("data.bin", content, "application/octet-stream")}

    response = post(f"{gateway.openai}/script/json_answer", files=files)

    assert content in upstream.last().body
    row = gateway.row_of(response)
    assert row["request_size"] == len(upstream.last().body)
    assert row["request_head"] is None


def test_a_body_of_unknown_length_is_read_and_sent(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    body = json.dumps(CHAT_REQUEST).encode()
    pieces = (body[start : start + 7] for start in range(0, len(body), 7))

    response = post(
        f"{gateway.openai}/script/json_answer",
        content=pieces,
        headers={"content-type": "application/json"},
    )

    assert upstream.last().body == body
    row = gateway.row_of(response)
    assert (row["model"], row["request_size"]) == ("gpt-5-mini", len(body))


@pytest.mark.parametrize("announced", [True, False])
def test_a_prompt_too_long_to_be_held_passes_through(
    gateway: Gateway, upstream: ScriptedUpstream, announced: bool
) -> None:
    body = b'{"model":"gpt-5-mini","input":"' + b"x" * 11_000_000 + b'"}'
    content = body if announced else iter([body])

    response = post(
        f"{gateway.openai}/script/json_answer",
        content=content,
        headers={"content-type": "application/json"},
        timeout=60,
    )

    assert len(upstream.last().body) == len(body)
    assert gateway.row_of(response)["tokens_in"] == 12


def test_a_binary_answer_is_returned_byte_for_byte(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/audio", json=CHAT_REQUEST)

    assert response.content == AUDIO
    row = gateway.row_of(response)
    assert (row["response_size"], row["response_head"]) == (len(AUDIO), None)


def test_a_very_long_answer_passes_through(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/long_answer", json=CHAT_REQUEST, timeout=60)

    assert len(response.content) == LONG
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"]) == (200, True)
    assert row["response_size"] is None


def test_an_answer_in_chunks_is_returned_and_counted(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/json_in_chunks", json=CHAT_REQUEST)

    assert response.content == CHAT
    assert gateway.row_of(response)["tokens_out"] == 7


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_a_compressed_answer_is_readable_for_every_caller(gateway: Gateway, accepted: str) -> None:
    response = post(
        f"{gateway.openai}/script/json_gzipped",
        json=CHAT_REQUEST,
        headers={"accept-encoding": accepted},
    )

    assert response.content == CHAT
    row = gateway.row_of(response)
    assert (row["tokens_in"], row["response_size"]) == (12, len(CHAT))


def test_a_compressed_answer_nobody_logs_is_readable_too(gateway: Gateway) -> None:
    headers = {"accept-encoding": "gzip", "cf-aig-collect-log": "false"}

    response = post(f"{gateway.openai}/script/json_gzipped_in_chunks", headers=headers)

    assert response.content == CHAT
    assert "cf-aig-log-id" not in response.headers


@pytest.mark.parametrize(("script", "status"), [("no_content", 204), ("not_modified", 304)])
def test_an_answer_without_body_is_returned(gateway: Gateway, script: str, status: int) -> None:
    response = request("GET", f"{gateway.openai}/script/{script}")

    assert (response.status_code, response.content) == (status, b"")
    assert gateway.row_of(response)["status_code"] == status


def test_a_redirect_is_returned_and_not_followed(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)

    response = post(f"{gateway.openai}/script/redirect", json=CHAT_REQUEST)

    assert response.status_code == 307
    assert len(upstream.requests) == before + 1
