import json
from typing import Any

import pytest

from api.logs import get_log, list_logs
from api.task import Task
from call import Ask, Attempt, Reply, Report, Usage
from errors import BadParameter, GatewayNotFound, LogNotFound
from fakes import ID, NOW, Bench, FakeClock, SqliteDatabase, a_call, kept_of
from logs.journal import Journal
from logs.row import HEAD_LENGTH
from ports import Ending

SHOWN: dict[str, Any] = {
    "id": ID,
    "created_at": "2025-06-15T15:06:40.007Z",
    "provider": "openai",
    "model": "gpt-5",
    "model_type": "text-generation",
    "path": "chat/completions",
    "duration": 90,
    "request_type": "provider",
    "request_content_type": "application/json",
    "response_content_type": "application/json",
    "status_code": 200,
    "success": True,
    "error_code": None,
    "provider_error": None,
    "cached": False,
    "tokens_in": 9,
    "tokens_out": 4,
    "cost": 0.25,
    "saved": {"tokens_in": None, "tokens_out": None, "cost": None},
    "custom_cost": False,
    "attempt": 1,
    "final": True,
    "feedback": None,
    "score": None,
    "metadata": {"team": "a"},
    "step": 0,
    "skipped_steps": [],
    "event_id": "order-7",
    "request_size": 31,
    "response_size": 6,
    "user_agent": "tester/1",
    "authentication": False,
    "token_id": None,
    "byok": True,
    "key_id": "key-1",
    "close_code": None,
    "wholesale": False,
    "flags": [],
    "usage_metadata": {
        "input_tokens": 9,
        "output_tokens": 4,
        "total_tokens": 13,
        "input_cached_tokens": 3,
        "input_cache_write_tokens": 2,
        "output_reasoning_tokens": 1,
        "images": 2,
    },
    "timings": {"total": 90, "latency": 40},
    "location": {"region": None, "colo": None},
}


def numbered(number: int) -> str:
    return f"{ID[:24]}{number:012}"


def asking(database: SqliteDatabase, query: str = "", account: str = "acme") -> Task:
    return Bench(database, empty=True).task(account, query)


async def add(
    database: SqliteDatabase,
    log_id: str = ID,
    request: str | None = "hello",
    usage: Usage | None = None,
) -> None:
    headers = {"cf-aig-metadata": '{"team":"a"}', "cf-aig-event-id": "order-7"}
    call = a_call(
        headers | {"user-agent": "tester/1"}, ask=Ask("gpt-5", "text-generation", text=request)
    )
    call.trail.attempts.append(
        Attempt(log_id, call, NOW + 7, 1, key_id="key-1", first_byte=NOW + 47)
    )
    report = Report(usage=usage or Usage(9, 4, 3, 2, 1, images=2), cost=0.25)
    reply = Reply(200, {"content-type": "application/json"}, report=lambda _: report)
    made = kept_of(call, reply, Ending("complete", "answer", 6), NOW + 97)
    await Journal(FakeClock()).write(made, database)


async def listed(database: SqliteDatabase, query: str = "") -> dict[str, Any]:
    reply = await list_logs(asking(database, query), "main")
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    return json.loads(str(reply.body))


async def detail(database: SqliteDatabase, log_id: str = ID) -> dict[str, Any]:
    reply = await get_log(asking(database), "main", log_id)
    return json.loads(str(reply.body))


async def test_a_list_shows_all_of_a_row(database: SqliteDatabase) -> None:
    database.add_gateway()
    await add(database)

    assert await listed(database) == {
        "success": True,
        "errors": [],
        "messages": [],
        "result": [SHOWN],
        "result_info": {"page": 1, "per_page": 20, "count": 1, "total_count": 1},
    }


async def test_what_is_unknown_is_null(database: SqliteDatabase) -> None:
    database.add_gateway()
    await add(database, usage=Usage(tokens_in=9))

    [row] = (await listed(database))["result"]

    assert (row["tokens_in"], row["tokens_out"]) == (9, None)
    assert row["usage_metadata"]["total_tokens"] is None


