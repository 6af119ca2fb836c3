"""The innermost handler: one attempt at the call's target."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from urllib.parse import urlsplit

from call import Ask, Call, Failure, Handler, Reply, Report, Usage
from credentials import REFUSED, Credentials
from dialects.base import Dialect
from forwarding import forwarded_query, reply_headers, request_headers
from ports import Ending, Incoming, Outgoing, Ports
from providers import find
from providers.base import Provider
from sockets import socket_headers

_NOTHING = Usage()
_COUNTS = [field.name for field in fields(Usage)]
_STREAMS = ("text/event-stream", "application/vnd.amazon.eventstream")


def upstream(ports: Ports, upstreams: Mapping[str, str], credentials: Credentials) -> Handler:
    """Return the handler that asks the provider.

    `upstreams` replaces the base URLs of providers, by slug. Raises UnknownProvider, BadPath,
    BadHeader, Unreachable, ClientLeft, and what the credentials raise; whatever the provider
    answers is a reply, its errors too.
    """

    async def upstream(call: Call) -> Reply:
        attempt = call.trail.begin(call, ports.clock(), tried=True)
        provider = find(call.target.provider, call.gateway.customs)
        attempt.prices = provider.prices
        outgoing = _outgoing(call, provider, upstreams.get(call.target.provider))
        attempt.host = outgoing.host
        headers, key = await credentials.authorize(call, provider, outgoing)
        attempt.key_id = key and key.id
        if headers is not outgoing.headers:
            outgoing = replace(outgoing, headers=headers)
        incoming = await ports.fetch(outgoing)
        attempt.first_byte = ports.clock()
        reply = _reply(call.ask, provider.dialect, incoming)
        if key and incoming.status in REFUSED:
            reply.spare = credentials.refused(call, key, incoming.headers)
        return reply

    return upstream


def _outgoing(call: Call, provider: Provider, replaced: str | None) -> Outgoing:
    target, request = call.target, call.request
    chosen = request.headers.get(provider.chooser) if provider.chooser else None
    if chosen:
        url = provider.chosen(chosen, replaced)
    else:
        query = forwarded_query(target.query)
        url = provider.url(call.gateway.account, target.path, query, replaced)
    headers = request_headers(request.headers, provider.forwarded, call.ask.stream)
    if call.kind == "websocket":
        headers |= socket_headers(request.headers, provider)
    return Outgoing(request.method, url, urlsplit(url).netloc, headers, request.body)


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
        if dialect.beside is None or incoming.status >= 400:
            return told
        beside = dialect.beside(ask, incoming.headers)
        return replace(told, usage=_both(told.usage, beside)) if beside != _NOTHING else told

    return report


def _both(told: Usage, beside: Usage) -> Usage:
    """Return what the answer tells and, where it tells nothing, what stands beside it."""
    counts = {name: getattr(told, name) for name in _COUNTS}
    return replace(beside, **{name: count for name, count in counts.items() if count is not None})
