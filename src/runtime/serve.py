"""From a Workers request to the core's values, and from its reply to a Workers response."""

import asyncio
from functools import partial
from typing import Any

from js import Cloudflare, Promise, Response
from pyodide.ffi import jsnull

from boundary import error_reply, settled
from call import Reply, Request
from deployment import VARIABLES, Deployment
from gateway import handle
from isolate import Isolate
from own_models import OwnModels
from ports import Ai, Ports
from runtime.ai import JsAi
from runtime.background import JsBackground
from runtime.cache import KvCache
from runtime.caller import Caller
from runtime.clock import WallClock
from runtime.convert import headers_in, object_out
from runtime.counters import DoCounters
from runtime.crypto import WebCrypto
from runtime.database import D1
from runtime.fetch import JsFetch
from runtime.flights import DoFlights
from runtime.logqueue import JsQueue
from runtime.objects import CLUSTER_PATIENCE_S, PATIENCE_S
from runtime.own_ai import OwnAi
from runtime.post import JsPost
from runtime.reply_body import JsReplyBody
from runtime.request_body import JsRequestBody
from runtime.snapshots import KvSnapshots
from runtime.tails import DoTails
from runtime.websocket import JsSocket, JsSockets

BINDINGS = ("AI", "CACHE", "CONFIG", "COUNTER", "DB", "FLIGHT", "TAIL")
"""What `wrangler.toml` binds."""

LINGER_S = 0.1
"""How long a row of the log waits for others. Nobody waits with it: the reply has left by then."""

_with_resolvers = Promise.withResolvers
_clock = WallClock()
_isolate: Isolate | None = None
_bindings: dict[str, bool] = {}
_common: dict[str, Any] = {}
"""The ports that all requests have in common."""


def serve(request: Any, env: Any, ctx: Any) -> Any:
    """Return the promise of a JS Response to a JS Request."""
    answer = _with_resolvers()
    # From the start: it keeps the request alive when the caller leaves, so that a row is written.
    promise = answer.promise
    ctx.waitUntil(promise)
    # What it waits for holds it: a promise of JavaScript's.
    asyncio.ensure_future(_serve(request, env, ctx, answer))  # noqa: RUF006
    return promise


async def _serve(request: Any, env: Any, ctx: Any, answer: Any) -> None:
    background = JsBackground(ctx)
    try:
        work = _response(request, env, ctx, background)
        told = await settled(work, lambda error: response(request.method, error_reply(error)))
        answer.resolve(told)
    finally:
        background.replied()


async def _response(request: Any, env: Any, ctx: Any, background: JsBackground) -> Any:
    isolate = shared(env)
    ports = ports_of(env, ctx, Caller(request.signal), background)
    return response(request.method, await handle(_request(request), isolate, ports))


def ports_of(env: Any, ctx: Any, caller: Caller, background: JsBackground) -> Ports:
    """Return what one caller is served with."""
    deployment = shared(env).deployment
    return Ports(
        **_common,
        fetch=JsFetch(caller),
        cache=KvCache(env, caller),
        flights=DoFlights(env, caller, _patience_s(deployment)),
        sockets=JsSockets(partial(ports_of, env, ctx), ctx),
        tails=DoTails(env, caller),
        background=background,
        ai=_ai(env, caller, deployment.own_models),
    )


def _ai(env: Any, caller: Caller, own: OwnModels) -> Ai | None:
    if own:
        return OwnAi(own, caller)
    return JsAi(env, caller) if _bindings["AI"] else None


def _patience_s(deployment: Deployment) -> float:
    return CLUSTER_PATIENCE_S if deployment.cluster else PATIENCE_S


def shared(env: Any) -> Isolate:
    """Return what the requests of this isolate share. Raises Misconfigured."""
    global _isolate  # noqa: PLW0603 - what an isolate is for: made by its first request
    if _isolate is None:
        _bindings.update({name: bool(getattr(env, name, None)) for name in BINDINGS})
        variables = {name: getattr(env, name, None) for name in VARIABLES}
        # A flag that Cloudflare accepts in no deployment: only a runtime of one's own has it.
        flags = Cloudflare.compatibilityFlags
        local = bool(getattr(flags, "python_workers_development", False))
        deployment = Deployment.of(variables, local)
        _common.update(_ports(env, deployment))
        _isolate = Isolate(deployment, _clock, LINGER_S)
    return _isolate


def _ports(env: Any, deployment: Deployment) -> dict[str, Any]:
    queue = getattr(env, "LOG_QUEUE", None)
    return {
        "database": D1(env.DB),
        "snapshots": KvSnapshots(env.CONFIG),
        "clock": _clock,
        "counters": DoCounters(env.COUNTER, _patience_s(deployment)),
        "crypto": WebCrypto(),
        "post": JsPost(),
        "bindings": _bindings,
        "queue": JsQueue(queue) if queue else None,
    }


def _request(request: Any) -> Request:
    headers = headers_in(request.headers)
    stream = request.body
    length = headers.get("content-length")
    # Not by whether it is true: JavaScript would be asked for its size, in three ways.
    body = None if stream is jsnull else JsRequestBody(request, stream, length)
    place = getattr(request, "cf", None)
    return Request(
        request.method,
        request.url,
        headers,
        body,
        colo=getattr(place, "colo", None),
        region=getattr(place, "region", None),
        address=headers.get("cf-connecting-ip") or _peer(place),
    )


def _peer(place: Any) -> str | None:
    """Return the address of the connection: workerd tells it, where it is not behind Cloudflare."""
    told = getattr(place, "clientIp", None)
    return told.rpartition(":")[0].strip("[]") if told else None


def response(method: str, reply: Reply) -> Any:
    """Return a JS Response."""
    if isinstance(reply.body, JsSocket):
        init = object_out({"status": reply.status, "headers": reply.headers})
        init.webSocket = reply.body.deliver()
        return Response.new(None, init)
    body: Any = reply.body
    if isinstance(body, JsReplyBody):
        native = body.deliver()
        if body.decoded:
            # Of what the provider encoded, these no longer tell the truth.
            reply.headers.pop("content-encoding", None)
            reply.headers.pop("content-length", None)
        body = native
    if method == "HEAD":
        body = None
    return Response.new(body, object_out({"status": reply.status, "headers": reply.headers}))
