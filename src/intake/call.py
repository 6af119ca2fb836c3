"""From a request to the call that it makes."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from call import Ask, Call, Kind, Request, Target
from errors import BadPath, BadUniversal, ClientLeft, GatewayError
from forwarding import says_json
from ids import uuid7
from intake.routes import FIXED, is_fixed
from intake.universal import Entry, entries
from keys.tokens import HEADER, presented
from options import DEPRECATED, Options, renamed
from ports import TextBody
from providers import canonical, lookup
from snapshot import Gateway
from sockets import asks_for_socket

# Of a universal request's own headers, what its entries get: the rest is not meant for providers.
_INHERITED = ("accept-encoding", "traceparent", "tracestate", "user-agent", *DEPRECATED)
_PREFIX = "cf-aig-"


async def provider_call(request: Request, gateway: Gateway, target: Target, now: float) -> Call:
    """Return the call of a request to one provider."""
    options = Options.of(request.headers)
    target = _canonical(target)
    problem: GatewayError | None = options.problem
    if not is_fixed(target.path):
        problem = BadPath(target.path, FIXED)
    kind: Kind = "provider"
    if asks_for_socket(request.headers):
        kind = "websocket"
        target, refusal = _socket_target(target, gateway)
        problem = problem or refusal
    return Call(
        id=uuid7(now),
        request=request,
        gateway=gateway,
        target=target,
        options=options,
        ask=await _ask(request, gateway, target),
        started=now,
        kind=kind,
        problem=problem,
    )


def _canonical(target: Target) -> Target:
    slug = canonical(target.provider)
    return target if slug == target.provider else replace(target, provider=slug)


def _socket_target(target: Target, gateway: Gateway) -> tuple[Target, GatewayError | None]:
    """Return where a WebSocket goes, and what is wrong with it where it goes nowhere."""
    provider = lookup(target.provider, gateway.customs)
    if provider is None:
        return target, None
    if provider.socket is None:
        return target, BadPath(target.path, f"Provider {target.provider!r} has no WebSockets")
    path, query = provider.socket(target.path, target.query)
    return Target(target.provider, path, query), None


async def universal_call(request: Request, gateway: Gateway, now: float) -> Call:
    """Return the call of a request to a list of targets: the first, with the others behind it."""
    try:
        text = await request.body.text() if request.body else None
        return steps_of(entries(text), request, gateway, now)
    except (BadUniversal, ClientLeft) as problem:
        # Not the body: there are keys in it, and nobody knows where.
        target, options = Target("universal", "", ""), Options.of(request.headers)
        return Call(
            uuid7(now), request, gateway, target, options, Ask(), now, "universal", problem=problem
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
    headers = {**renamed(_inherited(call.request.headers)), **renamed(entry.headers)}
    if token := presented(call.request.headers):
        headers[HEADER] = token
    options = Options.of(headers)
    if options.problem:
        raise BadUniversal(f"entry {index}, {options.problem.message}", "Correct this header")
    target = _canonical(entry.target)
    provider = lookup(target.provider, call.gateway.customs)
    ask = provider.ask(target, headers, entry.body) if provider else Ask()
    request = replace(call.request, method="POST", headers=headers, body=TextBody(entry.body))
    call = replace(call, kind="universal", step=index, target=target)
    return replace(call, request=request, options=options, ask=ask)


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
    if request.body and says_json(request.headers):
        # A caller who left is found out, and written down, when the provider is asked.
        with contextlib.suppress(ClientLeft):
            text = await request.body.text()
    return provider.ask(target, request.headers, text)
