"""One request in, one reply out: where it leads, the call it makes, and what becomes of errors."""

from functools import partial

from api import Task, manage
from boundary import error_reply, settled
from call import Reply, Request
from errors import GatewayError, MethodNotAllowed, NotFound, UnknownGateway
from health import health
from identity import identity
from intake.call import provider_call, universal_call
from intake.routes import (
    HealthRoute,
    ManagementRoute,
    MetricsRoute,
    ProviderRoute,
    UniversalRoute,
    route,
)
from isolate import Isolate
from metrics import metrics
from pipeline import pipeline
from ports import Ports
from session import session
from sockets import asks_for_socket

_v4_error_reply = partial(error_reply, envelope=GatewayError.v4_envelope)


async def handle(request: Request, isolate: Isolate, ports: Ports) -> Reply:
    """Answer a request. Raises nothing."""
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        return _preflight(request)
    where = route(request.url)
    if isinstance(where, ProviderRoute | UniversalRoute):
        reply = await settled(_provide(where, request, isolate, ports), error_reply)
        if "origin" in request.headers:
            reply.headers["access-control-allow-origin"] = "*"
            reply.headers["access-control-expose-headers"] = "*"
        return reply
    if isinstance(where, ManagementRoute):
        task = Task(where.account, where.query, request, isolate, ports)
        return await settled(manage(where.path, task), _v4_error_reply)
    if isinstance(where, HealthRoute):
        return await settled(health(ports, isolate.journal), error_reply)
    if isinstance(where, MetricsRoute):
        return await settled(metrics(request, isolate, ports), error_reply)
    return error_reply(NotFound(where.path))


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
    elif asks_for_socket(request.headers):
        return await session(request, gateway, isolate, ports)
    elif request.method == "POST":
        call = await universal_call(request, gateway, ports.clock())
    else:
        raise MethodNotAllowed(request.method, "POST")
    reply = await settled(pipeline(call, isolate, ports)(call), error_reply)
    reply.headers.update(identity(call, reply))
    call.trail.attempts.clear()
    return reply


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
