"""WebSockets: what of a request for one reaches the provider, and who may ask."""

import json
from typing import Any

import pytest

from call import Request
from errors import Unreachable
from fakes import Bench, FakeReplyBody, an_answer
from ports import Ending, Incoming
from providers import PROVIDERS
from sockets import protocols, socket_headers

ROOT = "https://sluice.test/v1/acme/main"
ANSWER = '{"model":"gpt-5","usage":{"prompt_tokens":1,"completion_tokens":2}}'


def asking(path: str, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("GET", ROOT + path, {"upgrade": "websocket", **named})


@pytest.mark.parametrize(
    ("slug", "offered", "sent"),
    [
        (
            "openai",
            "realtime, openai-insecure-api-key.sk",
            {"sec-websocket-protocol": "realtime, openai-insecure-api-key.sk"},
        ),
        ("elevenlabs", "xi-api-key.k1", {"xi-api-key": "k1"}),
        ("fal", "fal-api-key.id%3Asecret", {"authorization": "Key id:secret"}),
        ("deepgram", "token, k1", {"sec-websocket-protocol": "token, k1"}),
        ("cartesia", "cf-aig-authorization.slu_x", {}),
        ("cartesia", "slu_x, a", {"sec-websocket-protocol": "a"}),
        ("openai", "", {}),
    ],
)
def test_a_key_in_the_protocols_stands_where_the_vendor_looks(
    slug: str, offered: str, sent: dict[str, str]
) -> None:
    headers = socket_headers({"sec-websocket-protocol": offered}, PROVIDERS[slug])

    assert headers == {"upgrade": "websocket", **sent}


def test_a_request_without_protocols_offers_none() -> None:
    assert protocols({}) == []


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/openai?model=m", {"authorization": "Bearer sk"}),
        ("/openai?model=m", {"sec_websocket_protocol": "realtime, openai-insecure-api-key.sk"}),
        ("/deepgram?model=m", {"sec_websocket_protocol": "token, k1"}),
        ("/elevenlabs?agent_id=a", {"sec_websocket_protocol": "xi-api-key.k1"}),
        ("/google?api_key=k", {}),
        ("/cartesia?api_key=k&cartesia_version=1", {}),
    ],
)
async def test_a_connection_to_a_provider_is_a_call(
    bench: Bench, path: str, headers: dict[str, str]
) -> None:
    relay = FakeReplyBody(Ending("complete", close_code=1000))
    bench.fetch.script.append(Incoming(101, {}, relay))

    reply = await bench.handle(asking(path, **headers))

    assert (reply.status, reply.body) == (101, relay)
    assert bench.fetch.sent[0].headers["upgrade"] == "websocket"
    [row] = bench.database.rows("logs")
    assert (row["request_type"], row["status_code"], row["close_code"]) == ("websocket", 101, 1000)
    assert row["success"] == 1


async def test_another_name_of_a_provider_is_written_down_as_its_own(bench: Bench) -> None:
    bench.fetch.script.append(Incoming(101, {}, FakeReplyBody(Ending("complete"))))

    await bench.handle(asking("/google?api_key=k"))

    assert bench.database.rows("logs")[0]["provider"] == "google-ai-studio"


async def test_without_a_key_there_is_no_connection(bench: Bench) -> None:
    reply = await bench.handle(asking("/openai?model=m", sec_websocket_protocol="realtime"))

    assert (reply.status, bench.fetch.sent) == (400, [])
    assert bench.database.rows("logs")[0]["error_code"] == 7502


@pytest.mark.parametrize(("slug", "code"), [("mistral", 7001), ("nobody", 2008)])
async def test_a_provider_without_websockets_is_refused(bench: Bench, slug: str, code: int) -> None:
    reply = await bench.handle(asking(f"/{slug}", authorization="Bearer sk"))

    assert (reply.status, bench.fetch.sent) == (400, [])
    assert bench.database.rows("logs")[0]["error_code"] == code


async def test_a_provider_that_refuses_is_answered_as_it_said(bench: Bench) -> None:
    bench.fetch.script.append(an_answer('{"error":{"message":"no"}}', status=403))

    reply = await bench.handle(asking("/openai?model=m", authorization="Bearer sk"))

    assert reply.status == 403


# The universal one


async def opened(bench: Bench, *messages: str) -> list[dict[str, Any]]:
    """Open a connection, send messages, and return the frames that come back."""
    reply = await bench.handle(asking(""))
    assert reply.status == 101
    frames: list[str] = []
    for message in messages:
        await bench.sockets.opened[0](message, frames.append, bench.ports)
    await bench.background.run()
    return [json.loads(frame) for frame in frames]


def create(query: object, **more: object) -> str:
    key = {"authorization": "Bearer sk"}
    entry = {"provider": "openai", "endpoint": "chat/completions", "headers": key, "query": query}
    return json.dumps({"type": "universal.create", "request": {"eventId": "e1", **entry, **more}})


async def test_a_message_is_a_call_like_any_other(bench: Bench) -> None:
    bench.fetch.script.append(an_answer(ANSWER))

    [frame] = await opened(bench, create({"model": "gpt-5"}))

    assert frame["type"] == "universal.created"
    assert frame["metadata"]["eventId"] == "e1"
    assert frame["response"] == json.loads(ANSWER)
    assert bench.fetch.sent[0].url == "https://api.openai.com/v1/chat/completions"


