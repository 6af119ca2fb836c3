"""The innermost handler: one attempt at the call's target."""

from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

from call import Attempt, Call, Handler, Reply, Report
from dialects.base import Dialect
from errors import UnknownProvider
from forwarding import reply_headers, request_headers
from ids import uuid7
from ports import Clock, Ending, Fetch, Outgoing
from providers import PROVIDERS


def upstream(fetch: Fetch, clock: Clock, upstreams: Mapping[str, str]) -> Handler:
    """Return the handler that asks the provider.

    `upstreams` replaces the base URLs of providers, by slug. Raises UnknownProvider, Unreachable
    and ClientLeft; whatever the provider answers is a reply, its errors too.
    """

    async def upstream(call: Call) -> Reply:
        target, request = call.target, call.request
        provider = PROVIDERS.get(target.provider)
        if provider is None:
            raise UnknownProvider(target.provider, sorted(PROVIDERS))
        url = provider.url(target.path, target.query, upstreams.get(target.provider))
        headers = request_headers(request.headers, provider.headers, call.ask.stream)
        host = urlsplit(url).netloc
        attempt = _begin(call, clock(), host)
        incoming = await fetch(Outgoing(request.method, url, host, headers, request.body))
        attempt.first_byte = clock()
        headers = reply_headers(incoming.headers)
        return Reply(
            incoming.status,
            headers,
            incoming.body,
            report=_reader(provider.dialect, headers) if incoming.body else None,
            failure=partial(provider.dialect.failure, incoming.status),
        )

    return upstream


def _begin(call: Call, now: float, host: str) -> Attempt:
    attempt = Attempt(uuid7(now) if call.attempts else call.id, now, host)
    call.attempts.append(attempt)
    return attempt


def _reader(dialect: Dialect, headers: Mapping[str, str]) -> Callable[[Ending], Report]:
    streams = headers.get("content-type", "").lower().startswith("text/event-stream")
    read = dialect.stream_report if streams else dialect.report
    return lambda ending: Report() if ending.text is None else read(ending.text)
