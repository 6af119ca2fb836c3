"""Bodies of the log, what people think of its rows, and their end."""

import json
import math
from typing import Any

import pytest

from call import Request
from fakes import ID, NOW, Bench, FakeBody, told
from logged import add_body, add_row
from logs.periods import HOUR_MS
from logs.rollups import roll_up
from management import BASE, asked, result, wrong

LOGS = "gateways/main/logs"


@pytest.fixture
def row(bench: Bench) -> str:
    return add_row(bench.database, request_content_type="text/html", metadata={"team": "a"})


@pytest.mark.parametrize("side", ["request", "response"])
async def test_a_body_comes_back_whole_from_all_its_parts(
    bench: Bench, row: str, side: str
) -> None:
    add_body(bench.database, row, side, "first ", "second ", "é🛷")

    reply = await asked(bench, "GET", f"{LOGS}/{row}/{side}")

    assert (reply.status, reply.body) == (200, "first second é🛷")


async def test_a_body_is_never_a_page_of_ours(bench: Bench, row: str) -> None:
    add_body(bench.database, row, "request", "<script>")

    reply = await asked(bench, "GET", f"{LOGS}/{row}/request")

    assert reply.headers["content-type"] == "text/html"
    assert reply.headers["content-security-policy"] == "sandbox"
    assert reply.headers["x-content-type-options"] == "nosniff"


async def test_a_body_that_is_not_kept_is_not_found(bench: Bench, row: str) -> None:
    add_body(bench.database, row, "request", "hello")

    assert wrong(await asked(bench, "GET", f"{LOGS}/{row}/response")) == [(404, 7002, None)]
    assert wrong(await asked(bench, "GET", f"{LOGS}/{ID}/request")) == [(404, 7002, None)]
    assert wrong(await asked(bench, "GET", f"gateways/none/logs/{row}/request"))[0][:2] == (
        404,
        7002,
    )


async def test_a_body_that_was_not_written_to_its_end_is_not_shown(bench: Bench, row: str) -> None:
    # The first part is written last.
    sql = "INSERT INTO payloads VALUES (1, ?, 'request', 1, 'the rest')"
    bench.database.connection.execute(sql, (row,))

    assert (await asked(bench, "GET", f"{LOGS}/{row}/request")).status == 404
    assert result(await asked(bench, "GET", f"{LOGS}/{row}"))["request_head"] is None


async def test_a_body_wants_a_token_that_may_read(bench: Bench, row: str) -> None:
    add_body(bench.database, row, "request", "hello")
    made = await bench.manage("POST", "tokens", name="ci", scopes=["run"])
    reader = await bench.manage("POST", "tokens", name="ci", scopes=["read"])

    async def status(secret: str) -> int:
        headers = {"authorization": f"Bearer {secret}"}
        request = Request("GET", f"{BASE}/{LOGS}/{row}/request", headers, FakeBody(None))
        return (await bench.handle(request)).status

    assert await status(made["value"]) == 403
    assert await status(reader["value"]) == 200


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"feedback": 1}, (1, None, {"team": "a"})),
        ({"feedback": -1, "score": 99.5}, (-1, 99.5, {"team": "a"})),
        ({"feedback": None, "score": 0}, (None, 0, {"team": "a"})),
        ({"metadata": {"a": 1, "b": True, "c": "x"}}, (None, None, {"a": 1, "b": True, "c": "x"})),
        ({"metadata": {"a": "é" * 8_183}}, (None, None, {"a": "é" * 8_183})),
        ({"metadata": {}}, (None, None, None)),
        ({"metadata": None}, (None, None, None)),
        ({}, (None, None, {"team": "a"})),
    ],
)
async def test_people_may_say_what_they_think_of_a_row(
    bench: Bench, row: str, body: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    changed = result(await asked(bench, "PATCH", f"{LOGS}/{row}", body))

    assert (changed["feedback"], changed["score"], changed["metadata"]) == expected
    shown = result(await asked(bench, "GET", f"{LOGS}/{row}"))
    assert {**shown, **changed} == shown


async def test_what_one_said_stays_when_another_thing_is_said(bench: Bench, row: str) -> None:
    await asked(bench, "PATCH", f"{LOGS}/{row}", {"feedback": 1})
    await asked(bench, "PATCH", f"{LOGS}/{row}", {"score": 5})

    shown = result(await asked(bench, "GET", f"{LOGS}/{row}"))
    assert (shown["feedback"], shown["score"]) == (1, 5)
    await asked(bench, "PATCH", f"{LOGS}/{row}", {"feedback": None})
    assert result(await asked(bench, "GET", f"{LOGS}/{row}"))["feedback"] is None


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"feedback": 2}, ["body", "feedback"]),
        ({"feedback": 0.5}, ["body", "feedback"]),
        ({"score": "good"}, ["body", "score"]),
        ({"metadata": [1]}, ["body", "metadata"]),
        ({"metadata": {"a": math.inf}}, ["body", "metadata", "a"]),
        ({"metadata": {"a": math.nan}}, ["body", "metadata", "a"]),
        ({"metadata": {"a": [1]}}, ["body", "metadata", "a"]),
        ({"metadata": {"a": {"str": 1}}}, ["body", "metadata", "a"]),
        ({"metadata": {"str": None}}, ["body", "metadata", "str"]),
        ({"metadata": {"a": "x" * 8_184}}, ["body", "metadata"]),
        ({"metadata": {"a": "x" * 900_000}}, ["body", "metadata"]),
        ({"metadata": {str(n): "x" * 100 for n in range(90)}}, ["body", "metadata"]),
        ({"colour": "red"}, ["body", "colour"]),
    ],
)
async def test_a_judgement_that_breaks_a_rule_is_refused_with_its_path(
    bench: Bench, row: str, body: dict[str, Any], path: list[str]
) -> None:
    assert wrong(await asked(bench, "PATCH", f"{LOGS}/{row}", body)) == [(400, 7001, path)]


