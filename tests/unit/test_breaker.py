"""Targets that keep failing are passed over, where a caller has another."""

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace

import pytest

from breaker import FAILURES, MEMORY, PAUSE_MS, Breaker
from call import Ask, Call, Failure, Reply, Target
from errors import GatewayError, MissingKey, RateLimited, Unauthorized, Unreachable, UpstreamTimeout
from fakes import Bench, FakeClock, a_call, a_request, an_answer, an_entry, universal
from ports import Incoming

DOWN = Unreachable("api.openai.com", 3)
SLOW = UpstreamTimeout("api.openai.com", 10)
FINE = Reply(200, {})
OVERLOADED = Reply(529, {}, failed=Failure("overloaded_error", None, retryable=True))
REFUSED = Reply(400, {}, failed=Failure("invalid_request_error", None, retryable=False))
BOTH = (an_entry("openai"), an_entry("groq"))


def target(slug: str = "openai", path: str = "chat/completions", model: str | None = "m") -> Call:
    return replace(a_call(ask=Ask(model)), target=Target(slug, path, ""))


def fail(breaker: Breaker, call: Call, count: int = FAILURES) -> None:
    for _ in range(count):
        assert breaker.admits(call)
        breaker.learn(call, DOWN)


async def ask(
    bench: Bench, *answers: Incoming | Exception, entries: Sequence[object] = BOTH
) -> Reply:
    bench.fetch.script = list(answers)
    return await bench.handle(universal(*entries))


async def hosts(bench: Bench, *answers: Incoming | Exception) -> list[str]:
    """Return whom a request with an alternative reached."""
    bench.fetch.sent.clear()
    await ask(bench, *answers)
    return [outgoing.host.split(".")[1] for outgoing in bench.fetch.sent]


def fine() -> Incoming:
    return an_answer("{}")


@pytest.mark.parametrize("outcome", [DOWN, SLOW, OVERLOADED])
def test_five_failures_in_a_row_are_too_many(outcome: Reply | GatewayError) -> None:
    breaker, call = Breaker(FakeClock()), target()
    for _ in range(4):
        breaker.learn(call, outcome)
    assert breaker.admits(call)

    breaker.learn(call, outcome)

    assert not breaker.admits(call)
    assert (FAILURES, PAUSE_MS) == (5, 10_000)


@pytest.mark.parametrize("between", [FINE, REFUSED])
def test_an_answer_in_between_begins_the_count_anew(between: Reply) -> None:
    breaker, call = Breaker(FakeClock()), target()

    fail(breaker, call, 4)
    breaker.learn(call, between)
    fail(breaker, call, 4)

    assert breaker.admits(call)


@pytest.mark.parametrize(
    "outcome", [FINE, REFUSED, Unauthorized(), MissingKey("openai", "authorization")]
)
def test_what_is_the_request_s_own_fault_is_not_the_target_s(
    outcome: Reply | GatewayError,
) -> None:
    breaker, call = Breaker(FakeClock()), target()

    for _ in range(20):
        breaker.learn(call, outcome)

    assert breaker.admits(call)


@pytest.mark.parametrize("between", [RateLimited(1), MissingKey("openai", "authorization")])
def test_a_refusal_of_ours_says_nothing_of_a_target_that_fails(between: GatewayError) -> None:
    breaker, call = Breaker(FakeClock()), target()

    fail(breaker, call, 4)
    breaker.learn(call, between)
    fail(breaker, call, 1)

    assert not breaker.admits(call)


def test_after_the_pause_one_request_may_try_the_target() -> None:
    clock = FakeClock()
    breaker, call = Breaker(clock), target()
    fail(breaker, call)

    clock.now += 9_999
    assert not breaker.admits(call)
    clock.now += 1

    assert [breaker.admits(call) for _ in range(3)] == [True, False, False]


def test_a_try_that_fails_begins_the_pause_anew() -> None:
    clock = FakeClock()
    breaker, call = Breaker(clock), target()
    fail(breaker, call)
    clock.now += PAUSE_MS
    assert breaker.admits(call)
    clock.now += 5_000
    breaker.learn(call, DOWN)

    clock.now += PAUSE_MS - 1
    assert not breaker.admits(call)
    clock.now += 1

    assert breaker.admits(call)


def test_a_try_that_succeeds_lets_everyone_through() -> None:
    clock = FakeClock()
    breaker, call = Breaker(clock), target()
    fail(breaker, call)
    clock.now += PAUSE_MS
    assert breaker.admits(call)

    breaker.learn(call, FINE)

    assert all(breaker.admits(call) for _ in range(5))


