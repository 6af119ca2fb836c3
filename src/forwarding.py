"""Which headers cross the gateway, and in which direction."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from keys.tokens import PREFIX

# A request's headers that HTTP defines for the origin, and those that vendors' SDKs add alike.
# Everything else stays here: cookies, `cf-*`, `x-forwarded-*`, hop-by-hop headers, other tokens.
_REQUEST = frozenset(
    {
        "accept",
        "accept-language",
        "cache-control",
        "content-encoding",
        "content-language",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-modified-since",
        "if-none-match",
        "range",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-client-request-id",
        "x-request-id",
    }
)
_REQUEST_PREFIXES = ("x-stainless-",)

# A reply's headers that belong to the connection with the provider, or to its own site.
_REPLY_DROPPED = frozenset(
    {
        "alt-svc",
        "connection",
        "keep-alive",
        "nel",
        "proxy-authenticate",
        "proxy-connection",
        "report-to",
        "set-cookie",
        "strict-transport-security",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_REPLY_DROPPED_PREFIXES = ("cf-", "access-control-")
# What JSON is said to be, and by those who forget to say so: vendors read it all the same.
_JSON = re.compile(r"$|.*json|text/|application/x-www-form-urlencoded")
_RUN = "cf-ai-req-id"
"""What Workers AI calls a request: clients of its own tell it to their callers."""


def request_headers(
    headers: Mapping[str, str], allowed: tuple[str, ...], stream: bool, secret: str | None = None
) -> dict[str, str]:
    """Return what of a caller's headers the provider gets.

    `allowed` are the provider's own names, `*` at the end of one for all that begin so. No header
    goes that says `secret`, with or without a scheme. A stream is asked for uncompressed, so that
    each event leaves the provider as soon as it is there.
    """
    names, prefixes = _passing(allowed)
    kept = {
        name: value
        for name, value in headers.items()
        # A token of ours may stand where a provider's key is expected.
        if (name in names or name.startswith(prefixes)) and PREFIX not in value
    }
    if secret:
        kept = {name: value for name, value in kept.items() if value.rpartition(" ")[2] != secret}
    zipped = not stream and _accepts_gzip(headers.get("accept-encoding", ""))
    kept["accept-encoding"] = "gzip" if zipped else "identity"
    return kept


@cache
def _passing(allowed: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the names that pass, and what other names that pass begin with."""
    prefixes = tuple(name[:-1] for name in allowed if name.endswith("*"))
    return _REQUEST.union(allowed), _REQUEST_PREFIXES + prefixes


def forwarded_query(query: str) -> str:
    """Return a query without the tokens of ours that it may hold."""
    if PREFIX not in query:
        return query
    return "&".join(part for part in query.split("&") if PREFIX not in part)


@lru_cache(64)
def _accepts_gzip(accepted: str) -> bool:
    codings = [coding.replace(" ", "").lower() for coding in accepted.split(",")]
    # `gzip;q=0` says no (RFC 9110, section 12.5.3).
    return any(re.fullmatch(r"gzip(;q=(1|0\.0*[1-9]).*)?", coding) for coding in codings)


def says_json(headers: Mapping[str, str]) -> bool:
    """Return whether a body is JSON by its type, or may be, as it has none that says otherwise."""
    return _JSON.match(headers.get("content-type", "").lower()) is not None


def reply_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what of a provider's headers the caller gets."""
    kept = {
        name: value
        for name, value in headers.items()
        if name not in _REPLY_DROPPED and not name.startswith(_REPLY_DROPPED_PREFIXES)
    }
    if _RUN in headers:
        kept[_RUN] = headers[_RUN]
    return kept