async def test_a_value_that_may_be_of_several_kinds_is_told_all_of_them_at_once(
    bench: Bench, row: str
) -> None:
    reply = await asked(bench, "PATCH", f"{LOGS}/{row}", {"metadata": {"a": None}})

    assert [one["message"] for one in told(reply)["errors"]] == [
        "Input should be a valid string or a valid integer or a valid number or a valid boolean"
    ]


async def test_a_row_that_does_not_exist_cannot_be_judged(bench: Bench) -> None:
    assert wrong(await asked(bench, "PATCH", f"{LOGS}/{ID}", {"feedback": 1})) == [
        (404, 7002, None)
    ]


async def test_rows_are_deleted_with_their_bodies_and_no_others(bench: Bench, row: str) -> None:
    add_body(bench.database, row, "request", "hello")
    other = add_row(bench.database, provider="groq")
    add_body(bench.database, other, "request", "stays")

    reply = await asked(
        bench, "DELETE", f"{LOGS}?filters.key=provider&filters.operator=eq&filters.value=openai"
    )

    assert (told(reply)["success"], result(reply)) == (True, {"deleted": 1})
    assert [one["id"] for one in bench.database.rows("logs")] == [other]
    assert [one["body"] for one in bench.database.rows("payloads")] == ["stays"]


async def test_a_limit_deletes_the_oldest(bench: Bench) -> None:
    ids = [add_row(bench.database, NOW + second * 1000) for second in range(4)]

    await asked(bench, "DELETE", f"{LOGS}?limit=3")

    assert [one["id"] for one in bench.database.rows("logs")] == ids[3:]


async def test_an_order_says_what_is_deleted_first(bench: Bench) -> None:
    costs = {add_row(bench.database, cost=cost): cost for cost in (1.0, 3.0, 2.0)}

    await asked(bench, "DELETE", f"{LOGS}?limit=1&order_by=cost&order_by_direction=desc")

    assert sorted(costs[one["id"]] for one in bench.database.rows("logs")) == [1.0, 2.0]


async def test_more_rows_than_one_transaction_takes_are_deleted(bench: Bench) -> None:
    for number in range(1_100):
        add_row(bench.database, NOW + number)

    assert result(await asked(bench, "DELETE", LOGS)) == {"deleted": 1_100}
    assert bench.database.rows("logs") == []


async def test_rows_of_long_bodies_are_deleted_few_at_a_time(bench: Bench) -> None:
    for number in range(25):
        add_row(bench.database, NOW + number, response_size=20_000_000)

    assert result(await asked(bench, "DELETE", LOGS)) == {"deleted": 25}
    statements = [sql for batch in bench.database.batches for sql, *_ in batch]
    assert sum(sql.startswith("DELETE FROM logs") for sql in statements) == 3


async def test_what_people_wrote_goes_from_charts_with_the_rows(bench: Bench) -> None:
    for when in (NOW - 50 * HOUR_MS, NOW - 2 * HOUR_MS, NOW):
        for name in ("Ann", "Bob"):
            add_row(bench.database, when, metadata={"user": name})
    await roll_up(bench.database, NOW, 50)
    chosen = "filters.key=metadata.value&filters.operator=eq&filters.value=Ann"

    await asked(bench, "DELETE", f"{LOGS}?{chosen}&end_date={int(NOW - HOUR_MS)}")

    assert bench.database.rows("rollup_metadata") == []
    charts = result(
        await asked(bench, "GET", f"gateways/main/analytics?start={int(NOW - 60 * HOUR_MS)}")
    )
    assert charts["totals"]["requests"] == 6
    told = {one["value"]: one["requests"] for one in charts["metadata"]["user"]}
    assert told == {"Ann": 1, "Bob": 1}


async def test_only_the_gateway_s_own_rows_are_deleted(bench: Bench, row: str) -> None:
    bench.database.add_gateway("second")

    assert result(await asked(bench, "DELETE", "gateways/second/logs")) == {"deleted": 0}
    assert len(bench.database.rows("logs")) == 1


@pytest.mark.parametrize("limit", ["0", "x", "10001"])
async def test_a_limit_that_breaks_its_rule_deletes_nothing(
    bench: Bench, row: str, limit: str
) -> None:
    reply = await asked(bench, "DELETE", f"{LOGS}?limit={limit}")

    assert wrong(reply) == [(400, 7001, ["query", "limit"])]
    assert len(bench.database.rows("logs")) == 1


async def test_a_filter_that_breaks_its_rule_deletes_nothing(bench: Bench, row: str) -> None:
    assert (await asked(bench, "DELETE", f"{LOGS}?filters=x")).status == 400
    assert len(bench.database.rows("logs")) == 1


@pytest.mark.parametrize("name", ["provder", "page", "meta_info", "Provider"])
async def test_a_parameter_that_is_misspelt_deletes_nothing(
    bench: Bench, row: str, name: str
) -> None:
    reply = await asked(bench, "DELETE", f"{LOGS}?{name}=x")

    assert wrong(reply) == [(400, 7001, ["query", name])]
    assert len(bench.database.rows("logs")) == 1


async def test_the_total_is_right_after_rows_were_deleted(bench: Bench) -> None:
    for hour in range(3):
        add_row(bench.database, NOW - hour * HOUR_MS)

    await asked(bench, "DELETE", f"{LOGS}?limit=1")

    page = json.loads(str((await asked(bench, "GET", LOGS)).body))
    assert page["result_info"]["total_count"] == 2
