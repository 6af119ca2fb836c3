"""Limits on the requests of a gateway."""

import asyncio
import json

import pytest

from errors import Unreachable
from fakes import NOW, Bench, a_request, an_answer, told

HOURLY = {"rate_limiting_limit": 2, "rate_limiting_interval": 3600}


@pytest.fixture
def limited(bench: Bench) -> Bench:
    """A gateway that lets two requests through in an hour."""
    settings = json.dumps({"authentication": False, **HOURLY})
    bench.database.connection.execute("UPDATE gateways SET settings = ?", (settings,))
    return bench


async def test_no_more_than_the_limit_is_let_through(limited: Bench) -> None:
    limited.fetch.script += [an_answer("{}"), an_answer("{}")]

    replies = [await limited.handle(a_request()) for _ in range(4)]

    assert [reply.status for reply in replies] == [200, 200, 429, 429]
    assert told(replies[2])["error"] == [{"code": 2003, "message": "Rate limited"}]
    assert len(limited.fetch.sent) == 2


async def test_answers_and_refusals_tell_how_much_is_left_and_when_there_is_more(
    limited: Bench,
) -> None:
    limited.fetch.script += [an_answer("{}"), an_answer("{}")]

    first, _, refused = [await limited.handle(a_request()) for _ in range(3)]

    wait = 3600 - round(NOW / 1000) % 3600
    assert first.headers["ratelimit-policy"] == '"default";q=2;w=3600'
    assert first.headers["ratelimit"] == f'"default";r=1;t={wait}'
    assert "retry-after" not in first.headers
    assert refused.headers["ratelimit"] == f'"default";r=0;t={wait}'
    assert refused.headers["retry-after"] == str(wait)


async def test_errors_tell_it_too_and_count(limited: Bench) -> None:
    limited.fetch.script += [Unreachable("api.openai.com", 3), an_answer("{}", status=500)]

    broken, failed, refused = [await limited.handle(a_request()) for _ in range(3)]

    assert (broken.status, failed.status, refused.status) == (502, 500, 429)
    assert broken.headers["ratelimit"].startswith('"default";r=1;')


async def test_a_refused_request_is_a_row(limited: Bench) -> None:
    limited.fetch.script += [an_answer("{}"), an_answer("{}")]
    for _ in range(3):
        await limited.handle(a_request())

    rows = limited.database.rows("logs")

    assert [(row["status_code"], row["error_code"]) for row in rows[2:]] == [(429, 2003)]


async def test_a_window_later_there_is_more(limited: Bench) -> None:
    limited.fetch.script += [an_answer("{}") for _ in range(3)]
    for _ in range(3):
        await limited.handle(a_request())

    limited.clock.now += 3_600_000

    assert (await limited.handle(a_request())).status == 200


async def test_a_sliding_limit_gives_back_one_by_one(limited: Bench) -> None:
    settings = {"authentication": False, "rate_limiting_technique": "sliding", **HOURLY}
    limited.database.connection.execute("UPDATE gateways SET settings = ?", (json.dumps(settings),))
    limited.fetch.script += [an_answer("{}") for _ in range(3)]
    await limited.handle(a_request())
    limited.clock.now += 1_800_000
    await limited.handle(a_request())

    refused = await limited.handle(a_request())
    limited.clock.now += 1_800_000
    again = await limited.handle(a_request())

    assert (refused.status, refused.headers["retry-after"]) == (429, "1800")
    assert again.status == 200
    assert (await limited.handle(a_request())).status == 429


async def test_requests_that_come_together_do_not_slip_through(limited: Bench) -> None:
    limited.fetch.script += [an_answer("{}"), an_answer("{}")]

    replies = await asyncio.gather(*(limited.handle(a_request()) for _ in range(20)))

    assert sorted(reply.status for reply in replies) == [200] * 2 + [429] * 18


async def test_two_gateways_do_not_share_a_limit(limited: Bench) -> None:
    limited.database.add_gateway("other", json.dumps({"authentication": False, **HOURLY}))
    limited.fetch.script += [an_answer("{}") for _ in range(4)]
    other = "https://sluice.test/v1/acme/other/openai/chat/completions"

    statuses = [
        (await limited.handle(a_request(url=url) if url else a_request())).status
        for url in (None, other, None, other)
    ]

    assert statuses == [200] * 4


async def test_a_counter_out_of_order_lets_everybody_through_and_the_row_says_so(
    limited: Bench,
) -> None:
    limited.counters.broken = True
    limited.fetch.script += [an_answer("{}") for _ in range(3)]

    replies = [await limited.handle(a_request()) for _ in range(3)]

    assert [reply.status for reply in replies] == [200] * 3
    assert "ratelimit" not in replies[0].headers
    flags = {row["flags"] for row in limited.database.rows("logs")}
    assert flags == {'["rate_limit_unavailable"]'}


@pytest.mark.parametrize("moves", [False, True])
async def test_a_request_whose_answer_from_the_counter_was_lost_counts_once(
    limited: Bench, moves: bool
) -> None:
    limited.counters.moves = moves
    limited.fetch.script += [an_answer("{}") for _ in range(2)]

    statuses: list[int] = []
    for _ in range(3):
        limited.counters.losing = 1
        statuses.append((await limited.handle(a_request())).status)

    assert statuses == [200, 200, 429]
    assert {row["flags"] for row in limited.database.rows("logs")} == {None}


async def test_where_it_is_lost_twice_the_request_passes_and_the_row_says_so(
    limited: Bench,
) -> None:
    limited.counters.losing = 2
    limited.fetch.script.append(an_answer("{}"))

    reply = await limited.handle(a_request())

    assert reply.status == 200
    assert limited.database.rows("logs")[0]["flags"] == '["rate_limit_unavailable"]'


@pytest.mark.parametrize("off", [{}, {"rate_limiting_limit": 0}, {"rate_limiting_interval": None}])
async def test_without_a_limit_nothing_is_counted(bench: Bench, off: dict[str, object]) -> None:
    settings = {"authentication": False, **(HOURLY | off if off else {})}
    bench.database.connection.execute("UPDATE gateways SET settings = ?", (json.dumps(settings),))
    bench.counters.broken = True
    bench.fetch.script.append(an_answer("{}"))

    reply = await bench.handle(a_request())

    assert (reply.status, "ratelimit" in reply.headers) == (200, False)
    assert bench.database.rows("logs")[0]["flags"] is None
