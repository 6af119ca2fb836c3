"""The benchmark's load generator, against the benchmark's upstream."""

from collections.abc import Iterator

import pytest

from bench.ends import LoadGenerator, Upstream, load_generator, upstream
from bench.faults import ask
from bench.sites import Door
from bench.told import told

DONE = "[DONE]"
CHAT = "total_tokens"


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    with upstream(tmp_path_factory.mktemp("upstream") / "log") as running:
        yield running


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadGenerator]:
    with load_generator(tmp_path_factory.mktemp("load") / "log") as running:
        yield running


@pytest.fixture
def door(provider: Upstream) -> Door:
    provider.calls()
    return Door(f"{provider.base}/chat/completions")


@pytest.mark.parametrize(
    ("play", "expect"),
    [("json", CHAT), ("stream11", DONE), ("stream500", DONE), ("few", DONE), ("many", DONE)],
)
def test_as_many_requests_are_sent_as_were_asked_for(
    provider: Upstream, load: LoadGenerator, door: Door, play: str, expect: str
) -> None:
    came = load(door.call(play, "test"), expect, 2, requests=6)

    assert (came.answers, came.failed) == (6, 0)
    assert provider.calls() == {play: 6}
    assert came.first is not None
    assert came.p50 is not None
    assert came.p99 is not None
    assert 0 < came.first <= came.p50 <= came.p99


@pytest.mark.parametrize(
    ("play", "why"), [("unavailable", "503"), ("truncated", "cut off"), ("dropped", "cut off")]
)
def test_what_is_no_answer_is_counted_by_its_reason(
    load: LoadGenerator, door: Door, play: str, why: str
) -> None:
    came = load(door.call(play, "test"), CHAT, 1, requests=3)

    assert (came.answers, came.failures) == (0, {why: 3})
    assert came.p50 is None


def test_an_answer_that_is_not_the_expected_one_is_none(load: LoadGenerator, door: Door) -> None:
    came = load(door.call("json", "test"), DONE, 1, requests=3)

    assert came.failures == {"other answer": 3}


def test_a_gateway_that_always_fails_ends_the_sending(load: LoadGenerator, door: Door) -> None:
    came = load(door.call("unavailable", "test"), CHAT, 1, requests=1000)

    assert 0 < came.failed < 100


def test_refusals_do_not_end_it_where_they_are_what_is_measured(
    load: LoadGenerator, door: Door
) -> None:
    came = load(door.call("limited", "test"), CHAT, 1, requests=200, refusals=1)

    assert came.failures == {"429": 200}


def test_a_call_of_a_failing_provider_fails_whatever_it_asks_for(provider: Upstream) -> None:
    call = Door(f"{provider.failing}/chat/completions").call("json", "test")

    assert told(ask(call)) == "503"


@pytest.mark.parametrize(
    ("play", "words"),
    [
        ("dropped", "3 events, cut"),
        ("malformed", "11+1 bad, done"),
        ("truncated", "cut"),
        ("limited", "429, after 7"),
    ],
)
def test_the_upstream_fails_as_its_scripts_say(door: Door, play: str, words: str) -> None:
    assert told(ask(door.call(play, "test"))) == words
