"""Rate limits: what is granted, settled and remembered, by example."""

from dataclasses import replace

import pytest

from limits import counter as limits
from limits.counter import Counter, Rule, Verdict

NOON = 1_767_268_800_000
FIXED = Rule(3, 60, "fixed")
SLIDING = Rule(3, 60, "sliding")


def at(seconds: float) -> int:
    return NOON + round(seconds * 1000)


def test_a_fixed_window_is_aligned_to_the_clock() -> None:
    counter = Counter()

    verdicts = [counter.take(FIXED, 1, at(second)) for second in (50, 51, 52, 59, 60)]

    assert verdicts == [
        Verdict(1, 2, 10),
        Verdict(1, 1, 9),
        Verdict(1, 0, 8),
        Verdict(0, 0, 1),
        Verdict(1, 2, 60),
    ]


def test_a_sliding_window_gives_back_unit_by_unit() -> None:
    counter = Counter()

    verdicts = [counter.take(SLIDING, 1, at(second)) for second in (0, 10, 50, 59.999, 60, 69)]

    assert verdicts == [
        Verdict(1, 2, 60),
        Verdict(1, 1, 50),
        Verdict(1, 0, 10),
        Verdict(0, 0, 0.001),
        Verdict(1, 0, 10),
        Verdict(0, 0, 1),
    ]


@pytest.mark.parametrize("rule", [FIXED, SLIDING])
def test_units_are_granted_all_or_none(rule: Rule) -> None:
    counter = Counter()

    assert counter.take(rule, 2, at(0)).granted == 2
    assert counter.take(rule, 2, at(1)) == Verdict(0, 1, 59)
    assert counter.take(rule, 1, at(1)).granted == 1


@pytest.mark.parametrize("rule", [FIXED, SLIDING])
@pytest.mark.parametrize("units", [0, -5])
def test_who_takes_nothing_changes_nothing(rule: Rule, units: int) -> None:
    counter = Counter()
    counter.take(rule, 1, at(0))

    assert counter.take(rule, units, at(0)) == Verdict(0, 2, 60)
    assert counter.lease(rule, units, at(0)) == Verdict(0, 2, 60)


@pytest.mark.parametrize(("rule", "reset"), [(FIXED, 48), (SLIDING, 0)])
def test_more_than_the_limit_is_never_granted(rule: Rule, reset: float) -> None:
    assert Counter().take(rule, 4, at(12)) == Verdict(0, 3, reset)


@pytest.mark.parametrize("rule", [FIXED, SLIDING])
def test_a_lease_is_as_much_as_there_is(rule: Rule) -> None:
    counter = Counter()

    granted = [counter.lease(rule, 2, at(0)).granted for _ in range(3)]

    assert granted == [2, 1, 0]


def test_a_lease_that_is_held_comes_back_an_interval_after_its_end() -> None:
    counter = Counter()

    assert counter.lease(SLIDING, 3, at(0), hold_ms=500) == Verdict(3, 0, 60.5)
    assert counter.take(SLIDING, 1, at(60.499)).granted == 0
    assert counter.take(SLIDING, 1, at(60.5)).granted == 1


def test_a_lease_of_a_fixed_window_ends_with_it() -> None:
    assert Counter().lease(FIXED, 3, at(59.9), hold_ms=500) == Verdict(3, 0, 0.1)


@pytest.mark.parametrize("technique", ["fixed", "sliding"])
def test_what_was_not_used_comes_back_at_once(technique: limits.Technique) -> None:
    rule, counter = Rule(100, 60, technique), Counter()
    counter.take(rule, 60, at(0))
    counter.take(rule, 40, at(5))

    counter.settle(rule, 60, 10, at(0), at(6))

    assert counter.take(rule, 0, at(6)) == Verdict(0, 50, 54)


@pytest.mark.parametrize("technique", ["fixed", "sliding"])
def test_what_was_used_beyond_the_limit_delays_the_next(technique: limits.Technique) -> None:
    rule, counter = Rule(100, 60, technique), Counter()
    counter.take(rule, 10, at(0))

    counter.settle(rule, 10, 500, at(0), at(30))

    reset = 30 if technique == "fixed" else 60
    assert counter.take(rule, 1, at(30)) == Verdict(0, 0, reset)
    assert counter.take(rule, 1, at(30 + reset)).granted == 1


@pytest.mark.parametrize("rule", [FIXED, SLIDING])
def test_a_late_settlement_gives_nothing_of_another(rule: Rule) -> None:
    counter = Counter()
    counter.take(rule, 3, at(0))
    counter.take(rule, 3, at(60))

    counter.settle(rule, 3, 0, at(0), at(61))

    assert counter.take(rule, 1, at(61)).granted == 0


