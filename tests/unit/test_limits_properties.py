"""Rate limits: an oracle that forgets nothing, against counters that can remember little."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limits import counter as limits
from limits.counter import Counter, Rule, Verdict

NOON = 1_767_268_800_000


def at(seconds: float) -> int:
    return NOON + round(seconds * 1000)


def reloaded(counter: Counter) -> Counter:
    return Counter.load(json.loads(json.dumps(counter.dump())))


def size(counter: Counter) -> int:
    return len(counter.dump()["moments"])


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
