"""One request in, one reply out: where it leads, the call it makes, and what becomes of errors."""

import contextlib
import logging
from collections.abc import Awaitable, Callable

from api import Task, manage
from call import Ask, Call, Reply, Request
from deployment import Deployment
from errors import ClientLeft, GatewayError, Internal, NotFound, UnknownGateway
from gateways import Gateways
from health import health
from ids import uuid7
from journal import Journal
from options import Options
from pipeline import pipeline
from ports import Clock, Ports
from providers import PROVIDERS
from routes import HealthRoute, ManagementRoute, ProviderRoute, route

_log = logging.getLogger("sluice.gateway")


class Isolate:
    """What the requests of one isolate share: plain data only."""

    def __init__(self, deployment: Deployment, clock: Clock, linger: float = 0.0) -> None:
        """Rows of the log wait `linger` seconds for others, to be written together."""
        self.deployment = deployment
        self.gateways = Gateways(clock)
        self.journal = Journal(clock, linger)


async def handle(request: Request, isolate: Isolate, ports: Ports) -> Reply:
    """Answer a request. Raises nothing."""
    if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
        return _preflight(request)
    where = route(request.url)
    if isinstance(where, ProviderRoute):
        reply = await _caught(_provide(where, request, isolate, ports), GatewayError.envelope)
        if "origin" in request.headers:
            reply.headers["access-control-allow-origin"] = "*"
            reply.headers["access-control-expose-headers"] = "*"
        return reply
    if isinstance(where, ManagementRoute):
        task = Task(where.account, where.query, request, isolate.gateways, isolate.journal, ports)
        work = manage(where.path, task, isolate.deployment.admin_token)
        return await _caught(work, GatewayError.v4_envelope)
    if isinstance(where, HealthRoute):
        return await _caught(health(ports), GatewayError.envelope)
    return _failure(NotFound(where.path), GatewayError.envelope)


async def _provide(where: ProviderRoute, request: Request, isolate: Isolate, ports: Ports) -> Reply:
    gateway = await isolate.gateways.find(
        where.account, where.gateway, ports.snapshots, ports.database
    )
    if gateway is None:
        raise UnknownGateway
    started = ports.clock()
    call = Call(
        id=uuid7(started),
        request=request,
        gateway=gateway,
        target=where.target,
        options=Options.of(request.headers),
        ask=await _ask(request, where),
        started=started,
    )
    handler = pipeline(call, isolate.deployment, isolate.journal, ports)
    reply = await _caught(handler(call), GatewayError.envelope)
    reply.headers.update(_identity(call))
    return reply


async def _ask(request: Request, where: ProviderRoute) -> Ask:
    provider = PROVIDERS.get(where.target.provider)
    if provider is None:
        return Ask()
    text = None
    if request.body and "json" in request.headers.get("content-type", "").lower():
        # A caller who left is found out, and written down, when the provider is asked.
        with contextlib.suppress(ClientLeft):
            text = await request.body.text()
    return provider.dialect.ask(where.target.path, text)


def _identity(call: Call) -> dict[str, str]:
    headers = {
        "cf-aig-request-id": call.id,
        "cf-aig-event-id": call.event_id,
        "cf-aig-cache-status": "MISS",
        "cf-aig-step": "0",
    }
    if call.logged:
        headers["cf-aig-log-id"] = call.attempts[-1].id if call.attempts else call.id
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
