"""WebSockets on the real runtime: relayed to a provider, and the universal one."""

import json
import queue
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection
from websockets.typing import Subprotocol

from running import KEY, Gateway, until
from worker.scripted import ScriptedUpstream
from worker.sockets import SocketUpstream

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Hi"}]}


def address(gateway: Gateway, path: str, name: str = "default") -> str:
    return f"{gateway.url.replace('http', 'ws', 1)}/v1/local/{name}{path}"


def realtime(gateway: Gateway, **headers: str) -> ClientConnection:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url = address(gateway, "/openai?model=gpt-realtime")
    return connect(url, additional_headers=KEY | named)


@pytest.fixture
def closed_gateway(gateway: Gateway) -> Iterator[str]:
    """Make a gateway that wants a token."""
    headers = {"authorization": f"Bearer {gateway.admin_token}"}
    base_url = f"{gateway.url}/client/v4/accounts/local/ai-gateway"
    settings = dict.fromkeys(("cache_ttl", "rate_limiting_interval", "rate_limiting_limit"), 0)
    flags = {"cache_invalidate_on_update": False, "collect_logs": True}
    with httpx.Client(base_url=base_url, headers=headers) as management:
        management.post("/gateways", json={"id": "closed", **settings, **flags}).raise_for_status()
        yield "closed"
        management.delete("/gateways/closed").raise_for_status()


def row(gateway: Gateway, event_id: str) -> dict[str, Any]:
    return until(lambda: gateway.row_of_event(event_id), f"the row of {event_id}")


def closed_by(upstream: SocketUpstream, connection: ServerConnection) -> tuple[int | None, str]:
    """Wait until a connection of the provider has ended, and return how."""

    def look() -> tuple[int | None, str] | None:
        try:
            ended = upstream.closed.get(timeout=0.01)
        except queue.Empty:
            return None
        return (ended.close_code, ended.close_reason or "") if ended is connection else None

    return until(look, "the end of the provider's connection")


def test_frames_pass_both_ways_untouched(
    gateway: Gateway, upstream: ScriptedUpstream, socket_upstream: SocketUpstream
) -> None:
    frames = ["Grüße 👋", "", "x" * 100_000, b"\x00\x01\xff", bytes(100_000)]
    with realtime(gateway, openai_beta="realtime=v1", cookie="a=b") as caller:
        for frame in frames:
            caller.send(frame)
            assert caller.recv(timeout=10) == frame

    asked = upstream.last()
    assert asked.target == "/v1/realtime?model=gpt-realtime"
    assert asked.header("authorization") == KEY["authorization"]
    assert asked.header("openai-beta") == "realtime=v1"
    assert asked.header("cookie") is None
    closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))


def test_a_connection_that_may_be_tried_again_is_open_at_once(
    gateway: Gateway, socket_upstream: SocketUpstream
) -> None:
    with realtime(gateway, cf_aig_max_attempts="3") as caller:
        caller.send("hello")
        assert caller.recv(timeout=10) == "hello"

    closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))


def test_a_connection_is_a_row_with_its_duration_and_its_close_code(
    gateway: Gateway, socket_upstream: SocketUpstream
) -> None:
    with realtime(gateway, cf_aig_event_id="talk-1") as caller:
        caller.send("hello")
        caller.recv(timeout=10)
        caller.close(4000, "enough")

    assert closed_by(socket_upstream, socket_upstream.opened.get(timeout=10)) == (4000, "enough")
    told = row(gateway, "talk-1")
    assert (told["provider"], told["path"]) == ("openai", "realtime")
    assert (told["request_type"], told["status_code"]) == ("websocket", 101)
    assert (told["close_code"], told["success"]) == (4000, True)
    assert told["duration"] >= 0


def test_the_caller_learns_why_the_provider_closed(
    gateway: Gateway, socket_upstream: SocketUpstream
) -> None:
    with realtime(gateway, cf_aig_event_id="talk-2") as caller:
        caller.send("close 4001 session expired")
        with pytest.raises(ConnectionClosed) as ended:
            caller.recv(timeout=10)

    assert ended.value.rcvd
    assert (ended.value.rcvd.code, ended.value.rcvd.reason) == (4001, "session expired")
    assert row(gateway, "talk-2")["close_code"] == 4001
    closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))


def test_a_provider_that_vanishes_is_told_and_is_no_success(
    gateway: Gateway, socket_upstream: SocketUpstream
) -> None:
    with realtime(gateway, cf_aig_event_id="talk-3") as caller:
        caller.send("vanish")
        with pytest.raises(ConnectionClosed):
            caller.recv(timeout=10)

    assert row(gateway, "talk-3")["success"] is False
    closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))


def test_a_caller_who_vanishes_takes_the_provider_s_connection_along(
    gateway: Gateway, socket_upstream: SocketUpstream
) -> None:
    with realtime(gateway, cf_aig_event_id="talk-4") as caller:
        caller.send("hello")
        caller.recv(timeout=10)
        caller.socket.shutdown(socket.SHUT_RDWR)

    closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))
    assert row(gateway, "talk-4")["request_type"] == "websocket"


