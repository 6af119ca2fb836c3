import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import limits
from limits import Counter, Rule, Verdict, headers

NOON = 1_767_268_800_000
FIXED = Rule(3, 60, "fixed")
SLIDING = Rule(3, 60, "sliding")


def at(seconds: float) -> int:
    return NOON + round(seconds * 1000)


def reloaded(counter: Counter) -> Counter:
    return Counter.load(json.loads(json.dumps(counter.dump())))


def size(counter: Counter) -> int:
    return len(counter.dump()["moments"])


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


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Verdict(1, 42, 17), {"ratelimit": '"default";r=42;t=17'}),
        (Verdict(1, 42, 16.001), {"ratelimit": '"default";r=42;t=17'}),
        (Verdict(1, 99, 0), {"ratelimit": '"default";r=99;t=0'}),
        (Verdict(0, 0, 0.2), {"ratelimit": '"default";r=0;t=1', "retry-after": "1"}),
        (Verdict(0, 0, 2.5), {"ratelimit": '"default";r=0;t=3', "retry-after": "3"}),
        (Verdict(0, 5, 0), {"ratelimit": '"default";r=5;t=0', "retry-after": "1"}),
    ],
)
def test_headers(verdict: Verdict, told: dict[str, str]) -> None:
    assert headers(Rule(100, 60, "sliding"), verdict) == {
        "ratelimit-policy": '"default";q=100;w=60',
        **told,
    }


def test_headers_are_structured_fields_whatever_the_name_and_the_limit() -> None:
    told = headers(Rule(10**20, 60, "fixed"), Verdict(1, 10**20 - 1, 1), 'a"b\\c\r\né')

    assert told["ratelimit-policy"] == '"a\\"b\\\\c???";q=999999999999999;w=60'
    assert told["ratelimit"] == '"a\\"b\\\\c???";r=999999999999999;t=1'


# An oracle that forgets nothing, against counters that can remember little.


@contextmanager
def little_memory() -> Generator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MOMENTS", 8)
        patch.setattr(limits, "SLOTS", 4)
        patch.setattr(limits, "SPENT", 2)
        yield


def edge(rule: Rule, now: int) -> int:
    """Return the last moment that is in no window with `now`, if the clock never runs back."""
    span = rule.interval * 1000
    return now - span if rule.technique == "sliding" else now // span * span - 1


