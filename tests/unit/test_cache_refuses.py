"""What is never kept, whoever asks for it."""

import json

import pytest

from caching import FakeKept
from errors import ClientLeft, Unreachable
from fakes import CHAT, Bench, FakeReplyBody, a_request, an_answer
from kept.reply import HEAD_SIZE, Head
from policies.cache import LARGEST
from ports import Ending, Incoming

CHAT_ANSWER = '{"model":"gpt-5","choices":[]}'
EVENT = 'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n'
DONE = "data: [DONE]\n\n"
ASKED = '{"model":"gpt-5"}'


@pytest.fixture
def keeping(bench: Bench) -> Bench:
    """A gateway that keeps answers for ten minutes."""
    bench.settings(authentication=False, cache_ttl=600)
    return bench


def ended(text: str | None, state: str = "complete", kind: str = "application/json") -> Incoming:
    """Return an answer whose body ended in some way."""
    size = None if text is None else len(text.encode())
    body = FakeReplyBody(Ending(state, text, size), holds=False)  # type: ignore[arg-type]
    return Incoming(200, {"content-type": kind}, body)


async def kept_after(bench: Bench, answer: Incoming | Exception, text: str = ASKED) -> int:
    """Return how much is kept after an answer, which must leave nobody waiting."""
    bench.fetch.script.append(answer)
    await bench.handle(a_request(text=text))
    assert bench.flights.given_up == len(bench.flights.joined) - len(bench.cache.kept)
    return len(bench.cache.kept)


async def test_an_answer_is_kept(keeping: Bench) -> None:
    assert await kept_after(keeping, ended(CHAT_ANSWER)) == 1


@pytest.mark.parametrize(
    "status", [202, 203, 206, 226, 300, 302, 307, 400, 401, 404, 429, 500, 503, 529]
)
async def test_no_other_status_than_200_and_201(keeping: Bench, status: int) -> None:
    assert await kept_after(keeping, an_answer(CHAT_ANSWER, status=status)) == 0


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_no_answer_without_a_body(keeping: Bench, status: int) -> None:
    assert await kept_after(keeping, Incoming(status, {}, None)) == 0


@pytest.mark.parametrize("error", [Unreachable("h", 1), ClientLeft()])
async def test_no_failure_of_the_gateway(keeping: Bench, error: Exception) -> None:
    assert await kept_after(keeping, error) == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"error":{"message":"overloaded","code":529}}',
        '{"choices":[],"error":{"message":"no","code":502}}',
    ],
)
async def test_no_error_in_the_clothes_of_a_success(keeping: Bench, text: str) -> None:
    assert await kept_after(keeping, an_answer(text)) == 0


async def test_no_error_that_a_wary_gateway_has_found_already(keeping: Bench) -> None:
    keeping.settings(authentication=False, cache_ttl=600, retry_max_attempts=2, retry_delay=0)
    keeping.fetch.script.append(an_answer('{"error":{"code":400,"message":"no"}}'))

    assert await kept_after(keeping, an_answer('{"error":{"code":400,"message":"no"}}')) == 0


@pytest.mark.parametrize("state", ["broken", "left"])
@pytest.mark.parametrize("kind", ["application/json", "text/event-stream", "audio/mpeg"])
async def test_nothing_that_broke_off_or_whose_caller_left(
    keeping: Bench, state: str, kind: str
) -> None:
    assert await kept_after(keeping, ended(EVENT + DONE, state, kind)) == 0
    assert keeping.database.rows("logs")[0]["flags"] is None


@pytest.mark.parametrize(
    "text",
    [
        EVENT,
        "",
        EVENT + 'data: {"error":{"message":"overloaded"}}\n\n',
        EVENT + 'data: {"error":{"message":"overloaded"}}\n\n' + DONE,
        'data: {"error":{"message":"overloaded","code":529}}\n\n' + DONE,
        EVENT + 'data: {"choices":[{"finish_reason":"error"}],"error":{"code":502}}\n\n' + DONE,
    ],
)
async def test_no_stream_without_its_last_event_or_with_an_error(keeping: Bench, text: str) -> None:
    assert await kept_after(keeping, ended(text, kind="text/event-stream")) == 0


