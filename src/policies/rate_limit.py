"""Let through no more than the limits of the gateway allow, in any of their windows."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from call import Call, Handler, Policy, Reply, outcome_of
from charges.facts import facts
from charges.leases import Leases
from charges.reservation import Outcome, estimate, used, watched
from charges.settlement import told
from errors import GatewayError, LimitUnavailable, RateLimited
from limits.rules import Facts, Limit, headers
from ports import Counters, CountersError, Ports, Taken

OUT_OF_ORDER = "rate_limit_unavailable"
"""The flag of a row whose request could not be counted everywhere."""
SHADOW = "rate_limit_shadow"
"""The flag of a row that a limit in shadow mode would have refused, before the limit's id."""


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a limit was asked for, and what it gave."""

    limit: Limit
    name: str
    """Of the counter."""
    units: int
    taken: Taken | None
    """None where the counter is out of order."""

    @property
    def granted(self) -> bool:
        return bool(self.taken and self.taken.verdict.granted)

    @property
    def refused(self) -> bool:
        return bool(self.taken and not self.taken.verdict.granted)


def rate_limit(limits: Sequence[Limit], leases: Leases, ports: Ports) -> Policy:
    """Return the policy that asks limits, all at once, and settles what was reserved of tokens.

    Answers and errors tell how much is left. A counter that is out of order lets everybody through,
    and the row says so, unless the gateway wants it closed. Raises RateLimited and
    LimitUnavailable; then what other limits granted is given back.
    """
    background, counters = ports.background, ports.counters

    async def rate_limit(call: Call, proceed: Handler) -> Reply:
        grants = await _ask(limits, call, leases, counters)
        _note(call, grants)
        if refusal := _refusal(call, grants):
            background.add(_give_back(grants, ports))
            # A step that is refused has a row too.
            call.trail.begin(call, ports.clock())
            outcome = refusal
        else:
            earlier = len(call.trail.attempts)
            outcome = await outcome_of(call, proceed)
            if reserved := [grant for grant in grants if grant.limit.tokens and grant.granted]:
                given_up = [attempt.outcome for attempt in call.trail.attempts[earlier:-1]]
                outcomes = watched([*filter(None, given_up), outcome])
                background.add(_settle(reserved, outcomes, ports))
        outcome.headers.update(headers(call.trail.limits.values()))
        if isinstance(outcome, GatewayError):
            raise outcome
        return outcome

    return rate_limit


async def _ask(
    limits: Sequence[Limit], call: Call, leases: Leases, counters: Counters
) -> list[_Grant]:
    """Ask all limits that are about a call, at the same time."""
    known = facts(call)
    asked = [_ask_one(limit, call, known, leases, counters) for limit in limits]
    # A task for each would cost more than to wait for the only one.
    found = [await asked[0]] if len(asked) == 1 else await asyncio.gather(*asked)
    return [grant for grant in found if grant]


async def _ask_one(
    limit: Limit, call: Call, known: Facts, leases: Leases, counters: Counters
) -> _Grant | None:
    """Ask a limit for what a call takes. None where it is not about the call."""
    name = limit.counter(call.gateway.internal_id, known)
    units = min(estimate(call), limit.rule.limit) if limit.tokens else 1
    if name is None or not units:
        return None
    taken = None
    with contextlib.suppress(CountersError):
        if limit.tokens:
            taken = await counters.take(name, limit.rule, units)
        else:
            taken = await leases.take(name, limit.rule, counters)
    return _Grant(limit, name, units, taken)


def _note(call: Call, grants: Sequence[_Grant]) -> None:
    """Note on the trail what the limits said."""
    for grant in grants:
        limit, flags = grant.limit, call.trail.flags
        flag = None
        if grant.taken is None:
            flag = OUT_OF_ORDER
        elif limit.enforced:
            call.trail.limits[limit.id] = (limit, grant.taken.verdict)
        elif grant.refused:
            flag = f"{SHADOW}:{limit.id}"
        if flag and flag not in flags:
            flags.append(flag)


def _refusal(call: Call, grants: Sequence[_Grant]) -> GatewayError | None:
    enforced = [grant for grant in grants if grant.limit.enforced]
    waits = [grant.taken.wait for grant in enforced if grant.taken and grant.refused]
    if waits:
        return RateLimited(max(waits))
    if call.gateway.limits_closed and any(grant.taken is None for grant in enforced):
        return LimitUnavailable()
    return None


async def _give_back(grants: Sequence[_Grant], ports: Ports) -> None:
    for grant in grants:
        await _replace(grant, 0, ports)


async def _settle(grants: Sequence[_Grant], outcomes: Sequence[Outcome], ports: Ports) -> None:
    tokens, whole = await used(outcomes)
    for grant in grants:
        await _replace(grant, tokens if whole else max(tokens, grant.units), ports)


async def _replace(grant: _Grant, units: int, ports: Ports) -> None:
    """Put what was used in the place of what was granted."""
    if grant.taken and grant.granted and units != grant.units:
        asked = (grant.name, grant.limit.rule, grant.units, units, grant.taken.at)
        await told(ports.counters.settle(*asked), ports.background)
