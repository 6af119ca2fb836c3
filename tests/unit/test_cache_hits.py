"""An answer that is kept: what the next caller gets, and what the log says of it."""

import json
from typing import Any

import pytest

from caching import FakeKept, KeptBody
from call import Reply
from fakes import NOW, Bench, FakeReplyBody, a_request
from ports import Ending, Incoming

ANSWER = '{"model":"gpt-5-1","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7}}'
STREAM = (
    'data: {"model":"gpt-5-1","choices":[{"delta":{"content":"Hi"}}]}\n\n'
    'data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":7}}\n\n'
    "data: [DONE]\n\n"
)
ON = {"authentication": False, "cache_ttl": 600}


@pytest.fixture
def keeping(bench: Bench) -> Bench:
    """A gateway that keeps answers for ten minutes."""
    bench.settings(**ON)
    return bench


def content(reply: Reply) -> bytes:
    """Return the bytes of an answer that was kept."""
    assert isinstance(reply.body, KeptBody)
    return reply.body.content


def answered(text: str = ANSWER, status: int = 200, **headers: str) -> Incoming:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = FakeReplyBody(Ending("complete", text, len(text.encode())))
    return Incoming(status, {"content-type": "application/json"} | named, body)


def newest(bench: Bench) -> dict[str, Any]:
    return bench.database.rows("logs")[-1]


async def test_the_second_caller_gets_the_answer_of_the_first(keeping: Bench) -> None:
    keeping.fetch.script.append(answered())

    first, second = await keeping.handle(a_request()), await keeping.handle(a_request())

    assert [first.status, second.status] == [200, 200]
    assert first.headers["cf-aig-cache-status"] == "MISS"
    assert second.headers["cf-aig-cache-status"] == "HIT"
    assert "age" not in first.headers
    assert content(second) == ANSWER.encode()
    assert len(keeping.fetch.sent) == 1


async def test_a_hit_writes_nothing_and_joins_nobody(keeping: Bench) -> None:
    keeping.fetch.script.append(answered())
    for _ in range(3):
        await keeping.handle(a_request())

    assert (len(keeping.cache.written_keys), len(keeping.flights.joined)) == (1, 1)


async def test_of_the_headers_those_that_describe_the_bytes_are_kept(keeping: Bench) -> None:
    about_one_exchange = {"date": "x", "x_request_id": "1", "x_ratelimit_remaining": "5"}
    encoded = {"content_encoding": "gzip", "content_length": "5", "etag": '"1"', "age": "99"}
    described = {
        "content_type": "application/json; charset=utf-8",
        "content_language": "de",
        "content_disposition": "attachment",
        "cache_control": "no-store",
    }
    told = about_one_exchange | encoded | described
    keeping.fetch.script.append(answered(ANSWER, 200, **told))
    await keeping.handle(a_request())

    headers = (await keeping.handle(a_request())).headers

    assert headers.pop("age") == "0"
    assert {name: value for name, value in headers.items() if not name.startswith("cf-aig-")} == {
        name.replace("_", "-"): value for name, value in described.items()
    }


@pytest.mark.parametrize(("passed", "age"), [(0, "0"), (999, "0"), (1001, "1"), (61_500, "61")])
async def test_the_age_is_in_whole_seconds(keeping: Bench, passed: int, age: str) -> None:
    keeping.fetch.script.append(answered())
    await keeping.handle(a_request())
    keeping.clock.now += passed

    assert (await keeping.handle(a_request())).headers["age"] == age


async def test_a_clock_that_is_behind_makes_no_age_below_zero(keeping: Bench) -> None:
    keeping.fetch.script.append(answered())
    await keeping.handle(a_request())
    keeping.clock.now -= 5000

    assert (await keeping.handle(a_request())).headers["age"] == "0"


async def test_the_row_of_a_hit_says_what_it_saved(keeping: Bench) -> None:
    keeping.fetch.script.append(answered())
    await keeping.handle(a_request())
    keeping.clock.now += 1500

    reply = await keeping.handle(a_request())

    row = newest(keeping)
    assert row["id"] == reply.headers["cf-aig-log-id"] == reply.headers["cf-aig-request-id"]
    assert (row["cached"], row["status_code"], row["success"], row["flags"]) == (1, 200, 1, None)
    assert (row["cost"], row["tokens_in"], row["tokens_out"]) == (0, 0, 0)
    assert (row["saved_tokens_in"], row["saved_tokens_out"]) == (12, 7)
    # By the table of prices: 12 tokens at $1.25 a million, 7 at $10.
    assert row["saved_cost"] == pytest.approx(8.5e-05)
    assert (row["model"], row["provider"], row["response_content_type"]) == (
        "gpt-5",
        "openai",
        "application/json",
    )
    assert (row["response_size"], row["created_at"]) == (len(ANSWER), NOW + 1500)
    texts = [one for one in keeping.database.rows("payloads") if one["log_id"] == row["id"]]
    assert any(ANSWER in payload.values() for payload in texts)


async def test_the_row_of_a_miss_says_that_nothing_was_saved(keeping: Bench) -> None:
    keeping.fetch.script.append(answered())
    await keeping.handle(a_request())

    row = newest(keeping)
    assert (row["cached"], row["tokens_in"], row["tokens_out"], row["flags"]) == (0, 12, 7, None)
    assert (row["saved_tokens_in"], row["saved_tokens_out"], row["saved_cost"]) == (None,) * 3