async def test_a_list_of_nothing_is_empty(database: SqliteDatabase) -> None:
    database.add_gateway()

    told = await listed(database)

    assert told["result"] == []
    assert told["result_info"] == {"page": 1, "per_page": 20, "count": 0, "total_count": 0}


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [4, 3, 2, 1, 0]),
        ("per_page=2", [4, 3]),
        ("per_page=2&page=2", [2, 1]),
        ("per_page=2&page=3", [0]),
        ("per_page=2&page=4", []),
        ("page=5000&per_page=50", []),
        ("page=2&page=1&per_page=1", [4]),
        ("order_by=cost&per_page=1", [4]),
        ("%70age=2&per_page=1", [3]),
    ],
)
async def test_pages_begin_with_the_newest(
    database: SqliteDatabase, query: str, ids: list[int]
) -> None:
    database.add_gateway()
    for number in range(5):
        await add(database, numbered(number))

    told = await listed(database, query)

    assert [row["id"] for row in told["result"]] == [numbered(number) for number in ids]
    assert (told["result_info"]["count"], told["result_info"]["total_count"]) == (len(ids), 5)


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize("value", ["0", "-1", "", "x", "1.5", "1e1", "+1", "00000001", "%D9%A3"])
async def test_a_page_is_a_whole_number(database: SqliteDatabase, name: str, value: str) -> None:
    database.add_gateway()

    with pytest.raises(BadParameter, match=f"`{name}`"):
        await listed(database, f"{name}={value}")


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("per_page=51", "'51'. Use a whole number, 1 to 50"),
        ("page=5001", "'5001'. Use a whole number, 1 to 5000"),
    ],
)
async def test_pages_have_limits(database: SqliteDatabase, query: str, rule: str) -> None:
    database.add_gateway()

    with pytest.raises(BadParameter) as refused:
        await listed(database, query)

    assert rule in str(refused.value)


async def test_a_gateway_shows_its_own_rows_alone(database: SqliteDatabase) -> None:
    database.add_gateway()
    database.add_gateway("second")
    await add(database)

    reply = await list_logs(asking(database), "second")

    assert json.loads(str(reply.body))["result"] == []
    with pytest.raises(LogNotFound):
        await get_log(asking(database), "second", ID)


@pytest.mark.parametrize(("account", "gateway"), [("acme", "none"), ("other", "main")])
async def test_a_gateway_that_does_not_exist_has_no_log(
    database: SqliteDatabase, account: str, gateway: str
) -> None:
    database.add_gateway()

    with pytest.raises(GatewayNotFound, match=gateway):
        await list_logs(asking(database, account=account), gateway)
    with pytest.raises(GatewayNotFound, match=gateway):
        await get_log(asking(database, account=account), gateway, ID)


async def test_a_row_is_shown_with_the_heads_of_its_bodies(database: SqliteDatabase) -> None:
    database.add_gateway()
    await add(database, numbered(1), "other")
    await add(database)

    assert (await detail(database))["result"] == SHOWN | {
        "request_head": "hello",
        "request_head_complete": True,
        "response_head": "answer",
        "response_head_complete": True,
    }


@pytest.mark.parametrize("more", [0, 1, 900])
async def test_a_head_tells_whether_it_is_the_whole(database: SqliteDatabase, more: int) -> None:
    database.add_gateway()
    await add(database, request="x" * (HEAD_LENGTH + more))

    told = (await detail(database))["result"]

    assert told["request_head"] == "x" * HEAD_LENGTH
    assert told["request_head_complete"] is (more == 0)


async def test_a_body_that_was_not_kept_is_null(database: SqliteDatabase) -> None:
    database.add_gateway()
    await add(database, request=None)

    told = (await detail(database))["result"]

    assert (told["request_head"], told["request_head_complete"]) == (None, False)


async def test_a_row_that_does_not_exist_is_not_found(database: SqliteDatabase) -> None:
    database.add_gateway()

    with pytest.raises(LogNotFound, match=ID):
        await detail(database)
