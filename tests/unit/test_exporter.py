"""Spans on their way to a collector that is in order, slow, overloaded or down."""

import asyncio
import json
import logging
from collections.abc import Mapping

import pytest

from fakes import ENCRYPTION_KEY, PATIENCE, FakeClock, FakePost, RealCrypto
from keys.vault import Vault
from ports import Posted, PostError
from snapshot import Destination
from traces import exporter
from traces.exporter import ATTEMPTS, GROUP, GROUP_SIZE, LEASE_MS, MEMORY, Exporter, Means

URL = "https://otel.example.com/secret-path/v1/traces"
TO = Destination(URL, None)
SECRET = "otel:acme:main:x"
VAULT = Vault(ENCRYPTION_KEY)


class Line:
    """An exporter and what it sends with."""

    def __init__(self, *script: Posted | Exception) -> None:
        self.clock = FakeClock()
        self.post = FakePost(*script)
        self.exporter = Exporter(self.clock)
        self.means = Means(self.post, VAULT, RealCrypto())

    def add(self, *names: str) -> None:
        self.exporter.add(SECRET, TO, [json.dumps(name) for name in names])

    async def send(self) -> None:
        await self.exporter.send(SECRET, TO, self.means)

    @property
    def sent(self) -> list[list[str]]:
        return [spans(text) for _, _, text in self.post.sent]


def spans(text: str) -> list[str]:
    return json.loads(text)["resourceSpans"][0]["scopeSpans"][0]["spans"]


def answer(status: int, text: str = "", **headers: str) -> Posted:
    return Posted(status, {name.replace("_", "-"): value for name, value in headers.items()}, text)


async def test_what_waits_goes_in_one_request() -> None:
    line = Line()
    line.add("a", "b")
    line.add("c")

    await line.send()
    await line.send()

    assert line.sent == [["a", "b", "c"]]
    assert line.post.sent[0][:2] == (URL, {"content-type": "application/json"})
    assert line.exporter.dropped == 0


async def test_the_stored_headers_go_with_it() -> None:
    line = Line()
    sealed = await VAULT.seal('{"authorization":"Bearer k"}', SECRET, RealCrypto())
    to = Destination(URL, sealed)
    line.exporter.add(SECRET, to, ["1"])

    await line.exporter.send(SECRET, to, line.means)

    assert line.post.sent[0][1] == {
        "authorization": "Bearer k",
        "content-type": "application/json",
    }


async def test_headers_that_cannot_be_opened_lose_the_spans_and_are_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line()
    to = Destination(URL, "00000000.AAAA")
    line.exporter.add(SECRET, to, ["1"])

    await line.exporter.send(SECRET, to, line.means)

    assert (line.post.sent, line.exporter.dropped) == ([], 1)
    assert "1 spans for otel.example.com are dropped" in caplog.text


async def test_many_spans_go_in_several_requests() -> None:
    line = Line()
    line.add(*(str(number) for number in range(GROUP + 1)))
    await line.send()

    assert [len(group) for group in line.sent] == [GROUP, 1]


async def test_long_spans_go_in_several_requests() -> None:
    line = Line()
    line.add("x" * GROUP_SIZE, "y", "z")
    await line.send()

    assert [len(group) for group in line.sent] == [1, 2]


