"""An overload that a vendor tells inside a stream of status 200, on the real runtime."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from running import Gateway, post, stream
from worker.overloads import FRAMES, OVERLOAD, SCRIPTS, STEPS, TEXTS, THROTTLED, overload_in_pieces
from worker.scripted import ScriptedUpstream, Wire
from worker.scripts import CHAT, DONE, USAGE, event, stream_head


@pytest.fixture
def provider(upstream: ScriptedUpstream) -> ScriptedUpstream:
    """Return the provider with the scripts of this file, and one that is overloaded just once."""
    tried: list[str | None] = []

    async def overloaded_once(wire: Wire) -> None:
        tried.append(wire.request.header("x-request-id"))
        if tried.count(tried[-1]) == 1:
            await overload_in_pieces(wire)
        else:
            await stream_head(wire)
            for part in (event("Hello"), USAGE, DONE, b""):
                await wire.chunk(part)

    upstream.learn(overloaded_once, *SCRIPTS)
    return upstream


def url(gateway: Gateway, script: str) -> str:
    return f"{gateway.openai}/script/{script}"


def asked() -> dict[str, Any]:
    # A model of its own: what one test makes fail is not passed over in another.
    return {"model": str(uuid4()), "stream": True}


def entry(script: str) -> dict[str, Any]:
    return {
        "provider": "openai",
        "endpoint": f"script/{script}",
        "headers": {"authorization": "Bearer sk-test"},
        "query": asked(),
    }


def retried(event_id: str, attempts: int = 2) -> dict[str, str]:
    return {
        "cf-aig-max-attempts": str(attempts),
        "cf-aig-retry-delay": "0",
        "cf-aig-event-id": event_id,
        "x-request-id": event_id,
    }


def test_an_overload_inside_a_stream_is_tried_again(
    gateway: Gateway, provider: ScriptedUpstream
) -> None:
    response = post(url(gateway, "overloaded_once"), json=asked(), headers=retried("once"))

    assert response.content == event("Hello") + USAGE + DONE
    failed, last = gateway.rows_of_event("once", 2)
    assert (failed["status_code"], failed["success"]) == (200, False)
    assert failed["provider_error"] == "overloaded_error"
    assert failed["response_size"] == len(OVERLOAD)
    assert (last["success"], last["tokens_in"], last["provider_error"]) == (True, 12, None)


@pytest.mark.parametrize("script", TEXTS)
def test_the_next_target_takes_over_from_an_overload(
    gateway: Gateway, provider: ScriptedUpstream, script: str
) -> None:
    entries = [entry(script), entry("stream_step_by_step")]

    with httpx.stream("POST", gateway.address, json=entries) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        # The stream that was given up would else go on for as long as the one that took over.
        assert provider.requests[-2].abandoned()
        provider.go_on()
        rest = b"".join(pieces)

    assert response.headers["cf-aig-step"] == "1"
    assert response.headers.get("content-encoding") is None
    assert (first, rest) == STEPS["stream_step_by_step"]


@pytest.mark.parametrize("script", TEXTS)
@pytest.mark.parametrize("attempts", [1, 2])
def test_an_overload_that_does_not_pass_reaches_the_caller_as_it_came(
    gateway: Gateway, provider: ScriptedUpstream, script: str, attempts: int
) -> None:
    headers = retried(f"{script}-{attempts}", attempts)

    with stream("POST", url(gateway, script), json=asked(), headers=headers) as response:
        received, pieces = b"", response.iter_bytes()
        while len(received) < len(TEXTS[script]):
            received += next(pieces)
        provider.go_on()
        received += b"".join(pieces)

    assert (response.status_code, received) == (200, TEXTS[script])
    rows = gateway.rows_of_event(f"{script}-{attempts}", attempts)
    assert [(row["status_code"], row["success"]) for row in rows] == [(200, False)] * attempts


def test_an_overload_in_a_whole_answer_of_status_200_is_tried_again(
    gateway: Gateway, provider: ScriptedUpstream
) -> None:
    entries = [entry("overloaded_json"), entry("json_answer")]

    response = httpx.post(gateway.address, json=entries, timeout=30)

    assert (response.headers["cf-aig-step"], response.json()) == ("1", json.loads(CHAT))


@pytest.mark.parametrize("attempts", ["1", "3"])
@pytest.mark.parametrize("script", STEPS)
def test_looking_for_an_overload_does_not_hold_an_event_back(
    gateway: Gateway, provider: ScriptedUpstream, attempts: str, script: str
) -> None:
    headers = {"cf-aig-max-attempts": attempts}

    with stream("POST", url(gateway, script), json=asked(), headers=headers) as response:
        pieces = response.iter_raw()
        begun = next(pieces)
        provider.go_on()
        ended = b"".join(pieces)

    assert (begun, ended) == STEPS[script]
    row = gateway.row_of(response)
    assert (row["success"], row["tokens_in"], row["tokens_out"]) == (True, 12, 7)
    assert row["response_size"] == len(begun + ended)


@pytest.mark.parametrize("attempts", ["1", "3"])
@pytest.mark.parametrize("script", ["stream", "stream_byte_by_byte", "words_gzipped"])
def test_a_stream_that_begins_well_is_the_same_with_retries_and_without(
    gateway: Gateway, provider: ScriptedUpstream, attempts: str, script: str
) -> None:
    headers = {"cf-aig-max-attempts": attempts}

    response = post(url(gateway, script), json=asked(), headers=headers)

    assert response.content.replace(b"\r\n", b"\n").endswith(USAGE + DONE)
    row = gateway.row_of(response)
    assert (row["success"], row["tokens_in"], row["tokens_out"]) == (True, 12, 7)
    assert row["response_head"] == response.text


def test_a_caller_who_leaves_a_stream_with_retries_ends_the_provider_s_work(
    gateway: Gateway, provider: ScriptedUpstream
) -> None:
    headers = {"cf-aig-max-attempts": "3"}

    with stream(
        "POST", url(gateway, "stream_on_and_on"), json=asked(), headers=headers
    ) as response:
        next(response.iter_raw())

    assert provider.last().abandoned()
    assert gateway.row_of(response)["status_code"] == 499


BEDROCK = "bedrock-runtime/us-east-1/script"


def test_a_throttled_stream_of_bedrock_is_tried_again(
    gateway: Gateway, provider: ScriptedUpstream
) -> None:
    where = f"{gateway.address}/aws-bedrock/{BEDROCK}/frames_throttled"

    with stream("POST", where, json=asked(), headers=retried("throttled")) as response:
        received, pieces = b"", response.iter_raw()
        while len(received) < len(THROTTLED):
            received += next(pieces)
        provider.go_on()

    assert received == THROTTLED
    assert provider.requests[-2].abandoned()
    rows = gateway.rows_of_event("throttled", 2)
    assert [row["success"] for row in rows] == [False, False]
    assert rows[0]["provider_error"] == "throttlingException"


@pytest.mark.parametrize("attempts", ["1", "3"])
def test_the_first_frame_of_bedrock_is_not_held_back(
    gateway: Gateway, provider: ScriptedUpstream, attempts: str
) -> None:
    where = f"{gateway.address}/aws-bedrock/{BEDROCK}/frames_step_by_step"
    headers = {"cf-aig-max-attempts": attempts}

    with stream("POST", where, json=asked(), headers=headers) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        provider.go_on()
        rest = b"".join(pieces)

    assert (first, rest) == (FRAMES[0], b"".join(FRAMES[1:]))
    row = gateway.row_of(response)
    assert (row["success"], row["tokens_in"], row["tokens_out"]) == (True, 5, 2)