async def test_the_cost_that_a_vendor_told_was_saved(keeping: Bench) -> None:
    told = json.dumps({"choices": [], "usage": {"prompt_tokens": 1, "cost": 0.25}})
    url = "https://sluice.test/v1/acme/main/openrouter/v1/chat/completions"
    keeping.fetch.script.append(answered(told))
    await keeping.handle(a_request(url=url))
    paid = newest(keeping)["cost"]

    await keeping.handle(a_request(url=url))

    row = newest(keeping)
    assert (paid, row["cost"], row["saved_cost"]) == (0.25, 0, 0.25)


async def test_a_stream_is_kept_and_told_again(keeping: Bench) -> None:
    ask = a_request(text='{"model":"gpt-5","stream":true}')
    keeping.fetch.script.append(answered(STREAM, content_type="text/event-stream"))
    await keeping.handle(ask)

    reply = await keeping.handle(ask)

    assert content(reply) == STREAM.encode()
    assert reply.headers["content-type"] == "text/event-stream"
    row = newest(keeping)
    assert (row["cached"], row["saved_tokens_in"], row["saved_tokens_out"]) == (1, 12, 7)


@pytest.mark.parametrize(
    "kind", ["audio/mpeg", "image/png", "application/octet-stream", "text/csv"]
)
async def test_any_kind_of_answer_is_kept(keeping: Bench, kind: str) -> None:
    keeping.fetch.script.append(answered("bytes", content_type=kind))
    await keeping.handle(a_request())

    reply = await keeping.handle(a_request())

    assert (reply.headers["content-type"], content(reply)) == (kind, b"bytes")


async def test_the_status_201_is_kept_as_it_was(keeping: Bench) -> None:
    keeping.fetch.script.append(answered(status=201))
    await keeping.handle(a_request())

    assert (await keeping.handle(a_request())).status == 201
    assert newest(keeping)["status_code"] == 201


async def test_what_has_expired_is_asked_for_anew(keeping: Bench) -> None:
    keeping.fetch.script += [answered(), answered('{"new":1}')]
    await keeping.handle(a_request())

    keeping.clock.now += 599_999
    last = await keeping.handle(a_request())
    keeping.clock.now += 1
    new = await keeping.handle(a_request())
    again = await keeping.handle(a_request())

    assert [reply.headers["cf-aig-cache-status"] for reply in (last, new, again)] == [
        "HIT",
        "MISS",
        "HIT",
    ]
    assert content(again) == b'{"new":1}'
    assert newest(keeping)["flags"] is None


async def test_a_hit_says_whether_it_is_logged(keeping: Bench) -> None:
    keeping.fetch.script.append(answered())
    unlogged = a_request({"cf-aig-collect-log": "false"})
    await keeping.handle(unlogged)

    reply = await keeping.handle(unlogged)

    assert reply.headers["cf-aig-cache-status"] == "HIT"
    assert "cf-aig-log-id" not in reply.headers
    assert keeping.database.rows("logs") == []


async def test_a_hit_keeps_payloads_out_of_the_log_where_the_caller_says_so(
    keeping: Bench,
) -> None:
    keeping.fetch.script.append(answered())
    for _ in range(2):
        await keeping.handle(a_request({"cf-aig-collect-log-payload": "false"}))

    assert newest(keeping)["cached"] == 1
    assert keeping.database.rows("payloads") == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE"])
async def test_only_post_is_kept(keeping: Bench, method: str) -> None:
    keeping.fetch.script += [answered(), answered()]
    for _ in range(2):
        request = a_request({"cf-aig-cache-ttl": "60", "cf-aig-cache-key": "k"}, method=method)
        await keeping.handle(request)

    assert len(keeping.fetch.sent) == 2
    assert (keeping.cache.read_keys, keeping.flights.joined) == ([], [])


async def test_whoever_skips_the_cache_neither_reads_nor_writes(keeping: Bench) -> None:
    keeping.fetch.script += [answered("1"), answered("2")]
    await keeping.handle(a_request())

    skipped = await keeping.handle(a_request({"cf-aig-skip-cache": "true"}))
    later = await keeping.handle(a_request())

    assert skipped.headers["cf-aig-cache-status"] == "MISS"
    assert content(later) == b"1"


async def test_a_hit_needs_no_provider_and_no_key_of_the_gateway(keeping: Bench) -> None:
    await keeping.store("openai", "sk-stored")
    nobody = a_request({"authorization": ""})
    keeping.fetch.script.append(answered())
    await keeping.handle(nobody)

    await keeping.handle(nobody)

    first, hit = keeping.database.rows("logs")
    assert first["key_id"]
    assert (hit["cached"], hit["key_id"]) == (1, None)


async def test_a_name_is_shared_by_callers_with_other_keys(bench: Bench) -> None:
    bench.fetch.script.append(answered())
    await bench.handle(a_request({"cf-aig-cache-key": "mine"}))

    reply = await bench.handle(
        a_request({"cf-aig-cache-key": "mine", "authorization": "Bearer other"}, '{"other":1}')
    )

    assert content(reply) == ANSWER.encode()


async def test_no_key_of_a_provider_and_no_text_of_a_caller_is_at_rest_in_a_key(
    keeping: Bench,
) -> None:
    keeping.fetch.script.append(answered())
    await keeping.handle(a_request({"authorization": "Bearer sk-very-secret"}))

    ((key, kept),) = keeping.cache.kept.items()
    assert isinstance(kept, FakeKept)
    assert set(key) <= set("0123456789abcdef")
    assert "sk-very-secret" not in kept.head
