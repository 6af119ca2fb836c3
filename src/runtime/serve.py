"""From a Workers request to the core's values, and from its reply to a Workers response."""

from typing import Any

from js import Cloudflare, Response

from call import Reply, Request
from deployment import VARIABLES, Deployment
from errors import Misconfigured
from gateway import handle
from isolate import Isolate
from ports import Ports
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
from runtime.post import JsPost
from runtime.reply_body import JsReplyBody
from runtime.request_body import JsRequestBody
from runtime.snapshots import KvSnapshots
from runtime.websocket import JsSocket, JsSockets

BINDINGS = ("AI", "CACHE", "CONFIG", "COUNTER", "DB", "FLIGHT")
"""What `wrangler.toml` binds."""

LINGER_S = 0.1
"""How long a row of the log waits for others. Nobody waits with it: the reply has left by then."""

_clock = WallClock()
_crypto = WebCrypto()
_post = JsPost()
_isolate: Isolate | None = None
_bindings: dict[str, bool] = {}
_queued = False


async def serve(request: Any, env: Any, ctx: Any) -> Any:
    """Answer a JS Request with a JS Response."""
    background = JsBackground(ctx)
    try:
        reply = await _reply(request, env, ctx, background)
        return _response(request.method, reply)
    finally:
        background.replied()


async def _reply(request: Any, env: Any, ctx: Any, background: JsBackground) -> Reply:
    try:
        isolate = _shared(env)
    except Misconfigured as error:
        return Reply(error.status, error.headers, error.envelope())
    sockets, caller = JsSockets(ctx), Caller(request.signal)
    ports = sockets.ports = Ports(
        fetch=JsFetch(caller),
        database=D1(env.DB),
        snapshots=KvSnapshots(env.CONFIG),
        clock=_clock,
        cache=KvCache(env, caller),
        flights=DoFlights(env, caller),
        counters=DoCounters(env.COUNTER),
        crypto=_crypto,
        sockets=sockets,
        post=_post,
        background=background,
        bindings=_bindings,
        queue=JsQueue(env.LOG_QUEUE) if _queued else None,
    )
    return await handle(_request(request), isolate, ports)


def _shared(env: Any) -> Isolate:
    global _isolate, _queued  # noqa: PLW0603 - what an isolate is for: made by its first request
    if _isolate is None:
        _bindings.update({name: bool(getattr(env, name, None)) for name in BINDINGS})
        _queued = bool(getattr(env, "LOG_QUEUE", None))
        variables = {name: getattr(env, name, None) for name in VARIABLES}
        # A flag that Cloudflare accepts in no deployment: only a runtime of one's own has it.
        flags = Cloudflare.compatibilityFlags
        local = bool(getattr(flags, "python_workers_development", False))
        _isolate = Isolate(Deployment.of(variables, local), _clock, LINGER_S)
    return _isolate


def _request(request: Any) -> Request:
    headers = headers_in(request.headers)
    body = JsRequestBody(request, headers.get("content-length")) if request.body else None
    place = getattr(request, "cf", None)
    return Request(
        request.method,
        request.url,
        headers,
        body,
        colo=getattr(place, "colo", None),
        region=getattr(place, "region", None),
        address=headers.get("cf-connecting-ip"),
    )


def _response(method: str, reply: Reply) -> Any:
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
