"""One request in, one reply out: where it leads, the call it makes, and what becomes of errors."""

import logging
from collections.abc import Awaitable, Callable

from api import Task, manage
from call import Call, Reply, Request
from errors import GatewayError, Internal, MethodNotAllowed, NotFound, UnknownGateway
from health import health
from intake import provider_call, universal_call
from isolate import Isolate
from pipeline import pipeline
from ports import Ports
from routes import HealthRoute, ManagementRoute, ProviderRoute, UniversalRoute, route

_log = logging.getLogger("sluice.gateway")


async def handle(request: Request, isolate: Isolate, ports: Ports) -> Reply:
    """Answer a request. Raises nothing."""
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        return _preflight(request)
    where = route(request.url)
    if isinstance(where, ProviderRoute | UniversalRoute):
        reply = await _caught(_provide(where, request, isolate, ports), GatewayError.envelope)
        if "origin" in request.headers:
            reply.headers["access-control-allow-origin"] = "*"
            reply.headers["access-control-expose-headers"] = "*"
        return reply
    if isinstance(where, ManagementRoute):
        task = Task(where.account, where.query, request, isolate, ports)
        return await _caught(manage(where.path, task), GatewayError.v4_envelope)
    if isinstance(where, HealthRoute):
        return await _caught(health(ports), GatewayError.envelope)
    return _failure(NotFound(where.path), GatewayError.envelope)


async def _provide(
    where: ProviderRoute | UniversalRoute, request: Request, isolate: Isolate, ports: Ports
) -> Reply:
    gateway = await isolate.gateways.find(
        where.account, where.gateway, ports.snapshots, ports.database
    )
    if gateway is None:
        raise UnknownGateway
    if isinstance(where, ProviderRoute):
        call = await provider_call(request, gateway, where.target, ports.clock())
    elif request.method == "POST":
        call = await universal_call(request, gateway, ports.clock())
    else:
        raise MethodNotAllowed(request.method, "POST")
    reply = await _caught(pipeline(call, isolate, ports)(call), GatewayError.envelope)
    reply.headers.update(_identity(call))
    return reply


def _identity(call: Call) -> dict[str, str]:
    last = call.trail.attempts[-1] if call.trail.attempts else None
    headers = {
        "cf-aig-request-id": call.id,
        "cf-aig-event-id": call.event_id,
        "cf-aig-cache-status": "MISS",
        "cf-aig-step": str(last.call.step if last else call.step),
    }
    if call.logged:
        headers["cf-aig-log-id"] = last.id if last else call.id
    return headers


def _preflight(request: Request) -> Reply:
    # Browsers ask before they send; the answer costs nothing and reveals nothing.
    return Reply(
        204,
        {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
            "access-control-allow-headers": request.headers.get(
                "access-control-request-headers", "*"
            ),
            "access-control-max-age": "86400",
        },
    )


async def _caught(work: Awaitable[Reply], envelope: Callable[[GatewayError], str]) -> Reply:
    """Await a reply: the one place where errors become replies."""
    try:
        return await work
    except GatewayError as error:
        return _failure(error, envelope)
    except Exception:  # noqa: BLE001 - the boundary: a fault of ours, told on the console alone
        _log.exception("a request failed by a fault of ours")
        return _failure(Internal(), envelope)


def _failure(error: GatewayError, envelope: Callable[[GatewayError], str]) -> Reply:
    return Reply(error.status, dict(error.headers), envelope(error))
