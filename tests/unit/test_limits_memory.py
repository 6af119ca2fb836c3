"""What a counter takes in memory and in storage."""

import json
from itertools import pairwise
from random import Random

import pytest

from limits import counter as limits
from limits.counter import Counter, Rule

NOON = 1_767_268_800_000


def at(seconds: float) -> int:
    return NOON + round(seconds * 1000)


def size(counter: Counter) -> int:
    return len(counter.dump()["moments"])


@pytest.mark.parametrize("interval", [1, 7, 3600])
def test_a_busy_counter_is_small_exact_to_a_slot_and_never_looser(interval: int) -> None:
    random, counter, rule = Random(interval), Counter(), Rule(20_000, interval, "sliding")
    span, now = interval * 1000, NOON
    slot = -(-span // limits.SLOTS)
    times: list[int] = []
    for _ in range(60_000):
        now += random.randrange(span // 10_000 + 1) if interval > 7 else random.random() < 0.35
        verdict = counter.take(rule, 1, now)
        times += [now] * verdict.granted
        if not verdict.granted:
            assert times[-rule.limit] > now - span - slot
    rest = times[rule.limit :]
    assert all(later - earlier >= span for earlier, later in zip(times, rest, strict=False))
    assert len(times) > rule.limit
    assert size(counter) <= limits.MOMENTS + limits.SPENT
    assert len(json.dumps(counter.dump())) < 20_000


def test_a_moment_takes_little_in_storage() -> None:
    counter = Counter()
    for second in range(3):
        counter.take(Rule(9, 60, "sliding"), 1, at(second))

    state = counter.dump()

    assert state["moments"] == [NOON, 1000, 1000]
    assert all(later <= earlier for earlier, later in pairwise(state["moments"]))
