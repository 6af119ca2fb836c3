from dataclasses import replace

import pytest

from call import Call, Policy, Reply
from errors import Unauthorized
from fakes import (
    NOW,
    Bench,
    FakeBackground,
    FakeClock,
    FakeReplyBody,
    SqliteDatabase,
    a_call,
)
from journal import Journal
from policies.record import record
from ports import Ending


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def background() -> FakeBackground:
    return FakeBackground()


@pytest.fixture
def policy(bench: Bench, clock: FakeClock, background: FakeBackground) -> Policy:
    return record(Journal(clock), replace(bench.ports, clock=clock, background=background))


async def test_a_reply_is_recorded_after_it_has_left(
    policy: Policy, background: FakeBackground, database: SqliteDatabase
) -> None:
    reply = Reply(200, {}, "hello")

    async def answer(_call: Call) -> Reply:
        return reply

    assert await policy(a_call(), answer) is reply
    assert database.rows("logs") == []
    await background.run()

    assert [row["status_code"] for row in database.rows("logs")] == [200]
    assert [row["response_size"] for row in database.rows("logs")] == [5]


async def test_a_reply_without_a_body_is_recorded(
    policy: Policy, background: FakeBackground, database: SqliteDatabase
) -> None:
    async def answer(_call: Call) -> Reply:
        return Reply(204, {})

    await policy(a_call(), answer)
    await background.run()

    assert [row["response_size"] for row in database.rows("logs")] == [0]


async def test_a_stream_is_recorded_when_it_has_ended(
    policy: Policy, background: FakeBackground, clock: FakeClock, database: SqliteDatabase
) -> None:
    body = FakeReplyBody()

    async def answer(_call: Call) -> Reply:
        return Reply(200, {}, body)

    await policy(a_call(), answer)
    assert body.watched
    clock.now += 750
    body.ending.set_result(Ending("broken", "half", 4))
    await background.run()

    [row] = database.rows("logs")
    assert (row["duration"], row["success"], row["response_size"]) == (750, 0, 4)
    assert [payload["body"] for payload in database.rows("payloads")] == [
        '{"model":"gpt-5"}',
        "half",
    ]


async def test_a_refusal_is_recorded_and_passes_on(
    policy: Policy, background: FakeBackground, database: SqliteDatabase
) -> None:
    async def refuse(_call: Call) -> Reply:
        raise Unauthorized

    with pytest.raises(Unauthorized):
        await policy(a_call(), refuse)
    await background.run()

    [row] = database.rows("logs")
    assert (row["status_code"], row["error_code"], row["created_at"]) == (401, 2009, NOW)
    assert row["response_size"] == len(Unauthorized().envelope())


async def test_a_fault_of_ours_is_recorded_and_passes_on(
    policy: Policy, background: FakeBackground, database: SqliteDatabase
) -> None:
    async def fail(_call: Call) -> Reply:
        raise ZeroDivisionError("secret")

    with pytest.raises(ZeroDivisionError):
        await policy(a_call(), fail)
    await background.run()

    [row] = database.rows("logs")
    assert (row["status_code"], row["error_code"]) == (500, 7500)
    assert not any("secret" in payload["body"] for payload in database.rows("payloads"))


async def test_a_call_that_is_not_logged_costs_nothing(
    policy: Policy, background: FakeBackground
) -> None:
    body = FakeReplyBody()

    async def answer(_call: Call) -> Reply:
        return Reply(200, {}, body)

    await policy(a_call({"cf-aig-collect-log": "false"}), answer)

    assert not body.watched
    assert background.jobs == []
