"""The cache on real KV: what is kept, and what the next caller gets."""

import asyncio
import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from running import Gateway, post
from worker.scripted import ScriptedUpstream, Wire
from worker.scripts import CHAT, DONE, USAGE, event

MB = 1024 * 1024


async def created(wire: Wire) -> None:
    await wire.whole("201 Created", "application/json", CHAT)


async def image(wire: Wire) -> None:
    await wire.whole("200 OK", "image/png", bytes(range(255, -1, -1)) * 300)


async def stream_gzipped(wire: Wire) -> None:
    headers = {"content_type": "text/event-stream", "content_encoding": "gzip"}
    await wire.head("200 OK", transfer_encoding="chunked", **headers)
    await wire.chunk(gzip.compress(event("Grüße 👋") + USAGE + DONE))
    await wire.chunk(b"")


async def stream_without_an_end(wire: Wire) -> None:
    await wire.whole("200 OK", "text/event-stream", event("Hello"))


async def hidden_error(wire: Wire) -> None:
    body = b'{"error":{"message":"overloaded","code":529}}'
    await wire.whole("200 OK", "application/json", body)


async def part(wire: Wire) -> None:
    await wire.whole("206 Partial Content", "audio/mpeg", b"abc", content_range="bytes 0-2/9")


async def large(wire: Wire) -> None:
    """Answer 24 MiB, whose length nobody knows before."""
    await wire.head("200 OK", content_type="audio/wav", transfer_encoding="chunked")
    for _ in range(24):
        await wire.chunk(bytes(range(256)) * 4096)
    await wire.chunk(b"")


async def too_large(wire: Wire) -> None:
    await wire.head("200 OK", content_type="audio/wav", content_length=str(26 * MB))
    await wire.send(b"x" * 26 * MB)


async def too_large_in_chunks(wire: Wire) -> None:
    await wire.head("200 OK", content_type="text/plain", transfer_encoding="chunked")
    for _ in range(26):
        await wire.chunk(b"x" * MB)
        await asyncio.sleep(0)
    await wire.chunk(b"")


SCRIPTS = (
    created,
    image,
    stream_gzipped,
    stream_without_an_end,
    hidden_error,
    part,
    large,
    too_large,
    too_large_in_chunks,
)


@pytest.fixture(scope="module")
def keeping(gateway: Gateway, upstream: ScriptedUpstream) -> Iterator[Gateway]:
    """Make a gateway that keeps answers for ten minutes."""
    upstream.learn(*SCRIPTS)
    with gateway.another("keeping", cache_ttl=600) as keeping:
        yield keeping


def fresh() -> dict[str, Any]:
    """Return a request that nobody has asked yet."""
    return {"model": "gpt-5-mini", "messages": [], "user": uuid.uuid4().hex}


