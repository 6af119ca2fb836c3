"""Streams: events pass as they come, what is counted is true, and what breaks stays broken."""

import httpx
import pytest

from running import Gateway, pass_time, post, stream
from worker.scripted import ScriptedUpstream
from worker.scripts import DONE, USAGE, event

STREAM_REQUEST = {
    "model": "gpt-5-mini",
    "stream": True,
    "messages": [{"role": "user", "content": "Hello"}],
}


def test_a_stream_is_returned_byte_for_byte(gateway: Gateway, upstream: ScriptedUpstream) -> None:
    response = post(f"{gateway.openai}/script/stream", json=STREAM_REQUEST)

    assert response.content == event("Hello ") + event("world") + USAGE + DONE
    assert response.headers["content-type"] == "text/event-stream"
    assert upstream.last().header("accept-encoding") == "identity"


def test_the_tokens_of_a_stream_are_in_its_row(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/stream", json=STREAM_REQUEST)

    row = gateway.row_of(response)
    assert (row["tokens_in"], row["tokens_out"]) == (12, 7)
    assert (row["status_code"], row["success"]) == (200, True)
    assert row["response_head"] == response.text
    assert row["response_size"] == len(response.content)


def test_tokens_that_were_not_asked_for_are_unknown_and_not_zero(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/stream_without_usage", json=STREAM_REQUEST)

    row = gateway.row_of(response)
    assert (row["tokens_in"], row["tokens_out"]) == (None, None)
    assert row["success"] is True


def test_an_event_arrives_before_the_next_one_is_made(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.openai}/script/stream_step_by_step"

    with stream("POST", url, json=STREAM_REQUEST) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        upstream.go_on()
        rest = b"".join(pieces)

    assert first == event("first")
    assert rest == event("second") + USAGE + DONE


def test_characters_and_events_may_be_cut_anywhere(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/stream_byte_by_byte", json=STREAM_REQUEST)

    assert "Grüße 👋" in response.text
    row = gateway.row_of(response)
    assert (row["tokens_in"], row["tokens_out"], row["success"]) == (12, 7, True)
    assert row["response_head"] == response.text


def test_a_caller_who_leaves_ends_the_provider_s_work_within_a_second(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.openai}/script/stream_on_and_on"

    with stream("POST", url, json=STREAM_REQUEST) as response:
        next(response.iter_raw())

    assert upstream.last().abandoned()
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"]) == (499, False)
    assert row["response_head"].startswith(event("Hello ").decode())


def test_the_caller_of_a_broken_stream_sees_it_break(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.openai}/script/stream_cut"

    with stream("POST", url, json=STREAM_REQUEST) as response:
        pieces = response.iter_raw()
        first = next(pieces)
        upstream.go_on()
        with pytest.raises(httpx.RemoteProtocolError):
            next(pieces)

    assert first == event("Hello ")
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"]) == (200, False)
    assert row["response_head"] == event("Hello ").decode()


def test_a_stream_without_its_last_event_is_a_failure_in_the_log(gateway: Gateway) -> None:
    response = post(f"{gateway.openai}/script/stream_without_end", json=STREAM_REQUEST)

    assert response.content == event("Hello ")
    row = gateway.row_of(response)
    assert (row["status_code"], row["success"]) == (200, False)


def test_a_stream_nobody_logs_still_ends_with_its_caller(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.openai}/script/stream_on_and_on"
    headers = {"cf-aig-collect-log": "false"}

    with stream("POST", url, json=STREAM_REQUEST, headers=headers) as response:
        next(response.iter_raw())

    assert upstream.last().abandoned()


def test_latency_is_the_first_byte_and_duration_the_last(
    gateway: Gateway, upstream: ScriptedUpstream
) -> None:
    url = f"{gateway.openai}/script/stream_after_a_while"

    with stream("POST", url, json=STREAM_REQUEST) as response:
        pieces = response.iter_raw()
        pass_time(0.3)
        upstream.go_on()
        next(pieces)
        pass_time(0.3)
        upstream.go_on()
        b"".join(pieces)

    timings = gateway.row_of(response)["timings"]
    assert timings["latency"] >= 250
    assert timings["total"] >= timings["latency"] + 250