def test_a_browser_puts_its_key_and_its_token_into_the_protocols(
    gateway: Gateway,
    closed_gateway: str,
    upstream: ScriptedUpstream,
    socket_upstream: SocketUpstream,
) -> None:
    offered = (
        "realtime",
        "openai-insecure-api-key.sk-1",
        f"cf-aig-authorization.{gateway.admin_token}",
    )
    url = address(gateway, "/openai?model=gpt-realtime", closed_gateway)

    with connect(url, subprotocols=[Subprotocol(name) for name in offered]) as caller:
        assert caller.subprotocol == "realtime"

    sent = upstream.last().header("sec-websocket-protocol")
    assert sent == "realtime, openai-insecure-api-key.sk-1"
    closed_by(socket_upstream, socket_upstream.opened.get(timeout=10))


@pytest.mark.parametrize("path", ["/openai?model=gpt-realtime", ""])
def test_a_closed_gateway_opens_no_connection_without_a_token(
    gateway: Gateway, closed_gateway: str, path: str
) -> None:
    url = address(gateway, path, closed_gateway)

    with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=KEY):
        pass

    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body or b"{}")["internalCode"] == 2009


def test_a_provider_without_websockets_is_refused(gateway: Gateway) -> None:
    url = address(gateway, "/mistral")

    with pytest.raises(InvalidStatus) as refused, connect(url, additional_headers=KEY):
        pass

    assert refused.value.response.status_code == 400


# The universal one


def create(event_id: str, body: dict[str, Any], path: str = "chat/completions") -> str:
    headers = KEY | {"cf-aig-event-id": event_id}
    entry = {"provider": "openai", "endpoint": path, "headers": headers, "query": body}
    return json.dumps({"type": "universal.create", "request": {"eventId": event_id, **entry}})


def received(caller: ClientConnection) -> dict[str, Any]:
    return json.loads(caller.recv(timeout=20))


def test_a_message_is_a_request(gateway: Gateway) -> None:
    with connect(address(gateway, "")) as caller:
        caller.send(create("one", CHAT, "script/json_answer"))
        frame = received(caller)

    assert frame["type"] == "universal.created"
    assert frame["metadata"]["eventId"] == "one"
    assert (frame["metadata"]["cacheStatus"], frame["metadata"]["step"]) == ("MISS", "0")
    assert (frame["metadata"]["status"], frame["metadata"]["contentType"]) == (
        200,
        "application/json",
    )
    assert frame["response"]["choices"][0]["message"]["content"] == "Grüße 👋"
    told = gateway.row(frame["metadata"]["logId"])
    assert (told["provider"], told["request_type"], told["tokens_out"]) == (
        "openai",
        "universal",
        7,
    )


def test_a_stream_is_told_event_by_event(gateway: Gateway) -> None:
    with connect(address(gateway, "")) as caller:
        caller.send(create("two", CHAT | {"stream": True}, "script/stream"))
        frames = [received(caller)]
        while frames[-1]["type"] != "universal.done":
            frames.append(received(caller))

    kinds = [frame["type"] for frame in frames]
    assert kinds[0] == "universal.created"
    assert set(kinds[1:-1]) == {"universal.stream"}
    assert {frame["metadata"]["eventId"] for frame in frames} == {"two"}
    assert frames[-2]["response"] == "[DONE]"
    assert frames[1]["response"]["object"] == "chat.completion.chunk"
    told = gateway.row(frames[-1]["metadata"]["logId"])
    assert (told["success"], told["tokens_in"]) == (True, 12)


def test_many_requests_share_a_connection(gateway: Gateway) -> None:
    ids = {f"of-many-{number}" for number in range(20)}
    with connect(address(gateway, "")) as caller:
        for event_id in ids:
            caller.send(create(event_id, CHAT, "script/json_answer"))
        answered = {received(caller)["metadata"]["eventId"] for _ in ids}

    assert answered == ids


@pytest.mark.parametrize(
    "message",
    [
        "hello",
        "[]",
        '{"type":"universal.delete","request":{}}',
        '{"type":"universal.create","request":{"provider":"openai"}}',
        '{"type":"universal.create","request":{"provider":"o","endpoint":"../x","query":{}}}',
    ],
)
def test_a_message_that_is_no_request_is_told_so(gateway: Gateway, message: str) -> None:
    with connect(address(gateway, "")) as caller:
        caller.send(message)
        frame = received(caller)
        caller.send(create("after", CHAT, "script/json_answer"))
        after = received(caller)

    assert frame["type"] == "universal.error"
    assert frame["response"]["error"][0]["code"] == 7001
    assert after["type"] == "universal.created"


def test_an_error_of_the_provider_is_an_answer(gateway: Gateway) -> None:
    with connect(address(gateway, "")) as caller:
        caller.send(create("three", CHAT, "script/rate_limited"))
        frame = received(caller)

    assert (frame["type"], frame["metadata"]["status"]) == ("universal.created", 429)
