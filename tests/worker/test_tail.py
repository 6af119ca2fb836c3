"""The log as it grows, from a real Durable Object, as a stream of events and as a WebSocket."""

import contextlib
import json
import queue
import sqlite3
import threading
from collections.abc import Generator, Iterator
from socket import SHUT_RDWR
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from running import Gateway, post, until

CHAT: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}
Event = tuple[str, dict[str, Any]]


class Stream:
    """Somebody who reads the stream of events."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._events: queue.Queue[Event] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        name = ""
        with contextlib.suppress(httpx.HTTPError, httpx.StreamError):
            for line in self.response.iter_lines():
                kind, _, value = line.partition(": ")
                if kind == "event":
                    name = value
                elif kind == "data":
                    self._events.put((name, json.loads(value)))

    def leave(self) -> None:
        """Close the connection, though somebody reads it."""
        connection = self.response.extensions["network_stream"].get_extra_info("socket")
        connection.shutdown(SHUT_RDWR)

    def next(self) -> Event:
        """Wait for the next event."""
        return self._events.get(timeout=20)


@pytest.fixture
def watched(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[Gateway]:
    """Make a gateway that nobody has watched yet."""
    name = request.node.name.partition("[")[0].replace("_", "-")[:60]
    with gateway.another(name) as made:
        yield made


def admin(gateway: Gateway) -> dict[str, str]:
    return {"authorization": f"Bearer {gateway.admin_token}"}


@contextlib.contextmanager
def listening(gateway: Gateway, **query: str) -> Generator[Stream, None, None]:
    """Read the stream of events until the block ends."""
    url = f"{gateway.management}/logs/tail"
    with httpx.stream("GET", url, headers=admin(gateway), params=query, timeout=60) as response:
        assert response.status_code == 200, response.read()
        stream = Stream(response)
        assert stream.next() == ("open", {})
        try:
            yield stream
        finally:
            stream.leave()


def socket(gateway: Gateway, query: str = "") -> ClientConnection:
    """Open a WebSocket."""
    url = f"{gateway.management.replace('http', 'ws', 1)}/logs/tail{query}"
    return connect(url, additional_headers=admin(gateway))


def heard(connection: ClientConnection) -> dict[str, Any]:
    return json.loads(connection.recv(timeout=20))


def ask(gateway: Gateway, script: str = "json_answer", **headers: str) -> str:
    """Send a request, and return the id of its row."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = post(f"{gateway.openai}/script/{script}", json=CHAT, headers=named)
    return response.headers["cf-aig-log-id"]


def leases(gateway: Gateway) -> int:
    """Return whether a gateway counts as watched: 1 or 0."""
    number = gateway.manage("GET", f"/gateways/{gateway.name}")["internal_id"]
    sql = "SELECT count(*) FROM tails WHERE gateway_id = ?"
    for file in gateway.state.rglob("d1/**/*.sqlite"):
        opened = contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True))
        with opened as database, contextlib.suppress(sqlite3.OperationalError):
            return database.execute(sql, (number,)).fetchone()[0]
    raise AssertionError("there is no database")


def objects(gateway: Gateway) -> int:
    """Return how many objects have been called, for each leaves a file."""
    files = gateway.state.rglob("do/*Tail*/*.sqlite")
    return len({file.stem for file in files} - {"metadata"})


def test_rows_come_as_events_as_they_are_shown_by_their_ids(watched: Gateway) -> None:
    with listening(watched) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        log_id = ask(watched, cf_aig_metadata='{"team": "blue"}')
        name, log = stream.next()

    row = watched.row(log_id)
    assert name == "log"
    assert log == {field: value for field, value in row.items() if "_head" not in field}
    assert log["metadata"] == {"team": "blue"}


def test_rows_come_over_a_websocket(watched: Gateway) -> None:
    with socket(watched) as connection:
        assert heard(connection) == {"type": "open"}
        ids = [ask(watched), ask(watched)]
        heard_of = [heard(connection), heard(connection)]

    assert [one["type"] for one in heard_of] == ["log", "log"]
    assert [one["log"]["id"] for one in heard_of] == ids


def test_only_rows_that_are_wanted_come(watched: Gateway) -> None:
    query = {"status": "4xx", "metadata.key": "team", "metadata.value": "red"}
    with (
        listening(watched, **query) as stream,
        socket(watched, "?event_id=mine&success=true") as connection,
    ):
        heard(connection)
        ask(watched, cf_aig_metadata='{"team": "red"}', cf_aig_event_id="mine-2")
        ask(watched, "slam", cf_aig_metadata='{"team": "blue"}')
        mine = ask(watched, cf_aig_event_id="mine")
        bad = httpx.post(
            f"{watched.openai}/script/json_answer",
            json=CHAT,
            headers={"cf-aig-metadata": '{"team": "red"}', "authorization": ""},
        )
        assert bad.status_code == 400

        assert stream.next()[1]["id"] == bad.headers["cf-aig-log-id"]
        assert heard(connection)["log"]["id"] == mine


def test_another_gateway_s_rows_do_not_come(gateway: Gateway, watched: Gateway) -> None:
    with listening(watched) as stream:
        ask(gateway)
        mine = ask(watched)

        assert stream.next()[1]["id"] == mine


def test_nothing_is_called_while_nobody_listens(watched: Gateway) -> None:
    before = objects(watched)
    for _ in range(3):
        watched.row(ask(watched))
    assert objects(watched) == before

    with listening(watched):
        until(lambda: objects(watched) == before + 1 or None, "the object")


@pytest.mark.parametrize("kind", ["stream", "socket"])
def test_the_end_of_the_last_listener_is_noticed(watched: Gateway, kind: str) -> None:
    with contextlib.ExitStack() as stack:
        if kind == "stream":
            stack.enter_context(listening(watched))
        else:
            stack.enter_context(socket(watched))
        until(lambda: leases(watched) == 1 or None, "the lease")

    def gone() -> bool | None:
        ask(watched)
        return leases(watched) == 0 or None

    until(gone, "the end of the lease", patience=60)


def test_listeners_share_the_rows_and_are_bounded(watched: Gateway) -> None:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket(watched)) for _ in range(20)]
        assert [heard(one) for one in sockets] == [{"type": "open"}] * 20
        with pytest.raises(InvalidStatus) as refused:
            socket(watched)
        log_id = ask(watched)

        assert {heard(one)["log"]["id"] for one in sockets} == {log_id}
    assert refused.value.response.status_code == 503


def test_a_token_that_may_read_may_listen_and_another_may_not(watched: Gateway) -> None:
    def status(scope: str) -> int:
        made = watched.manage("POST", "/tokens", {"name": scope, "scopes": [scope]})
        headers = {"authorization": f"Bearer {made['value']}"}
        with httpx.stream("GET", f"{watched.management}/logs/tail", headers=headers) as response:
            return response.status_code

    assert [status("read"), status("run")] == [200, 403]
    assert httpx.get(f"{watched.management}/logs/tail").status_code == 401
