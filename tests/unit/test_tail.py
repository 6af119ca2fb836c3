"""Watching the log: who is shown what, and what it costs when nobody watches."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from call import Reply, Request
from errors import BadParameter
from fakes import NOW, Bench, HeldDatabase, a_call, a_request, an_answer, kept_of, told
from logs.row import COLUMNS
from logs.storage import store
from logs.tail import Filter
from ports import Ending
from watching import FakeQueue

ROW: dict[str, Any] = {
    "provider": "openai",
    "model": "gpt-5",
    "success": 1,
    "cached": 0,
    "status_code": 200,
    "metadata": '{"team": "blue", "n": 7, "vip": true}',
    "token_id": "t-1",
    "event_id": "e-1",
}
LOGS = "https://sluice.test/client/v4/accounts/acme/ai-gateway/gateways/main/logs"
TAIL = "https://sluice.test/client/v4/accounts/acme/ai-gateway/gateways/{}/logs/tail{}"


def listen(name: str = "main", query: str = "", method: str = "GET", **headers: str) -> Request:
    given = {"authorization": "Bearer secret"} | headers
    return Request(method, TAIL.format(name, query), given)


def watch(bench: Bench, gateway_id: int = 1, seconds: int = 60) -> None:
    sql = "INSERT INTO tails VALUES (?, (unixepoch() + ?) * 1000)"
    bench.database.connection.execute(sql, (gateway_id, seconds))


async def ask(bench: Bench, **headers: str) -> None:
    bench.fetch.script += [an_answer("{}")]
    await bench.handle(a_request({name.replace("_", "-"): one for name, one in headers.items()}))


@pytest.mark.parametrize(
    ("query", "accepted"),
    [
        ("", True),
        ("provider=openai", True),
        ("provider=groq", False),
        ("provider=groq&provider=openai", True),
        ("provider=openai&model=gpt-4", False),
        ("success=true&cached=false", True),
        ("success=false", False),
        ("status=200", True),
        ("status=2xx", True),
        ("status=201", False),
        ("status=4xx&status=5xx", False),
        ("metadata.key=team", True),
        ("metadata.key=user", False),
        ("metadata.value=blue", True),
        ("metadata.key=team&metadata.value=blue", True),
        ("metadata.key=team&metadata.value=7", False),
        ("metadata.key=n&metadata.value=7", True),
        ("metadata.key=vip&metadata.value=true", True),
        ("token_id=t-1&event_id=e-1", True),
        ("token_id=t-2", False),
        ("event_id=e-2", False),
    ],
)
def test_a_filter_accepts_what_is_asked_for(query: str, accepted: bool) -> None:
    wanted = Filter.of(query)

    assert wanted.accepts(ROW) is accepted
    assert Filter.load(wanted.dump()).accepts(ROW) is accepted


def test_a_row_without_metadata_or_model_has_none_that_is_wanted() -> None:
    row = ROW | {"metadata": None, "model": None}

    assert not Filter.of("metadata.key=team").accepts(row)
    assert not Filter.of("model=gpt-5").accepts(row)
    assert Filter.of("provider=openai").accepts(row)


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "provider=",
        "success=yes",
        "cached=1",
        "status=20",
        "status=6xx",
        "status=x",
        "status=2²2",
        f"model={'m' * 257}",
        "&".join(["provider=openai"] * 21),
    ],
)
def test_a_filter_that_breaks_its_rule_is_refused(query: str) -> None:
    with pytest.raises(BadParameter):
        Filter.of(query)


async def test_a_gateway_that_nobody_watches_is_shown_to_nobody(bench: Bench) -> None:
    await ask(bench)
    await ask(bench)

    assert len(bench.database.rows("logs")) == 2
    assert bench.tails.shown == []


async def test_a_gateway_that_nobody_watches_costs_one_look_into_an_empty_table(
    bench: Bench,
) -> None:
    await ask(bench)

    *_, (looks, gateways) = bench.database.batches[0]
    assert [sql for sql, *_ in bench.database.batches[0] if "tails" in sql] == [looks]
    plan = bench.database.connection.execute(f"EXPLAIN QUERY PLAN {looks}", (gateways,))
    # It is found by its key, row for row of those who are watched: of none there are none to read.
    assert [one["detail"] for one in plan if "tails" in one["detail"]] == [
        "SEARCH tails USING INTEGER PRIMARY KEY (rowid=?)"
    ]


async def test_rows_that_come_through_the_queue_are_shown_by_whoever_takes_them(
    bench: Bench,
) -> None:
    watch(bench)
    queue = FakeQueue()
    bench.ports = replace(bench.ports, queue=queue)

    await ask(bench)
    assert bench.tails.shown == []
    await store(queue.messages, bench.database, bench.tails)

    ((gateway_id, rows),) = bench.tails.shown
    assert (gateway_id, len(rows)) == (1, 1)


async def test_rows_that_a_reader_of_the_log_writes_for_others_are_shown(bench: Bench) -> None:
    watch(bench)
    held = HeldDatabase(bench.database)
    row = kept_of(a_call(), Reply(200, {}), Ending("complete"), NOW)
    journal = bench.isolate.journal
    writer = asyncio.create_task(journal.write(row, held, None, bench.tails))
    gate = await held.next_write()

    await bench.handle(Request("GET", LOGS, {"authorization": "Bearer secret"}))

    assert [number for number, _ in bench.tails.shown] == [1]
    gate.set_result(None)
    await writer


async def test_the_next_row_of_a_gateway_that_somebody_watches_is_shown(bench: Bench) -> None:
    watch(bench)

    await ask(bench, cf_aig_event_id="mine")

    ((gateway_id, rows),) = bench.tails.shown
    assert gateway_id == 1
    [kept] = bench.database.rows("logs")
    assert rows == [[kept[column] for column in COLUMNS]]


async def test_a_lease_that_has_ended_is_none(bench: Bench) -> None:
    watch(bench, seconds=-1)

    await ask(bench)

    assert bench.tails.shown == []


async def test_only_the_rows_of_the_watched_gateway_are_shown(bench: Bench) -> None:
    other = bench.database.add_gateway("other")
    watch(bench, other)

    await ask(bench)
    bench.fetch.script += [an_answer("{}")]
    url = "https://sluice.test/v1/acme/other/openai/chat/completions"
    await bench.handle(a_request(url=url))

    assert [(number, len(rows)) for number, rows in bench.tails.shown] == [(other, 1)]


async def test_rows_that_cannot_be_shown_are_kept_all_the_same(bench: Bench) -> None:
    watch(bench)
    bench.tails.broken = True

    await ask(bench)
    await ask(bench)

    assert len(bench.database.rows("logs")) == len(bench.tails.shown) == 2


async def test_what_is_not_logged_is_not_shown(bench: Bench) -> None:
    watch(bench)

    await ask(bench, cf_aig_collect_log="false")

    assert bench.tails.shown == []


async def test_listening_is_a_stream_of_events(bench: Bench) -> None:
    reply = await bench.handle(listen(query="?provider=openai"))

    assert (reply.status, bench.tails.asked) == (200, [(1, '{"provider": ["openai"]}', False)])
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["cache-control"] == "no-store, no-transform"


async def test_listening_is_a_websocket_where_the_request_asks_for_one(bench: Bench) -> None:
    reply = await bench.handle(listen(upgrade="websocket"))

    assert (reply.status, bench.tails.asked) == (101, [(1, "{}", True)])


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        (listen("nowhere"), 404, 7002),
        (listen(query="?colour=red"), 400, 7001),
        (listen(authorization="Bearer wrong"), 401, 10000),
        (listen(method="POST"), 405, 7001),
    ],
)
async def test_who_may_not_listen_or_asks_for_nonsense_is_told(
    bench: Bench, asked: Request, status: int, code: int
) -> None:
    reply = await bench.handle(asked)

    assert (reply.status, told(reply)["errors"][0]["code"]) == (status, code)
    assert bench.tails.asked == []


async def test_one_listener_too_many_is_told(bench: Bench) -> None:
    bench.tails.broken = True

    reply = await bench.handle(listen())

    assert (reply.status, told(reply)["errors"][0]["code"]) == (503, 7507)


async def test_a_look_at_the_headers_opens_nothing(bench: Bench) -> None:
    assert (await bench.handle(listen(method="HEAD"))).status == 200
    assert bench.tails.asked == []
