"""The innermost handler: one attempt at the call's target."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from urllib.parse import urlsplit

from call import Ask, Attempt, Call, Failure, Handler, Reply, Report, Usage
from credentials import REFUSED, Credentials
from deployment import Deployment
from dialects.base import Dialect
from errors import BadBody, MissingKey
from forwarding import forwarded_query, reply_headers, request_headers, says_json
from ports import Ai, Ending, Incoming, Outgoing, Ports, Run
from providers import find
from providers.base import Provider
from sockets import socket_headers

_NOTHING = Usage()
_COUNTS = [field.name for field in fields(Usage)]
_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


def upstream(ports: Ports, deployment: Deployment, credentials: Credentials) -> Handler:
    """Return the handler that asks the provider.

    Raises UnknownProvider, BadPath, BadBody, BadHeader, Unreachable, ClientLeft, and what the
    credentials raise; whatever the provider answers is a reply, its errors too.
    """

    async def upstream(call: Call) -> Reply:
        attempt = call.trail.begin(call, ports.clock())
        provider = find(call.target.provider, call.gateway.customs)
        attempt.prices = provider.prices
        outgoing = _outgoing(call, provider, deployment)
        attempt.host = outgoing.host
        try:
            headers, key = await credentials.authorize(call, provider, outgoing)
        except MissingKey:
            if not (provider.bound and ports.ai and call.kind != "websocket"):
                raise
            key = None
            incoming = await _run(attempt, provider.bound, outgoing.headers, ports.ai)
        else:
            attempt.key_id = key and key.id
            if headers is not outgoing.headers:
                outgoing = replace(outgoing, headers=headers)
            call.trail.count(attempt)
            incoming = await ports.fetch(outgoing)
        attempt.first_byte = ports.clock()
        reply = _reply(call.ask, provider.dialect, incoming)
        if key and incoming.status in REFUSED:
            reply.spare = credentials.refused(call, key, incoming.headers)
        return reply

    return upstream


async def _run(
    attempt: Attempt, bound: Callable[[Call], Run], headers: Mapping[str, str], ai: Ai
) -> Incoming:
    """Let the platform run the model, in place of asking for it over HTTPS with a key.

    Raises BadBody: bytes are one input of a model, and JSON that was too long to be read is none.
    """
    call = attempt.call
    body = None if call.ask.text is not None else call.request.body
    if body and says_json(call.request.headers) and not await body.keep():
        rule = "Send less or, if it is no JSON, say what it is: `content-type: audio/mpeg`"
        raise BadBody("it is JSON, by its type, of more than 10 MB", rule)
    run = bound(call)
    attempt.host = ai.host(run.model)
    if not ai.charged:
        attempt.prices, attempt.charged = None, False
    call.trail.count(attempt)
    return await ai(run, body, headers)


def _outgoing(call: Call, provider: Provider, deployment: Deployment) -> Outgoing:
    target, request = call.target, call.request
    replaced = deployment.upstreams.get(target.provider)
    chosen = request.headers.get(provider.chooser) if provider.chooser else None
    if chosen:
        url = provider.chosen(chosen, replaced)
    else:
        query = forwarded_query(target.query)
        url = provider.url(call.gateway.account, target.path, query, replaced)
    # Who shows the admin token where a provider's key belongs tells it to nobody else.
    secret = deployment.admin_token
    headers = request_headers(request.headers, provider.forwarded, call.ask.stream, secret)
    if call.kind == "websocket":
        headers |= socket_headers(request.headers, provider)
    bounded = call.options.timeout is not None
    return Outgoing(request.method, url, urlsplit(url).netloc, headers, request.body, bounded)


def _reply(ask: Ask, dialect: Dialect, incoming: Incoming) -> Reply:
    status, headers = incoming.status, incoming.headers

    def failure(text: str) -> Failure | None:
        return dialect.hidden(text) if status < 400 else dialect.failure(status, text, headers)

    return Reply(
        status,
        reply_headers(headers),
        incoming.body,
        report=reader(dialect, ask, incoming) if incoming.body else None,
        failure=failure,
    )


def reader(dialect: Dialect, ask: Ask, incoming: Incoming) -> Callable[[Ending], Report]:
    """Return what tells of an ended answer: its text, and what stands beside it."""
    kind = incoming.headers.get("content-type", "").lower()
    read = dialect.stream_report if kind.startswith(_STREAMS) else dialect.report

    def report(ending: Ending) -> Report:
        told = Report() if ending.text is None else read(ending.text)
        if incoming.status >= 400:
            return told
        # The headers of a stream were sent before anybody knew.
        whole = told.cost is None and read is dialect.report
        if whole and (usd := dialect.charged(incoming.headers)) is not None:
            told = replace(told, cost=usd)
        if dialect.beside is None:
            return told
        beside = dialect.beside(ask, incoming.headers)
        return replace(told, usage=_both(told.usage, beside)) if beside != _NOTHING else told

    return report


def _both(told: Usage, beside: Usage) -> Usage:
    """Return what the answer tells and, where it tells nothing, what stands beside it."""
    counts = {name: getattr(told, name) for name in _COUNTS}
    return replace(beside, **{name: count for name, count in counts.items() if count is not None})
