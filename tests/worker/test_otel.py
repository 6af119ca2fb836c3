"""Traces on the real runtime, sent to a collector that does as the test says."""

import contextlib
from collections.abc import Generator
from typing import Any

import httpx
import pytest

import collector
from running import Gateway, post, until
from worker.scripted import Received, ScriptedUpstream, Wire

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}
HOST = "https://collector.example.com"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


async def otlp_ok(wire: Wire) -> None:
    await wire.whole("200 OK", "application/json", b"{}")


async def otlp_refuses(wire: Wire) -> None:
    await wire.whole("400 Bad Request", "text/plain", b"no")


async def otlp_down(wire: Wire) -> None:
    wire.cut()


async def otlp_slow(wire: Wire) -> None:
    await wire.hang()


async def otlp_elsewhere(wire: Wire) -> None:
    await wire.whole("307 Temporary Redirect", "text/plain", b"", location="/otel/script/otlp_ok")


class Busy:
    """A collector that takes the second request."""

    def __init__(self) -> None:
        self.asked = 0

    async def __call__(self, wire: Wire) -> None:
        self.asked += 1
        if self.asked == 1:
            await wire.whole("429 Too Many Requests", "text/plain", b"", retry_after="1")
        else:
            await otlp_ok(wire)


@contextlib.contextmanager
def traced(gateway: Gateway, script: str, **more: Any) -> Generator[Gateway, None, None]:
    """Make a gateway whose traces go to a script."""
    to = {"url": f"{HOST}/script/{script}"} | more
    with gateway.another(script.replace("_", "-"), otel=[to]) as made:
        yield made


def ask(gateway: Gateway, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return post(f"{gateway.openai}/script/json_answer", json=CHAT, headers=named)


def exports(upstream: ScriptedUpstream, script: str) -> list[Received]:
    return [one for one in upstream.exports if one.target == f"/otel/script/{script}"]


def exported(upstream: ScriptedUpstream, script: str, count: int = 1) -> list[Received]:
    """Wait for requests to a collector."""

    def look() -> list[Received] | None:
        found = exports(upstream, script)
        return found if len(found) >= count and found[-1].body else None

    return until(look, f"{count} requests to {script}", patience=60)


def told(gateway: Gateway, text: str) -> None:
    """Wait for words on the console."""
    until(lambda: text in gateway.printed() or None, f"{text!r} on the console", patience=60)


@pytest.fixture(autouse=True)
def scripts(upstream: ScriptedUpstream) -> None:
    upstream.learn(otlp_ok, otlp_refuses, otlp_down, otlp_slow, otlp_elsewhere)


def test_a_request_becomes_spans_that_a_collector_can_read(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    secret = {"authorization": "Bearer sk-of-the-collector", "headers": {"X-Team": "blue"}}
    with traced(gateway, "otlp_ok", **secret) as one:
        response = ask(one, cf_aig_otel_trace_id=TRACE, cf_aig_metadata='{"team": "blue"}')
        (received,) = exported(upstream, "otlp_ok")

    assert received.header("content-type") == "application/json"
    assert received.header("authorization") == "Bearer sk-of-the-collector"
    assert received.header("x-team") == "blue"
    root, attempt = collector.spans(received.body.decode())
    assert root["traceId"] == attempt["traceId"] == TRACE
    assert attempt["parentSpanId"] == root["spanId"]
    assert {
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "http.response.status_code": 200,
        "sluice.log_id": response.headers["cf-aig-log-id"],
        "team": "blue",
    }.items() <= attempt["attributes"].items()
    assert b"sk-of-the-collector" not in gateway.at_rest()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("otlp_refuses", "status 400"),
        ("otlp_elsewhere", "status 307"),
    ],
)
def test_spans_that_are_refused_are_lost_and_told(
    gateway: Gateway, upstream: ScriptedUpstream, script: str, problem: str
) -> None:
    followed = len(exports(upstream, "otlp_ok"))
    with traced(gateway, script) as one:
        assert ask(one).status_code == 200
        told(gateway, "2 spans for collector.example.com are dropped")
        told(gateway, problem)

    assert len(exports(upstream, script)) == 1
    assert len(exports(upstream, "otlp_ok")) == followed


def test_a_busy_collector_is_asked_again(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    busy = Busy()

    async def otlp_busy(wire: Wire) -> None:
        await busy(wire)

    upstream.learn(otlp_busy)
    with traced(gateway, "otlp_busy") as one:
        ask(one)
        first, second = exported(upstream, "otlp_busy", 2)

    assert first.body == second.body


def test_a_collector_that_is_down_is_in_nobody_s_way(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    with traced(gateway, "otlp_down") as one:
        response = ask(one)
        assert response.status_code == 200
        assert one.row_of(response)["success"] is True
        exported(upstream, "otlp_down", 2)


def test_a_collector_that_never_answers_is_in_nobody_s_way(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    with traced(gateway, "otlp_slow") as one:
        responses = [ask(one) for _ in range(3)]
        assert [response.status_code for response in responses] == [200] * 3
        assert all(one.row_of(response)["success"] for response in responses)
        # It is given up, and asked again.
        exported(upstream, "otlp_slow", 2)


def test_a_local_run_shows_no_secret_of_a_collector(gateway: Gateway) -> None:
    with traced(gateway, "otlp_ok", authorization="Bearer sk-never-shown") as one:
        shown = gateway.manage("GET", f"/gateways/{one.name}")

    assert shown["otel"][0]["authorization"] == "***"
    assert "sk-never-shown" not in str(shown)
