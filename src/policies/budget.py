"""Let through no more than the budgets of the gateway pay for, whatever its answers come to."""

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace

from call import Call, Handler, Policy, Reply, outcome_of
from charges.facts import facts
from charges.settlement import told
from charges.spending import Trial, most, spends, spent, trials
from errors import GatewayError, LimitUnavailable, SpendLimited, Unpriced
from limits.rules import NANO, Budget, Facts
from ports import Counters, CountersError, Ports, Taken

OUT_OF_ORDER = "spend_limit_unavailable"
"""The flag of a row whose request could not be reserved for everywhere."""
SHADOW = "spend_limit_shadow"
"""The flag of a row that a budget in shadow mode would have refused, before the budget's id."""
_NAME_LENGTH = 256
"""Characters of a model's name that a refusal repeats."""


@dataclass(frozen=True, slots=True)
class _Share:
    """What a budget was asked for, and what it gave."""

    budget: Budget
    name: str
    """Of the counter."""
    units: int
    taken: Taken | None = None
    """None where the counter is out of order, or nothing was asked for."""
    late: Awaitable[Taken] | None = None
    """What it gives after all, where it is asked on. Raises CountersError."""

    @property
    def reserved(self) -> int:
        return self.units if self.taken and self.taken.verdict.granted else 0

    @property
    def refused(self) -> bool:
        return bool(self.taken and not self.taken.verdict.granted)

    @property
    def wait(self) -> float | None:
        """Seconds until what was refused can be had. None: never."""
        return self.taken.wait if self.taken and self.units <= self.budget.rule.limit else None


def budget(budgets: Sequence[Budget], ports: Ports) -> Policy:
    """Return the policy that reserves what a call may cost, and settles what it did cost.

    A counter that is out of order lets everybody through, and the row says so, unless the gateway
    wants it closed. Raises SpendLimited, Unpriced and LimitUnavailable; then what other budgets
    granted is given back.
    """
    background, counters = ports.background, ports.counters

    async def budget(call: Call, proceed: Handler) -> Reply:
        if not spends(call):
            return await proceed(call)
        known, units = facts(call), most(call)
        shares: list[_Share] = []
        if units is None:
            refusal = _unpriced(budgets, call, known)
        else:
            shares = await _reserve(budgets, call, known, units, counters)
            _note(call, shares)
            refusal = _refusal(call, shares)
        if refusal:
            background.add(_settle(shares, [], ports))
            # A step that is refused has a row too.
            call.trail.begin(call, ports.clock())
            raise refusal
        earlier = len(call.trail.attempts)
        outcome = await outcome_of(call, proceed)
        if due := [share for share in shares if not share.refused]:
            tried = trials(call.trail.attempts[earlier:], outcome)
            background.add(_settle(due, tried, ports))
        if isinstance(outcome, GatewayError):
            raise outcome
        return outcome

    return budget


async def _reserve(
    budgets: Sequence[Budget], call: Call, known: Facts, units: int, counters: Counters
) -> list[_Share]:
    """Ask all budgets that are about a call, at the same time."""
    named = [(each, each.counter(call.gateway.internal_id, known)) for each in budgets]
    asked = [_take(_Share(each, name, units), counters) for each, name in named if name]
    # A task for each would cost more than to wait for the only one.
    return [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked)


async def _take(share: _Share, counters: Counters) -> _Share:
    # What is free needs no leave. Should it cost something all the same, that counts.
    if not share.units:
        return share
    try:
        return replace(share, taken=await counters.take(share.name, share.budget.rule, share.units))
    except CountersError as error:
        # It may have counted: only its answer tells what is to be settled.
        return replace(share, late=asyncio.ensure_future(error.on()) if error.on else None)


def _note(call: Call, shares: Sequence[_Share]) -> None:
    """Note on the trail what the budgets said."""
    for share in shares:
        if share.taken is None:
            if share.units:
                _flag(call, OUT_OF_ORDER)
        elif share.budget.enforced:
            call.trail.budgets[share.budget.id] = (share.budget, share.taken.verdict)
        elif share.refused:
            _flag(call, f"{SHADOW}:{share.budget.id}")


def _flag(call: Call, flag: str) -> None:
    if flag not in call.trail.flags:
        call.trail.flags.append(flag)


def _unpriced(budgets: Sequence[Budget], call: Call, known: Facts) -> GatewayError | None:
    """Return what refuses a call of unknown cost: a budget that may be about it."""
    about = [budget for budget in budgets if budget.scope.may_mean(known)]
    for budget in about:
        if not budget.enforced:
            _flag(call, f"{SHADOW}:{budget.id}")
    return Unpriced() if any(budget.enforced for budget in about) else None


def _refusal(call: Call, shares: Sequence[_Share]) -> GatewayError | None:
    enforced = [share for share in shares if share.budget.enforced]
    if refused := [share for share in enforced if share.refused]:
        # Of several, the one that takes longest.
        last = max(refused, key=lambda share: float("inf") if share.wait is None else share.wait)
        whom = f"{call.target.provider} {(call.ask.model or '')[:_NAME_LENGTH]}".rstrip()
        return SpendLimited(str(last.budget), whom, last.wait, last.units / NANO)
    unknown = any(share.units and share.taken is None for share in enforced)
    return LimitUnavailable() if unknown and call.gateway.limits_closed else None


async def _known(share: _Share) -> _Share:
    """Return a share with what its counter gave, as soon as that is known."""
    if share.late:
        with contextlib.suppress(CountersError):
            return replace(share, taken=await share.late)
    return share


async def _settle(shares: Sequence[_Share], tried: Sequence[Trial], ports: Ports) -> None:
    """Put what was spent in the place of what was reserved. What stays unknown stays reserved."""
    paid = await spent(tried)
    for share in [await _known(share) for share in shares]:
        # Each attempt that may have been billed counts, though only one was reserved for.
        used, at = paid.most(share.units), share.taken.at if share.taken else 0
        if used != share.reserved:
            asked = (share.name, share.budget.rule, share.reserved, used, at)
            await told(ports.counters.settle(*asked), ports.background)