def test_a_try_that_nobody_heard_of_again_holds_nobody_up_for_longer() -> None:
    clock = FakeClock()
    breaker, call = Breaker(clock), target()
    fail(breaker, call)
    clock.now += PAUSE_MS
    assert breaker.admits(call)

    clock.now += PAUSE_MS

    assert breaker.admits(call)


@pytest.mark.parametrize(
    "other",
    [
        target(slug="groq"),
        target(model="n"),
        replace(target(), gateway=replace(target().gateway, internal_id=2)),
    ],
)
def test_another_provider_model_or_gateway_is_another_target(other: Call) -> None:
    breaker = Breaker(FakeClock())
    fail(breaker, target())

    assert breaker.admits(other)


def test_the_path_is_no_part_of_a_target_that_names_its_model() -> None:
    breaker = Breaker(FakeClock())
    fail(breaker, target(path="chat/completions"))
    fail(breaker, target(path="images/edits", model=None))

    assert not breaker.admits(target(path="v1/chat/completions"))
    assert not breaker.admits(target(path="images/edits", model=None))
    assert breaker.admits(target(path="images/generations", model=None))


def test_memory_is_bounded() -> None:
    breaker = Breaker(FakeClock())
    fail(breaker, target())
    for number in range(MEMORY - 1):
        breaker.learn(target(model=f"m{number}"), DOWN)
    assert not breaker.admits(target())

    breaker.learn(target(model="one more"), DOWN)

    assert breaker.admits(target())


def test_names_of_any_length_fill_no_memory() -> None:
    breaker = Breaker(FakeClock())
    tracemalloc.start()

    for number in range(200):
        breaker.learn(target(model=f"{number}{'m' * 100_000}"), DOWN)

    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1_000_000


async def test_a_target_that_keeps_failing_is_passed_over_for_ten_seconds(bench: Bench) -> None:
    for _ in range(5):
        assert await hosts(bench, DOWN, fine()) == ["openai", "groq"]

    assert await hosts(bench, fine()) == ["groq"]
    bench.clock.now += 9_999
    assert await hosts(bench, fine()) == ["groq"]
    bench.clock.now += 1
    assert await hosts(bench, DOWN, fine()) == ["openai", "groq"]
    assert await hosts(bench, fine()) == ["groq"]
    bench.clock.now += PAUSE_MS
    assert await hosts(bench, fine()) == ["openai"]
    assert await hosts(bench, fine()) == ["openai"]


async def test_what_was_passed_over_is_in_the_row_and_the_step(bench: Bench) -> None:
    for _ in range(5):
        await ask(bench, DOWN, fine())
    bench.database.connection.execute("DELETE FROM logs")

    reply = await ask(bench, fine())

    [row] = bench.database.rows("logs")
    assert (row["step"], json.loads(row["skipped"]), row["provider"]) == (1, [0], "groq")
    assert reply.headers["cf-aig-step"] == "1"
    assert row["id"] == reply.headers["cf-aig-log-id"] == reply.headers["cf-aig-request-id"]
    [shown] = await bench.manage("GET", "gateways/main/logs")
    assert shown["skipped_steps"] == [0]


async def test_the_only_target_is_never_passed_over(bench: Bench) -> None:
    for _ in range(7):
        bench.fetch.sent.clear()
        await ask(bench, DOWN, entries=BOTH[:1])
        assert len(bench.fetch.sent) == 1

    bench.fetch.script.append(DOWN)
    assert (await bench.handle(a_request())).status == 502
    assert len(bench.fetch.sent) == 2


async def test_the_last_target_is_never_passed_over(bench: Bench) -> None:
    for _ in range(5):
        assert await hosts(bench, DOWN, DOWN) == ["openai", "groq"]

    assert await hosts(bench, DOWN) == ["groq"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_a_refusal_of_the_provider_s_leads_on_and_is_not_counted(
    bench: Bench, status: int
) -> None:
    for _ in range(7):
        refusal = an_answer('{"error":{"message":"no"}}', status=status)
        assert await hosts(bench, refusal, fine()) == ["openai", "groq"]


async def test_all_attempts_of_one_request_are_one_failure(bench: Bench) -> None:
    retried = an_entry("openai", config={"maxAttempts": 5, "retryDelay": 0})
    for _ in range(4):
        bench.fetch.sent.clear()
        await ask(bench, *[DOWN] * 5, fine(), entries=(retried, an_entry("groq")))
        assert len(bench.fetch.sent) == 6
