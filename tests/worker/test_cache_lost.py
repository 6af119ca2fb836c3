"""Flights whose answers are lost on their way back, though the object did what it was asked for."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from running import Gateway, pass_time, post, until
from worker.out_of_order import name_for, out_of_order
from worker.scripted import ScriptedUpstream, Wire
from worker.scripts import CHAT

LOSSY = Path(__file__).parent / "lossy_flight"
FIRST, SECOND, FIRST_TWO, FIRST_OF_MANY = range(4)
"""Which answers are lost, by the first digit of a key."""
MEANWHILE_S = 0.5
"""In which one who follows has joined."""


async def held_answer(wire: Wire) -> None:
    await wire.go_on.wait()
    await wire.whole("200 OK", "application/json", CHAT)


@pytest.fixture(scope="module")
def lossy(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[Gateway]:
    """Run a gateway that waits for its objects as long as one whose objects move."""
    upstream.learn(held_answer)
    folder = tmp_path_factory.mktemp("lossy-flight")
    with (
        out_of_order(folder, upstream, "Flight", LOSSY, CLUSTER="1") as gateway,
        gateway.another("lossy") as lossy,
    ):
        yield lossy


class Crowd:
    """Callers who ask for one answer by its name."""

    def __init__(self, gateway: Gateway, lost: int, script: str = "json_answer") -> None:
        """`lost` is which answers of its flight are lost."""
        self.url = f"{gateway.openai}/script/{script}"
        self.headers = {"cf-aig-cache-key": name_for(gateway, lost)}

    def ask(self, *_: object) -> httpx.Response:
        return post(self.url, json={"model": "gpt-5-mini"}, headers=self.headers, timeout=60)


def caches(*answers: httpx.Response) -> list[str]:
    """Return where right answers come from."""
    assert {(one.status_code, one.content) for one in answers} == {(200, CHAT)}
    return sorted(one.headers["cf-aig-cache-status"] for one in answers)


def test_one_whose_answer_is_lost_joins_again_and_asks_the_provider_once(
    lossy: Gateway, upstream: ScriptedUpstream
) -> None:
    crowd, before = Crowd(lossy, FIRST), len(upstream.requests)

    answer = crowd.ask()
    row = lossy.row_of(answer)

    assert (caches(answer), row["flags"]) == (["MISS"], [])
    assert caches(crowd.ask()) == ["HIT"]
    assert len(upstream.requests) == before + 1


def test_many_together_ask_once_though_nobody_told_the_first_one_that_it_leads(
    lossy: Gateway, upstream: ScriptedUpstream
) -> None:
    crowd, before = Crowd(lossy, FIRST_OF_MANY), len(upstream.requests)

    with ThreadPoolExecutor(10) as callers:
        answers = list(callers.map(crowd.ask, range(10)))

    assert caches(*answers) == ["HIT"] * 9 + ["MISS"]
    assert all(lossy.row_of(one)["flags"] == [] for one in answers)
    assert len(upstream.requests) == before + 1


def test_one_who_waits_and_is_lost_waits_again(lossy: Gateway, upstream: ScriptedUpstream) -> None:
    crowd, before = Crowd(lossy, SECOND, "held_answer"), len(upstream.requests)

    with ThreadPoolExecutor(2) as callers:
        first = callers.submit(crowd.ask)
        until(lambda: len(upstream.requests) > before or None, "the first request")
        second = callers.submit(crowd.ask)
        pass_time(MEANWHILE_S)
        upstream.go_on()
        answers = [first.result(), second.result()]

    assert caches(*answers) == ["HIT", "MISS"]
    assert lossy.row_of(second.result())["flags"] == []
    assert len(upstream.requests) == before + 1


def test_one_who_is_lost_twice_asks_alone_and_the_row_says_so(
    lossy: Gateway, upstream: ScriptedUpstream
) -> None:
    crowd, before = Crowd(lossy, FIRST_TWO), len(upstream.requests)

    answer = crowd.ask()

    assert caches(answer) == ["MISS"]
    assert lossy.row_of(answer)["flags"] == ["coalescing_unavailable"]
    assert caches(crowd.ask()) == ["HIT"]
    assert len(upstream.requests) == before + 1
