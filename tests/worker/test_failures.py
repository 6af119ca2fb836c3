"""When a provider does not answer, or a caller does not wait, or nobody knows the way."""

import httpx
import pytest

from running import Gateway, pass_time, post, stream
from worker.scripted import ScriptedUpstream

CHAT_REQUEST = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}


def envelope(code: int, status: int, message: str) -> dict[str, object]:
    return {
        "success": False,
        "result": [],
        "messages": [],
        "error": [{"code": code, "message": message}],
        "name": "AiGatewayError",
        "httpCode": status,
        "internalCode": code,
        "message": message,
        "description": message,
    }


@pytest.mark.parametrize("script", ["hang", "stream_head_and_hang", "json_head_and_hang"])
def test_a_provider_that_hangs_is_a_timeout_that_says_which_host_and_how_long(
    gateway: Gateway, upstream: ScriptedUpstream, script: str
) -> None:
    response = post(
        f"{gateway.openai}/script/{script}",
        json=CHAT_REQUEST,
        headers={"cf-aig-request-timeout": "200"},
    )

    host = httpx.URL(upstream.base_url).netloc.decode()
    message = f"Failed to get response from provider: no first byte from {host} within 200 ms"
    assert response.status_code == 504
    assert response.json() == envelope(2005, 504, message)
    assert upstream.last().abandoned()
    row = gateway.row_of(response)
    assert (row["status_code"], row["error_code"], row["success"]) == (504, 2005, False)
    # By another clock than the timer's: they need not agree to the millisecond.
    assert row["duration"] >= 190
    assert row["timings"]["latency"] is None


@pytest.mark.parametrize("more", [{}, {"cf-aig-max-attempts": "2"}])
@pytest.mark.parametrize(
    "script", ["json_answer", "json_gzipped", "long_answer", "audio", "stream", "no_content"]
)
def test_an_answer_within_its_time_is_as_it_is_without(
    gateway: Gateway, script: str, more: dict[str, str]
) -> None:
    url = f"{gateway.openai}/script/{script}"
    usual = post(url, json=CHAT_REQUEST)

    timed = post(url, json=CHAT_REQUEST, headers={"cf-aig-request-timeout": "5000", **more})

    assert (timed.status_code, timed.content) == (usual.status_code, usual.content)
    assert timed.headers.get("content-type") == usual.headers.get("content-type")
    told, expected = gateway.row_of(timed), gateway.row_of(usual)
    for name in ("status_code", "success", "tokens_in", "tokens_out", "cost"):
        assert told[name] == expected[name]


def test_a_timeout_does_not_end_a_stream_that_has_begun(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.openai}/script/stream_step_by_step"
    headers = {"cf-aig-request-timeout": "400"}

    with stream("POST", url, json={"stream": True}, headers=headers) as response:
        pieces = response.iter_raw()
        next(pieces)
        pass_time(0.6)
        upstream.go_on()
        rest = b"".join(pieces)

    assert rest.endswith(b"data: [DONE]\n\n")


def test_a_provider_that_closes_the_connection_is_unreachable(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    response = post(f"{gateway.openai}/script/slam", json=CHAT_REQUEST)

    host = httpx.URL(upstream.base_url).netloc.decode()
    assert response.status_code == 502
    assert response.json()["internalCode"] == 2005
    assert f"no whole answer from {host}" in response.json()["message"]
    assert gateway.row_of(response)["status_code"] == 502


def test_a_status_that_http_does_not_know_is_an_error_and_not_a_crash(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/strange_status", json=CHAT_REQUEST)

    assert (response.status_code, response.json()["internalCode"]) == (502, 2005)


def test_an_answer_that_breaks_off_in_the_middle_is_an_error_and_not_half_an_answer(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    response = post(f"{gateway.openai}/script/json_cut", json=CHAT_REQUEST)

    assert response.status_code == 502
    assert response.json()["internalCode"] == 2005
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"]) == (502, False)


def test_an_unknown_gateway_is_refused_as_clients_expect(gateway: Gateway) -> None:
    response = post(f"{gateway.url}/v1/local/nobody/openai/chat/completions", json={})

    message = "Please configure AI Gateway in the Cloudflare dashboard"
    assert response.status_code == 400
    assert response.json() == envelope(2001, 400, message)


def test_an_unknown_provider_is_refused_with_the_known_ones_and_logged(gateway: Gateway) -> None:
    response = post(f"{gateway.url}/v1/local/default/nobody/chat", json=CHAT_REQUEST)

    assert response.status_code == 400
    assert response.json()["internalCode"] == 2008
    assert "openai" in response.json()["message"]
    row = gateway.row_of(response)
    assert (row["provider"], row["error_code"]) == ("nobody", 2008)


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/local", "/favicon.ico"])
def test_a_path_that_leads_nowhere_is_a_404_that_says_what_leads_somewhere(
    gateway: Gateway, path: str
) -> None:
    response = httpx.get(gateway.url + path)

    assert response.status_code == 404
    assert response.json()["internalCode"] == 7000
    assert "/v1/{account}/{gateway}/{provider}" in response.json()["message"]
