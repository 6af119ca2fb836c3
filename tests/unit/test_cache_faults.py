"""A cache that is out of order: a miss and a flag in the row, never an error."""

import json
from dataclasses import replace
from typing import Any

import pytest

from caching import FakeKept
from fakes import NOW, Bench, a_request, an_answer
from gateway import handle
from kept.reply import Head
from ports import Joined, Kept

ANSWER = '{"model":"gpt-5","choices":[]}'
GOOD: dict[str, Any] = {
    "status": 200,
    "headers": {"content-type": "application/json"},
    "size": len(ANSWER),
    "stored": round(NOW),
    "expires": round(NOW) + 60_000,
    "report": {},
}
WRONG: list[dict[str, Any]] = [
    {"status": "200"},
    {"status": None},
    {"status": 0},
    {"status": 99},
    {"status": 101},
    {"status": 204},
    {"status": 1000},
    {"status": 500},
    {"headers": []},
    {"headers": {"content-type": 1}},
    {"headers": {"content-length": "3"}},
    {"headers": {"a b": "c"}},
    {"headers": {"set-cookie": "a=b"}},
    {"headers": {"content-type": "a\r\nb: c"}},
    {"size": len(ANSWER) + 1},
    {"size": 0},
    {"size": -1},
    {"size": None},
    {"size": float(len(ANSWER)) + 0.5},
    {"stored": "yesterday"},
    {"stored": 1e400},
    {"expires": None},
    {"report": None},
    {"report": {"usage": {"tokens_in": "many"}}},
    {"report": {"cost": "dear"}},
]
"""What no good head says."""


@pytest.fixture
def keeping(bench: Bench) -> Bench:
    """A gateway that keeps answers for ten minutes."""
    bench.settings(authentication=False, cache_ttl=600)
    return bench


def flags(bench: Bench) -> list[str]:
    return json.loads(bench.database.rows("logs")[-1]["flags"] or "[]")


async def asked_with(bench: Bench, head: str, content: bytes = ANSWER.encode()) -> str:
    """Ask for what is kept with some head, and return the cache status of the answer."""
    bench.fetch.script += [an_answer(ANSWER), an_answer(ANSWER)]
    await bench.handle(a_request())
    (key,) = bench.cache.kept
    bench.cache.kept[key] = FakeKept(head, content)
    reply = await bench.handle(a_request())
    assert reply.status == 200
    return reply.headers["cf-aig-cache-status"]


async def test_a_good_head_is_a_hit(keeping: Bench) -> None:
    assert await asked_with(keeping, json.dumps(GOOD)) == "HIT"
    assert flags(keeping) == []


@pytest.mark.parametrize(
    "head",
    [
        "",
        "null",
        "{",
        "[]",
        '"text"',
        "undefined",
        "\x00",
        *(json.dumps({k: v for k, v in GOOD.items() if k != name}) for name in GOOD),
        *(json.dumps(GOOD | wrong) for wrong in WRONG),
    ],
)
async def test_what_is_kept_but_makes_no_sense_is_asked_for_anew(keeping: Bench, head: str) -> None:
    assert await asked_with(keeping, head) == "MISS"
    assert flags(keeping) == ["cache_corrupt"]
    assert len(keeping.fetch.sent) == 2


@pytest.mark.parametrize("content", [b"", b"short", ANSWER.encode() + b" "])
async def test_bytes_that_are_fewer_or_more_than_there_were_are_no_answer(
    keeping: Bench, content: bytes
) -> None:
    assert await asked_with(keeping, json.dumps(GOOD), content) == "MISS"
    assert flags(keeping) == ["cache_corrupt"]


async def test_what_was_corrupt_is_written_anew(keeping: Bench) -> None:
    await asked_with(keeping, "{")

    reply = await keeping.handle(a_request())

    assert reply.headers["cf-aig-cache-status"] == "HIT"
    assert flags(keeping) == []


async def test_a_head_of_a_newer_release_is_still_read(keeping: Bench) -> None:
    assert await asked_with(keeping, json.dumps(GOOD | {"more": 1})) == "HIT"


async def test_a_cache_that_cannot_be_read_or_written_is_a_miss_with_two_flags(
    keeping: Bench,
) -> None:
    keeping.cache.broken = True
    keeping.fetch.script.append(an_answer(ANSWER))

    reply = await keeping.handle(a_request())

    assert (reply.status, reply.headers["cf-aig-cache-status"]) == (200, "MISS")
    assert flags(keeping) == ["cache_read_failed", "cache_write_failed"]


async def test_where_nobody_can_be_joined_all_ask_by_themselves(keeping: Bench) -> None:
    keeping.flights.broken = True
    keeping.fetch.script.append(an_answer(ANSWER))

    first, second = await keeping.handle(a_request()), await keeping.handle(a_request())

    rows = keeping.database.rows("logs")
    assert (first.status, second.headers["cf-aig-cache-status"]) == (200, "HIT")
    assert [row["flags"] for row in rows] == ['["coalescing_unavailable"]', None]


async def test_everything_out_of_order_at_once_is_still_an_answer(keeping: Bench) -> None:
    keeping.settings(
        authentication=False, cache_ttl=600, rate_limiting_limit=5, rate_limiting_interval=60
    )
    keeping.cache.broken = keeping.flights.broken = keeping.counters.broken = True
    keeping.fetch.script.append(an_answer(ANSWER))

    reply = await keeping.handle(a_request())

    assert reply.status == 200
    assert flags(keeping) == [
        "rate_limit_unavailable",
        "cache_read_failed",
        "coalescing_unavailable",
        "cache_write_failed",
    ]


class _Flights:
    """Whose answer is what the test says."""

    def __init__(self, joined: Joined) -> None:
        self._joined = joined

    async def join(self, _key: str, _patience: float) -> Joined:
        return self._joined

    async def forget(self, key: str) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("handed", "flagged"),
    [
        (FakeKept("{", b""), ["cache_corrupt"]),
        (FakeKept(json.dumps(GOOD), b"less"), ["cache_corrupt"]),
        (FakeKept(json.dumps(GOOD | {"expires": 1}), ANSWER.encode()), []),
        (None, []),
    ],
)
async def test_whoever_is_handed_nothing_of_use_asks_alone_and_keeps_the_answer(
    keeping: Bench, handed: Kept | None, flagged: list[str]
) -> None:
    ports = replace(keeping.ports, flights=_Flights(Joined(kept=handed)))
    keeping.fetch.script.append(an_answer(ANSWER))

    reply = await handle(a_request(), keeping.isolate, ports)
    await keeping.background.run()

    assert (reply.status, reply.headers["cf-aig-cache-status"]) == (200, "MISS")
    assert flags(keeping) == flagged
    assert len(keeping.cache.kept) == 1


async def test_the_answer_of_another_is_a_hit(keeping: Bench) -> None:
    handed = FakeKept(json.dumps(GOOD), ANSWER.encode())
    ports = replace(keeping.ports, flights=_Flights(Joined(kept=handed)))

    reply = await handle(a_request(), keeping.isolate, ports)
    await keeping.background.run()

    assert (reply.status, reply.headers["cf-aig-cache-status"]) == (200, "HIT")
    assert keeping.cache.written_keys == []


def test_a_head_survives_being_written_down() -> None:
    head = Head.load(json.dumps(GOOD))

    assert Head.load(head.dump()) == head
