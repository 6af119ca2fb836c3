"""What makes two requests the same: the key under which an answer is kept."""

import json
from collections.abc import Sequence
from hashlib import sha256

from pydantic_core import from_json

from call import Call
from errors import UnknownAlias
from forwarding import forwarded_query, request_headers
from keys.keyring import stored
from providers import custom_of, lookup
from providers.base import Provider
from snapshot import Gateway

CANONICAL_LENGTH = 1_000_000
"""Characters of a JSON body up to which it is compared by its meaning."""
SHALLOW = 200
"""Brackets that may stand in each other without harm: what pydantic's parser allows."""

# Headers that no provider answers differently for.
_NEUTRAL = frozenset(
    {
        "accept-encoding",
        "cache-control",
        "content-type",
        "idempotency-key",
        "traceparent",
        "tracestate",
        "user-agent",
        "x-client-request-id",
        "x-request-id",
    }
)
_NEUTRAL_PREFIX = "x-stainless-"
_LOST = "\ufffd"
"""What a decoder writes in place of bytes that are no text."""


async def cache_key(call: Call) -> str | None:
    """Return the key of a call. None where its body is too long, or nobody can answer it.

    Raises ClientLeft.
    """
    if call.options.cache_key is not None:
        return custom_key(*_scope(call.gateway), call.options.cache_key, stream=call.ask.stream)
    provider = lookup(call.target.provider, call.gateway.customs)
    body = await _body(call)
    if provider is None or body is None:
        return None
    try:
        credential = _credential(call, provider)
    except UnknownAlias:
        return None
    target, custom = call.target, custom_of(call.target.provider, call.gateway.customs)
    purged = call.gateway.generations
    return _key(
        *_scope(call.gateway),
        target.provider,
        purged.get(target.provider, 0),
        custom and custom.version,
        target.path,
        forwarded_query(target.query),
        call.ask.model,
        credential,
        _headers(call, provider),
        body,
    )


def custom_key(internal_id: int, generation: int, name: str, *, stream: bool) -> str:
    """Return the key of what a caller named, in a generation of a gateway.

    A stream is kept apart: whoever asks for one could not read the other.
    """
    return _key(internal_id, generation, "custom", stream, name)


def _scope(gateway: Gateway) -> tuple[int, int]:
    return gateway.internal_id, gateway.generations.get("", 0)


def _key(*parts: object) -> str:
    return sha256(json.dumps(parts).encode()).hexdigest()


def _credential(call: Call, provider: Provider) -> Sequence[str | None]:
    """Return what the provider would know the caller by: the key sent, else those stored."""
    key = provider.key
    headers = request_headers(call.request.headers, key.headers, call.ask.stream)
    if key.given(headers, forwarded_query(call.target.query)):
        return [headers.get(name) for name in key.headers]
    # All of them, for they are used in turn.
    return [each.id for each in stored(call.gateway, call.target.provider, call.options.byok_alias)]


def _headers(call: Call, provider: Provider) -> list[tuple[str, str]]:
    """Return the headers for which a provider may answer differently."""
    chooser = (provider.chooser,) if provider.chooser else ()
    sent = request_headers(call.request.headers, provider.headers + chooser, call.ask.stream)
    return sorted(
        (name, value)
        for name, value in sent.items()
        if name not in _NEUTRAL and not name.startswith(_NEUTRAL_PREFIX)
    )


async def _body(call: Call) -> Sequence[str | None] | None:
    """Return a body as it is compared. None where it is too long to be held."""
    body = call.request.body
    if body is None:
        return [""]
    text, kind = call.ask.text, call.request.headers.get("content-type", "")
    comparable = text and len(text) <= CANONICAL_LENGTH and "json" in kind.lower()
    meaning = _meaning(text) if text and comparable else None
    if meaning is not None:
        return ["json", meaning]
    digest = await body.digest()
    # Of what is not called JSON the type tells how to read it.
    return digest and ["bytes", kind, digest]


def _meaning(text: str) -> str | None:
    """Return a JSON text without what does not matter: the order of keys, and white space.

    None for what is no JSON, and for what parsers understand differently.
    """
    try:
        if text.count("[") + text.count("{") > SHALLOW:
            # The other parser, which alone tells of names that stand twice, knows no limit in
            # WebAssembly but the end of the stack, and that is the end of the isolate.
            from_json(text)
        parsed = json.loads(text, object_pairs_hook=_unambiguous)
        if _LOST in text:
            return None
        # Not what JSON cannot say: every number that is too large would be the same Infinity.
        return json.dumps(parsed, allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return None


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a name that stands twice")
    return fields
