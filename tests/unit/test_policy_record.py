from dataclasses import replace

import pytest

from call import Call, Policy, Reply, Trail
from errors import Unauthorized
from fakes import (
    NOW,
    Bench,
    FakeBackground,
    FakeClock,
    FakeReplyBody,
    SqliteDatabase,
    a_call,
    a_request,
)
from ids import uuid7
from logs.journal import Journal
from policies.record import record
from ports import Ending, Incoming


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


async def test_what_is_found_out_after_the_reply_is_in_its_row(
    bench: Bench, clock: FakeClock, database: SqliteDatabase
) -> None:
    journal = Journal(clock)
    writers, keepers = FakeBackground(), FakeBackground()
    ports = replace(bench.ports, clock=clock)

    async def silent(_call: Call) -> Reply:
        return Reply(200, {}, "hello")

    async def kept(call: Call) -> Reply:
        async def keep() -> None:
            call.trail.flags.append("cache_unwritable")

        keepers.add(keep())
        return Reply(200, {}, "hello")

    await record(journal, replace(ports, background=writers))(a_call(), silent)
    later = replace(a_call(), id=uuid7(NOW + 1), trail=Trail())
    await record(journal, replace(ports, background=keepers))(later, kept)
    await writers.run()  # who writes for all does so before the second one knows all
    await keepers.run()

    flags = {row["id"]: row["flags"] for row in database.rows("logs")}
    assert flags == {a_call().id: None, later.id: '["cache_unwritable"]'}


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


async def test_what_is_done_after_an_answer_is_not_its_time(
    policy: Policy, background: FakeBackground, clock: FakeClock, database: SqliteDatabase
) -> None:
    held, stream = FakeReplyBody(Ending("complete", "{}", 2)), FakeReplyBody()
    held.held = True
    stream.ending.set_result(Ending("complete", "{}", 2, ended=NOW + 750))

    async def keep() -> None:
        clock.now += 2_000

    async def answer(call: Call) -> Reply:
        background.add(keep())
        return Reply(200, {}, "{}" if call.id == "0" else held if call.id == "1" else stream)

    for number in range(3):
        await policy(replace(a_call(), id=str(number), trail=Trail()), answer)
    await background.run()

    assert [row["duration"] for row in database.rows("logs")] == [0, 0, 750]


async def test_the_first_byte_is_that_of_the_body_where_somebody_reads_it(
    bench: Bench, database: SqliteDatabase
) -> None:
    for first_byte in (None, NOW + 300):
        ending = Ending("complete", "data: [DONE]", 12, first_byte=first_byte, ended=NOW + 750)
        body = FakeReplyBody(ending, holds=False)
        bench.fetch.script.append(Incoming(200, {"content-type": "text/event-stream"}, body))
        await bench.handle(a_request())

    told = [(row["latency"], row["duration"]) for row in database.rows("logs")]
    assert told == [(0, 750), (300, 750)]


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