@dataclass
class History:
    """What was granted: when, and how much."""

    grants: list[list[int]] = field(default_factory=list[list[int]])

    def windows(self, rule: Rule, moment: int) -> list[int]:
        """Return the units in each window that holds the moment."""
        span = rule.interval * 1000
        starts = [moment // span * span]
        if rule.technique == "sliding":
            starts = [time for time, _ in self.grants if moment - span < time <= moment]
        return [
            sum(units for time, units in self.grants if start <= time < start + span)
            for start in starts
        ]

    def since(self, moment: int) -> int:
        return sum(units for time, units in self.grants if time > moment)


@dataclass
class Step:
    kind: str
    units: int
    by: int
    """By how many milliseconds the clock moves before it."""
    other: int
    """What was used of the reservation, or when a lease is used."""
    which: int
    """The reservation that is settled."""
    rule: int


FORWARD = st.one_of(
    st.sampled_from([0, 0, 1, 2, 249, 250, 251, 500, 999, 1000, 1001, 2000, 9000]),
    st.integers(0, 120),
)
EITHER = st.one_of(FORWARD, FORWARD, FORWARD.map(lambda by: -by), st.integers(-4000, 0))


def scripts(clock: st.SearchStrategy[int], *kinds: str) -> st.SearchStrategy[list[Step]]:
    small = st.integers(0, 5)
    step = st.builds(Step, st.sampled_from(kinds), small, clock, small, st.integers(0, 9), small)
    return st.lists(step, max_size=60)


TECHNIQUES = st.sampled_from(["fixed", "sliding"])
RULES = st.builds(Rule, st.integers(1, 12), st.integers(1, 3), TECHNIQUES)


class Play:
    """A counter and its oracle, side by side."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.counter = Counter()
        self.history = History()
        self.now = NOON
        self.open: list[list[int]] = []

    def step(self, step: Step) -> Verdict | None:
        self.now += step.by
        if step.kind == "settle":
            self.settle(step)
            return None
        if step.kind == "load":
            self.counter = reloaded(self.counter)
            return None
        if step.kind == "take":
            verdict = self.counter.take(self.rule, step.units, self.now)
            self.granted(self.now, verdict)
            return verdict
        return self.lease(step)

    def lease(self, step: Step) -> Verdict:
        hold = step.which * 50 if step.kind == "hold" else 0
        verdict = self.counter.lease(self.rule, step.units, self.now, hold)
        used = self.now + hold * step.other // 5
        self.granted(used if self.rule.technique == "sliding" else self.now, verdict)
        return verdict

    def granted(self, moment: int, verdict: Verdict) -> None:
        if verdict.granted:
            grant = [moment, verdict.granted]
            self.history.grants.append(grant)
            if moment == self.now:
                self.open.append(grant)
            assert max(self.history.windows(self.rule, moment)) <= self.rule.limit

    def settle(self, step: Step) -> None:
        if not self.open:
            return
        grant = self.open.pop(step.which % len(self.open))
        moment, reserved = grant
        used = step.other * 2
        self.counter.settle(self.rule, reserved, used, moment, self.now)
        grant[1] = min(reserved, used)
        self.history.grants.append([self.now, max(0, used - reserved)])


@given(RULES, scripts(EITHER, "take", "lease", "hold", "load"))
def test_no_window_holds_more_than_the_limit(rule: Rule, steps: list[Step]) -> None:
    with little_memory():
        play = Play(rule)
        for step in steps:
            play.step(step)

    for moment, _ in play.history.grants:
        assert max(play.history.windows(rule, moment)) <= rule.limit


@given(RULES, scripts(EITHER, "take", "take", "lease", "settle", "load"))
def test_no_grant_fills_a_window_beyond_the_limit(rule: Rule, steps: list[Step]) -> None:
    with little_memory():
        play = Play(rule)
        for step in steps:
            play.step(step)


@given(st.lists(RULES, min_size=6, max_size=6), scripts(EITHER, "take", "lease", "settle"))
def test_nor_does_one_after_the_rule_has_changed(rules: list[Rule], steps: list[Step]) -> None:
    with little_memory():
        play = Play(rules[0])
        for step in steps:
            if rules[step.rule] != play.rule and step.by > 120:
                play.rule = rules[step.rule]
                play.history = History()
            play.step(step)


@given(RULES, scripts(FORWARD, "take", "lease", "settle", "load"))
def test_what_fits_is_granted_as_long_as_each_moment_is_remembered(
    rule: Rule, steps: list[Step]
) -> None:
    play = Play(rule)
    for step in steps:
        now = play.now + step.by
        left = max(0, rule.limit - play.history.since(edge(rule, now)))
        verdict = play.step(step)
        if verdict:
            fitting = step.units if step.units <= left else 0
            granted = fitting if step.kind == "take" else min(step.units, left)
            assert (verdict.granted, verdict.remaining) == (granted, left - granted)


@given(RULES, scripts(FORWARD, "take", "lease", "load"))
def test_beyond_that_what_fits_is_refused_only_within_a_slot(rule: Rule, steps: list[Step]) -> None:
    with little_memory():
        play = Play(rule)
        slot = rule.interval * 1000 // limits.SLOTS if rule.technique == "sliding" else 0
        for step in steps:
            now = play.now + step.by
            left = max(0, rule.limit - play.history.since(edge(rule, now) - slot))
            verdict = play.step(step)
            assert verdict is None or verdict.granted + verdict.remaining >= left


@given(RULES, scripts(EITHER, "take", "lease", "settle", "load"))
def test_reset_is_when_there_is_more(rule: Rule, steps: list[Step]) -> None:
    with little_memory():
        play = Play(rule)
        for step in steps:
            verdict = play.step(step)
            if not verdict or verdict.remaining:
                continue
            more = play.now + round(verdict.reset * 1000)
            assert not reloaded(play.counter).take(rule, 1, more - 1).granted
            assert reloaded(play.counter).take(rule, 1, more).granted


def test_nor_is_there_more_before_what_is_remembered() -> None:
    long, short, counter = Rule(15, 60, "sliding"), Rule(5, 1, "sliding"), Counter()
    with little_memory():
        for second in range(3):
            counter.take(long, 5, at(second))
        counter.take(long, 0, at(200))

    assert counter.take(short, 1, at(2.5)) == Verdict(0, 0, 57.5)


@given(RULES, scripts(EITHER, "take", "lease", "hold", "settle"))
def test_loading_what_was_dumped_changes_nothing(rule: Rule, steps: list[Step]) -> None:
    with little_memory():
        kept, loaded = Play(rule), Play(rule)
        for step in steps:
            loaded.counter = reloaded(loaded.counter)
            assert kept.step(step) == loaded.step(step)
            assert kept.counter.dump() == loaded.counter.dump()


@given(RULES, scripts(FORWARD, "take", "lease", "settle"))
def test_an_empty_counter_is_like_a_new_one(rule: Rule, steps: list[Step]) -> None:
    with little_memory():
        play = Play(rule)
        for step in steps:
            new = play.counter.take(rule, 0, play.now) == Counter().take(rule, 0, play.now)
            assert new or not play.counter.empty(play.now)
            play.step(step)


@given(st.lists(RULES, min_size=6, max_size=6), scripts(EITHER, "take", "lease", "hold", "settle"))
def test_memory_is_bounded_whatever_happens(rules: list[Rule], steps: list[Step]) -> None:
    with little_memory():
        play = Play(rules[0])
        for step in steps:
            rule = replace(rules[step.rule], limit=10**9)
            play.counter.take(rule, 1, play.now)
            play.rule, play.history = rule, History()
            play.step(step)
            assert size(play.counter) <= limits.MOMENTS + limits.SPENT


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