async def test_a_stream_that_ended_properly_is_kept(keeping: Bench) -> None:
    assert await kept_after(keeping, ended(EVENT + DONE, kind="text/event-stream")) == 1


@pytest.mark.parametrize("kind", ["text/event-stream", "Text/Event-Stream; charset=utf-8"])
async def test_no_stream_that_is_too_long_to_be_read(keeping: Bench, kind: str) -> None:
    body = FakeReplyBody(Ending("complete", None, 30_000_000), holds=False)

    assert await kept_after(keeping, Incoming(200, {"content-type": kind}, body)) == 0


async def test_too_large_an_answer_is_delivered_and_the_row_says_that_it_is_not_kept(
    keeping: Bench,
) -> None:
    large = "x" * (LARGEST + 1)

    assert await kept_after(keeping, ended(large, kind="text/plain")) == 0
    (row,) = keeping.database.rows("logs")
    assert (row["flags"], row["status_code"], row["success"]) == ('["cache_too_large"]', 200, 1)


async def test_an_answer_of_the_largest_size_is_kept(keeping: Bench) -> None:
    assert await kept_after(keeping, ended("x" * LARGEST, kind="text/plain")) == 1


async def test_the_row_says_too_large_as_well_where_nobody_counted_the_bytes(
    keeping: Bench,
) -> None:
    body = FakeReplyBody(Ending("complete", None, None), holds=False)

    assert await kept_after(keeping, Incoming(200, {"content-type": "audio/mpeg"}, body)) == 0
    flags = json.loads(keeping.database.rows("logs")[0]["flags"])
    assert flags == ["cache_too_large", "cost_unknown"]


@pytest.mark.parametrize("model", ["m" * HEAD_SIZE, "é" * (HEAD_SIZE // 2)])
async def test_what_cannot_be_described_in_a_kilobyte_is_not_kept(
    keeping: Bench, model: str
) -> None:
    answer = json.dumps({"model": model, "choices": []}, ensure_ascii=False)

    assert await kept_after(keeping, ended(answer)) == 0
    assert keeping.database.rows("logs")[0]["flags"] == '["cache_too_large"]'


async def test_what_is_kept_is_described_in_a_kilobyte_of_utf8(keeping: Bench) -> None:
    await kept_after(keeping, ended(json.dumps({"model": "é" * 300}, ensure_ascii=False)))

    (kept,) = keeping.cache.kept.values()
    assert len(kept.head.encode()) <= HEAD_SIZE
    assert Head.load(kept.head).report.model == "é" * 300


@pytest.mark.parametrize("usage", [{"prompt_tokens": 5.5}, {"prompt_tokens": "5"}, {"cost": "NaN"}])
async def test_strange_counts_do_not_make_what_is_kept_unreadable(
    keeping: Bench, usage: dict[str, object]
) -> None:
    await kept_after(keeping, ended(json.dumps({"model": "m", "usage": usage})))

    (kept,) = keeping.cache.kept.values()
    assert isinstance(kept, FakeKept)
    assert Head.load(kept.head).size == kept.size


@pytest.mark.parametrize("status", ["queued", "in_progress", "starting", "IN_QUEUE"])
async def test_a_job_whose_answer_is_still_to_come(keeping: Bench, status: str) -> None:
    assert await kept_after(keeping, an_answer(f'{{"id":"r","status":"{status}"}}')) == 0


@pytest.mark.parametrize(
    ("path", "text"),
    [("conversations", "{}"), ("files", "{}"), ("responses/r/cancel", "{}"), ("assistants", ASKED)],
)
async def test_what_was_made_is_kept_only_for_who_asks_for_that(
    keeping: Bench, path: str, text: str
) -> None:
    url = CHAT.replace("chat/completions", path)
    for headers in ({}, {"cf-aig-cache-ttl": "60"}):
        keeping.fetch.script.append(an_answer('{"id":"one"}'))
        await keeping.handle(a_request(headers, text, url=url))

        assert len(keeping.cache.kept) == len(headers)
