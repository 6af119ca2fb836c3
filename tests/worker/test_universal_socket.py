"""The universal WebSocket on the real runtime, when one of its ends breaks off."""

import socket
from collections.abc import Callable

import pytest
from websockets.sync.client import ClientConnection, connect

from running import Gateway, until
from worker.scripted import Received, ScriptedUpstream, Wire
from worker.scripts import CHAT as CHAT_ANSWER
from worker.scripts import event
from worker.test_websockets import CHAT, address, create, received, row

STREAM = CHAT | {"stream": True}


async def json_cut_in_chunks(wire: Wire) -> None:
    await wire.head("200 OK", content_type="application/json", transfer_encoding="chunked")
    await wire.chunk(CHAT_ANSWER[:20])
    await wire.go_on.wait()
    wire.cut()


def asked(upstream: ScriptedUpstream, script: str, since: int) -> Received:
    """Wait until a script has been asked for, and return how."""

    def look() -> Received | None:
        new = upstream.requests[since:]
        return next((request for request in new if request.target.endswith(script)), None)

    return until(look, f"a request for {script}")


def close(caller: ClientConnection) -> None:
    caller.close()


def vanish(caller: ClientConnection) -> None:
    caller.socket.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("leave", [close, vanish])
def test_who_leaves_ends_the_work_of_every_provider(
    gateway: Gateway, upstream: ScriptedUpstream, leave: Callable[[ClientConnection], None]
) -> None:
    since, name = len(upstream.requests), leave.__name__
    with connect(address(gateway, "")) as caller:
        caller.send(create(f"{name}-waiting", STREAM, "script/hang"))
        waiting = asked(upstream, "hang", since)
        caller.send(create(f"{name}-reading", STREAM, "script/stream_on_and_on"))
        kinds = [received(caller)["type"] for _ in range(2)]
        reading = asked(upstream, "stream_on_and_on", since)
        leave(caller)

    assert kinds == ["universal.created", "universal.stream"]
    assert waiting.abandoned()
    assert reading.abandoned()
    rows = [row(gateway, f"{name}-{doing}") for doing in ("waiting", "reading")]
    assert [(told["status_code"], told["success"]) for told in rows] == [(499, False)] * 2
    assert gateway.row(rows[1]["id"])["response_head"].startswith(event("Hello ").decode())


@pytest.mark.parametrize(
    ("script", "before"),
    [
        ("stream_cut", ["universal.created", "universal.stream"]),
        (json_cut_in_chunks.__name__, []),
    ],
)
def test_an_answer_that_breaks_off_ends_in_an_error(
    gateway: Gateway, upstream: ScriptedUpstream, script: str, before: list[str]
) -> None:
    upstream.learn(json_cut_in_chunks)
    since, event_id = len(upstream.requests), f"broken-{script}"
    with connect(address(gateway, "")) as caller:
        caller.send(create(event_id, STREAM, f"script/{script}"))
        asked(upstream, script, since)
        kinds = [received(caller)["type"] for _ in before]
        upstream.go_on()
        error = received(caller)
        caller.send(create("after", CHAT, "script/json_answer"))
        after = received(caller)

    assert (kinds, error["type"]) == (before, "universal.error")
    assert (error["metadata"]["eventId"], error["metadata"]["status"]) == (event_id, 502)
    assert error["response"]["error"][0]["code"] == 2005
    assert gateway.row(error["metadata"]["logId"])["success"] is False
    assert after["type"] == "universal.created"