@pytest.mark.parametrize("rule", [FIXED, SLIDING])
def test_the_count_is_never_below_nothing(rule: Rule) -> None:
    counter = Counter()
    counter.take(rule, 1, at(0))

    for _ in range(3):
        counter.settle(rule, 100, 0, at(0), at(0))

    assert counter.take(rule, 0, at(0)).remaining == 3


def test_nobody_uses_less_than_nothing() -> None:
    counter = Counter()
    counter.take(SLIDING, 3, at(0))

    counter.settle(SLIDING, 1, -100, at(0), at(0))

    assert counter.take(SLIDING, 0, at(0)).remaining == 1


@pytest.mark.parametrize("rule", [FIXED, SLIDING])
def test_a_counter_is_empty_once_all_came_back(rule: Rule) -> None:
    counter = Counter()
    assert counter.empty(at(0))

    counter.take(rule, 1, at(0))
    assert not counter.empty(at(59.999))
    assert counter.empty(at(60))

    counter.settle(rule, 1, 0, at(0), at(1))
    assert counter.empty(at(1))


def test_the_clock_running_back_opens_no_window_again() -> None:
    counter = Counter()
    assert counter.take(FIXED, 3, at(59)).granted == 3
    assert counter.take(FIXED, 1, at(60)).granted == 1

    assert counter.take(FIXED, 1, at(59.99)) == Verdict(0, 0, 0.01)
    assert counter.take(FIXED, 2, at(60)).granted == 2


def test_the_clock_running_back_a_little_refuses_nobody() -> None:
    counter, rule = Counter(), Rule(100_000, 1, "sliding")
    for millisecond in range(5000):
        counter.take(rule, 1, NOON + millisecond)

    assert counter.take(rule, 1, NOON + 5000 - limits.SPENT // 2).granted == 1


def with_forgotten(first: list[int]) -> tuple[Counter, Rule]:
    """Return a counter that has forgotten the first of all, granted in the first milliseconds."""
    counter, rule = Counter(), Rule(100, 1, "sliding")
    for millisecond, units in enumerate(first, 1):
        counter.take(rule, units, NOON + millisecond)
    for second in range(2, limits.SPENT + 3 - len(first)):
        counter.take(rule, 1, at(second))
    counter.take(rule, 1, at(limits.SPENT + 5))
    return counter, rule


def test_nothing_is_granted_before_what_is_remembered() -> None:
    counter, rule = with_forgotten([90])

    assert counter.take(rule, 1, at(0.5)) == Verdict(0, 0, 0.501)
    assert counter.take(rule, 1, at(1.001)).granted == 1


def test_settling_what_is_forgotten_gives_nothing_of_another() -> None:
    counter, rule = with_forgotten([50, 50])
    before = counter.take(rule, 0, at(1.001)).remaining

    counter.settle(rule, 50, 0, NOON + 1, at(0.5))

    assert counter.take(rule, 0, at(1.001)).remaining == before


def test_nor_does_settling_what_never_was() -> None:
    counter = Counter()
    counter.take(SLIDING, 3, at(30))

    counter.settle(SLIDING, 3, 0, at(0), at(31))

    assert counter.take(SLIDING, 1, at(31)).granted == 0


def test_a_fixed_window_that_slides_from_now_on_is_remembered_by_its_last_moment() -> None:
    counter = Counter()
    counter.take(FIXED, 1, at(5))
    counter.take(FIXED, 1, at(15))

    assert counter.take(SLIDING, 0, at(74.999)).remaining == 1
    assert counter.take(SLIDING, 0, at(75)).remaining == 3


@pytest.mark.parametrize(
    ("before", "after", "remaining"),
    [
        (SLIDING, replace(SLIDING, limit=10), 8),
        (SLIDING, replace(SLIDING, limit=1), 0),
        (SLIDING, replace(SLIDING, interval=10), 2),
        (SLIDING, replace(SLIDING, interval=600), 1),
        (SLIDING, FIXED, 2),
        (FIXED, SLIDING, 1),
        (FIXED, replace(FIXED, interval=600), 1),
        (FIXED, replace(FIXED, interval=10), 2),
    ],
)
def test_a_rule_that_changed_counts_what_is_remembered(
    before: Rule, after: Rule, remaining: int
) -> None:
    counter = Counter()
    counter.take(before, 1, at(59))
    counter.take(before, 1, at(115))

    assert counter.take(after, 0, at(118)).remaining == remaining