def ask(gateway: Gateway, script: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    # Not compressed by what stands before the Worker on this machine.
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("accept-encoding", "identity")
    return post(f"{gateway.openai}/script/{script}", json=body, headers=named, timeout=60)


def status(response: httpx.Response) -> str:
    return response.headers["cf-aig-cache-status"]


@pytest.mark.parametrize(
    "script",
    [
        "json_answer",
        "json_in_chunks",
        "json_gzipped",
        "json_gzipped_in_chunks",
        "stream",
        "stream_byte_by_byte",
        "stream_gzipped",
        "audio",
        "image",
        "created",
        "large",
    ],
)
def test_the_second_answer_is_the_first_byte_for_byte(
    keeping: Gateway, upstream: ScriptedUpstream, script: str
) -> None:
    body, before = fresh(), len(upstream.requests)

    miss = ask(keeping, script, body)
    written = keeping.row_of(miss)
    hit = ask(keeping, script, body)

    assert (status(miss), status(hit)) == ("MISS", "HIT")
    assert len(upstream.requests) == before + 1
    assert (hit.status_code, hit.content) == (miss.status_code, miss.content)
    assert hit.headers["content-type"] == miss.headers["content-type"]
    assert "content-encoding" not in hit.headers
    assert int(hit.headers["age"]) >= 0
    row = keeping.row_of(hit)
    assert (written["cached"], row["cached"], row["cost"], row["flags"]) == (False, True, 0, [])
    assert row["status_code"] == miss.status_code


def test_the_row_of_a_hit_says_what_it_saved(keeping: Gateway) -> None:
    body = fresh()
    ask(keeping, "json_answer", body)

    row = keeping.row_of(ask(keeping, "json_answer", body))

    assert (row["tokens_in"], row["tokens_out"]) == (0, 0)
    assert (row["saved"]["tokens_in"], row["saved"]["tokens_out"]) == (12, 7)
    assert row["saved"]["cost"] > 0


def test_white_space_and_the_order_of_names_do_not_matter(keeping: Gateway) -> None:
    body = fresh()
    ask(keeping, "json_answer", body)
    turned = json.dumps(dict(reversed(list(body.items()))), indent=3)
    url = f"{keeping.openai}/script/json_answer"

    again = post(url, content=turned, headers={"content-type": "application/json"})
    as_stream = ask(keeping, "json_answer", body | {"stream": True})

    assert (status(again), status(as_stream)) == ("HIT", "MISS")


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_json_of_any_depth_is_served(keeping: Gateway, depth: int) -> None:
    deep = f'{{"user":"{uuid.uuid4().hex}","a":' + "[" * depth + "]" * depth + "}"
    url, kind = f"{keeping.openai}/script/json_answer", {"content-type": "application/json"}

    statuses = [post(url, content=deep, headers=kind).status_code for _ in range(2)]

    assert statuses == [200, 200]


def test_a_body_that_is_no_json_is_kept_by_its_bytes(
    keeping: Gateway, upstream: ScriptedUpstream
) -> None:
    url, kind = f"{keeping.openai}/script/json_answer", {"content-type": "audio/wav"}
    sound = bytes(range(256)) * 100 + uuid.uuid4().bytes

    first, again, other = [
        post(url, content=content, headers=kind) for content in (sound, sound, sound[:-1])
    ]

    assert [status(one) for one in (first, again, other)] == ["MISS", "HIT", "MISS"]
    # What was read to be compared still arrives.
    assert upstream.last().body == sound[:-1]


def test_a_body_of_unknown_length_is_compared_and_still_arrives(
    keeping: Gateway, upstream: ScriptedUpstream
) -> None:
    url, kind = f"{keeping.openai}/script/json_answer", {"content-type": "audio/wav"}
    parts = [uuid.uuid4().bytes * 5000, b"end"]

    first, again = [post(url, content=iter(parts), headers=kind) for _ in range(2)]

    assert [status(one) for one in (first, again)] == ["MISS", "HIT"]
    assert upstream.last().body == b"".join(parts)


@pytest.mark.parametrize(
    "script", ["rate_limited", "hidden_error", "stream_without_an_end", "part", "no_content"]
)
def test_what_is_no_whole_success_is_asked_for_each_time(
    keeping: Gateway, upstream: ScriptedUpstream, script: str
) -> None:
    body, before = fresh(), len(upstream.requests)

    answers = [ask(keeping, script, body) for _ in range(2)]

    assert [status(answer) for answer in answers] == ["MISS", "MISS"]
    assert len(upstream.requests) == before + 2
    assert keeping.row_of(answers[1])["flags"] == []


@pytest.mark.parametrize("script", ["too_large", "too_large_in_chunks"])
def test_more_than_25_mb_is_delivered_and_not_kept_and_the_row_says_so(
    keeping: Gateway, script: str
) -> None:
    body = fresh()

    answers = [ask(keeping, script, body) for _ in range(2)]

    assert {len(answer.content) for answer in answers} == {26 * MB}
    assert [status(answer) for answer in answers] == ["MISS", "MISS"]
    assert keeping.row_of(answers[0])["flags"] == ["cache_too_large"]


def test_whoever_skips_the_cache_gets_an_answer_of_its_own(
    keeping: Gateway, upstream: ScriptedUpstream
) -> None:
    body = fresh()
    ask(keeping, "json_answer", body)
    before = len(upstream.requests)

    skipped = ask(keeping, "json_answer", body, cf_aig_skip_cache="true")

    assert (status(skipped), len(upstream.requests)) == ("MISS", before + 1)


def test_two_gateways_never_share(keeping: Gateway) -> None:
    body, named = fresh(), {"cf_aig_cache_key": uuid.uuid4().hex}
    with keeping.another("keeping-too", cache_ttl=600) as other:
        for headers in ({}, named):
            answers = [ask(one, "json_answer", body, **headers) for one in (keeping, other)]
            assert [status(answer) for answer in answers] == ["MISS", "MISS"]


def test_a_gateway_that_is_made_anew_has_nothing_of_the_old_one(keeping: Gateway) -> None:
    named = {"cf_aig_cache_key": uuid.uuid4().hex}
    for _ in range(2):
        with keeping.another("anew", cache_ttl=600) as one:
            assert status(ask(one, "json_answer", fresh(), **named)) == "MISS"
            assert status(ask(one, "json_answer", fresh(), **named)) == "HIT"


def test_a_name_is_shared_by_callers_with_other_keys_even_without_a_cache(
    gateway: Gateway, keeping: Gateway
) -> None:
    named = {"cf_aig_cache_key": uuid.uuid4().hex}
    ask(gateway, "json_answer", fresh(), **named)

    shared = ask(gateway, "audio", fresh(), authorization="Bearer sk-other", **named)

    assert (status(shared), shared.content) == ("HIT", CHAT)


def test_nothing_is_kept_unless_somebody_asks_for_it(gateway: Gateway) -> None:
    body = fresh()

    answers = [ask(gateway, "json_answer", body) for _ in range(2)]

    assert [status(answer) for answer in answers] == ["MISS", "MISS"]
