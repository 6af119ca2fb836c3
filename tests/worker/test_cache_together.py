"""Identical requests that come together, through real Durable Objects: one asks for all."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import httpx
import pytest

from callers import Callers
from running import KEY, Gateway, pass_time, until
from worker.caller import RawCaller
from worker.scripted import ScriptedUpstream, Wire
from worker.scripts import AUDIO, CHAT, DONE, USAGE, event

STREAM = event("Hello ") + event("world") + USAGE + DONE
ANSWERS = {"json_answer": CHAT, "stream": STREAM, "audio": AUDIO}
MEANWHILE_S = 0.5
"""In which those who follow have joined."""


_seen: set[str] = set()


def _is_first(wire: Wire) -> bool:
    """Return whether nobody has asked the same before."""
    user = json.loads(wire.request.body)["user"]
    return not (user in _seen or _seen.add(user))


async def fails_first(wire: Wire) -> None:
    if _is_first(wire):
        await wire.go_on.wait()
        await wire.whole("503 Service Unavailable", "application/json", b'{"error":{}}')
    else:
        await wire.whole("200 OK", "application/json", CHAT)


async def breaks_first(wire: Wire) -> None:
    await wire.head("200 OK", content_type="text/event-stream", transfer_encoding="chunked")
    await wire.chunk(event("Hello "))
    if _is_first(wire):
        await wire.go_on.wait()
        wire.cut()
        return
    for part in (event("world"), USAGE, DONE, b""):
        await wire.chunk(part)


async def hangs_first(wire: Wire) -> None:
    await wire.head("200 OK", content_type="audio/mpeg", transfer_encoding="chunked")
    await wire.chunk(AUDIO)
    if _is_first(wire):
        await wire.hang()
    await wire.chunk(b"")


async def silent_first(wire: Wire) -> None:
    if _is_first(wire):
        await wire.hang()
    else:
        await wire.whole("200 OK", "application/json", CHAT)


async def always_fails(wire: Wire) -> None:
    await wire.whole("503 Service Unavailable", "application/json", b'{"error":{}}')


async def four_megabytes(wire: Wire) -> None:
    await wire.whole("200 OK", "audio/wav", b"x" * 4_500_000)


SCRIPTS = (fails_first, breaks_first, hangs_first, silent_first, always_fails, four_megabytes)


@pytest.fixture(scope="module")
def keeping(gateway: Gateway, upstream: ScriptedUpstream) -> Iterator[Gateway]:
    """Make a gateway that keeps answers for ten minutes."""
    upstream.learn(*SCRIPTS)
    with gateway.another("together", cache_ttl=600) as keeping:
        yield keeping


class Crowd(Callers):
    """Callers who ask the same, which nobody has asked before."""

    def __init__(self, gateway: Gateway, script: str, count: int) -> None:
        super().__init__(count, headers=KEY | {"accept-encoding": "identity"}, timeout=100)
        self.body: dict[str, Any] = {"model": "gpt-5-mini", "user": uuid.uuid4().hex}
        self.url = f"{gateway.openai}/script/{script}"

    def begin(self, count: int) -> list[Future[httpx.Response]]:
        """Send as many requests, all at once."""
        return [self.submit(self.post, self.url, json=self.body) for _ in range(count)]


def asked(gateway: Gateway, script: str, count: int) -> list[httpx.Response]:
    """Return what each of a crowd is answered."""
    with Crowd(gateway, script, count) as crowd:
        return [answer.result() for answer in crowd.begin(count)]


def statuses(answers: list[httpx.Response]) -> list[tuple[int, str]]:
    return sorted((one.status_code, one.headers["cf-aig-cache-status"]) for one in answers)


@pytest.mark.parametrize("count", [20, 200])
@pytest.mark.parametrize("script", ANSWERS)
def test_many_together_make_one_request_and_get_its_answer(
    keeping: Gateway, upstream: ScriptedUpstream, script: str, count: int
) -> None:
    before = len(upstream.requests)

    answers = asked(keeping, script, count)

    assert len(upstream.requests) == before + 1
    assert {answer.content for answer in answers} == {ANSWERS[script]}
    assert statuses(answers) == [(200, "HIT")] * (count - 1) + [(200, "MISS")]
    assert len({answer.headers["content-type"] for answer in answers}) == 1


def test_it_is_one_request_each_time(keeping: Gateway, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    for number in range(20):
        answers = asked(keeping, list(ANSWERS)[number % 3], 20)
        assert statuses(answers) == [(200, "HIT")] * 19 + [(200, "MISS")]

    assert len(upstream.requests) == before + 20


@pytest.mark.parametrize(("script", "content"), [("fails_first", CHAT), ("breaks_first", STREAM)])
def test_where_the_first_gets_half_an_answer_the_next_one_asks(
    keeping: Gateway, upstream: ScriptedUpstream, script: str, content: bytes
) -> None:
    before = len(upstream.requests)

    with Crowd(keeping, script, 11) as crowd:
        [first] = crowd.begin(1)
        until(lambda: len(upstream.requests) > before or None, "the first request")
        others = crowd.begin(10)
        pass_time(MEANWHILE_S)
        upstream.go_on()
        answers = [other.result() for other in others]

    if script == "fails_first":
        assert first.result().status_code == 503
    else:
        assert isinstance(first.exception(), httpx.RemoteProtocolError)
    assert {answer.content for answer in answers} == {content}
    assert statuses(answers) == [(200, "HIT")] * 9 + [(200, "MISS")]
    assert len(upstream.requests) == before + 2


@pytest.mark.parametrize(("script", "content"), [("hangs_first", AUDIO), ("silent_first", CHAT)])
def test_where_the_first_leaves_the_next_one_asks(
    keeping: Gateway, upstream: ScriptedUpstream, script: str, content: bytes
) -> None:
    before = len(upstream.requests)

    with Crowd(keeping, script, 10) as crowd:
        first = RawCaller(crowd.url, json.dumps(crowd.body).encode())
        until(lambda: len(upstream.requests) > before or None, "the first request")
        others = crowd.begin(10)
        pass_time(MEANWHILE_S)
        first.die()
        answers = [other.result() for other in others]

    assert {answer.content for answer in answers} == {content}
    assert statuses(answers) == [(200, "HIT")] * 9 + [(200, "MISS")]
    assert len(upstream.requests) == before + 2


def test_where_nobody_gets_an_answer_all_get_their_errors(
    keeping: Gateway, upstream: ScriptedUpstream
) -> None:
    before = len(upstream.requests)

    answers = asked(keeping, "always_fails", 10)

    assert statuses(answers) == [(503, "MISS")] * 10
    assert len(upstream.requests) == before + 10


def test_what_is_too_large_to_be_handed_over_is_asked_for_by_all(keeping: Gateway) -> None:
    with Crowd(keeping, "four_megabytes", 5) as crowd:
        answers = [answer.result() for answer in crowd.begin(5)]
        [later] = crowd.begin(1)

    assert {len(answer.content) for answer in answers} == {4_500_000}
    assert all(keeping.row_of(answer)["flags"] == [] for answer in answers)
    assert later.result().headers["cf-aig-cache-status"] == "HIT"


def test_others_do_not_wait(keeping: Gateway, upstream: ScriptedUpstream) -> None:
    before = len(upstream.requests)
    with Crowd(keeping, "silent_first", 1) as slow:
        first = RawCaller(slow.url, json.dumps(slow.body).encode())
        until(lambda: len(upstream.requests) > before or None, "the first request")

        [quick] = asked(keeping, "json_answer", 1)

    assert quick.status_code == 200
    first.die()
