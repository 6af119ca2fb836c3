"""Whatever comes when, and however it ends: what is reserved and spent stays within the budget."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from call import Call, Reply, Report, Usage
from errors import SpendLimited, Unreachable
from fakes import Bench, FakeReplyBody, SqliteDatabase, a_call
from limits.counter import Rule
from limits.rules import NANO, Budget
from policies.budget import budget
from ports import Ending, State

MICRO = NANO // 10**6
INTERVAL = 60

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "end", "cut", "fail", "wait"]),
        st.integers(1, 400),
        st.integers(0, 400),
    ),
    max_size=60,
)


@dataclass
class Play:
    """A budget, the requests that it let through, and what each cost. Amounts in micro-USD."""

    bench: Bench
    rule: Rule
    let: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def ask(self, tokens: int, fails: bool = False) -> None:
        """Send a request that may have so many tokens, at a micro-USD each."""
        prices = json.dumps({"per_token_in": 0, "per_token_out": 0.000001})
        call = a_call({"cf-aig-custom-cost": prices})
        text = json.dumps({"model": "m", "max_tokens": tokens})
        call = replace(call, ask=replace(call.ask, text=text))
        one: dict[str, Any] = {"at": self.bench.clock.now, "most": tokens, "cost": tokens}

        async def provider(call: Call) -> Reply:
            call.trail.count(call.trail.begin(call, self.bench.clock()))
            self.let.append(one)
            if fails:
                one["cost"] = 0
                raise Unreachable("host", 1)
            one["body"] = body = FakeReplyBody(holds=False)
            return Reply(200, {}, body, report=self.report)

        policy = budget([Budget("r", self.rule)], self.bench.ports)
        with contextlib.suppress(Unreachable, SpendLimited):
            await policy(call, provider)

    @staticmethod
    def report(ending: Ending) -> Report:
        used = Usage(tokens_in=0, tokens_out=int(ending.text or "0"))
        return Report(usage=used, complete=ending.state == "complete")

    def end(self, tokens: int, state: State = "complete") -> None:
        """End the oldest answer that is under way. What is cut may cost all that it may have."""
        for one in self.let:
            if (body := one.get("body")) and not body.ending.done():
                told = min(tokens, one["most"])
                one["cost"] = told if state == "complete" else one["most"]
                body.ending.set_result(Ending(state, str(told), 3))
                return

    def within(self) -> bool:
        """Return whether no window holds more than the budget, at the latest now."""
        now, span = self.bench.clock.now, INTERVAL * 1000
        if self.rule.technique == "fixed":
            held = [one["cost"] for one in self.let if one["at"] // span == now // span]
        else:
            held = [one["cost"] for one in self.let if one["at"] > now - span]
        return sum(held) * MICRO <= self.rule.limit


@given(STEPS, st.sampled_from(["fixed", "sliding"]), st.integers(100, 1000))
def test_no_window_holds_more_than_the_budget(
    steps: list[tuple[str, int, int]], technique: Any, limit: int
) -> None:
    async def play() -> None:
        database = SqliteDatabase()
        play = Play(Bench(database), Rule(limit * MICRO, INTERVAL, technique))
        running: list[asyncio.Task[None]] = []
        for kind, tokens, used in steps:
            if kind == "wait":
                play.bench.clock.now += tokens * 250
            elif kind == "end":
                play.end(used)
            elif kind == "cut":
                play.end(used, "broken")
            else:
                await play.ask(tokens, fails=kind == "fail")
            jobs, play.bench.background.jobs = play.bench.background.jobs, []
            running += [asyncio.create_task(job) for job in jobs]
            for _ in range(8):
                await asyncio.sleep(0)
            assert play.within()
        for one in play.let:
            play.end(one["most"])
        await asyncio.gather(*running)
        database.close()

    asyncio.run(play())