@pytest.mark.parametrize(
    "failure", [answer(429), answer(502), answer(503), answer(504), PostError("TimeoutError")]
)
async def test_what_may_pass_is_tried_again(failure: Posted | Exception) -> None:
    line = Line(failure, failure)
    line.add("a")
    begun = line.clock()

    await line.send()

    assert line.sent == [["a"]] * 3
    # About one second, then about two.
    assert 3000 * 0.75 <= line.clock() - begun <= 3000 * 1.25
    assert line.exporter.dropped == 0


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 413, 500])
async def test_what_will_not_pass_is_dropped_counted_and_told(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(answer(status, "the collector's words"))
    line.add("a", "b")

    await line.send()

    assert line.sent == [["a", "b"]]
    assert line.exporter.dropped == 2
    assert caplog.messages == [
        f"2 spans for otel.example.com are dropped, 2 by this isolate in all: status {status}"
    ]


async def test_a_collector_that_asks_for_time_gets_it() -> None:
    line = Line(answer(503, retry_after="4"))
    line.add("a")
    begun = line.clock()

    await line.send()

    assert line.clock() - begun == 4000
    assert line.sent == [["a"], ["a"]]


async def test_one_that_asks_for_long_is_left_alone_and_asked_by_a_later_request() -> None:
    line = Line(answer(429, retry_after="60"))
    line.add("a")
    await line.send()
    line.add("b")
    await line.send()
    assert line.sent == [["a"]]

    line.clock.now += 60_000
    await line.send()

    assert line.sent == [["a"], ["a", "b"]]


async def test_a_collector_that_is_down_costs_so_many_attempts_and_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    line = Line(*[PostError("down")] * 20)
    line.add("a")

    for _ in range(20):
        await line.send()
        line.clock.now += 60_000

    assert line.sent == [["a"]] * ATTEMPTS
    assert line.exporter.dropped == 1
    assert "down" in caplog.messages[0]
    line.post.script.clear()
    line.add("b")
    await line.send()
    assert line.sent[-1] == ["b"]


async def test_what_waits_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(*[answer(400)] * 20)
    line.add("x" * (MEMORY - 100))

    line.add("y" * 200, "z")
    line.add("w")

    assert line.exporter.dropped == 2
    assert "too many wait" in caplog.text
    await line.send()
    # There is room again.
    line.add("y" * 200)
    assert line.exporter.dropped == 2 + 2


async def test_what_waits_for_a_destination_that_is_gone_is_dropped_in_the_end() -> None:
    line, other = Line(answer(503, retry_after="300")), Destination("https://other.test/", None)
    line.add("x" * (MEMORY - 100))
    await line.send()

    for passed, dropped in ((exporter.UNUSED_MS, 1), (1, 2)):
        line.clock.now += passed
        line.exporter.add(SECRET, other, [json.dumps("y" * 200)])
        assert line.exporter.dropped == dropped

    await line.exporter.send(SECRET, other, line.means)
    assert line.sent[1:] == [["y" * 200]]


async def test_spans_that_a_collector_refuses_one_by_one_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    partial = '{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}'
    line = Line(answer(200, partial))
    line.add("a", "b", "c")

    await line.send()

    assert line.sent == [["a", "b", "c"]]
    assert line.exporter.dropped == 2
    assert "the collector says 'too old'" in caplog.text


@pytest.mark.parametrize(
    "text", ["", "{}", "no JSON", "[]", '{"partialSuccess":{}}', '{"partialSuccess":1}',
             '{"partialSuccess":{"rejectedSpans":"many"}}']
)  # fmt: skip
async def test_whatever_else_a_collector_says_is_a_success(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(answer(202, text))
    line.add("a")

    await line.send()

    assert (line.exporter.dropped, caplog.messages) == (0, [])


class SlowPost:
    """A collector that answers when the test says so."""

    def __init__(self) -> None:
        self.sent: list[list[str]] = []
        self.answer = asyncio.Event()

    async def __call__(self, url: str, headers: Mapping[str, str], text: str) -> Posted:
        self.sent.append(spans(text))
        async with asyncio.timeout(PATIENCE):
            await self.answer.wait()
        return Posted(200, {}, "")


async def test_what_comes_while_a_collector_is_slow_goes_in_one_group() -> None:
    line, slow = Line(), SlowPost()
    line.means = Means(slow, VAULT, RealCrypto())
    line.add("a")
    first = asyncio.create_task(line.send())
    await asyncio.sleep(0)
    for name in "bcd":
        line.add(name)
        await line.send()
    assert slow.sent == [["a"]]

    slow.answer.set()
    await first

    assert slow.sent == [["a"], ["b", "c", "d"]]


async def test_a_sender_that_vanished_is_replaced_and_nothing_is_taken_twice() -> None:
    line, slow = Line(), SlowPost()
    healthy, line.means = line.means, Means(slow, VAULT, RealCrypto())
    line.add("a")
    frozen = asyncio.create_task(line.send())
    await asyncio.sleep(0)

    line.clock.now += LEASE_MS
    line.means = healthy
    await line.send()
    line.add("b")
    slow.answer.set()
    await frozen
    await line.send()

    assert (slow.sent, line.sent) == ([["a"]], [["a"], ["b"]])
    assert line.exporter.dropped == 0


async def test_no_secret_is_told_on_the_console(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    line = Line(answer(401, "key k is wrong"))
    line.add("a")

    await line.send()

    assert "secret-path" not in caplog.text
    assert "key k" not in caplog.text
