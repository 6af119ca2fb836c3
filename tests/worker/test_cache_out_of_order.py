"""Flights out of order: those of another Worker, which fail in every way there is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from running import Gateway, post
from worker.out_of_order import name_for, out_of_order
from worker.scripted import ScriptedUpstream
from worker.scripts import CHAT

FAULTY = Path(__file__).parent / "faulty_flight"
BODY: dict[str, Any] = {"model": "gpt-5-mini", "messages": []}
ALONE = ["coalescing_unavailable"]
FAULTS = {
    "throws": ALONE,
    "hangs": ALONE,
    "refuses": ALONE,
    # An answer that nobody takes is kept nonetheless.
    "does not listen": [],
    "says nothing": ALONE,
    "ends": ALONE,
    "breaks off": ALONE,
    "says what nobody understands": ALONE,
    "hands over nothing": ["cache_corrupt"],
    "hands over nonsense": ["cache_corrupt"],
}
"""What is wrong, in the order of the faulty Worker, and the flags of the row."""
ORDER = list(FAULTS)


@pytest.fixture(scope="module")
def faulty(
    tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[Gateway]:
    """Run a gateway whose flights are those of the faulty Worker."""
    folder = tmp_path_factory.mktemp("faulty-flight")
    with (
        out_of_order(folder, upstream, "Flight", FAULTY) as gateway,
        gateway.another("faulty") as faulty,
    ):
        yield faulty


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_comes_and_is_kept_and_the_row_says_what_was_missing(
    faulty: Gateway, fault: str
) -> None:
    headers = {
        "cf-aig-cache-key": name_for(faulty, ORDER.index(fault)),
        "cf-aig-request-timeout": "2000",
    }
    url = f"{faulty.openai}/script/json_answer"

    first = post(url, json=BODY, headers=headers, timeout=60)
    row = faulty.row_of(first)
    second = post(url, json=BODY, headers=headers, timeout=60)

    assert (first.status_code, first.content) == (200, CHAT)
    assert row["flags"] == FAULTS[fault]
    statuses = [one.headers["cf-aig-cache-status"] for one in (first, second)]
    assert statuses == ["MISS", "HIT"]


@pytest.mark.parametrize("fault", ["throws", "hangs"])
def test_a_name_whose_flight_cannot_be_reached_is_not_said_to_be_purged(
    faulty: Gateway, fault: str
) -> None:
    answer = httpx.delete(
        f"{faulty.management}/cache",
        params={"key": name_for(faulty, ORDER.index(fault))},
        headers={"authorization": f"Bearer {faulty.admin_token}"},
        timeout=30,
    )

    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, 7505)
