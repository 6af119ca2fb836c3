"""From a request to the call that it makes."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from call import Ask, Call, Request, Target
from errors import BadUniversal, ClientLeft
from ids import uuid7
from options import Options
from ports import TextBody
from providers import lookup
from snapshot import Gateway
from tokens import HEADER, presented
from universal import Entry, entries

# Of a universal request's own headers, what its entries get: the rest is not meant for providers.
_INHERITED = ("accept-encoding", "traceparent", "tracestate", "user-agent")
_PREFIX = "cf-aig-"


async def provider_call(request: Request, gateway: Gateway, target: Target, now: float) -> Call:
    """Return the call of a request to one provider."""
    options = Options.of(request.headers)
    return Call(
        id=uuid7(now),
        request=request,
        gateway=gateway,
        target=target,
        options=options,
        ask=await _ask(request, gateway, target),
        started=now,
        problem=options.problem,
    )


async def universal_call(request: Request, gateway: Gateway, now: float) -> Call:
    """Return the call of a request to a list of targets: the first, with the others behind it."""
    text = await request.body.text() if request.body else None
    try:
        return steps_of(entries(text), request, gateway, now)
    except BadUniversal as problem:
        target, options = Target("universal", "", ""), Options.of(request.headers)
        ask = Ask(text=text)
        return Call(
            uuid7(now), request, gateway, target, options, ask, now, "universal", problem=problem
        )


def steps_of(given: list[Entry], request: Request, gateway: Gateway, now: float) -> Call:
    """Return the call of entries. Raises BadUniversal where a header of one breaks its rule."""
    call_id = uuid7(now)
    steps = [
        _step(index, entry, Call(call_id, request, gateway, entry.target, Options(), Ask(), now))
        for index, entry in enumerate(given)
    ]
    first, *others = steps
    # What is learnt on the way belongs to them all.
    return replace(first, fallbacks=tuple(replace(step, trail=first.trail) for step in others))


def _step(index: int, entry: Entry, call: Call) -> Call:
    headers = {**_inherited(call.request.headers), **entry.headers}
    if token := presented(call.request.headers):
        headers[HEADER] = token
    options = Options.of(headers)
    if options.problem:
        raise BadUniversal(f"entry {index}, {options.problem.message}", "Correct this header")
    provider = lookup(entry.target.provider, call.gateway.customs)
    target = entry.target
    ask = provider.dialect.ask(target.path, entry.body, target.query) if provider else Ask()
    request = replace(call.request, method="POST", headers=headers, body=TextBody(entry.body))
    return replace(call, kind="universal", step=index, request=request, options=options, ask=ask)


def _inherited(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in headers.items()
        if name in _INHERITED or name.startswith(_PREFIX)
    }


async def _ask(request: Request, gateway: Gateway, target: Target) -> Ask:
    provider = lookup(target.provider, gateway.customs)
    if provider is None:
        return Ask()
    text = None
    if request.body and "json" in request.headers.get("content-type", "").lower():
        # A caller who left is found out, and written down, when the provider is asked.
        with contextlib.suppress(ClientLeft):
            text = await request.body.text()
    return provider.dialect.ask(target.path, text, target.query)