async def test_a_stream_is_told_event_by_event(bench: Bench) -> None:
    text = f": hello\r\n\r\ndata: {ANSWER}\r\n\r\ndata: Grüße\n\ndata: [DONE]\n\n"
    bench.fetch.script.append(an_answer(text, "text/event-stream"))

    frames = await opened(bench, create({"model": "gpt-5", "stream": True}))

    kinds = [frame["type"].removeprefix("universal.") for frame in frames]
    assert kinds == ["created", "stream", "stream", "stream", "done"]
    assert [frame.get("response") for frame in frames[1:4]] == [
        json.loads(ANSWER),
        "Grüße",
        "[DONE]",
    ]
    assert "response" not in frames[0]
    assert frames[4]["metadata"] == frames[0]["metadata"]


async def test_what_the_gateway_refuses_is_told_in_its_envelope(bench: Bench) -> None:
    bench.fetch.script.append(Unreachable("api.openai.com", 3))

    frames = await opened(
        bench, "no json", create({}, provider="nobody"), create({}, endpoint="../x"), create({})
    )

    assert {frame["type"] for frame in frames} == {"universal.error"}
    codes = [frame["response"]["error"][0]["code"] for frame in frames]
    assert codes == [7001, 2008, 7001, 2005]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
async def test_the_last_event_of_a_stream_is_told_and_paid_for_though_no_blank_line_ends_it(
    bench: Bench, newline: str
) -> None:
    text = newline.join(['data: {"id":1}', "", f"data: {ANSWER}"])
    bench.fetch.script.append(an_answer(text, "text/event-stream"))

    frames = await opened(bench, create({"model": "gpt-5", "stream": True}))

    told = [frame["response"] for frame in frames if frame["type"] == "universal.stream"]
    assert told == [{"id": 1}, json.loads(ANSWER)]
    assert frames[-1]["type"] == "universal.done"
    [_, row] = bench.database.rows("logs")
    assert (row["tokens_in"], row["tokens_out"]) == (1, 2)
    assert row["cost"] > 0


@pytest.mark.parametrize(
    ("kind", "text", "before"),
    [
        ("text/event-stream", "data: 1\n\ndata: 2", ["created", "stream"]),
        ("application/json", '{"model":"gpt-5"', []),
    ],
)
async def test_an_answer_that_breaks_off_ends_in_an_error(
    bench: Bench, kind: str, text: str, before: list[str]
) -> None:
    body = FakeReplyBody(Ending("broken", text, len(text)), holds=False)
    bench.fetch.script.append(Incoming(200, {"content-type": kind}, body))

    frames = await opened(bench, create({"model": "gpt-5", "stream": True}))

    assert [frame["type"].removeprefix("universal.") for frame in frames] == [*before, "error"]
    [_, row] = bench.database.rows("logs")
    metadata, told = frames[-1]["metadata"], frames[-1]["response"]
    assert metadata == {
        "cacheStatus": "MISS",
        "contentType": "application/json",
        "eventId": "e1",
        "logId": row["id"],
        "status": 502,
        "step": "0",
    }
    assert (told["error"][0]["code"], row["success"]) == (2005, 0)
    assert "models.test" in told["message"]


async def test_an_error_bears_the_event_id_of_the_message_that_it_answers(bench: Bench) -> None:
    frames = await opened(bench, create({}, endpoint="../x"), create({}, provider="nobody"))

    assert [frame["metadata"]["eventId"] for frame in frames] == ["e1", "e1"]


async def test_a_fault_of_ours_while_an_answer_is_told_is_an_error_too(bench: Bench) -> None:
    body = FakeReplyBody()
    body.ending.set_exception(RuntimeError("a secret"))
    bench.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))
    await bench.handle(asking(""))
    frames: list[str] = []

    await bench.sockets.opened[0](create({}), frames.append, bench.ports)

    told = json.loads(frames[-1])
    assert (told["type"], told["metadata"]["eventId"]) == ("universal.error", "e1")
    assert told["response"]["error"] == [{"code": 7500, "message": "Internal error"}]


async def test_a_gateway_that_is_closed_meanwhile_answers_no_more(bench: Bench) -> None:
    await bench.handle(asking(""))
    bench.database.connection.execute("UPDATE gateways SET settings = '{}'")
    bench.clock.now += 5_000
    bench.snapshots.copies.clear()
    frames: list[str] = []

    await bench.sockets.opened[0](create({}), frames.append, bench.ports)

    assert json.loads(frames[0])["response"]["error"][0]["code"] == 2009
    bench.database.connection.execute("DELETE FROM gateways")
    bench.clock.now += 5_000
    bench.snapshots.copies.clear()
    await bench.sockets.opened[0](create({}), frames.append, bench.ports)
    assert json.loads(frames[1])["response"]["error"][0]["code"] == 2001
    await bench.background.run()


async def test_a_closed_gateway_opens_no_connection(bench: Bench) -> None:
    bench.database.connection.execute("UPDATE gateways SET settings = '{}'")

    reply = await bench.handle(asking(""))

    assert (reply.status, bench.sockets.opened) == (401, [])
    assert [row["error_code"] for row in bench.database.rows("logs")] == [2009]
