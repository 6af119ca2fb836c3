"""What is left of a request once its row is written: nothing, without a search for circles."""

import gc
import json
import weakref
from collections.abc import Iterator
from dataclasses import replace

import pytest

from fakes import Bench, FakeBody, a_request, an_answer
from ports import ReplyBody


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    """Let objects go as soon as nobody holds them, and no later."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def test_bodies_are_gone_when_their_row_is_written(bench: Bench) -> None:
    answer = an_answer('{"model":"gpt-5"}')
    assert answer.body
    reply_body = weakref.ref[ReplyBody](answer.body)
    bench.fetch.script.append(answer)
    del answer

    request_body = await _sent(bench)

    assert len(bench.database.rows("payloads")) == 2
    assert (request_body(), reply_body()) == (None, None)


async def test_bodies_of_all_attempts_are_gone_when_their_rows_are_written(bench: Bench) -> None:
    bench.fetch.script += [an_answer("{}", status=503), an_answer("{}")]

    request_body = await _sent(bench, {"cf-aig-max-attempts": "2"})

    assert len(bench.database.rows("logs")) == 2
    assert request_body() is None


async def test_the_body_of_a_refused_request_is_gone_when_its_row_is_written(bench: Bench) -> None:
    request_body = await _sent(bench, {"cf-aig-max-attempts": "99"})

    [row] = bench.database.rows("logs")
    assert row["status_code"] == 400
    assert request_body() is None


async def _sent(bench: Bench, headers: dict[str, str] | None = None) -> weakref.ref[FakeBody]:
    """Send a request, and return what tells whether its body is still there."""
    body = FakeBody(json.dumps({"model": "gpt-5"}))
    await bench.handle(replace(a_request(headers), body=body))
    bench.fetch.sent.clear()
    return weakref.ref(body)
